"""Proposals under way beside the looks of a merging search.

Each is told exactly what was known when it was asked for, however long others take, so that a
resumed run asks the same: refills are begun in their order, and what a proposer learns between two
of them is handed over when the later one begins.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from random import Random

from autodata.concurrency import finish
from autodata.search.base import Brief, Evaluator, Iteration, Proposal, Proposer
from autodata.types import Candidate, Cell, Outcome

HYPOTHESES = 4
"""Edits that are proposed side by side from one analysis."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a proposer is told between refills: an edit was decided, or a set of edits measured."""

    iteration: Iteration | None = None
    candidate: Candidate | None = None
    edits: tuple[int, ...] = ()
    outcomes: Sequence[Outcome] = ()


@dataclass(frozen=True, slots=True)
class Refill:
    """Edits asked for at once, all of one parent, and everything that may be known of the search.

    `cells` are the parent's training episodes, which all of them read.
    """

    numbers: tuple[int, ...]
    parent: Candidate
    history: tuple[Iteration, ...]
    looks: int
    lessons: int
    cells: Sequence[Cell] = ()
    rewrite: Iteration | None = None


@dataclass(slots=True)
class Awaited:
    """An edit that was asked for: of whom, and what comes of it."""

    refill: Refill
    proposal: "asyncio.Future[Proposal]"


@dataclass(slots=True)
class ProposalsUnderWay:
    """All that was asked for and has not entered yet.

    `known` have entered in an earlier session; what was asked for after these is asked only when a
    look is new, so that a run which has ended asks nobody when it is carried out again. What was
    asked for before one of them is asked in its turn: the later ones were told after it.
    """

    evaluator: Evaluator
    proposer: Proposer
    seed: int
    known: set[int]
    at_once: bool = False
    lessons: list[Lesson] = field(default_factory=list)
    asked: dict[int, Awaited] = field(default_factory=dict)
    _tasks: list["asyncio.Task[None]"] = field(default_factory=list)
    _begun: asyncio.Event | None = None
    _taught: int = 0
    _new: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def _last(self) -> int:
        return max(self.known, default=0)

    def start(self, refill: Refill) -> None:
        """Ask for the edits of a refill."""
        loop = asyncio.get_running_loop()
        for number in refill.numbers:
            self.asked[number] = Awaited(refill, loop.create_future())
        before, self._begun = self._begun, asyncio.Event()
        self._tasks.append(asyncio.create_task(self._run(refill, before, self._begun)))

    async def come(self, wait: bool) -> None:
        """Ask whoever was not asked yet, as a look is new; `wait` for one edit at least.

        Where edits come `at_once`, as those of a proposer of knobs, which reads no trajectories,
        all are waited for, so that two runs of one seed are equal.
        """
        self._new.set()
        while missing := [a.proposal for a in self.asked.values() if not a.proposal.done()]:
            if not self.at_once and (self.ready() or not wait):
                break
            await asyncio.wait(missing, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.sleep(0)  # those that come at the same moment come together

    def ready(self) -> list[int]:
        """Return the numbers of edits that have come, in order."""
        return sorted(n for n, asked in self.asked.items() if asked.proposal.done())

    async def take(self, number: int) -> tuple[Refill, Proposal]:
        """Wait for an edit; it is under way no more."""
        asked = self.asked[number]
        proposal = await asyncio.shield(asked.proposal)
        del self.asked[number]
        return asked.refill, proposal

    async def close(self) -> None:
        """End what is under way; the proposer is told the rest of what was learnt."""
        await finish(self._tasks)
        self._teach(len(self.lessons))
        for asked in self.asked.values():
            asked.proposal.cancel()

    async def _run(
        self, refill: Refill, before: asyncio.Event | None, begun: asyncio.Event
    ) -> None:
        try:
            if refill.numbers[0] > self._last:
                await self._new.wait()
            minibatch = await self._minibatch(refill)
            if before is not None:
                await before.wait()
            self._teach(refill.lessons)
            async with asyncio.TaskGroup() as group:
                for group_of in _groups(refill.numbers):
                    for number in group_of:
                        group.create_task(self._propose(number, group_of, refill, minibatch))
                        await asyncio.sleep(0)  # what it reads first is what is known now
                begun.set()
        except BaseException as error:
            begun.set()
            for number in refill.numbers:
                if number in self.asked and not self.asked[number].proposal.done():
                    _fail(self.asked[number].proposal, error)
            if isinstance(error, asyncio.CancelledError):
                raise

    async def _propose(
        self, number: int, group: tuple[int, ...], refill: Refill, minibatch: Sequence[Outcome]
    ) -> None:
        if number > self._last:
            await self._new.wait()
        rng = Random(f"{self.seed}:{number}:propose")
        brief = Brief(
            number,
            refill.parent,
            minibatch,
            refill.history,
            rng,
            group,
            refill.looks,
            refill.rewrite,
        )
        future = self.asked[number].proposal
        proposal = await self.proposer.propose(brief)
        if not future.done():
            future.set_result(proposal)

    async def _minibatch(self, refill: Refill) -> Sequence[Outcome]:
        if not refill.cells:
            return ()
        return await self.evaluator.evaluate(refill.parent, refill.cells)

    def _teach(self, lessons: int) -> None:
        """Tell the proposer what was learnt up to this lesson."""
        for lesson in self.lessons[self._taught : lessons]:
            if lesson.iteration is not None:
                self.proposer.observe(lesson.iteration)
            elif lesson.candidate is not None:
                self.proposer.measured(lesson.candidate, lesson.edits, lesson.outcomes)
        self._taught = max(self._taught, lessons)


def _groups(numbers: Sequence[int]) -> Iterable[tuple[int, ...]]:
    """Yield the numbers that share an analysis."""
    for start in range(0, len(numbers), HYPOTHESES):
        yield tuple(numbers[start : start + HYPOTHESES])


def _fail(future: "asyncio.Future[Proposal]", error: BaseException) -> None:
    if isinstance(error, asyncio.CancelledError):
        future.cancel()
    else:
        future.set_exception(error)
        future.exception()  # it is raised where the edit is waited for, if it is
