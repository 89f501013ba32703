"""Runs that are damaged, misplaced or begun otherwise: named with the fix, and nothing is lost."""

import os
import shutil
import subprocess
import tempfile

import pytest

from autodata.store import lock
from autodata.store.lines import read_entries
from tests.support.command_line import RACE, RUN, SMALL, TINY, Place, good, refused


@pytest.mark.parametrize(
    ("words", "problem", "fix"),
    [
        (("show", "frist"), "there is no run frist", f"did you mean {RUN}?"),
        (("show", RUN, "c33"), "no candidate 'c33'", "did you mean 'c3'?"),
        (("promote", RUN, "c33", "--force"), "no candidate 'c33'", "did you mean 'c3'?"),
        (("certify", RUN, "c33"), "no candidate 'c33'", "did you mean 'c3'?"),
        (("diff", f"{RUN}/c0", f"{RUN}/c33"), f"no candidate {RUN}/c33", "did you mean 'c3'?"),
        (("trace", RUN, "c3:"), "'c3:' names no episode", "CANDIDATE:DOCUMENT"),
        (("trace", RUN, "c3:zz"), "no episode c3:zz", "autodata trace"),
        (("evaluate", "lambada", "--run", RUN), f"run {RUN} is an optimization", "--run NAME"),
        (
            ("optimize", "--run", RUN, "--seed=4", "--iterations=3"),
            "other settings",
            f"--run {RUN}-2",
        ),
        (
            ("certify", RUN, "c1", "--set=protocol.max_rounds=2", *SMALL),
            "--set protocol.max_rounds: protocol.max_rounds is 2, was 4",
            "leave them out",
        ),
    ],
)
def test_a_command_about_a_run_it_does_not_fit(
    mine: Place, words: tuple[str, ...], problem: str, fix: str
) -> None:
    journal = mine.folder / "runs" / RUN / "journal"
    before = {path: path.read_bytes() for path in journal.iterdir()}
    refused(mine(*words), problem, fix)
    assert {path: path.read_bytes() for path in journal.iterdir()} == before


def test_the_seed_or_configuration_of_a_run_is_not_changed_in_its_middle(fresh: Place) -> None:
    assert fresh("optimize", "--run=a", *TINY).code == 0
    refused(
        fresh("optimize", "--run=a", "--seed=1", *TINY),
        "other settings: --seed 1, was 0",
        "--run a-2",
    )
    changed = ("--set=optimize.temperature=0.3", *TINY)
    refused(
        fresh("optimize", "--run=a", *changed),
        "optimize.temperature is 0.3, was 0.1",
        "--run a-2",
    )
    assert fresh("optimize", "--run=a", *TINY).code == 0


def test_an_evaluation_goes_on_by_the_rules_it_was_begun_with(fresh: Place) -> None:
    words = ("evaluate", "lambada", "--run=e", *TINY[:3])
    good(fresh(*words))
    changed = fresh(*words, "--set=protocol.max_rounds=2")
    refused(changed, "protocol.max_rounds is 2, was 4", "--run e-2")
    manifest = fresh.folder / "harnesses/lambada/harness.yaml"
    manifest.write_text(manifest.read_text().replace("high: 4, value: 1", "high: 4, value: 2"))
    refused(fresh(*words), "baseline_tree is", "--run e-2")


def test_an_evaluation_is_neither_optimized_nor_replayed(fresh: Place) -> None:
    good(fresh("evaluate", "lambada", "--most=1", "--run=e"))
    refused(fresh("optimize", "--run=e", *TINY), "run e is an evaluation", "--run NAME")
    refused(fresh("replay", "e"), "it only measured a harness", "name an optimization")


def test_a_damaged_journal_line_is_named_and_nothing_is_dropped(mine: Place) -> None:
    (journal,) = (mine.folder / "runs" / RUN / "journal").glob("*.jsonl")
    lines = journal.read_bytes().splitlines(keepends=True)
    lines[4] = lines[4].replace(b'"', b"'", 1)
    journal.write_bytes(b"".join(lines))
    offset = sum(map(len, lines[:4]))
    for words in (("optimize", "--run", RUN, "--seed=19"), ("promote", RUN, "--force")):
        done = mine(*words)
        refused(done, f"{journal} is damaged at byte {offset} (line 5)", "restore the file")
    assert journal.read_bytes() == b"".join(lines)
    assert RUN in mine("runs").out
    done = mine("evaluate", "lambada", "--most=1")
    assert done.code == 0


def test_a_run_whose_first_record_was_damaged_goes_on_after_the_fix(mine: Place) -> None:
    (journal,) = (mine.folder / "runs" / RUN / "journal").glob("*.jsonl")
    begun = next(r.body for r in read_entries(mine.folder / "runs" / RUN, {"run"}))
    whole = journal.read_bytes()
    journal.write_bytes(whole.replace(b'{"kind":"run"', b"{'kind':'run'", 1))
    mine.git("commit", "-q", "--allow-empty", "-m", "More")
    commits = mine.git("for-each-ref", f"refs/autodata/{RUN}")
    words = ("optimize", "--run", RUN, "--seed=19", "--iterations=3", RACE, *SMALL)
    advice = mine(*words).err.splitlines()[-1]
    subprocess.run(advice[advice.index("sed -i") :], shell=True, check=True)
    good(mine(*words))
    assert mine.git("for-each-ref", f"refs/autodata/{RUN}") == commits
    again = next(r.body for r in read_entries(mine.folder / "runs" / RUN, {"run"}))
    assert again == begun
    good(mine("replay", RUN))


