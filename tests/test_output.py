"""Commands that are interrupted or cannot print say so, without a traceback."""

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from autodata.store.journal import read_records
from tests.command_line import ROOT, TINY, Place, good, refused

INTERRUPTED = "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(9)\n"


@pytest.mark.parametrize("module", ["typer", "duckdb"])  # loaded by all commands; by sql
def test_ctrl_c_while_a_command_is_loading_ends_it_with_a_word(
    fresh: Place, tmp_path: Path, module: str
) -> None:
    (tmp_path / f"{module}.py").write_text(INTERRUPTED)
    done = subprocess.run(
        [sys.executable, "-m", "autodata", "sql", "from runs"],
        cwd=fresh.folder,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == "error: stopped by SIGINT\nfix: give the same command again\n"


def fails(place: Place, words: tuple[str, ...], output: int | None) -> str:
    """Return what a command says on stderr that fails for want of a stdout; None: it is closed."""
    command = (sys.executable, "-m", "autodata", *words)
    done = subprocess.run(
        f"exec {shlex.join(command)} {'>&-' if output is None else ''}",
        shell=True,
        cwd=place.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": ""},
        stdout=output,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    return done.stderr


@pytest.mark.parametrize("words", [("runs",), ("--help",), ("optimize", "--run=r", *TINY)])
@pytest.mark.parametrize("output", ["full", "closed"])
def test_a_command_that_cannot_print_says_so(
    fresh: Place, words: tuple[str, ...], output: str
) -> None:
    with Path("/dev/full").open("w") as full:
        said = fails(fresh, words, full.fileno() if output == "full" else None)
    why = "No space left on device" if output == "full" else "it is closed"
    assert said.splitlines() == [
        f"error: the output cannot be written: {why}",
        "fix: give the same command again with one that can, such as > FILE",
    ]
    assert good(fresh("runs")).out.startswith("there is no run yet")


def test_a_reader_that_has_read_enough_is_no_error(finished: Place) -> None:
    words = ("sql", "select request from calls", "--format=json")
    with finished.begun(*words, output=subprocess.PIPE, errors=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(1)
        process.stdout.close()
        with process.stderr as errors:
            assert errors.read() == b""
        assert process.wait() == 128 + signal.SIGPIPE


def test_a_run_whose_reader_is_gone_stops_in_order_and_goes_on(fresh: Place) -> None:
    words = ("optimize", "--run=long", "--iterations=30")
    with fresh.begun(*words, output=subprocess.PIPE, errors=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        while b"iteration 1:" not in process.stdout.readline():
            assert process.poll() is None
        process.stdout.close()
        with process.stderr as errors:
            said = errors.read().decode()
        assert process.wait() == 2
    assert said.splitlines()[-2].startswith("error: the output cannot be written: Broken pipe")
    ended = [r.body["ended"] for r in read_records(fresh.folder / "runs/long", {"session"})]
    assert ended == [None, "ReaderGone"]
    refused(fresh(*words, "--set=budget.calls=1"), "used up", "larger budget.calls", code=3)
    calls = "select count(*) as n from calls where run_id = 'long'"
    assert good(fresh("sql", calls, "--format=json")).json[0]["n"] > 1
