"""Near copies on several documents count once, on the one that was dealt first."""

from dataclasses import replace

from autodata.episode.counting import Ended, Originals, across_harnesses
from autodata.episode.evaluator import episode_record
from autodata.types import Cell, Episode, Example, Outcome, Round, Verdict
from tests.support.episodes import CANDIDATE, EXAMPLE

DEALT = ("c", "a", "b", "d")
OTHER = Example(
    "Which of two sorted lists should a merge read first when their heads are equal?",
    "The left one, as only then do equal entries keep the order in which they came.",
)


def ended(
    *examples: tuple[str, Example | None], repeat: int = 0, tree: str = "t", split: str = "test"
) -> Ended:
    """Ended of documents, each with its accepted example, or with none."""
    found = []
    for document, example in examples:
        cell = Cell(document, split, repeat)  # type: ignore[arg-type]
        rounds = () if example is None else (Round(0, example, (), (), Verdict(accepted=True)),)
        status = "accepted" if rounds else "rejected"
        record = episode_record(Episode(cell, tree, status, rounds), CANDIDATE)  # type: ignore[arg-type]
        found.append((record, record.outcome))
    return found


def counting(outcomes: list[Outcome]) -> list[str]:
    return [outcome.cell.document_id for outcome in outcomes if outcome.accepted]


GOLDEN = replace(EXAMPLE, question=f"{EXAMPLE.question} Say why.")


def test_a_golden_example_counts_once_on_the_document_dealt_first() -> None:
    episodes = ended(("a", EXAMPLE), ("b", GOLDEN), ("c", EXAMPLE), ("d", OTHER))
    found = Originals(DEALT).counted(episodes)
    assert [outcome.cell.document_id for outcome in found] == ["a", "b", "c", "d"]
    assert counting(found) == ["c", "d"]
    assert counting(Originals(DEALT).counted(episodes[::-1])) == ["d", "c"]


def test_a_document_may_have_the_same_example_in_every_repeat() -> None:
    both = [*ended(("a", EXAMPLE), ("b", None)), *ended(("a", EXAMPLE), ("b", EXAMPLE), repeat=1)]
    assert counting(Originals(DEALT).counted(both)) == ["a", "a"]


def test_blocks_of_a_race_are_counted_together_and_what_was_decided_stays() -> None:
    originals = Originals(DEALT)
    first = ended(("b", EXAMPLE), ("d", None))
    assert counting(originals.counted(first)) == ["b"]
    assert counting(originals.counted(ended(("c", EXAMPLE), ("a", OTHER)))) == ["a"]
    assert counting(originals.counted(first)) == ["b"]
    assert counting(originals.counted(ended(("c", EXAMPLE), repeat=1))) == ["c"]


def test_harnesses_and_splits_have_originals_of_their_own() -> None:
    originals = Originals(DEALT)
    for tree, split in (("t", "test"), ("u", "test"), ("t", "train")):
        found = originals.counted(ended(("a", EXAMPLE), ("c", EXAMPLE), tree=tree, split=split))
        assert counting(found) == ["c"]


def test_null_episodes_are_not_counted_down() -> None:
    lucky = ended(("a", EXAMPLE), ("b", EXAMPLE), repeat=-1)
    assert counting(Originals(DEALT).counted(lucky)) == ["a", "b"]


def test_a_golden_example_counts_once_across_all_harnesses_that_an_edit_is_in() -> None:
    originals = Originals(DEALT, across_harnesses)
    look = [
        *ended(("a", EXAMPLE), ("b", OTHER), tree="t", repeat=1),
        *ended(("c", GOLDEN), ("d", EXAMPLE), tree="u", repeat=1),
    ]
    assert counting(originals.counted(look)) == ["b", "c"]
    later = ended(("d", EXAMPLE), ("b", OTHER), tree="v", repeat=2)
    assert counting(originals.counted(later)) == ["b"], "b has its example in every harness"
    assert counting(originals.counted(look)) == ["b", "c"]