def test_a_run_in_a_folder_of_another_name_is_refused_whatever_is_asked(mine: Place) -> None:
    runs = mine.folder / "runs"
    (runs / RUN).rename(runs / "other")
    before = mine.files()
    for words in (
        ("show", "other"),
        ("sql", "from calls"),
        ("trace", "other", "c0:a"),
        ("optimize", "--run=other", "--seed=19", "--iterations=3", *SMALL),
        ("evaluate", "lambada", "--run=other"),
        ("certify", "other", "c1", *SMALL),
        ("promote", "other", "--force"),
        ("replay", "other"),
    ):
        refused(mine(*words), f"other holds run {RUN}", f"mv {runs / 'other'} {runs / RUN}")
    assert mine.files() == before
    shutil.copytree(runs / "other", runs / RUN)
    refused(mine("sql", "from calls"), f"other holds run {RUN}", f"move the copy out of {runs}")
    assert mine("show", RUN).code == 0


@pytest.mark.parametrize("segment", ["000001.jsonl", "000002.jsonl"])
def test_a_segment_that_cannot_be_read_is_named_and_hides_no_other_run(
    mine: Place, segment: str
) -> None:
    good(mine("evaluate", "lambada", "--most=1", "--run=bad"))
    place = mine.folder / "runs/bad/journal" / segment
    place.unlink(missing_ok=True)
    place.mkdir()  # as good as a file of somebody else's, and root cannot read it either
    states = {run["run_id"]: run["state"] for run in good(mine("runs", "--json")).json}
    assert states == {RUN: "finished", "bad": "unreadable"}
    assert "bad" in good(mine("runs")).out
    good(mine("status"))
    good(mine("show", RUN))
    good(mine("replay", RUN))
    for words in (
        ("show", "bad"),
        ("trace", "bad", "c0:a"),
        ("sql", "from runs"),
        ("replay", "bad"),
    ):
        refused(mine(*words), f"{place} cannot be read: Is a directory", "check its owner")
    for change in (("promote", "bad"), ("evaluate", "lambada", "--most=1", "--run=bad")):
        refused(mine(*change), ": Is a directory", "")


def test_a_run_of_another_user_is_not_stopped(mine: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(pid: int, number: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "kill", forbidden)
    held = lock.acquire(mine.folder / "runs" / RUN)
    refused(mine("stop", RUN), f"process {os.getpid()} is another user's", "sudo")
    lock.release(held)


@pytest.mark.parametrize("where", ["old", None], ids=["moved", "deleted"])
def test_the_name_of_a_search_whose_commits_are_kept_is_not_used_again(
    mine: Place, where: str | None
) -> None:
    runs = mine.folder / "runs"
    shutil.rmtree(runs / RUN) if where is None else (runs / RUN).rename(mine.folder / where)
    before, commits = mine.files(), mine.git("for-each-ref", f"refs/autodata/{RUN}")
    words = ("optimize", "--run", RUN, "--seed=7", *TINY)
    for _ in range(2):
        done = mine(*words)
        refused(done, f"git keeps candidates of an earlier run {RUN}", "another name: --run NAME")
        assert f"back to {runs / RUN}" in done.err
    assert mine.git("for-each-ref", f"refs/autodata/{RUN}") == commits
    assert mine.files() == before
    forget = done.err.splitlines()[-1].split("forget them: ")[1]
    good(mine(*forget.split()[1:], "--yes"))
    assert mine.git("for-each-ref", f"refs/autodata/{RUN}") == ""
    refused(mine(*words), "whose tests go on counting", "another name: --run NAME")
    good(mine("optimize", "--run=another", *TINY))


def test_a_run_that_was_killed_before_its_first_record_goes_on(fresh: Place) -> None:
    (fresh.folder / "runs/r/journal").mkdir(parents=True)
    fresh.write("runs/r/journal/000001.jsonl", "")
    fresh.git("update-ref", "refs/autodata/r/c0", "HEAD")
    good(fresh("optimize", "--run=r", *TINY))


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("show", RUN), "temporary files cannot be written"),
        (("sql", "from calls"), "temporary files cannot be written"),
        (("replay", RUN), "temporary files cannot be written"),
        (("diff", f"{RUN}/c0", f"{RUN}/c1"), "cannot be given its input"),
    ],
)
def test_without_room_for_temporary_files(
    mine: Place, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], problem: str
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(mine.folder / "autodata.yaml"))
    refused(mine(*words), problem, "make room in /tmp, or set TMPDIR")
