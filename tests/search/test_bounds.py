"""What a candidate may cost: tokens of an episode, dollars of its race, calls that fail alone."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from autodata.search.base import Iteration
from autodata.search.bounds import TokenBound, blamed, objection
from autodata.search.phases import Collaborators
from autodata.search.plan import SearchPlan
from autodata.search.search import search
from autodata.store.episodes import EpisodeRecord
from autodata.store.facts import Fact
from autodata.store.records import RunRecord
from autodata.types import Candidate, Cell, Json, Outcome, Spend
from tests.support.fakes import Memory
from tests.support.searches import BASELINE, Notes, Rates, Steps, documents

ROUND: Json = {}


def outcomes(
    number: int, tokens: int = 100, usd: float = 0.0, failed_calls: int = 0
) -> list[Outcome]:
    spend = Spend(1, tokens // 2, tokens // 2, usd)
    cells = (Cell(f"d{n}", "validation", 0) for n in range(number))
    return [
        Outcome(cell, False, spend, failed_calls if not n else 0) for n, cell in enumerate(cells)
    ]


def spending(*tokens: int) -> list[Outcome]:
    return [outcomes(1, number)[0] for number in tokens]


@pytest.mark.parametrize(
    ("ours", "theirs", "bound", "told"),
    [
        (outcomes(12, 490), outcomes(12), 5.0, ""),
        (outcomes(12, 600), outcomes(12), 5.0, "an episode costs 6.0 times its parent's; 5 are"),
        (spending(*[900, 100, 900, 500] * 3), spending(*[100] * 12), 5.0, ""),  # by chance, perhaps
        (spending(*[900, 700] * 8), spending(*[100, 120] * 8), 5.0, "an episode costs 7.3 times"),
        (outcomes(11, 600), outcomes(11), 5.0, ""),
        (outcomes(12, 600), outcomes(12), 0.0, ""),
        (outcomes(12, 600), outcomes(12, 0), 5.0, ""),
        (outcomes(12, 100, 0.6), outcomes(12, 100, 0.1), 5.0, "an episode costs 6.0 times"),
        (outcomes(12, 900, 0.3), outcomes(12, 100, 0.1), 5.0, ""),  # many tokens of a cheap model
        (outcomes(4, failed_calls=2), outcomes(4), 5.0, ""),
        (outcomes(4, failed_calls=3), outcomes(4), 0.0, "3 of its calls failed while"),
        (outcomes(4), outcomes(4, failed_calls=9), 5.0, ""),
    ],
)
def test_a_candidate_is_measured_no_further_where_it_is_too_dear_or_its_calls_fail_alone(
    ours: list[Outcome], theirs: list[Outcome], bound: float, told: str
) -> None:
    found = objection(ours, theirs, bound)
    assert found.startswith(told) if told else not found


def test_a_race_that_ends_early_is_asked_what_it_cost_too() -> None:
    told = (outcomes(8, 600), outcomes(8), 5.0)
    assert not objection(*told)
    assert objection(*told, ended=True).startswith("an episode costs 6.0 times")


class Dear(Rates):
    """The first candidate's episodes are `odd`."""

    def __init__(self, **odd: object) -> None:
        super().__init__()
        self._odd = odd

    def _outcome(self, candidate: Candidate, cell: Cell) -> Outcome:
        found = super()._outcome(candidate, cell)
        return replace(found, **self._odd) if candidate.id == "c1" else found  # type: ignore[arg-type]


async def raced(evaluator: Rates, **plan: float) -> Iteration:
    async def claim(finalists: Sequence[Candidate]) -> Sequence[int]:
        return range(len(finalists))

    told = SearchPlan(iterations=1, parallel=1, minibatch=4, **plan)  # type: ignore[arg-type]
    work = Collaborators(evaluator, Steps([0.5], wants_minibatch=True), Notes(), claim)
    return (await search(told, BASELINE, documents(), work)).iterations[0]


async def test_a_dear_candidate_loses_its_race_however_good_it_is() -> None:
    spend = Spend(calls=1, completion_tokens=501)
    dear = await raced(Dear(spend=spend))
    assert (dear.decision, dear.evidence["ending"]) == ("rejected", "stopped")
    assert len(dear.outcomes) <= 12
    assert dear.reason == "an episode costs 5.0 times its parent's; 5 are allowed"
    assert dear.audit == {}  # nothing more is run of it
    for bound in (0.0, 6.0):
        assert (await raced(Dear(spend=spend), cost_bound=bound)).decision == "admitted"


async def test_a_candidate_whose_calls_fail_alone_is_rejected_and_the_search_goes_on() -> None:
    failing = await raced(Dear(failed_calls=1))
    assert (failing.decision, len(failing.outcomes)) == ("rejected", 4)
    assert failing.reason == "4 of its calls failed while their endpoints answered others"


def episode(tree: str, tokens: int, rounds: int, repeat: int = 0, status: str = "rejected") -> Json:
    return {
        "candidate_id": "c",
        "commit": "f",
        "tree": tree,
        "document_id": f"d{tokens}",
        "split": "validation",
        "repeat": repeat,
        "status": status,
        "reason": "",
        "rounds": tuple(ROUND for _ in range(rounds)),
        "calls": 1,
        "prompt_tokens": tokens - 1,
        "completion_tokens": 1,
        "cost_usd": 0.0,
        "seconds": 0.0,
    }


def journal(kind: str = "optimization") -> Memory:
    run = RunRecord("r", 0, "h", "commit", "base", 0, {}, True, "1", 2, kind=kind)  # type: ignore[arg-type]
    episodes = [
        episode("base", 1000, 2),
        episode("base", 400, 0),  # nothing tried: as one round
        episode("base", 400, 4),
        episode("base", 9999, 1, repeat=100),  # later, of a race
        episode("base", 9999, 1, status="void"),
        episode("other", 9999, 1),
    ]
    facts = [
        Fact("r", 0.0, run),
        *(Fact(str(n), 0.0, EpisodeRecord(**e)) for n, e in enumerate(episodes)),
    ]
    return Memory(*facts)


def test_tokens_of_an_episode_are_bounded_by_the_baselines_first_look() -> None:
    bound = TokenBound(journal(), max_rounds=6)
    assert (bound("base"), bound("c1"), bound("base")) == (0, 10 * 6 * 1800 // 7, 0)


def test_nothing_is_bounded_where_there_is_no_baseline_to_compare_with() -> None:
    assert TokenBound(journal("evaluation"), 6)("c1") == 0
    assert TokenBound(Memory(), 6)("c1") == 0


def test_of_two_edits_that_were_always_together_none_is_blamed_until_they_part() -> None:
    failing = [Outcome(Cell(f"d{n}", "validation", 1), False, failed_calls=1) for n in range(4)]
    alone = [Outcome(Cell("d5", "validation", 1), False)]
    assert blamed({3: failing, 12: failing}) == {}
    assert blamed({3: failing, 12: [*failing[:3], *alone]}) == {3: 4}
    assert blamed({3: failing, 12: [*failing, *alone]}) == {3: 4}
    apart = [replace(outcome) for outcome in failing]
    assert blamed({3: failing, 12: apart}) == {3: 4, 12: 4}  # as many, each in harnesses of its own
