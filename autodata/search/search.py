"""The search: iterations of select, propose, race, decide; then re-measuring and the sealed test.

Knows nothing of git, journals, Optuna or models; it sees an `Evaluator`, a `Proposer` and a
`JournalWriter`, and is a deterministic function of its plan and their answers.

    result = await search(
        plan, baseline, documents, Collaborators(evaluator, proposer, journal, claim, progress)
    )
    result.best, result.certificates, result.iterations, result.spent

Iteration i sees exactly the decisions of iterations 1..i-k, applied in order (k =
`plan.parallel`), however the episodes are timed, so the same search over a journal comes to the
same end and pays for nothing twice. `Proposer.propose` is *started* in iteration order, right
after `observe` was told iteration i-k; a proposer that keeps state reads it before its first
`await`.

`parallel` iterations in a row are siblings: they edit the same parent and race on the same
documents, so the parent's fresh episodes are run once for all of them.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from autodata.concurrency import all_of
from autodata.errors import BudgetSpent
from autodata.search.base import Evaluator, Iteration, Merger, Proposer, candidate_record
from autodata.search.belief import Estimate
from autodata.search.certify import Claim, interval_of
from autodata.search.course import STRAIGHT, Course
from autodata.search.events import Ahead, Closed, Decided, Progress, Remeasured, Started
from autodata.search.iteration import Iterations
from autodata.search.null import NULL_LOOK, null_cells, pooled_rate
from autodata.search.plan import SearchPlan
from autodata.search.repeats import FIRST_SIGHT, MOST_LOOKS, Repeat
from autodata.search.sealed import SealedTest
from autodata.search.standing import Standing, Start
from autodata.store.facts import JournalWriter
from autodata.store.records import Certificate, ClosingRecord
from autodata.types import Candidate, Cell, Interval, Split

FIRST_LOOK = 8
FINAL_LOOKS = 12
"""How often survivors are re-measured at most when no budget bounds it."""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The result of a search: best candidate, certificates, iterations and spending.

    `best` is the candidate to promote: a certified finalist, else one certified when the search
    ended before, else the baseline. `finalists` went to the test split, the favourite first;
    `certificates` are all of this search. `estimates` are validation beliefs about the whole
    population, best first; `spent` counts episodes of every kind, certification included.
    `closed` says which budget ended the search, if one did.
    """

    best: Candidate
    finalists: tuple[Candidate, ...]
    certificates: tuple[Certificate, ...]
    baseline_rate: Interval | None
    iterations: tuple[Iteration, ...]
    estimates: tuple[Estimate, ...]
    spent: int
    closed: ClosingRecord | None = None


@dataclass(frozen=True, slots=True)
class Collaborators:
    """Whoever a search asks, and whom it tells; `claim` is asked right before the test split is."""

    evaluator: Evaluator
    proposer: Proposer
    journal: JournalWriter
    claim: Claim
    progress: Progress = lambda _: None
    merger: Merger | None = None


async def search(
    plan: SearchPlan,
    baseline: Candidate,
    documents: Mapping[Split, Sequence[str]],
    collaborators: Collaborators,
    course: Course = STRAIGHT,
) -> SearchResult:
    """Search for a better harness than `baseline` and certify it.

    `course` is what came to this search in earlier sessions.

    Raises:
        ConfigurationError, DocumentError: the plan cannot work; nothing was spent.
        BudgetSpent: the first look, or the sealed test, could not be paid.
        Interrupted: passed through from the evaluator or proposer.
    """
    plan.check(documents)
    standing = Standing(plan, baseline, documents)
    running = Search(standing, collaborators, course)
    try:
        return await running.run()
    except BaseExceptionGroup as group:
        raise _first(group) from None


class _Over(Exception):
    """The search closed here when it was carried out."""

    def __init__(self, result: SearchResult) -> None:
        super().__init__()
        self.result = result


