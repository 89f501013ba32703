"""Searching by merging: looks at sets of undecided edits, which all of their episodes inform about.

Look n is drawn knowing exactly looks 1..n-k (k = `plan.parallel`), of sizes that follow from counts
of episodes and never from time. Edits are proposed beside the looks: which ones have come when a
look begins is journaled, and a resumed run takes the same ones there. All else follows from the
journal and the seed.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from itertools import count

import numpy as np

from autodata.concurrency import all_of, finish
from autodata.errors import BudgetSpent
from autodata.search.base import Iteration
from autodata.search.choosing import choose, contradicted
from autodata.search.course import Course
from autodata.search.events import Decided, Looked, Looking
from autodata.search.intake import REWRITE, Intake
from autodata.search.looks import (
    FEWEST_EPISODES,
    SET_DOCUMENTS,
    Drawn,
    Look,
    Seen,
    fresh,
    kept_for_check,
    left,
    look_size,
    null_beside,
)
from autodata.search.null import NULL_BESIDE, null_cells, pooled_rate
from autodata.search.objections import objections
from autodata.search.phases import Collaborators, Phases, SearchResult, first_of, raise_failure
from autodata.search.pool import (
    FEWEST_SEEN,
    HOPELESS,
    SURE,
    YIELDING,
    Pool,
    PoolEdit,
    SetOutcomes,
)
from autodata.search.proposing import Lesson, ProposalsUnderWay
from autodata.search.repeats import Repeat
from autodata.search.sets import MergedSets
from autodata.store.records import BeliefsRecord, ClosingRecord, LookRecord
from autodata.types import Cell

WIDTH, LAST_WIDTH = 1.5, 1.0
"""How much wider than the posterior sets are drawn (1: Thompson sampling): while edits are asked
for, and after that."""


class MergingSearch(Phases[Pool]):
    """A search by merging edits."""

    def __init__(self, standing: Pool, collaborators: Collaborators, course: Course) -> None:
        super().__init__(standing, collaborators, course)
        assert collaborators.merger is not None
        journal, proposer = self._journal, collaborators.proposer
        self._distinct = collaborators.distinct
        entered = (journal.find(LookRecord, str(number)) for number in count(1))
        known = {n for look in iter(lambda: next(entered), None) for n in look.entered}
        self._sets = MergedSets(standing, collaborators.merger, journal)
        at_once = collaborators.at_once or not proposer.wants_minibatch
        self._proposals = ProposalsUnderWay(
            self._evaluator, proposer, standing.plan.seed, known, at_once
        )
        minibatch = standing.plan.minibatch if proposer.wants_minibatch else 0
        self._intake = Intake(
            standing, self._sets, self._proposals, journal, self._progress, minibatch
        )
        self._looks: deque[tuple[Look, asyncio.Future[Seen]]] = deque()
        self._opened = 0

    async def run(self) -> SearchResult:
        """Search to the end of the plan, and of each that it grew to."""
        try:
            return await super().run()
        finally:
            await finish(running for _, running in self._looks)
            await self._proposals.close()

    @property
    def _place(self) -> tuple[int, int]:
        """How far the search is: the looks that have begun, and those that are over."""
        return self._opened, self._standing.looks

    async def _explore(self) -> None:
        """Keep `parallel` looks in flight and learn from them in order; then check the best set."""
        pool = self._standing
        if not self._proposals.lessons:
            first = tuple(outcome for _, outcome in pool.own[frozenset()])
            self._proposals.lessons.append(Lesson(None, pool.baseline, (), first))
        while True:
            if len(self._looks) >= self._standing.plan.parallel:
                await self._learn()
            if await self._open():
                continue
            if not self._looks:
                break
            await self._learn()
        await self._check()

    async def _open(self) -> bool:
        """Begin the next look; False where there is nothing to look at, or nothing left for it."""
        await self._reclose()
        number, pool = self._opened + 1, self._standing
        while self._growths and self._growths[0].first <= number:
            self._grow()
        if left(pool) < SET_DOCUMENTS + NULL_BESIDE:
            return False
        self._intake.refill()
        if not pool.open and not self._proposals.asked:
            return False
        try:
            refused = await self._intake.let_in(number)
        except (BudgetSpent, BaseExceptionGroup) as error:
            raise await self._ended_by(error) from None
        for iteration in refused:
            if iteration.decision == "refused":
                pool.history.append(iteration)
            await self._tell(iteration)
        self._begin(number, await self._draw(number))
        return True

    async def _draw(self, number: int) -> list[Drawn]:
        """Draw sets for a look, each with the documents that it is measured on."""
        pool, size = self._standing, look_size(self._standing, NULL_BESIDE)
        asking = fresh(pool) and pool.proposed < pool.plan.iterations
        width = WIDTH if asking else LAST_WIDTH
        names = pool.documents_for(number, size)
        generator = np.random.default_rng([pool.plan.seed, number, 0])
        repeat = Repeat("look", number).number
        drawn: dict[frozenset[int], list[Cell]] = {}
        for place in range(0, size, SET_DOCUMENTS):
            noise = generator.standard_normal(len(pool.effects.mean))
            edits = await self._sets.on_base(pool.best_set(pool.effects.draw(noise, width)))
            block = names[place : place + SET_DOCUMENTS]
            drawn.setdefault(edits, []).extend(Cell(d, "validation", repeat) for d in block)
        return [Drawn(edits, pool.sets[edits], tuple(cells)) for edits, cells in drawn.items()]

    def _begin(self, number: int, sets: Sequence[Drawn]) -> None:
        null: tuple[Cell, ...] = ()
        if sets:
            names = [cell.document_id for cell in sets[0].cells]
            null = tuple(null_cells(names, "validation", null_beside(self._standing), number))
        look = Look(number, tuple(sets), null)
        self._opened = number
        self._standing.under_way += look.episodes
        closed = self._course.closed and number > self._course.closings[-1].looks
        running: asyncio.Future[Seen] = (
            asyncio.get_running_loop().create_future()  # a budget ended it when it was carried out
            if closed
            else asyncio.create_task(self._run(look))
        )
        self._looks.append((look, running))

    async def _run(self, look: Look) -> Seen:
        jobs = [self._evaluator.evaluate(drawn.candidate, drawn.cells) for drawn in look.sets]
        if look.null:
            jobs.append(self._evaluator.evaluate(look.sets[0].candidate, look.null))
        outcomes = await all_of(jobs)
        null = outcomes.pop() if look.null else []
        measured = (
            SetOutcomes(drawn.edits, drawn.candidate, ended)
            for drawn, ended in zip(look.sets, outcomes, strict=True)
        )
        return Seen(tuple(measured), tuple(null))

    async def _learn(self) -> None:
        """Wait for the oldest look, learn from it and decide what can be decided."""
        await self._reclose()
        (look, running), pool = self._looks[0], self._standing
        try:
            while not running.done():
                others = [each for _, each in self._looks if not each.done()]
                await asyncio.wait(others, return_when=asyncio.FIRST_COMPLETED)
                raise_failure(each for _, each in self._looks if each.done())
            seen = running.result()
        except (BudgetSpent, BaseExceptionGroup) as error:
            raise await self._ended_by(error) from None
        self._looks.popleft()
        pool.under_way -= look.episodes
        pool.looks = look.number
        pool.null += seen.null
        pool.spent += len(seen.null)
        counted = self._distinct([(each.candidate, each.outcomes) for each in seen.measured])
        measured = [
            each._replace(outcomes=outcomes)
            for each, outcomes in zip(seen.measured, counted, strict=True)
        ]
        pool.learn(measured)
        self._proposals.lessons += [
            Lesson(None, candidate, tuple(sorted(edits)), outcomes)
            for edits, candidate, outcomes in measured
        ]
        undecided = [entry.number for entry in pool.open]
        await self._decide()
        beliefs = tuple(pool.belief(pool.entries[number]) for number in undecided)
        await self._journal.once(str(look.number), BeliefsRecord(beliefs))
        told = (*pool.leads(), pool.spent, pooled_rate(pool.null))
        self._progress(Looked(look.number, beliefs, *told))
        self._look_ahead()

    async def _ended_by(self, error: BaseException) -> BaseException:
        """Close the search where a budget ended it; return what is to be raised."""
        spent = first_of(error)
        return await self._close(spent) if isinstance(spent, BudgetSpent) else spent

    async def _decide(self) -> None:
        """Let edits leave the pool: to the base, or for good."""
        pool = self._standing
        for number, why in objections(pool).items():
            await self._tell(self._intake.leave(pool.entries[number], why))
        chances = pool.chances()
        for number, good in chances.items():
            if good < HOPELESS and len(pool.entries[number].outcomes) >= FEWEST_SEEN:
                await self._tell(self._intake.leave(pool.entries[number]))
        longest = pool.plan.race.passes * len(pool.documents["validation"])
        for number in sorted(chances, key=lambda each: -chances[each]):
            entry, good = pool.entries[number], chances[number]
            if entry.state != "undecided":
                continue
            worn = len(entry.outcomes) >= longest
            rivals = len(pool.rivals(number)) / max(1, len(pool.open) - 1)
            if good > SURE - YIELDING * rivals or (worn and good > 0.5):
                await self._take(entry, chances)
            elif worn:
                await self._tell(self._intake.leave(entry, "measured long enough"))

    async def _take(self, entry: PoolEdit, good: dict[int, float]) -> None:
        """Let an edit join the base; its rivals are written anew on top of it, or leave."""
        pool, rivals = self._standing, self._standing.rivals(entry.number)
        if entry.number not in await self._sets.on_base([entry.number]):
            await self._tell(self._intake.leave(entry, "it comes to no valid harness on its base"))
            return
        await self._tell(pool.decide(entry.number, "admitted"))
        for rival in rivals:
            why = f"it does not merge with e{entry.number}"
            anew = good[rival.number] >= REWRITE
            await self._tell(self._intake.leave(rival, why, anew))
        for told in await self._intake.see_who_fits():
            await self._tell(told)

    async def _tell(self, iteration: Iteration) -> None:
        await self._intake.tell(iteration)
        pool = self._standing
        told = (*pool.leads(), pool.spent, pooled_rate(pool.null))
        self._progress(Decided(iteration, *told))

    async def _check(self) -> None:
        """Measure the best set once more by itself: does it keep what the model promises?"""
        pool, number = self._standing, self._opened + 1
        await self._choose()
        size = int(min(kept_for_check(pool), left(pool, 0))) - NULL_BESIDE
        if not pool.chosen or size < FEWEST_EPISODES:
            return
        edits = next(edits for edits, c in pool.sets.items() if c is pool.chosen[0])
        names = pool.documents_for(number, size)
        repeat = Repeat("look", number).number
        cells = tuple(Cell(name, "validation", repeat) for name in names)
        expected = pool.expected(edits, names)
        await self._journal.once(str(number), LookRecord(()))
        self._progress(Looking(number, ()))
        self._begin(number, [Drawn(edits, pool.sets[edits], cells)])
        await self._learn()
        own = [outcome for _, outcome in pool.own[edits][-len(names) :]]
        if contradicted(pool, expected, own):
            pool.doubted.add(edits)

    async def _choose(self) -> None:
        pool = self._standing
        pool.chosen = [pool.sets[edits] for edits in await choose(pool, self._sets)]

    async def _finish(self, closed: ClosingRecord | None = None) -> SearchResult:
        await self._choose()
        return await super()._finish(closed)
