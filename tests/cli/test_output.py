"""Commands that are interrupted or cannot print say so, without a traceback."""

import csv
import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from autodata.store.lines import read_entries
from tests.support.command_line import RACE, ROOT, TINY, Place, good, refused

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


MEASURED = """
import pathlib, re, resource, sys; from autodata.cli import main
try:
    main(sys.argv[1:])
finally:
    status = pathlib.Path("/proc/self/status")  # ru_maxrss of a child is at least its parent's
    if status.exists():
        print(re.search(r"VmHWM:\\s+(\\d+)", status.read_text())[1], file=sys.stderr)
    else:
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
"""


@pytest.mark.thorough
@pytest.mark.parametrize("format", ["csv", "json"])
def test_a_million_rows_are_all_printed_and_take_no_more_memory_than_a_tenth(
    fresh: Place, format: str
) -> None:
    memory = []
    for count in (100_000, 1_000_000):
        query = f"select range n, repeat('x', 100) || range as t from range({count})"
        printed = fresh.folder / "printed"
        with printed.open("w") as file:
            done = subprocess.run(
                [sys.executable, "-c", MEASURED, "sql", query, f"--format={format}"],
                cwd=fresh.folder,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdout=file,
                stderr=subprocess.PIPE,
                check=True,
            )
        memory.append(int(done.stderr))
        with printed.open() as file:
            rows = json.load(file) if format == "json" else list(csv.DictReader(file))
        assert [int(row["n"]) for row in rows] == list(range(count))
        assert rows[-1]["t"] == "x" * 100 + str(count - 1)
    assert memory[1] < 1.2 * memory[0]


def test_a_table_has_a_limit_and_says_so_and_all_formats_take_one(fresh: Place) -> None:
    query = "from range(10001)"
    shown = good(fresh("sql", query)).out.splitlines()
    assert len(shown) == 10_003
    assert shown[-1] == "(10000 rows, and there are more: see --limit, or --format csv)"
    assert good(fresh("sql", query, "--limit=10001")).out.splitlines()[-1] == "(10001 rows)"
    assert good(fresh("sql", query, "--limit=1", "--format=csv")).out == "range\n0\n"
    assert good(fresh("sql", query, "--limit=1", "--format=json")).json == [{"range": 0}]


@pytest.mark.parametrize("format", ["csv", "json"])
def test_an_error_among_the_rows_ends_them_and_says_after_how_many(
    fresh: Place, format: str
) -> None:
    query = "select (case range when 900000 then 'odd' else '1' end)::int n from range(1000000)"
    done = fresh("sql", query, f"--format={format}")
    rows = max(0, len(done.out.splitlines()) - 1)  # the first line is no row
    place = f"after {rows} rows: " if rows else ""  # DuckDB works ahead of what it has given
    refused(done, f"error: {place}Conversion Error: Could not convert string 'odd'", "")
    assert rows <= 900_000


@pytest.mark.parametrize("format", ["table", "csv"])
def test_ctrl_c_ends_a_query_that_takes_long(fresh: Place, format: str) -> None:
    endless = "select sum(a.range + b.range) from range(100000000) a, range(100000000) b"
    program = (
        "import os, signal, sys, threading\n"
        "import autodata.cli.app, autodata.store.tables as tables\n"
        "query = tables.stream\n"
        "def begun(connection, sql, *words):\n"
        "    if 'sum' in sql:\n"
        "        threading.Timer(0.5, os.kill, [os.getpid(), signal.SIGINT]).start()\n"
        "    return query(connection, sql, *words)\n"
        "tables.stream = begun\n"
        "autodata.cli.main(sys.argv[1:])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "sql", endless, f"--format={format}"],
        cwd=fresh.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == "error: stopped by SIGINT\nfix: give the same command again\n"


def test_a_run_whose_reader_is_gone_stops_in_order_and_goes_on(fresh: Place) -> None:
    words = ("optimize", "--run=long", "--iterations=30", RACE)
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
    ended = [r.body.get("ended") for r in read_entries(fresh.folder / "runs/long", {"session"})]
    assert ended == [None, "ReaderGone"]
    resumed = fresh(*words, "--set=budget.calls=1")  # no call more: it closes with what there is
    assert resumed.code == 3
    assert "budget.calls = 1 is used up" in resumed.out
    calls = "select count(*) as n from calls where run_id = 'long'"
    assert good(fresh("sql", calls, "--format=json")).json[0]["n"] > 1
