"""Which run a command is about when none was named, and what a shell completes."""

from pathlib import Path

import pytest

from tests.support.command_line import RUN, TINY, Place, copied, good, long_ago, refused


@pytest.fixture(scope="module")
def several(finished: Place, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A project with a search and, later, a measurement."""
    place = copied(finished.folder, tmp_path_factory.mktemp("several") / "project")
    long_ago(place, RUN, 100)
    good(place("evaluate", "lambada", "--most=4", "--run=measured"))
    return place


def test_looking_is_at_the_last_run_and_deciding_about_the_last_search(several: Place) -> None:
    shown = good(several("show"))
    assert shown.err == "run measured, the last one\n"
    assert shown.out == good(several("show", "measured")).out
    replayed = good(several("replay"))
    assert replayed.err == f"run {RUN}, the last optimization\n"
    promoted = several("promote")
    assert promoted.err.startswith(f"run {RUN}, the last optimization\n")
    refused(promoted, "simulated models were used", "--force")
    refused(
        several("certify"), f"which candidate of run {RUN}", f"autodata certify {RUN} CANDIDATE"
    )


def test_a_candidate_alone_is_one_of_the_last_search(several: Place) -> None:
    alone = good(several("show", "c3"))
    assert alone.err == f"run {RUN}, the last optimization\n"
    assert (
        alone.out == good(several("show", RUN, "c3")).out == good(several("show", "last", "c3")).out
    )
    listed = good(several("trace", "c3"))
    assert listed.out == good(several("trace", RUN, "c3")).out
    refused(several("promote", "c33", "--force"), f"run {RUN} has no candidate 'c33'", "c3")


def test_a_run_named_like_a_candidate_is_that_run(fresh: Place) -> None:
    good(fresh("optimize", "--run=c1", *TINY))
    assert "run c1  finished" in good(fresh("show", "c1")).out
    assert good(fresh("show", "c1")).err == ""
    assert "commit " in good(fresh("show", "c1", "c0")).out


def test_without_a_run_there_is_none_to_choose(fresh: Place) -> None:
    refused(fresh("show"), "there is no run yet", "autodata optimize")
    refused(fresh("promote"), "there is no optimization yet", "autodata optimize")
    assert good(fresh("stop")).out == "no run is going on\n"
    good(fresh("evaluate", "lambada", "--most=2"))
    refused(fresh("promote"), "there is no optimization yet", "autodata optimize")


def test_stop_takes_the_one_run_that_goes_on_and_asks_among_several(fresh: Place) -> None:
    words = ("optimize", "--iterations=500")
    with fresh.begun(*words, "--run=a") as a, fresh.begun(*words, "--run=b") as b:
        while sum(s["counts"].get("run", 0) for s in fresh("status", "--json").json) < 2:
            assert (a.poll(), b.poll()) == (None, None)
        refused(fresh("stop"), "2 runs are going on: ", "name one: autodata stop ")
        good(fresh("stop", "a"))
        assert good(fresh("stop")).out.startswith("b has stopped")
        assert (a.wait(), b.wait()) == (130, 130)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("autodata sh", ["show"]),
        ("autodata show ", ["measured", RUN, "last"]),
        ("autodata show f", [RUN]),
        ("autodata certify c", ["c0", "c1", "c2", "c3"]),
        (f"autodata promote {RUN} c", ["c0", "c1", "c2", "c3"]),
        ("autodata evaluate la", ["lambada"]),
        (f"autodata evaluate {RUN}/c3", [f"{RUN}/c3"]),
        ("autodata evaluate x --split ", ["validation", "train"]),
        ("autodata versions la", ["lambada"]),
        ("autodata optimize --models sim", ["simulated"]),
        ("autodata init op", ["openai"]),
        ("autodata -C / show ", []),
        ("autodata certify nope c", []),
    ],
)
def test_a_shell_completes_commands_runs_candidates_and_harnesses(
    several: Place, monkeypatch: pytest.MonkeyPatch, line: str, expected: list[str]
) -> None:
    monkeypatch.setenv("_AUTODATA_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(line.split(" ")) - 1))
    assert good(several()).out.split() == expected


def test_completion_can_be_shown_for_a_shell_and_reads_another_project(
    several: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = f"autodata -C {several.folder} trace m"
    monkeypatch.setenv("_AUTODATA_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", "4")
    assert good(Place(tmp_path)()).out == "measured\n"
    monkeypatch.setenv("_AUTODATA_COMPLETE", "source_bash")
    assert "complete -o default -F _autodata_completion autodata" in good(Place(tmp_path)()).out
