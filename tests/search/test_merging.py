"""The merging search: what it finds, what its looks may know, and that a journal repeats it."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from autodata.search.base import Brief, Proposal
from autodata.search.choosing import choose
from autodata.search.course import STRAIGHT
from autodata.search.merging import MergingSearch
from autodata.search.phases import Collaborators, SearchResult
from autodata.search.plan import SearchPlan
from autodata.search.pool import Pool, SetOutcomes
from autodata.search.search import search
from autodata.search.sets import MergedSets
from autodata.store.records import BeliefsRecord, CandidateRecord, EditRecord, LookRecord
from autodata.types import SPLITS, Candidate, Cell, Outcome, Split
from tests.support.fakes import Memory
from tests.support.merges import BASELINE, Edits, What, by_number
from tests.support.searches import documents

GOOD = by_number({2: What(0.25), 5: What(0.25), 7: What(-0.3)}, What(-0.02))
DOCUMENTS = documents()


async def claim(finalists: Sequence[Candidate]) -> list[int]:
    return list(range(len(finalists)))


async def searched(
    world: Edits,
    journal: Memory | None = None,
    seed: int = 0,
    episodes: int = 700,
    iterations: int = 12,
    finalists: int = 1,
) -> SearchResult:
    collaborators = Collaborators(world, world, journal or Memory(), claim, merger=world)
    plan = SearchPlan(
        search="merge",
        seed=seed,
        episodes=episodes,
        iterations=iterations,
        finalists=finalists,
        minibatch=0,
    )
    async with asyncio.timeout(60):
        return await search(plan, BASELINE, DOCUMENTS, collaborators)


def facts(journal: Memory) -> list[tuple[str, str, str]]:
    return sorted((fact.kind, fact.key, repr(fact.record)) for fact in journal.facts)


async def test_good_edits_are_found_and_merged_into_one_finalist() -> None:
    found = [(await searched(Edits(GOOD, seed=seed), seed=seed)).best.tree for seed in range(6)]
    assert sum("+e2" in tree and "+e5" in tree for tree in found) >= 5
    assert not any("+e7" in tree for tree in found)


async def test_every_episode_counts_for_all_edits_in_its_harness() -> None:
    journal = Memory()
    result = await searched(Edits(GOOD), journal)
    last: dict[int, int] = {}
    for fact in journal.records(BeliefsRecord):
        last |= {belief.edit: belief.episodes for belief in fact.record.edits}
    assert sum(last.values()) > 1.5 * result.spent - 300  # the test and the first look aside


async def test_looks_and_beliefs_are_the_same_however_episodes_and_proposals_are_timed() -> None:
    first, second = Memory(), Memory()
    await searched(Edits(GOOD, wants_minibatch=True), first)
    await searched(Edits(GOOD, wants_minibatch=True, jitter=7), second)
    entered = [fact.record.entered for fact in second.records(LookRecord)]
    assert entered != [fact.record.entered for fact in first.records(LookRecord)]
    third = Memory()
    for fact in second.records(LookRecord):  # what the other one took in, at the same looks
        await third.append(fact.key, fact.record)
    await searched(Edits(GOOD, wants_minibatch=True, jitter=99), third)
    assert facts(third) == facts(second)


async def test_a_finished_search_that_is_carried_out_again_asks_for_nothing_new() -> None:
    journal = Memory()
    first = await searched(Edits(GOOD, jitter=3), journal)
    before, again = facts(journal), Edits(GOOD, jitter=5)
    result = await searched(again, journal)
    entered = {number for f in journal.records(LookRecord) for number in f.record.entered}
    assert facts(journal) == before
    assert {brief.number for brief in again.briefs} == entered
    assert result.best == first.best


async def test_episodes_never_wait_for_a_proposal_that_takes_long() -> None:
    enough = asyncio.Event()

    class Slow(Edits):
        async def propose(self, brief: Brief) -> Proposal:
            if brief.number == 3:
                await enough.wait()
            return await super().propose(brief)

        async def evaluate(self, candidate: Candidate, cells: Sequence[Cell]) -> list[Outcome]:
            if len(self.paid) > 150:
                enough.set()
            return await super().evaluate(candidate, cells)

    journal = Memory()
    await searched(Slow(GOOD, wants_minibatch=True), journal)
    looks = [fact.record.entered for fact in journal.records(LookRecord)]
    assert 3 not in looks[0]
    assert next(look for look, entered in enumerate(looks, 1) if 3 in entered) > 4


async def test_proposals_are_told_what_was_known_when_they_were_asked_for() -> None:
    world = Edits(GOOD, jitter=11)
    await searched(world, iterations=40)
    late = [brief for brief in world.briefs if brief.looks]
    assert late
    for brief in late:
        known = {past.number for past in brief.history}
        assert known
        assert max(known) < brief.number
        assert all("believed" in p.reason for p in brief.history if p.decision == "undecided")
    groups = {brief.group for brief in world.briefs}
    assert max(map(len, groups)) == 4


async def test_what_clashes_is_never_in_one_harness_and_the_loser_is_written_anew() -> None:
    def clash(numbers: frozenset[int]) -> bool:
        return {2, 5} <= numbers

    rewritten = []
    for seed in range(6):
        journal = Memory()
        world = Edits(by_number({2: What(0.3), 5: What(0.25)}, What(-0.05)), clash=clash, seed=seed)
        await searched(world, journal, seed=seed)
        sets = [set(fact.record.edits) for fact in journal.records(CandidateRecord)]
        assert not any({2, 5} <= numbers for numbers in sets)
        rewritten += [[brief.rewrite.number for brief in world.briefs if brief.rewrite]]
    assert all(asked in ([], [2], [5]) for asked in rewritten)
    assert sum(map(len, rewritten)) >= 3  # the others were dropped before: seldom measured


async def test_an_edit_that_says_what_the_base_says_already_is_not_measured() -> None:
    class Same(Edits):
        async def tree(self, edits: Sequence[Candidate]) -> str | None:
            numbers = {int(edit.id[1:]) for edit in edits}
            if 2 in numbers:
                numbers.discard(3)  # the same lines
            return "+".join(["c0", *(f"e{number}" for number in sorted(numbers))])

    result = await searched(Same(GOOD))
    assert "e2 does the same" in next(i.reason for i in result.iterations if i.number == 3)


async def test_of_two_finalists_the_second_is_a_set_that_was_measured() -> None:
    result = await searched(Edits(GOOD), episodes=1500, finalists=2)
    assert len(result.certificates) == 2
    assert len({c.candidate_id for c in result.certificates}) == 2


async def test_a_favourite_that_does_not_keep_its_promise_makes_room_for_a_measured_set() -> None:
    class Breaking(Edits):
        """Whatever is measured by itself, on more documents than a drawn set, fails."""

        async def evaluate(self, candidate: Candidate, cells: Sequence[Cell]) -> list[Outcome]:
            found = await super().evaluate(candidate, cells)
            if len(cells) > 12 and cells[0].split == "validation":
                broken.append(candidate.tree)
                return [replace(outcome, accepted=False) for outcome in found]
            return found

    broken: list[str] = []
    world = Breaking(GOOD)
    plan = SearchPlan(search="merge", episodes=700, iterations=12, minibatch=0)
    pool = Pool(plan, BASELINE, DOCUMENTS)
    collaborators = Collaborators(world, world, Memory(), claim, merger=world)
    await MergingSearch(pool, collaborators, STRAIGHT).run()
    assert [pool.sets[edits].tree for edits in pool.doubted] == broken
    assert len(broken) == 1


async def test_the_sealed_test_meets_a_measured_set_where_the_favourite_is_doubted() -> None:
    world = Edits(GOOD)
    pool = Pool(SearchPlan(search="merge"), BASELINE, DOCUMENTS)
    pool.first_look([Outcome(Cell(d, "validation", 0), False) for d in DOCUMENTS["validation"][:8]])
    for number in (1, 2):
        name = f"e{number}"
        edit = Candidate(name, name, name, BASELINE.id)
        pool.enter(number, Proposal("test", edit), BASELINE.id, None)
    sets = MergedSets(pool, world, Memory())
    for repeat, numbers in enumerate(([1], [2], [1, 2]), 1):
        edits = await sets.on_base(numbers)
        cells = [Cell(d, "validation", repeat) for d in DOCUMENTS["validation"]]
        pool.learn([SetOutcomes(edits, pool.sets[edits], [Outcome(cell, True) for cell in cells])])
    both = frozenset((1, 2))
    assert await choose(pool, sets) == [both]
    pool.doubted.add(both)
    pool.own.pop(both)
    [other] = await choose(pool, sets)
    assert len(other) == 1


async def test_edits_that_destroy_each_other_in_threes_are_found_in_ones_and_twos() -> None:
    class Collapsing(Edits):
        def _outcome(self, tree, cell):  # type: ignore[no-untyped-def]
            found = super()._outcome(tree, cell)
            return type(found)(cell, False, found.spend) if tree.count("+") >= 3 else found

    found = []
    for seed in range(8):
        world = Collapsing(by_number({}, What(0.15)), seed=seed)
        result = await searched(world, seed=seed, episodes=900, iterations=6)
        found += [finalist.tree.count("+") for finalist in result.finalists]
    assert set(found) <= {1, 2}
    assert len(found) >= 5  # of 30 seeds 24 find some, the others nothing


async def test_without_a_bound_it_ends_when_all_edits_are_decided() -> None:
    result = await searched(Edits(GOOD), episodes=0, iterations=8)
    assert len(result.iterations) == 8
    assert "+e2" in result.best.tree


async def test_edits_and_sets_are_journaled_before_they_are_measured() -> None:
    journal = Memory()
    await searched(Edits(GOOD), journal)
    numbers = {int(fact.key[1:]) for fact in journal.records(EditRecord)}
    for fact in journal.records(CandidateRecord):
        assert set(fact.record.edits) <= numbers
    looks = [fact.key for fact in journal.records(LookRecord)]
    assert looks == [str(n) for n in range(1, len(looks) + 1)]


@pytest.mark.parametrize("sizes", [(50, 8, 10), (8, 40, 60)])
async def test_it_keeps_to_its_episodes(sizes: tuple[int, int, int]) -> None:
    world = Edits(GOOD, wants_minibatch=True)
    split: dict[Split, list[str]] = {
        s: [f"{s}-{n}" for n in range(size)] for s, size in zip(SPLITS, sizes, strict=True)
    }
    plan = SearchPlan(search="merge", episodes=400, iterations=30, minibatch=4)
    collaborators = Collaborators(world, world, Memory(), claim, merger=world)
    result = await search(plan, BASELINE, split, collaborators)
    assert result.spent <= 400
    assert len(world.paid) <= result.spent


async def test_no_episode_is_run_twice_null_ones_neither() -> None:
    world = Edits(GOOD)
    await searched(world, episodes=1400, iterations=40)
    assert max(world.paid.values()) == 1
    searching = [cell for _, cell in world.paid if cell.split != "test"]
    assert sum(cell.null for cell in searching) == pytest.approx(0.03 * len(searching), abs=3)
