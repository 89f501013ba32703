"""What an analyzer may know of a run: nothing that would be otherwise if it were asked again."""

from dataclasses import replace
from random import Random
from typing import Any

from autodata.search.base import Brief, Iteration, Proposal
from autodata.search.proposers.questions import SEEN, visible_to
from autodata.store.facts import Fact
from autodata.store.format import Record
from autodata.store.records import (
    BeliefsRecord,
    CandidateRecord,
    EditRecord,
    IterationRecord,
    LookRecord,
)
from autodata.types import Candidate, Cell, Outcome, Split, Status
from tests.support.journals import episode, merging_run, small_run

PARENT = Candidate("c0", "f" * 40, "tree")


def outcome(document: str, split: Split, repeat: int) -> Outcome:
    return Outcome(Cell(document, split, repeat), True)


MINIBATCH = [outcome("ours", "train", 300)]  # of iteration 2
HISTORY = [
    Iteration(
        1,
        "c0",
        Proposal("llm", None),
        "admitted",
        "",
        (outcome("raced", "validation", 100),),
        (outcome("raced", "validation", 100),),
    )
]

BRIEF = Brief(2, PARENT, MINIBATCH, HISTORY, Random(0), (2,))


def knows(record: Record, key: str = "") -> bool:
    return visible_to(BRIEF)(Fact(key, 0.0, record))


def knows_episode(
    candidate: str, document: str, split: Split, repeat: int, status: Status = "accepted"
) -> bool:
    _, record = episode(document, split, status, repeat)
    return knows(replace(record, candidate_id=candidate))


def knows_of(kind: str, number: int) -> bool:
    records = {record.KIND: record for _, record in small_run()}
    return knows(replace(records[kind], iteration=number, candidate_id=f"c{number}"))  # type: ignore[type-var]


def test_an_analyzer_knows_its_minibatch_and_what_was_decided() -> None:
    assert knows_episode("c0", "ours", "train", 300)
    assert knows_episode("c0", "raced", "validation", 100)
    assert knows_episode("c1", "raced", "validation", 100)
    assert knows_episode("c0", "earlier", "train", 200)  # the minibatch of iteration 1
    assert knows_episode("c1", "earlier", "train", 200)  # and its audit
    assert knows_of("iteration", 1)
    assert knows_of("candidate", 0)
    assert knows_of("candidate", 1)


def test_an_analyzer_does_not_know_what_comes_later_or_depends_on_timing() -> None:
    assert not knows_episode("c2", "ours", "train", 300)  # how its own edit did
    assert not knows_episode("c0", "ours", "train", 300, "void")
    assert not knows_episode("c0", "earlier", "train", 200, "void")
    assert not knows_episode("c0", "other", "train", 400)  # a sibling's minibatch
    assert not knows_episode("c0", "raced", "validation", 300)
    assert not knows_episode("c0", "sealed", "test", 0)
    assert not knows_of("iteration", 2)
    assert not knows_of("candidate", 2)
    assert not any(knows(record) for _, record in small_run() if type(record) not in SEEN)


def records_by_type() -> dict[type[Record], Any]:
    """One record of each kind of a small run."""
    return {type(record): record for _, record in small_run()}


def merged_brief(looks: int) -> Brief:
    """Of a merging search: edit 1 is undecided, 2 decided; the minibatch is of edit 3."""
    proposal = Proposal("llm", None)
    history = [
        Iteration(1, "c0", proposal, "undecided", "", (outcome("v", "validation", 1),)),
        Iteration(2, "c0", proposal, "rejected", ""),
    ]
    return Brief(3, PARENT, [outcome("ours", "train", 400)], history, Random(0), (3, 4), looks)


def test_in_a_merging_search_whatever_looks_are_over_is_known_and_no_later_one() -> None:
    brief = merged_brief(2)
    kept = {type(record): (key, record) for key, record in merging_run()}

    def sees(record: Record, key: str = "") -> bool:
        return visible_to(brief, {"c7"})(Fact(key, 0.0, record))

    def sees_episode(split: Split, repeat: int) -> bool:
        return sees(replace(episode("d", split, "accepted", repeat)[1], candidate_id="c9"))

    assert [sees_episode("validation", repeat) for repeat in (1, 2, 3)] == [True, True, False]
    assert sees_episode("train", 200)  # the minibatch of edit 1
    assert not sees_episode("train", 600)
    assert not sees_episode("test", 1)
    for kind in (LookRecord, BeliefsRecord):
        assert [sees(kept[kind][1], key) for key in ("2", "3")] == [True, False]
    assert [sees(kept[EditRecord][1], key) for key in ("e1", "e3")] == [True, False]
    decided = records_by_type()[IterationRecord]
    assert [sees(replace(decided, iteration=n)) for n in (1, 2)] == [False, True]
    made = records_by_type()[CandidateRecord]
    sets = [replace(made, candidate_id=name, edits=(1,), iteration=1) for name in ("c7", "c8")]
    assert [sees(one) for one in sets] == [True, False]
