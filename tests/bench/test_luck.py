"""Worlds of equal solvers: what luck gives, and that no search certifies it."""

from collections.abc import Sequence

import pytest

from autodata.bench.comparison import bench_search
from autodata.bench.landscapes import Landscape
from autodata.bench.luck import EASE, LUCKY_WORLDS, accepted, screened
from autodata.bench.policies import POLICIES
from autodata.search.phases import Collaborators
from autodata.search.plan import SearchPlan
from autodata.search.search import search
from autodata.types import Candidate
from tests.support.searches import Notes

AUTODATA = POLICIES["autodata"]


def false_claims(landscape: Landscape, budget: int, seeds: range) -> float:
    [row] = bench_search([landscape], [AUTODATA], [budget], seeds)
    assert row["claimed_rate"] == row["false_certification_rate"]
    return float(row["false_certification_rate"])


def test_rounds_alone_bought_most_of_an_episode_under_the_papers_rules() -> None:
    chances = [screened("paper-deployed", 7, ease) for ease in EASE]
    assert max(chances) == pytest.approx(0.066, abs=0.01)
    bought = [
        max(accepted("paper-deployed", 7, ease, rounds) for ease in EASE) for rounds in (4, 15)
    ]
    assert bought == pytest.approx([0.24, 0.64], abs=0.04)


@pytest.mark.parametrize(("preset", "criteria"), [("deployed", 7), ("prose", 7), ("majority", 1)])
def test_confirmed_rules_let_luck_pass_one_episode_in_twenty_at_most(
    preset: str, criteria: int
) -> None:
    rates = [accepted(preset, criteria, ease, rounds) for ease in EASE for rounds in (1, 4, 8, 15)]
    assert 0 < max(rates) <= 0.05


def test_a_search_among_equal_solvers_certifies_nothing() -> None:
    assert false_claims(LUCKY_WORLDS["luck"], 600, range(4)) == 0


async def test_the_null_rate_alone_keeps_luck_from_a_certificate_under_the_papers_rules() -> None:
    """Without confirmation the gain is there and certain; it is refused as luck."""
    world, notes = LUCKY_WORLDS["paper-luck"].world(3), Notes()

    async def claim(finalists: Sequence[Candidate]) -> Sequence[int]:
        return range(len(finalists))

    plan = SearchPlan(seed=3, iterations=6, episodes=600)
    others = Collaborators(world, world, notes, claim)
    result = await search(plan, world.baseline, world.documents, others)
    [certificate] = result.certificates
    assert certificate.difference.low > 0.1
    assert not certificate.certified
    assert all("null rate" in reason for reason in certificate.refused)


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["luck", "paper-luck"])
@pytest.mark.parametrize("budget", [600, 2400])
def test_equal_solvers_are_certified_in_one_search_of_twenty_at_most(
    name: str, budget: int
) -> None:
    assert false_claims(LUCKY_WORLDS[name], budget, range(1_000, 1_400)) <= 0.05
