"""`rm` and `gc`: what goes, what stays, and what is asked before."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from autodata.report.views import shown_bytes
from autodata.store import lock
from tests.support.command_line import ROOT, RUN, TINY, Place, copied, good, refused


def ledger(place: Place) -> bytes:
    return (place.folder / "runs" / "test-ledger.jsonl").read_bytes()


def refs(place: Place) -> str:
    return place.git("for-each-ref", f"refs/autodata/{RUN}/")


@pytest.fixture
def used(finished: Place, tmp_path: Path) -> Place:
    return copied(finished.folder, tmp_path / "used")


def test_a_removed_run_is_gone_from_disk_and_git_and_its_tests_stay_counted(used: Place) -> None:
    before = ledger(used)
    assert refs(used)
    done = good(used("rm", RUN, "--yes", "--certified"))
    assert f"run {RUN}: " in done.out
    assert not (used.folder / "runs" / RUN).exists()
    assert (refs(used), ledger(used)) == ("", before)
    assert good(used("runs", "--json")).json == []
    refused(used("rm", RUN, "--yes"), f"no run {RUN}", "autodata runs")
    refused(used("optimize", f"--run={RUN}", *TINY), "tests go on counting", "--run NAME")


def test_a_certified_run_is_not_removed_by_yes_alone(used: Place) -> None:
    before = used.files()
    refused(used("rm", RUN, "--yes"), "by --yes alone", "--yes --certified")
    assert used.files() == before


@pytest.mark.parametrize(
    ("answers", "gone"),
    [("n\n", False), ("y\n", False), ("y\nsecond\n", False), (f"y\n{RUN}\n", True)],
)
def test_a_certified_run_is_asked_for_twice(used: Place, answers: str, gone: bool) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "autodata", "rm", RUN],
        cwd=used.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        input=answers,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == (0 if gone else 2), done.stderr
    assert (used.folder / "runs" / RUN).exists() != gone
    assert bool(refs(used)) != gone


def test_a_run_that_is_going_on_is_not_removed(used: Place) -> None:
    held = lock.acquire(used.folder / "runs" / RUN)
    done = used("rm", RUN, "--yes", "--certified")
    lock.release(held)
    refused(done, "is going on", f"autodata stop {RUN}")
    assert refs(used)


KILLED = """
import os, signal, sys
from pathlib import Path
from autodata.jobs import remove
from autodata.store import space
def killed(*_): os.kill(os.getpid(), signal.SIGKILL)
place = {"refs": remove, "files": space, "some": space}[sys.argv[1]]
name = {"refs": "_forget", "files": "clear", "some": "remove"}[sys.argv[1]]
made = space.remove
def once(path):
    made(path)
    if path.name == space.REMOVED and path.parent.name == "first" and once.seen: killed()
    once.seen = True
once.seen = False
setattr(place, name, once if name == "remove" else killed)
remove.carry_out(Path.cwd(), remove.foresee(Path.cwd(), "first"))
"""


@pytest.mark.parametrize("when", ["refs", "files", "some"])
def test_a_removal_that_was_killed_is_finished_by_the_same_again(used: Place, when: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED, when],
        cwd=used.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.returncode == -9
    assert good(used("runs", "--json")).json == []
    good(used("sql", "from runs"))
    if when == "refs":
        again = used("optimize", f"--run={RUN}", *TINY)
        refused(again, "git keeps candidates", f"autodata rm {RUN}")
    good(used("rm", RUN, "--yes"))
    assert not (used.folder / "runs" / RUN).exists()
    assert refs(used) == ""


def test_candidates_of_a_run_whose_folder_is_gone_are_forgotten(used: Place) -> None:
    shutil.rmtree(used.folder / "runs" / RUN)
    good(used("rm", RUN, "--yes"))
    assert refs(used) == ""


def test_a_promoted_version_outlives_its_run(used: Place) -> None:
    good(used("promote", RUN, "--force"))
    said = used("rm", RUN, "--yes")
    refused(said, "certified and promoted", "--certified")
    good(used("rm", RUN, "--yes", "--certified"))
    used.git("gc", "-q", "--prune=now")
    tag = used.git("tag", "--list", "harness/*").split()[-1]
    assert used.git("show", f"{tag}:harnesses/lambada/harness.yaml")
    assert tag.split("/")[-1] in good(used("versions")).out


def test_what_is_left_over_is_listed_with_its_size_and_goes_when_it_is_told_to(used: Place) -> None:
    good(used("sql", "from runs"))
    runs = used.folder / "runs"
    old = time.time() - 30 * 24 * 3600
    [tables] = (runs / RUN / "tables").iterdir()
    left = {
        runs / RUN / "tables" / "00000000" / "x.parquet": 1000,
        tables / "making-1" / "calls.jsonl": 2000,
        tables / "000001-1-00000000" / "x.parquet": 3000,
        runs / "serve" / "old" / "m.log": 4000,
        runs / "halfway" / "removed" / "000001.jsonl": 5000,
    }
    for path, size in left.items():
        path.parent.mkdir(parents=True)
        path.write_bytes(bytes(size))
        for changed in (path, path.parent):
            os.utime(changed, (old, old))
    young = runs / "serve" / "young" / "m.log"
    young.parent.mkdir()
    young.write_text("ready")
    before = used.files()
    found = good(used("gc", "--dry-run", "--json")).json
    assert sorted(item["bytes"] for item in found) == sorted(left.values())
    assert "15 kB  in 5 places" in good(used("gc", "--dry-run")).out
    assert used.files() == before
    assert good(used("gc", "--yes")).out.endswith("removed 15 kB\n")
    assert not any(path.exists() for path in left)
    assert young.exists()
    assert {**used.files(), **before} == before
    assert good(used("gc", "--dry-run")).out == "nothing is left over\n"


def test_runs_tell_their_sizes(used: Place) -> None:
    folder = used.folder / "runs" / RUN
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert good(used("runs", "--json")).json[0]["bytes"] == size
    assert shown_bytes(size) in good(used("runs")).out