class Search:
    """The phases of one search, in their order."""

    def __init__(
        self,
        standing: Standing,
        collaborators: Collaborators,
        course: Course,
    ) -> None:
        self._standing = standing
        self._evaluator = collaborators.evaluator
        self._journal = collaborators.journal
        self._progress = collaborators.progress
        self._claim = collaborators.claim
        self._course = course
        self._growths = list(course.growths)
        self._closings = list(course.closings)
        self._certificates: dict[str, Certificate] = {}
        self._baseline_rate: Interval | None = None
        proposer = collaborators.proposer
        self._iterations = Iterations(
            standing, self._evaluator, proposer, self._journal, self._progress
        )
        self._minibatch = standing.plan.minibatch if proposer.wants_minibatch else 0

    async def run(self) -> SearchResult:
        """Search to the end of the plan, and of each that it grew to."""
        await self._look_at_baseline()
        try:
            while True:
                await self._iterate()
                await self._remeasure()
                result = await self._finish()
                if not self._growths:
                    return result
                self._grow()
        except _Over as over:
            return over.result

    async def _look_at_baseline(self) -> None:
        """Run the baseline on a few validation documents: a first rate, and the price of cost."""
        standing = self._standing
        validation = list(standing.documents["validation"])
        sample = standing.rng(0, "baseline").sample(validation, min(FIRST_LOOK, len(validation)))
        cells = [Cell(document, "validation", FIRST_SIGHT.number) for document in sample]
        cells += null_cells(sample, "validation", NULL_LOOK)
        standing.first_look(await self._evaluator.evaluate(standing.baseline, cells))
        record = candidate_record(standing.baseline, 0, "baseline")
        await self._journal.once(standing.baseline.id, record)
        first, plan = standing.ranking()[0], standing.plan
        self._progress(Started(first, plan.iterations, plan.episodes, pooled_rate(standing.null)))
        self._look_ahead()

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

    def _grow(self) -> None:
        growth = self._growths.pop(0)
        self._standing.grow(growth.iterations, growth.episodes)

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
                _raise_failure(task for task in tasks.values() if task.done())
            decided = tasks.pop(head).result()
        except (BudgetSpent, BaseExceptionGroup) as error:
            spent = _first(error)
            await self._iterations.close(tasks.values())
            raise (await self._close(spent) if isinstance(spent, BudgetSpent) else spent) from None
        iteration = self._standing.apply(decided)
        await self._journal.once(str(iteration.number), iteration.record())
        told = (*self._leads(), self._standing.spent, pooled_rate(self._standing.null))
        self._progress(Decided(iteration, *told))
        self._look_ahead()

    def _leads(self) -> tuple[Estimate, Estimate]:
        """What is believed now of the baseline and of the best candidate."""
        standing = self._standing
        return standing.book.estimate(standing.baseline.id), standing.ranking()[0]

    def _look_ahead(self) -> None:
        standing = self._standing
        baseline, baseline_null = standing.baseline_cost()
        finalists, null = standing.finalists_cost()
        kept = (baseline, finalists, standing.out(), baseline_null, null)
        self._progress(Ahead(standing.baseline.tree, *kept))

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
            self._progress(Remeasured(*self._leads(), standing.spent))
            self._look_ahead()

    async def _finish(self, closed: ClosingRecord | None = None) -> SearchResult:
        """Take finalists to the test split and say what holds there.

        Finalists are believed to be better than the baseline; where nobody is, the baseline is
        measured alone and no test is used up, or nothing is where a budget ended the search.
        """
        finalists = self._standing.finalists()
        if finalists or not closed:
            await self._test(finalists)
        return self._result(finalists, closed)

    async def _test(self, finalists: Sequence[Candidate]) -> None:
        """Let finalists meet the baseline; one that has a certificate keeps it."""
        standing, rules = self._standing, self._standing.rules
        fresh = [finalist for finalist in finalists if finalist.id not in self._certificates]
        if fresh or self._baseline_rate is None:
            sealed = SealedTest(rules, self._evaluator, self._journal, self._claim, self._progress)
            tested = await sealed.meet(standing.baseline, fresh)
            standing.met(tested.cells)
            self._baseline_rate = interval_of(tested.baseline.outcomes)
            self._certificates.update((c.candidate_id, c) for c in tested.certificates)
        self._look_ahead()

    def _result(self, finalists: Sequence[Candidate], closed: ClosingRecord | None) -> SearchResult:
        standing = self._standing
        ours = [finalist.id for finalist in finalists]
        names = [*ours, *(name for name in reversed(self._certificates) if name not in ours)]
        certificates = [self._certificates[name] for name in names if name in self._certificates]
        best = next((c.candidate_id for c in certificates if c.certified), standing.baseline.id)
        return SearchResult(
            standing.candidates[best],
            tuple(finalists),
            tuple(certificates),
            self._baseline_rate,
            tuple(standing.history),
            tuple(standing.ranking()),
            standing.spent,
            closed,
        )

    async def _close(self, spent: BudgetSpent) -> BaseException:
        """End the search with what it has because a budget leaves no more than the sealed test.

        Returns what is to be raised: the result, or the error if nothing is known of the budget.
        """
        if not spent.bound:
            return spent
        place = (len(self._standing.history), self._standing.looks)
        closing = ClosingRecord(spent.bound, spent.limit, *place, spent.kept)
        if not self._course.closings or closing != self._course.closings[-1]:
            number = len(self._course.closings) + 1
            await self._journal.once(str(number), closing)
        return _Over(await self._end(closing))

    async def _reclose(self) -> None:
        """Do again what was done where the search closed in an earlier session."""
        place = (len(self._standing.history), self._standing.looks)
        while self._closings and (self._closings[0].after, self._closings[0].looks) == place:
            result = await self._end(self._closings.pop(0))
            if self._course.closed and not self._closings:
                raise _Over(result)

    async def _end(self, closing: ClosingRecord) -> SearchResult:
        self._progress(Closed(closing))
        if closing.tested:
            return await self._finish(closing)
        return self._result([], closing)


def _raise_failure(ended: Iterable[asyncio.Task[Iteration]]) -> None:
    """Raise what failed, unless it is a budget: older iterations may need no more of it."""
    for task in ended:
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(_first(error), BudgetSpent):
            raise _first(error)


def _first(error: BaseException) -> BaseException:
    """The first plain exception in a tree of groups."""
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error
