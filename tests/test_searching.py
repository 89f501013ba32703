"""What an analyzer may know of a run: nothing that would be otherwise if it were asked again."""

from autodata.optimize.base import Iteration, Proposal
from autodata.searching import visible_to
from autodata.store.journal import Record
from autodata.types import Candidate, Cell, Outcome, Split

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


def knows(kind: str, key: str, **body: object) -> bool:
    return visible_to(PARENT, MINIBATCH, HISTORY)(Record(kind, key, 0.0, body))


def knows_episode(
    candidate: str, document: str, split: Split, repeat: int, status: str = "accepted"
) -> bool:
    return knows(
        "episode",
        "",
        candidate_id=candidate,
        document_id=document,
        split=split,
        repeat=repeat,
        status=status,
    )


def test_an_analyzer_knows_its_minibatch_and_what_was_decided() -> None:
    assert knows_episode("c0", "ours", "train", 300)
    assert knows_episode("c0", "raced", "validation", 100)
    assert knows_episode("c1", "raced", "validation", 100)
    assert knows_episode("c0", "earlier", "train", 200)  # the minibatch of iteration 1
    assert knows_episode("c1", "earlier", "train", 200)  # and its audit
    assert knows("iteration", "1")
    assert knows("candidate", "c0", iteration=0)
    assert knows("candidate", "c1", iteration=1)


def test_an_analyzer_does_not_know_what_comes_later_or_depends_on_timing() -> None:
    assert not knows_episode("c2", "ours", "train", 300)  # how its own edit did
    assert not knows_episode("c0", "ours", "train", 300, "void")
    assert not knows_episode("c0", "earlier", "train", 200, "void")
    assert not knows_episode("c0", "other", "train", 400)  # a sibling's minibatch
    assert not knows_episode("c0", "raced", "validation", 300)
    assert not knows_episode("c0", "sealed", "test", 0)
    assert not knows("iteration", "2")
    assert not knows("candidate", "c2", iteration=2)
    assert not knows("call", "key", split="train")
