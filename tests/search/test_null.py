"""Null episodes: what luck alone gives, claimed with the error rate that is promised."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest

from autodata.bench.comparison import landscapes_named
from autodata.search.certify import Rules
from autodata.search.events import Event, Looked
from autodata.search.null import (
    FIRST_STAGE,
    NULL_BOUND,
    NULL_EACH,
    NULL_LEVEL,
    NULL_LOOK,
    STAGES,
    exact_interval,
    further,
    null_cells,
    stage_rate,
    within,
)
from autodata.search.phases import Collaborators
from autodata.search.plan import SearchPlan
from autodata.search.repeats import Repeat
from autodata.search.sealed import SealedTest
from autodata.search.search import search
from autodata.store.records import IterationRecord
from autodata.types import Candidate, Cell, EpisodeKey, Outcome
from tests.support.searches import BASELINE, Notes, Rates, Steps, documents

BETTER = Candidate("c1", "commit1", "tree1", "c0", {"rate": 0.9})


def draws(rate: float, episodes: int, rng: Random) -> list[Outcome]:
    cells = null_cells(["a", "b"], "test", episodes)
    return [Outcome(cell, rng.random() < rate) for cell in cells]


def passes(rate: float, rng: Random) -> tuple[bool, float]:
    """Whether a harness with this null rate is let through, and the upper end it is told."""
    outcomes = draws(rate, STAGES[-1].episodes, rng)
    for stage in STAGES:
        found = stage_rate(outcomes[: stage.episodes])
        if within(found):
            break
    return within(found), found.rate.high


async def sealed_with(luck: float, gain: Candidate = BETTER, seed: int = 0) -> tuple[Rates, Notes]:
    evaluator, notes = Rates(seed, luck=luck), Notes()
    rules = Rules.of(SearchPlan(), documents()["test"], [])

    async def claim(finalists: Sequence[Candidate]) -> Sequence[int]:
        return range(len(finalists))

    await SealedTest(rules, evaluator, notes, claim).meet(BASELINE, [gain])
    return evaluator, notes


def test_no_cell_of_a_null_episode_is_one_of_an_honest_episode() -> None:
    cells = null_cells(["a", "b", "c"], "test", 7)
    assert [cell.document_id for cell in cells] == list("abcabca")
    assert len(set(cells)) == 7
    assert all(cell.null and cell.repeat < 0 for cell in cells)
    assert EpisodeKey("tree", "a", -1).null
    assert not any(Cell("a", "test", repeat).null for repeat in (0, 1, 200))
    assert [Repeat.read(cell.repeat).purpose for cell in cells[:2]] == ["null", "null"]
    assert [Repeat.read(cell.repeat).number for cell in cells] == [c.repeat for c in cells]


@pytest.mark.parametrize(
    ("accepted", "episodes", "low", "high"),
    [(0, 30, 0.0, 0.0950), (0, 31, 0.0, 0.0921), (1, 30, 0.0017, 0.1486), (30, 30, 0.9050, 1.0)],
)
def test_ends_are_those_of_clopper_and_pearson(
    accepted: int, episodes: int, low: float, high: float
) -> None:
    assert exact_interval(accepted, episodes, 0.05) == pytest.approx((low, high), abs=1e-4)


def test_error_rates_of_the_stages_are_those_of_the_claim() -> None:
    assert sum(stage.error for stage in STAGES) == pytest.approx(1 - NULL_LEVEL)
    most = [sum(within(stage_rate(lucky(k, s.episodes))) for k in range(9)) - 1 for s in STAGES]
    assert most == [0, 2, 5]
    assert [further(stage_rate(lucky(5, s.episodes))) for s in STAGES] == [84, 150, 0]
    assert further(stage_rate(lucky(6, 31))) == 0  # no later stage can be passed


def lucky(accepted: int, episodes: int) -> list[Outcome]:
    cells = null_cells(["a"], "test", episodes)
    return [Outcome(cell, turn < accepted) for turn, cell in enumerate(cells)]


def test_luck_of_one_in_ten_is_let_through_at_most_once_in_twenty() -> None:
    found = [passes(NULL_BOUND, Random(f"at the bound {seed}")) for seed in range(2_000)]
    assert sum(let for let, _ in found) <= 0.05 * len(found)


@pytest.mark.parametrize("rate", [0.01, 0.04, 0.1, 0.3])
def test_the_upper_end_holds_wherever_the_test_ends(rate: float) -> None:
    ends = [passes(rate, Random(f"{rate} {seed}"))[1] for seed in range(1_000)]
    assert sum(high < rate for high in ends) <= 0.055 * len(ends)


def test_a_harness_that_hardly_ever_has_luck_is_let_through() -> None:
    assert all(passes(0.0, Random(0))[0] for _ in range(3))
    assert sum(passes(0.01, Random(f"little {seed}"))[0] for seed in range(500)) >= 0.98 * 500


async def test_the_sealed_test_runs_null_episodes_of_both_and_prints_their_rates() -> None:
    evaluator, notes = await sealed_with(0.0)
    null = [(tree, cell) for tree, cell in evaluator.asked if cell.null]
    assert sorted(tree for tree, _ in null) == ["tree0"] * FIRST_STAGE + ["tree1"] * FIRST_STAGE
    certificate = notes.bodies["certification", "c1"]
    assert certificate["certified"]
    assert (
        certificate["null"]["episodes"] == certificate["baseline_null"]["episodes"] == FIRST_STAGE
    )
    assert certificate["null"]["rate"]["high"] <= NULL_BOUND


async def test_where_luck_was_seen_more_null_episodes_decide() -> None:
    evaluator, notes = await sealed_with(0.02, seed=1)
    certificate = notes.bodies["certification", "c1"]
    asked = [place for place in evaluator.asked if place[1].null]
    assert len(asked) == len(set(asked)) > 2 * FIRST_STAGE
    rates = (certificate["null"], certificate["baseline_null"])
    assert len(asked) == sum(rate["episodes"] for rate in rates)
    assert certificate["certified"]


async def test_much_luck_refuses_the_certificate_and_says_so() -> None:
    _, notes = await sealed_with(0.3)
    certificate = notes.bodies["certification", "c1"]
    assert not certificate["certified"]
    assert certificate["difference"]["low"] > 0
    assert any("null rate of c1" in reason for reason in certificate["refused"])


async def test_no_further_null_episodes_are_paid_for_where_nothing_was_gained() -> None:
    same = replace(BETTER, knobs=BASELINE.knobs)
    evaluator, notes = await sealed_with(0.3, same)
    assert sum(cell.null for _, cell in evaluator.asked) == 2 * FIRST_STAGE
    assert notes.bodies["certification", "c1"]["refused"][0] == "no gain is certain"


async def test_a_search_pools_a_few_null_episodes_and_counts_them() -> None:
    evaluator, notes = Rates(), Notes()

    async def claim(finalists: Sequence[Candidate]) -> Sequence[int]:
        return range(len(finalists))

    plan = SearchPlan(iterations=3, parallel=1)
    others = Collaborators(evaluator, Steps([0.1, 0.1, 0.1]), notes, claim)
    result = await search(plan, BASELINE, documents(), others)
    looked = [cell for _, cell in evaluator.paid if cell.null and cell.split == "validation"]
    assert len(looked) == NULL_LOOK + 3 * NULL_EACH
    records = [fact.record for fact in notes.records(IterationRecord)]
    assert [record.evidence["null"] for record in records] == [{"episodes": 2, "accepted": 0}] * 3
    assert result.spent == len(evaluator.paid)


async def test_no_null_episode_of_a_merging_search_is_run_or_counted_twice() -> None:
    (landscape,) = landscapes_named("gentle")
    world, asked, told = landscape.world(3), Counter[tuple[str, Cell]](), list[Looked]()

    class Counting:
        async def evaluate(self, candidate: Candidate, cells: Sequence[Cell]) -> list[Outcome]:
            asked.update(
                (candidate.tree, cell) for cell in cells if cell.null and cell.split != "test"
            )
            return await world.evaluate(candidate, cells)

    async def claim(finalists: Sequence[Candidate]) -> Sequence[int]:
        return range(len(finalists))

    def progress(event: Event) -> None:
        if isinstance(event, Looked):
            told.append(event)

    plan = SearchPlan("merge", 3, 2, parallel=4, minibatch=4)
    collaborators = Collaborators(Counting(), world, Notes(), claim, progress, world)
    await search(plan, world.baseline, world.documents, collaborators)
    assert len(told) > 4
    assert set(asked.values()) == {1}
    assert told[-1].null.episodes == len(asked)
