"""Searching by races: iterations of select, propose, race, decide; then the leaders once more.

Iteration i sees exactly the decisions of iterations 1..i-k, applied in order (k =
`plan.parallel`), however the episodes are timed, so the same search over a journal comes to the
same end and pays for nothing twice. `Proposer.propose` is *started* in iteration order, right
after `observe` was told iteration i-k; a proposer that keeps state reads it before its first
`await`.

`parallel` iterations in a row are siblings: they edit the same parent and race on the same
documents, so the parent's fresh episodes are run once for all of them.
"""

import asyncio

from autodata.concurrency import all_of
from autodata.errors import BudgetSpent
from autodata.search.base import Iteration
from autodata.search.course import Course
from autodata.search.events import Decided, Remeasured
from autodata.search.iteration import Iterations
from autodata.search.null import pooled_rate
from autodata.search.phases import Collaborators, Phases, first_of, raise_failure
from autodata.search.race_standing import RaceStanding, Start
from autodata.search.repeats import MOST_LOOKS, Repeat
from autodata.types import Cell

FINAL_LOOKS = 12
"""How often survivors are re-measured at most when no budget bounds it."""


class RacingSearch(Phases[RaceStanding]):
    """A search by races."""

    def __init__(
        self, standing: RaceStanding, collaborators: Collaborators, course: Course
    ) -> None:
        super().__init__(standing, collaborators, course)
        proposer = collaborators.proposer
        self._iterations = Iterations(
            standing, self._evaluator, proposer, self._journal, self._progress
        )
        self._minibatch = standing.plan.minibatch if proposer.wants_minibatch else 0

    async def _explore(self) -> None:
        await self._iterate()
        await self._remeasure()

    async def _iterate(self) -> None:
        """Keep `parallel` iterations in flight and apply their decisions in order."""
        tasks: dict[int, asyncio.Task[Iteration]] = {}
        number = len(self._standing.history) + 1
        try:
            while True:
                if len(tasks) == self._standing.plan.parallel:
                    await self._decide(tasks)
                start = self._start(number)
                if start is None:
                    break
                tasks[number] = asyncio.create_task(self._iterations.run(start))
                number += 1
            while tasks:
                await self._decide(tasks)
        finally:
            await self._iterations.close(tasks.values())
        self._iterations.observe(self._standing.history)

    def _start(self, number: int) -> Start | None:
        """Start an iteration; None: the plan has come to its end, as far as it goes by now."""
        standing = self._standing

        def late() -> bool:
            """Whether a growth came when something of this plan was still to be decided."""
            return bool(self._growths) and self._growths[0].decided < number - 1

        if self._course.closed and number > self._course.closings[-1].after:
            return None
        while late() and self._growths[0].first <= number:
            self._grow()
        while True:
            begun = number <= standing.plan.iterations
            start = standing.start(number, self._minibatch) if begun else None
            if start is not None or not late():
                return start
            self._grow()

    async def _decide(self, tasks: dict[int, asyncio.Task[Iteration]]) -> None:
        """Wait for the oldest iteration in flight and apply its decision.

        Where a budget ends it the search closes; the younger ones cannot be decided before it.
        """
        await self._reclose()
        head = min(tasks)
        try:
            while not tasks[head].done():
                pending = [task for task in tasks.values() if not task.done()]
                await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                raise_failure(task for task in tasks.values() if task.done())
            decided = tasks.pop(head).result()
        except (BudgetSpent, BaseExceptionGroup) as error:
            spent = first_of(error)
            await self._iterations.close(tasks.values())
            raise (await self._close(spent) if isinstance(spent, BudgetSpent) else spent) from None
        iteration = self._standing.apply(decided)
        await self._journal.once(str(iteration.number), iteration.record())
        told = (*self._standing.leads(), self._standing.spent, pooled_rate(self._standing.null))
        self._progress(Decided(iteration, *told))
        self._look_ahead()

    async def _remeasure(self) -> None:
        """Measure the leader and its likeliest rival once more, until one of them clearly leads."""
        standing, plan = self._standing, self._standing.plan
        validation = list(standing.documents["validation"])
        size = min(len(validation), 2 * plan.race.block)
        most = MOST_LOOKS if plan.episodes else min(MOST_LOOKS, standing.looks + FINAL_LOOKS)
        while True:
            await self._reclose()
            look = standing.looks + 1
            rng = standing.rng(look, "remeasure")
            affordable = plan.episodes - standing.test_cost() - standing.spent
            rivals = standing.rivals(rng) if look <= most else []
            if not rivals or (plan.episodes and affordable < 2 * size):
                break
            repeat = Repeat("look", look).number
            cells = [Cell(d, "validation", repeat) for d in rng.sample(validation, size)]
            try:
                found = await all_of(self._evaluator.evaluate(rival, cells) for rival in rivals)
            except BudgetSpent as spent:
                raise await self._close(spent) from None
            for rival, outcomes in zip(rivals, found, strict=True):
                standing.learn(rival.id, outcomes)
            standing.looks = look
            self._progress(Remeasured(*self._standing.leads(), standing.spent))
            self._look_ahead()
