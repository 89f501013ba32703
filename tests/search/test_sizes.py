"""Bounds on what a search takes: simulated searches keep to them."""

from collections import Counter
from collections.abc import Sequence

import pytest

from autodata.bench.comparison import landscapes_named
from autodata.search.events import Event, Looked, Selected
from autodata.search.phases import Collaborators
from autodata.search.plan import SearchPlan
from autodata.search.search import search
from autodata.search.sizes import Episodes, episodes_of
from autodata.types import Candidate, Cell, Outcome, Split
from tests.support.searches import Notes

SIZES: dict[Split, int] = {"train": 8, "validation": 16, "test": 40}


def test_the_fewest_and_most_null_episodes_are_those_of_a_search() -> None:
    plan = SearchPlan(search="race", iterations=5, episodes=600)
    found = episodes_of(plan, SIZES)
    assert found.null == Episodes(4, 4 + 2 * 5, 31, 2 * 150)
    assert found.most + found.most_tested + 2 * 31 == 600


def test_siblings_share_their_parents_episodes_and_a_lone_baseline_is_tested_once() -> None:
    plan = SearchPlan(
        search="race", iterations=10, parallel=2, minibatch=0, finalists=1, test_repeats=1
    )
    found = episodes_of(plan, SIZES)
    assert (found.fewest, found.fewest_tested, found.most_tested) == (8 + 15 * 4, 40, 80)
    assert found.most == 8 + 15 * 2 * 16 + 12 * 2 * 8
    capped = episodes_of(SearchPlan(search="race", iterations=10, episodes=200, minibatch=0), SIZES)
    assert capped.most + capped.most_tested + 2 * 31 == 200  # null episodes
    assert (found.edits, capped.edits) == ((10, 10), (1, 10))


async def taken(plan: SearchPlan, clashes: float) -> tuple[Counter[str], dict[Split, int]]:
    """Return what a simulated search takes: episodes by kind, looks and edits."""
    (landscape,) = landscapes_named("gentle", clashes)
    world, found = landscape.world(plan.seed), Counter[str]()

    class Counting:
        async def evaluate(self, candidate: Candidate, cells: Sequence[Cell]) -> list[Outcome]:
            for cell in cells:
                found[f"{'null ' * cell.null}{'test' if cell.split == 'test' else 'search'}"] += 1
            return await world.evaluate(candidate, cells)

    def told(event: Event) -> None:
        found["looks"] += isinstance(event, Looked)
        found["edits"] += isinstance(event, Selected)

    async def claim(finalists: Sequence[Candidate]) -> Sequence[int]:
        return range(len(finalists))

    asked = Collaborators(Counting(), world, Notes(), claim, told, world)
    await search(plan, world.baseline, world.documents, asked)
    sizes: dict[Split, int] = {split: len(names) for split, names in world.documents.items()}
    return found, sizes


MANY = pytest.mark.thorough


@pytest.mark.parametrize("clashes", [0.0, 0.35, 1.0])
@pytest.mark.parametrize(
    ("episodes", "iterations", "seeds"),
    [
        (400, 10, 1),
        (1000, 1000, 1),
        (0, 10, 1),
        *(
            pytest.param(*numbers, 20, marks=MANY)
            for numbers in ((400, 400), (1000, 100), (2333, 2333), (0, 10), (0, 30))
        ),
    ],
)
async def test_a_merging_search_takes_what_its_plan_foretells(
    episodes: int, iterations: int, seeds: int, clashes: float
) -> None:
    for seed in range(seeds):
        plan = SearchPlan("merge", seed, iterations, episodes=episodes, minibatch=8)
        found, sizes = await taken(plan, clashes)
        needed = episodes_of(plan, sizes)
        assert needed.null is not None
        assert needed.fewest <= found["search"] <= needed.most
        assert needed.fewest_tested <= found["test"] <= needed.most_tested
        assert needed.null.fewest <= found["null search"] <= needed.null.most
        assert needed.null.fewest_tested <= found["null test"] <= needed.null.most_tested
        assert needed.looks[0] <= found["looks"] <= needed.looks[1]
        assert needed.edits[0] <= found["edits"] <= needed.edits[1]
        if episodes:
            assert needed.most + needed.most_tested + 2 * 31 <= episodes
