"""Edits that would spoil a merging search: what they cost, hang, copy and exclude is borne."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest

from autodata.search.base import Brief, Proposal
from autodata.search.phases import CandidateOutcomes
from autodata.search.proposing import ProposalsUnderWay, Refill
from autodata.types import Outcome
from tests.support.fakes import Memory
from tests.support.merges import (
    BASELINE,
    ENDS_S,
    Edits,
    What,
    by_number,
    edits_of,
    reasons,
    searched,
)


def usual(number: int) -> What:
    return What(effect=Random(number).gauss(0, 0.08))


async def test_where_nothing_is_ever_accepted_the_baseline_stays() -> None:
    found = await searched(Edits(lambda _: What(), rate=0.0))
    assert (found.best.id, found.finalists) == ("c0", ())


async def test_of_edits_that_say_the_same_one_is_measured() -> None:
    found = await searched(Edits(lambda _: What(effect=0.1, tree="e1")))
    told = [i.reason for i in found.iterations if i.decision == "refused"]
    assert told == ["this harness was tried before"] * 19


@pytest.mark.parametrize("wants", [False, True])
async def test_a_proposer_that_has_nothing_to_propose_spends_little(wants: bool) -> None:
    world = Edits(lambda _: What(refused="no idea"), wants_minibatch=wants)
    found = await searched(world, episodes=0, minibatch=4)
    assert [i.decision for i in found.iterations] == ["refused"] * 20
    train = sum(cell.split == "train" for _, cell in world.paid)
    assert train <= 4 * 20
    assert not any(cell.split == "validation" and tree != "c0" for tree, cell in world.paid)


async def test_a_proposer_that_breaks_ends_the_search_with_its_error() -> None:
    with pytest.raises(ValueError, match="broken"):
        await searched(Edits(by_number({3: What(raises=ValueError("broken"))})))


@pytest.mark.parametrize(
    ("hostile", "reason"),
    [(What(effect=0.2, tokens=20), "times its parent's"), (What(effect=0.2, failing=2), "failed")],
)
async def test_an_edit_that_costs_or_fails_calls_leaves_and_takes_no_other_with_it(
    hostile: What, reason: str
) -> None:
    found = await searched(Edits(by_number({3: hostile}, What(effect=0.06))), episodes=700)
    blamed = [number for number, told in reasons(found).items() if reason in told]
    assert blamed == [3]
    assert found.finalists
    assert all(3 not in edits_of(finalist) for finalist in found.finalists)


@pytest.mark.parametrize("episodes", [0, 500])
@pytest.mark.parametrize(
    "clash",
    [
        lambda numbers: len(numbers) > 0,
        lambda numbers: len(numbers) > 1,
        lambda numbers: len(numbers) > 2,
        lambda numbers: 2 in numbers,
        lambda numbers: bool(numbers) and sum(numbers) % 3 == 0,
    ],
    ids=["no edit merges", "no pair merges", "no three merge", "one never merges", "some sums"],
)
async def test_a_search_ends_whatever_does_not_merge(
    clash: Callable[[frozenset[int]], bool], episodes: int
) -> None:
    found = await searched(Edits(usual, clash=clash), episodes=episodes, iterations=12)
    assert all(not clash(frozenset(edits_of(finalist))) for finalist in found.finalists)
    assert len(found.iterations) <= 3 * 12


async def test_a_golden_example_of_an_edit_counts_once_in_all_looks() -> None:
    """Edit 2 gets one example accepted wherever it is; examples of others are their documents'."""
    world = Edits(by_number({2: What(effect=0.9)}), rate=0.1)
    first: list[tuple[str, str]] = []

    def distinct(looked: CandidateOutcomes) -> list[list[Outcome]]:
        counted = []
        for candidate, outcomes in looked:
            counted.append(list(outcomes))
            for place, outcome in enumerate(outcomes):
                if outcome.accepted and 2 in edits_of(candidate):
                    where = (outcome.cell.document_id, "golden")
                    first[:] = first or [where]
                    counted[-1][place] = replace(outcome, accepted=where == first[0])
        return counted

    assert 2 in edits_of((await searched(world)).finalists[0])
    found = await searched(world, distinct=distinct)
    assert all(2 not in edits_of(finalist) for finalist in found.finalists)


@pytest.mark.parametrize("wants", [False, True])
async def test_a_search_keeps_to_its_episodes_wherever_they_end(wants: bool) -> None:
    for episodes in range(204, 384, 7):
        world = Edits(usual, wants_minibatch=wants, seed=episodes)
        found = await searched(world, episodes=episodes, minibatch=4)
        assert found.spent <= episodes
        assert max(world.paid.values()) <= 2


async def test_an_edit_that_never_came_keeps_none_that_came_later_waiting() -> None:
    """It was asked for before a later one, and the search ended before it came."""

    class Slow(Edits):
        async def propose(self, brief: Brief) -> Proposal:
            if brief.number == 1:
                await asyncio.Event().wait()
            return await super().propose(brief)

    world = Slow(usual)
    under_way = ProposalsUnderWay(world, world, 0, known={2})
    for number in (1, 2, 3):
        under_way.start(Refill((number,), BASELINE, (), 0, 0))
    async with asyncio.timeout(ENDS_S):
        refill, proposal = await under_way.take(2)
    assert refill.numbers == (2,)
    assert proposal.candidate is not None
    assert [brief.number for brief in world.briefs] == [2], "nobody is asked what comes after"
    await under_way.close()


async def test_a_search_that_is_carried_out_again_comes_to_the_same_and_adds_nothing() -> None:
    """Also where proposals take another time, and where it was cut short twice before."""

    def world(jitter: int) -> Edits:
        made = by_number({5: What(refused="no idea")}, What(effect=0.05))
        clash = lambda numbers: len(numbers) > 1 and sum(numbers) % 4 == 1  # noqa: E731
        return Edits(made, clash=clash, wants_minibatch=True, jitter=jitter)

    async def known(journal: Memory, jitter: int) -> tuple[object, ...]:
        found = await searched(world(jitter), iterations=12, minibatch=4, journal=journal)
        told = [(i.number, i.decision, i.reason) for i in found.iterations]
        return found.best, found.finalists, found.certificates, told, found.spent

    for cut, jitter in ((0, 1), (17, 2), (49, 3), (63, 4)):
        journal = Memory()
        whole = await known(journal, jitter)
        for again in range(3):
            shorter = Memory(*journal.facts[: cut + 20 * again] if again < 2 else journal.facts)
            resumed = await known(shorter, 10 * jitter + again)
            facts = len(shorter.facts)
            assert await known(shorter, 50 + jitter) == resumed
            assert len(shorter.facts) == facts
        assert resumed == whole
