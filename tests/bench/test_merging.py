"""Worlds whose edits merge: which do, what the merged harness is, and what it is worth."""

from collections.abc import Sequence
from itertools import combinations
from random import Random

import pytest

from autodata.bench.landscapes import LANDSCAPES, SimulatedWorld, World, with_clashes
from autodata.bench.luck import LUCKY_WORLDS
from autodata.bench.shapes import SHAPES, Shape
from autodata.search.base import Brief, Iteration, Proposal
from autodata.types import Candidate, Cell

PLAIN = Shape(good=0.0, harmful=0.0, tilt=0.0, neutral_size=0.2)


async def edit(world: World, number: int, on: Candidate | None = None) -> Candidate:
    proposal = await world.propose(Brief(number, on or world.baseline, (), (), Random(0)))
    assert proposal.candidate
    return proposal.candidate


async def edits(world: World, count: int) -> list[Candidate]:
    return [await edit(world, number) for number in range(1, count + 1)]


async def merged(world: World, edits: Sequence[Candidate], name: str = "c1") -> Candidate:
    harness = await world.merge(name, edits)
    assert harness
    return harness


def decided(number: int, candidate: Candidate) -> Iteration:
    return Iteration(number, "c0", Proposal("simulated", candidate), "rejected", "it clashes")


async def clashing_pair(world: SimulatedWorld) -> tuple[Candidate, Candidate]:
    for pair in combinations(await edits(world, 20), 2):
        if not await world.tree(pair):
            return pair
    raise AssertionError("no two edits clash")


async def test_a_merged_harness_has_the_edits_of_a_chain_whatever_their_order() -> None:
    world = SimulatedWorld(PLAIN, 1)
    first, second, third = await edits(world, 3)
    chain = await edit(world, 3, await edit(world, 2, first))
    harness = await merged(world, [third, first, second], "c9")
    assert harness == await merged(world, [first, second, third], "c9")
    assert (harness.id, harness.commit, harness.parent_id) == ("c9", "c9", "c0")
    assert world.truth(harness) == pytest.approx(world.truth(chain))
    assert world.truth(harness) != world.truth(first)


async def test_merging_nothing_gives_the_baselines_harness() -> None:
    world = SimulatedWorld(PLAIN, 1)
    assert (await merged(world, [])).tree == world.baseline.tree


async def test_an_idea_that_two_merged_edits_carry_helps_once() -> None:
    world = SimulatedWorld(Shape(ideas=1, good=1.0), 1)
    pair = await edits(world, 2)
    both = world.truth(await merged(world, pair))
    assert both == world.truth(pair[0]) > world.truth(world.baseline)


@pytest.mark.parametrize("share", [0.0, 0.35, 1.0])
async def test_as_many_pairs_clash_as_the_landscape_says(share: float) -> None:
    world = with_clashes(LANDSCAPES["gentle"], share).world(1)
    assert isinstance(world, SimulatedWorld)
    fits = [await world.tree(pair) is not None for pair in combinations(await edits(world, 40), 2)]
    assert 1 - sum(fits) / len(fits) == pytest.approx(share, abs=0.05)


async def test_what_does_not_fit_is_not_merged() -> None:
    world = SimulatedWorld(Shape(clashes=0.35), 1)
    pair = await clashing_pair(world)
    assert await world.merge("c1", pair) is None


async def test_an_edit_written_on_top_of_one_it_touches_fits_with_it_and_needs_it() -> None:
    world = SimulatedWorld(Shape(clashes=1.0), 1)
    first = await edit(world, 1)
    second = await edit(world, 2, first)
    assert await world.tree([first, second])
    assert not await world.tree([second])
    assert not await world.tree([await edit(world, 3), second])


async def test_an_edit_does_not_need_what_it_was_written_on_but_does_not_touch() -> None:
    world = SimulatedWorld(Shape(clashes=0.0), 1)
    second = await edit(world, 2, await edit(world, 1))
    assert await world.tree([second])


async def test_an_edit_written_anew_keeps_its_effect_and_fits_with_what_it_was_written_on() -> None:
    world = SimulatedWorld(Shape(clashes=1.0, good=1.0, ideas=9), 1)
    first, second = await edits(world, 2)
    brief = Brief(3, first, (), (), Random(0), rewrite=decided(2, second))
    anew = (await world.propose(brief)).candidate
    assert anew
    assert await world.tree([first, anew])
    assert not await world.tree([second, anew])
    chain = await edit(world, 2, first)
    assert world.truth(await merged(world, [first, anew])) == world.truth(chain)


async def test_an_edit_whose_site_is_taken_cannot_be_written_anew() -> None:
    world = SimulatedWorld(Shape(sites=1), 1)
    first, second = await edits(world, 2)
    brief = Brief(3, first, (), (), Random(0), rewrite=decided(2, second))
    proposal = await world.propose(brief)
    assert proposal.candidate is None
    assert "taken" in proposal.refused


async def test_edits_at_one_site_clash_and_the_later_replaces_the_earlier() -> None:
    world = SimulatedWorld(Shape(sites=1, tilt=0.0), 1)
    first = await edit(world, 1)
    alone, second = await edit(world, 2), await edit(world, 3, first)
    assert not await world.tree([first, alone])
    both = await merged(world, [first, second])
    assert world.truth(both) == world.truth(await edit(world, 3))


async def test_on_crowded_merged_edits_hurt_each_other_on_average() -> None:
    """Fifteen pairs of six edits of no effect of their own cost 15 x .05 logits, 15 points."""
    shape = Shape(good=0, harmful=0, neutral_size=0, tilt=0, pair_mean=-0.05, pair_sd=0.06)
    assert SHAPES["crowded"].pair_mean == shape.pair_mean
    losses = []
    for seed in range(20):
        world = SimulatedWorld(shape, seed)
        harness = await merged(world, await edits(world, 6))
        losses.append(world.truth(world.baseline) - world.truth(harness))
    assert 0.1 < sum(losses) / len(losses) < 0.2


async def test_the_same_set_has_the_same_outcomes_and_is_paid_once() -> None:
    world = SimulatedWorld(SHAPES["gentle"], 1)
    pair = await edits(world, 2)
    first, again = await merged(world, pair), await merged(world, pair[::-1], "c2")
    cells = [Cell(d, "validation", 1) for d in world.documents["validation"]]
    assert await world.evaluate(first, cells) == await world.evaluate(again, cells)
    assert world.spent == len(cells)


async def test_where_luck_is_all_two_values_of_the_knob_exclude_each_other() -> None:
    world = LUCKY_WORLDS["luck"].world(1)
    one, other = await edits(world, 2)
    assert await world.tree([one])
    assert not await world.tree([one, other])
    alone = await merged(world, [one], "c7")
    assert (alone.id, alone.knobs) == ("c7", one.knobs)
    assert await world.merge("c8", [one, other]) is None
