"""What a merging search believes of its edits: in reports, in SQL, and marked as a belief."""

from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Group

from autodata.api.project import Project
from autodata.api.run import Run
from autodata.errors import StoreError
from autodata.report.edits import MOST_REJECTED, edits_view
from autodata.report.html import drawn, text
from autodata.store.facts import read_facts
from autodata.store.records import BeliefsRecord, IterationRecord
from autodata.types import Json
from tests.support.command_line import RUN, TINY, Place, good
from tests.support.journals import merging_run, write


@pytest.fixture
def run(tmp_path: Path) -> Run:
    write(tmp_path / "runs" / "r", merging_run())
    return Run("r", Project(tmp_path))


def row(shown: str, name: str) -> list[str]:
    """Return the words of the line that begins with a name."""
    return next(line.split() for line in shown.splitlines() if line.split()[:1] == [name])


def test_a_run_shows_each_edit_with_what_is_believed_of_it(run: Run) -> None:
    shown = repr(run.show())
    assert "3 edits (1 admitted, 1 undecided, 1 rejected)  2 looks  40 episodes" in shown
    believed = [
        "c3",
        "undecided",
        "+.06",
        "[+.01,",
        "+.11]",
        ".80",
        "60",
        "-200",
        "Name",
        "the",
        "trap",
    ]
    assert row(shown, "e2") == ["e2", *believed]
    assert row(shown, "e1")[:6] == ["e1", "c3", "admitted", "+.03", "[-.02,", "+.08]"]
    assert row(shown, "e3")[:3] == ["e3", "rejected", "-.10"]
    places = [shown.index(f"\n{name} ") for name in ("e2", "e1", "e3")]
    assert places == sorted(places)


def test_a_belief_is_marked_as_none_of_a_test(run: Run) -> None:
    for report in (run.show(), run.show("e2"), run.show("c3")):
        shown = repr(report)
        assert "effect [95 % belief]" in shown
        assert "no test, as it chose by the same episodes" in shown
        assert "only the certificate and `autodata ablate` are tests" in shown
        assert "belief" in drawn(report.draw(120))


def test_the_sets_of_a_search_are_told_by_their_edits_and_not_all_of_them(run: Run) -> None:
    data = run.show().data
    assert [line["edits"] for line in data["candidates"]] == [[], [1, 3], [2, 3], [1, 2]]
    assert [line["decision"] for line in data["candidates"]] == [
        "baseline",
        *["merged"] * 3,
    ]
    shown = repr(run.show())
    assert "and 2 more sets of edits: --json has all" in shown
    assert row(shown, "*")[:4] == ["*", "c3", "merged", ".50"]
    assert row(shown, "*")[-2:] == ["e1", "e2"]


def test_sets_that_were_measured_a_few_times_are_on_no_front(tmp_path: Path) -> None:
    write(tmp_path / "runs" / "r", merging_run())
    data = Run("r", Project(tmp_path)).show().data
    front = {line["candidate_id"]: line["front"] for line in data["candidates"]}
    assert front == {"c0": False, "c1": False, "c2": False, "c3": True}


def test_an_edit_is_shown_with_its_patch_and_how_belief_went(run: Run) -> None:
    report = run.show("e1")
    shown = repr(report)
    assert "made by text on c0 after 0 looks, entered the pool at look 1" in shown
    assert "admitted: good at .97" in shown
    assert "analysis: too long" in shown
    assert "+rule 1" in shown
    assert [line["effect"] for line in report.data["beliefs"]] == [0.02, 0.031]
    assert report.data["edit"]["entered"] == 1


def test_a_candidate_shows_its_own_edits_alone(run: Run) -> None:
    assert [edit["edit"] for edit in run.show("c3").data["edits"]] == [1, 2]
    assert run.show("c0").data["edits"] == []


def test_an_edit_that_was_refused_or_is_not_there_is_told(run: Run) -> None:
    with pytest.raises(StoreError, match="no edit e4: it was refused: this harness was tried"):
        run.show("e4")
    with pytest.raises(StoreError, match="run r has no edit e77\n"):
        run.show("e77")


def test_a_screen_has_room_for_the_change_and_not_for_all_rejected_ones() -> None:
    edit: Json = {
        "edit": 1,
        "message": "Say less",
        "decision": "rejected",
        "effect": None,
        "low": None,
        "high": None,
        "good": None,
        "tokens": None,
        "episodes": None,
        "in": [],
    }
    edits = [{**edit, "edit": n} for n in range(1, MOST_REJECTED + 4)]
    shown = text(Group(*edits_view(edits, 80)))
    assert "and 3 more that were rejected: --json has all" in shown
    assert "tokens/acc  " not in shown.splitlines()[0]
    assert "From 100 columns on: n, tokens/acc." in " ".join(shown.split())


def test_edits_are_rows_for_python_too(run: Run) -> None:
    told = [(row["edit"], row["decision"], row["good"]) for row in run.edits().rows()]
    assert [line[:2] for line in told] == [(1, "admitted"), (2, "undecided"), (3, "rejected")]
    assert told[1][2] == pytest.approx(0.8)


def test_the_bets_of_the_implementer_are_scored_against_what_was_believed(tmp_path: Path) -> None:
    audit = {"predictions": 1, "brier": 0.1, "brier_base": 0.25}
    write(
        tmp_path / "runs" / "r",
        [
            (key, replace(record, audit=audit) if isinstance(record, IterationRecord) else record)
            for key, record in merging_run()
        ],
    )
    shown = repr(Run("r", Project(tmp_path)).show())
    assert "implementer: Brier score 0.100 of 3 bets that an edit is good, against what" in shown


def test_the_list_of_runs_counts_the_edits_that_were_made(tmp_path: Path) -> None:
    records = [fact for fact in merging_run() if not isinstance(fact[1], IterationRecord)]
    write(tmp_path / "runs" / "r", records)
    head, line = good(Place(tmp_path)("runs")).out.splitlines()
    place = head.index("iterations")
    assert line[place : place + len("iterations")].strip() == "3"


def test_what_a_real_search_shows_is_what_it_journaled(fresh: Place) -> None:
    good(fresh("optimize", "--run", RUN, *TINY[:4], "--seed=5", "--iterations=6"))
    report = good(fresh("show", RUN, "--json")).json
    facts = list(read_facts(fresh.folder / "runs" / RUN, BeliefsRecord, IterationRecord))
    believed = {
        belief.edit: belief
        for fact in facts
        if isinstance(fact.record, BeliefsRecord)
        for belief in fact.record.edits
    }
    decided = {
        fact.record.iteration: fact.record.decision
        for fact in facts
        if isinstance(fact.record, IterationRecord)
    }
    assert len(report["edits"]) == 6
    assert believed
    for edit in report["edits"]:
        last = believed.get(edit["edit"])
        assert edit["effect"] == (last.effect if last else None)
        assert edit["decision"] == decided.get(edit["edit"], "undecided")
        assert edit["entered"] is not None
    names = {edit["edit"] for edit in report["edits"]}
    sets = [line["edits"] for line in report["candidates"]]
    assert sets[0] == []
    assert all(set(edits) <= names for edits in sets)
    tested = {row["candidate_id"] for row in report["certificates"]}
    inside = {name for edit in report["edits"] for name in edit["in"]}
    assert inside <= tested
    assert "looks" in good(fresh("show", RUN)).out
    assert good(fresh("show", RUN, "e1")).out.count("--- a/harness.yaml") == 1
    assert fresh("diff", f"{RUN}/c0", f"{RUN}/e1").out.startswith("--- a/harness.yaml")
