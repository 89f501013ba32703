"""Reasons in words: all of a training document's, counts alone of validation documents."""

from dataclasses import replace

from autodata.search.base import Iteration, Proposal
from autodata.search.proposers.reasons import before_and_after, counts_of, effect_of, line_of
from autodata.store.episodes import EpisodeRecord
from autodata.types import Cell, Json, Outcome, Split
from tests.support.journals import episode

EASY, SECRET = "weak correct too often", "workflow failed: the moon is cheese"


def round_of(*reasons: str, index: int = 0) -> Json:
    attempts = [{"role": "weak", "score": 1.0}, {"role": "weak", "score": 0.0}]
    return {"index": index, "verdict": {"reasons": [*reasons]}, "attempts": attempts}


def record(split: Split, *rounds: Json, candidate: str = "c0", repeat: int = 0) -> EpisodeRecord:
    _, made = episode("d", split, "accepted" if not rounds else "rejected", repeat)
    return replace(made, candidate_id=candidate, rounds=rounds)


def test_the_reasons_of_all_rounds_stand_in_one_line() -> None:
    rounds = [round_of(EASY), round_of("the sentence is too short", index=1)]
    told = line_of({"document_id": "d", "status": "rejected", "reason": "", "rounds": rounds})
    assert told == (
        f'- d: rejected; examples: 1: "{EASY}" [weak 1 0]; '
        '2: "the sentence is too short" [weak 1 0]'
    )
    assert line_of({"document_id": "d", "status": "rejected", "reason": ""}).endswith("no example")


def test_reasons_are_counted_by_split_and_only_the_hosts_own_are_named() -> None:
    found = counts_of(
        [
            record("train", round_of(EASY), round_of(EASY)),
            record("validation", round_of(SECRET, "the sentence is too short")),
            record("validation", round_of("not confirmed: fresh gap too small"), candidate="c1"),
        ],
        {"the sentence is too short": ""},
    )
    train, validation = found.splitlines()
    assert validation.startswith("validation, all candidates: 0 of 2 accepted; ")
    assert train == f"train, c0: 0 of 1 accepted; {EASY} 2"
    assert "cheese" not in validation
    assert "another reason 1, the sentence is too short 1, not confirmed 1" in validation


def test_null_and_void_episodes_are_not_counted() -> None:
    void = replace(record("train"), status="void")
    assert counts_of([void, record("validation", repeat=-1)], {}) == "nothing yet"


def outcome(document: str, accepted: bool) -> Outcome:
    return Outcome(Cell(document, "validation", 1), accepted)


def test_documents_are_told_before_and_after_an_edit() -> None:
    before = [outcome("a", False), outcome("a", True), outcome("b", True), outcome("x", True)]
    after = [outcome("a", True), outcome("b", True), outcome("y", True)]
    assert before_and_after(before, after) == (
        "By document, accepted of tried without -> with it: a 1/2 -> 1/1; the same on 1."
    )
    assert before_and_after(before, []) == ""


def test_an_edit_that_was_merged_is_told_by_sets_with_it_and_without() -> None:
    past = Iteration(3, "c0", Proposal("llm", None), "undecided", "")
    episodes = [
        replace(record("validation", round_of(EASY), candidate="c1"), document_id="d"),
        replace(record("validation", candidate="c2"), document_id="d"),
        replace(record("train", candidate="c2"), document_id="t"),
    ]
    told = effect_of(past, episodes, {"c1": (1,), "c2": (1, 3)})
    assert "d 0/1 -> 1/1" in told
    assert "t 1" not in told
    raced = replace(past, outcomes=(outcome("d", True),), parent_outcomes=(outcome("d", False),))
    assert "d 0/1 -> 1/1" in effect_of(raced, [], {})
