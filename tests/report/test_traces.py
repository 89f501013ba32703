"""Episodes are listed, and one tells everything that happened in it."""

from pathlib import Path

import pytest

from autodata.api.project import Project
from autodata.api.run import Run
from tests.support.command_line import NOTICE, RUN, Place, edit_texts, good, refused
from tests.support.journals import merging_run, write


@pytest.fixture(scope="module")
def researched(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A project whose run `r` measured a harness that asks all roles."""
    from tests.support.command_line import new_place

    place = new_place(tmp_path_factory.mktemp("researched") / "project")
    edit_texts(place)
    good(place("evaluate", "cs-research", "--most=3", "--run=r"))
    return place


def test_trace_shows_rounds_and_attempts_of_an_episode(finished: Place) -> None:
    query = "select document_id from attempts where candidate_id = 'c3' and split = 'validation'"
    document = good(finished("sql", query, "--format=csv")).out.splitlines()[1]
    done = good(finished("trace", RUN, f"c3:{document[:8]}"))
    assert NOTICE in done.out
    assert f"c3:{document}:" in done.out
    assert "question  " in done.out
    assert good(finished("trace", f"c3:{document[:8]}")).out == done.out
    episodes = good(finished("trace", RUN, f"c3:{document}", "--json")).json
    assert {episode["document_id"] for episode in episodes} == {document}
    assert all(episode["simulated"] for episode in episodes)
    assert episodes[0]["rounds"][0]["attempts"][0]["role"] in ("weak", "strong")


def test_trace_tells_which_edits_the_harness_of_an_episode_had(tmp_path: Path) -> None:
    write(tmp_path / "runs" / "r", merging_run())
    run = Run("r", Project(tmp_path))
    report = run.trace("c3:doc")
    assert all(episode["edits"] == [1, 2] for episode in report.data)
    assert "harness with e1 e2" in repr(report)
    assert "harness with" not in repr(run.trace("c0:doc"))


def test_trace_without_an_episode_lists_those_of_a_run_candidate_or_status(finished: Place) -> None:
    everything = good(finished("trace", RUN, "--json")).json
    assert len(everything) > 50
    shown = good(finished("trace")).out
    assert f"the last 50 of {len(everything)}; fewer: a candidate" in shown
    assert shown.count("\nc") == 50
    of_c3 = good(finished("trace", "c3", "--json")).json
    assert {line["candidate_id"] for line in of_c3} == {"c3"}
    accepted = good(finished("trace", RUN, "c3", "--status=accepted", "--json")).json
    assert accepted == [line for line in of_c3 if line["status"] == "accepted"]
    next_step = good(finished("trace", "c3")).out.splitlines()[-1]
    assert good(finished(*next_step.split("autodata ")[1].split())).out.startswith(NOTICE)
    refused(finished("trace", RUN, "c77"), f"run {RUN} has no episode of c77", "autodata trace")
    refused(finished("trace", "--status=voyd"), "--status voyd: there is no such status", "void?")


def test_trace_tells_rubric_verdicts_criteria_feedback_and_tokens(researched: Place) -> None:
    place = next(
        f"{line['candidate_id']}:{line['document_id']}:{line['repeat']}"
        for line in good(researched("trace", "--json")).json
        if line["rounds"] > 1
    )
    (episode,) = good(researched("trace", place, "--json")).json
    done = good(researched("trace", place)).out
    told = " ".join(done.split())
    first = next(past for past in episode["rounds"] if past["attempts"])
    for number, line in enumerate(first["rubric"]):
        met = [f"{a['role']} {a['sample']}" for a in first["attempts"] if a["satisfied"][number]]
        by = f"[met by {', '.join(met) or 'none'}]"
        assert f"{line['weight']:+d} {line['criterion']} ({line['category']}) {by}" in told
    check = first["verifications"][0]
    assert not check["frozen"]
    assert "verifier passed (the harness's prompt): " in told
    assert f"context_leak no, question good, {check['feedback']}"[:30] in told
    asked = [call for call in episode["calls_by_role"] if call["role"] == "judge"]
    (judge,) = asked
    assert f"judge {judge['calls']} calls, {judge['prompt_tokens']:,} +" in told
    assert sum(call["calls"] for call in episode["calls_by_role"]) == episode["calls"]
    assert first["told"] is not None
    assert f"feedback {' '.join(first['told'].split())}" in told
    assert "Too easy" in first["told"] or "Failed on the strong" in first["told"]
