"""Worlds: reproducible, honest about their truth, and shaped as documented."""

from dataclasses import replace
from random import Random

import pytest

from autodata.bench.landscapes import LANDSCAPES, SimulatedWorld
from autodata.bench.shapes import SHAPES, Shape
from autodata.search.base import Brief
from autodata.types import Candidate, Cell, Split


async def child(world: SimulatedWorld, number: int, parent: Candidate | None = None) -> Candidate:
    proposal = await world.propose(Brief(number, parent or world.baseline, (), (), Random(0)))
    assert proposal.candidate
    return proposal.candidate


async def measured(world: SimulatedWorld, candidate: Candidate, split: Split) -> float:
    cells = [Cell(d, split, r) for d in world.documents[split] for r in range(40)]
    outcomes = await world.evaluate(candidate, cells)
    return sum(outcome.accepted for outcome in outcomes) / len(outcomes)


@pytest.mark.parametrize("name", LANDSCAPES)
async def test_a_world_follows_from_its_seed_whoever_asks_first(name: str) -> None:
    first, second = SimulatedWorld(SHAPES[name], 5), SimulatedWorld(SHAPES[name], 5)
    cells = [Cell(d, "validation", 1) for d in first.documents["validation"]]
    early = await child(first, 3)
    await child(second, 9)
    late = await child(second, 3)
    assert await first.evaluate(early, cells) == await second.evaluate(late, cells[:]), name
    assert first.truth(early) == second.truth(late)


async def test_measured_rates_are_the_true_ones_on_fresh_documents() -> None:
    """Five standard errors: 20,000 documents have .0024, the baseline's truth is no sample's."""
    world = SimulatedWorld(Shape(test=20_000, tilt=0.5), 1)
    candidate = await child(world, 2, await child(world, 1))
    cells = [Cell(d, "test", r) for d in world.documents["test"] for r in range(2)]
    for harness in (world.baseline, candidate):
        outcomes = await world.evaluate(harness, cells)
        rate = sum(outcome.accepted for outcome in outcomes) / len(outcomes)
        assert rate == pytest.approx(world.truth(harness), abs=0.012)


async def test_on_null_every_edit_is_worth_nothing() -> None:
    world = SimulatedWorld(SHAPES["null"], 1)
    truths = {world.truth(await child(world, number)) for number in range(1, 30)}
    assert truths == {world.truth(world.baseline)}
    assert truths.pop() == pytest.approx(0.62, abs=1e-6)


async def test_on_gentle_few_edits_help_and_a_good_idea_helps_once() -> None:
    world = SimulatedWorld(SHAPES["gentle"], 1)
    base = world.truth(world.baseline)
    gains = [world.truth(await child(world, number)) - base for number in range(1, 300)]
    assert 0.1 < sum(gain > 0.02 for gain in gains) / len(gains) < 0.3
    assert sum(gain < -0.02 for gain in gains) / len(gains) > 0.25
    best = world.baseline
    for number in range(1, 300):
        if gains[number - 1] > 0.02:
            best = await child(world, number, best)
    assert base < world.truth(best) < 0.95


async def test_on_rugged_the_same_edit_is_worth_more_or_less_elsewhere() -> None:
    world = SimulatedWorld(SHAPES["rugged"], 1)
    parents = [await child(world, number) for number in range(1, 12)]
    effects = [
        world.truth(await child(world, 20, parent)) - world.truth(parent) for parent in parents
    ]
    assert max(effects) - min(effects) > 0.01


async def test_deceptive_edits_help_training_documents_only() -> None:
    shape = Shape(good=0, harmful=0, memorized=1, memorized_train=0.6, memorized_rest=-0.3)
    world = SimulatedWorld(shape, 1)
    candidate = await child(world, 1)
    assert await measured(world, candidate, "train") > await measured(
        world, world.baseline, "train"
    )
    assert world.truth(candidate) < world.truth(world.baseline) - 0.02


async def test_hacks_raise_the_measured_rate_alone() -> None:
    shape = Shape(good=0, harmful=0, neutral_size=0, tilt=0, hacks=1, hack_size=0.5)
    world = SimulatedWorld(shape, 1)
    candidate = await child(world, 1)
    assert world.truth(candidate) == world.truth(world.baseline)
    assert await measured(world, candidate, "test") > await measured(world, world.baseline, "test")


@pytest.mark.parametrize(
    ("correlation", "missed"), [(0, 0.155), (0.3, 0.214), (0.6, 0.284), (1, 0.393)]
)
async def test_an_auditor_misses_bad_examples_as_its_correlation_with_the_judge_says(
    correlation: float, missed: float
) -> None:
    """Hacks of size .5 fool the judge on 1 - exp(-.5) = .393 of bad examples."""
    alike: dict[str, float] = {"good": 0, "harmful": 0, "neutral_size": 0, "tilt": 0, "start": 1e-4}
    world = SimulatedWorld(Shape(**alike, auditor=correlation, test=2000), 1)  # type: ignore[arg-type]
    baseline = world.baseline
    world._states[()] = replace(world._states[()], hack=0.5)
    cells = [Cell(d, "test", r) for d in world.documents["test"] for r in range(20)]
    outcomes = await world.evaluate(baseline, cells)
    assert sum(o.accepted for o in outcomes) / len(outcomes) == pytest.approx(0.393, abs=0.01)
    assert sum(o.counts for o in outcomes) / len(outcomes) == pytest.approx(missed, abs=0.01)
    assert all((o.held is None) == (not o.accepted) for o in outcomes)


async def test_an_auditor_who_cries_wolf_objects_to_good_examples() -> None:
    world = SimulatedWorld(Shape(auditor=0.3, alarms=0.25), 1)
    cells = [Cell(d, "test", r) for d in world.documents["test"] for r in range(20)]
    accepted = [o for o in await world.evaluate(world.baseline, cells) if o.accepted]
    assert sum(o.counts for o in accepted) / len(accepted) == pytest.approx(0.75, abs=0.03)


async def test_an_episode_is_paid_once() -> None:
    world = SimulatedWorld(SHAPES["gentle"], 1)
    cells = [Cell(d, "validation", 1) for d in world.documents["validation"]]
    first = await world.evaluate(world.baseline, cells)
    assert await world.evaluate(world.baseline, cells) == first
    assert world.spent == len(cells)


async def test_no_null_episode_is_accepted_in_a_world_without_luck() -> None:
    world = SimulatedWorld(SHAPES["gentle"], 1)
    cells = [Cell(d, "test", repeat) for d in world.documents["test"] for repeat in (-1, -2)]
    assert not any(outcome.accepted for outcome in await world.evaluate(world.baseline, cells))
