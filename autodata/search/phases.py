"""The phases that every search has: the first look, the end, the sealed test, closings and growths.

How it searches in between is told by a subclass: `racing` or `merging`.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from autodata.errors import BudgetSpent
from autodata.search.base import Evaluator, Iteration, Merger, Proposer, candidate_record
from autodata.search.belief import Estimate
from autodata.search.certify import Claim, interval_of
from autodata.search.course import Course
from autodata.search.events import Ahead, Closed, Progress, Started
from autodata.search.null import NULL_LOOK, null_cells, pooled_rate
from autodata.search.repeats import FIRST_SIGHT
from autodata.search.sealed import SealedTest
from autodata.search.standing import Standing
from autodata.store.facts import JournalWriter
from autodata.store.records import Certificate, ClosingRecord
from autodata.types import Candidate, Cell, Interval, Outcome

FIRST_LOOK = 8

S = TypeVar("S", bound=Standing)
T = TypeVar("T")

CandidateOutcomes = Sequence[tuple[Candidate, Sequence[Outcome]]]
Distinct = Callable[[CandidateOutcomes], list[list[Outcome]]]


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


def as_they_are(looked: CandidateOutcomes) -> list[list[Outcome]]:
    """Return outcomes of candidates among whose examples there are no copies."""
    return [list(outcomes) for _, outcomes in looked]


@dataclass(frozen=True, slots=True)
class Collaborators:
    """Whoever a search asks, and whom it tells; `claim` is asked right before the test split is.

    `distinct` lets near copies count once among the examples of all harnesses, look by look: an
    edit is measured in many harnesses, in each on a few documents. Edits that take no time
    (`at_once`: a simulation's) are waited for by the look that they were asked for at.
    """

    evaluator: Evaluator
    proposer: Proposer
    journal: JournalWriter
    claim: Claim
    progress: Progress = lambda _: None
    merger: Merger | None = None
    distinct: Distinct = as_they_are
    at_once: bool = False


class Over(Exception):
    """The search closed here when it was carried out."""

    def __init__(self, result: SearchResult) -> None:
        super().__init__()
        self.result = result


class Phases(ABC, Generic[S]):
    """The phases of one search, in their order."""

    def __init__(self, standing: S, collaborators: Collaborators, course: Course) -> None:
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

    async def run(self) -> SearchResult:
        """Search to the end of the plan, and of each that it grew to."""
        await self._look_at_baseline()
        try:
            while True:
                await self._explore()
                result = await self._finish()
                if not self._growths:
                    return result
                self._grow()
        except Over as over:
            return over.result

    @abstractmethod
    async def _explore(self) -> None:
        """Search until the plan, as far as it goes by now, has come to its end."""

    @property
    def _place(self) -> tuple[int, int]:
        """How far the search is: the iterations that are decided, and the looks that are over."""
        return len(self._standing.history), self._standing.looks

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

    def _grow(self) -> None:
        growth = self._growths.pop(0)
        self._standing.grow(growth.iterations, growth.episodes)

    def _look_ahead(self) -> None:
        standing = self._standing
        baseline, baseline_null = standing.baseline_cost()
        finalists, null = standing.finalists_cost()
        kept = (baseline, finalists, standing.out(), baseline_null, null)
        self._progress(Ahead(standing.baseline.tree, *kept))

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
        place = self._place
        closing = ClosingRecord(spent.bound, spent.limit, *place, spent.kept)
        if not self._course.closings or closing != self._course.closings[-1]:
            number = len(self._course.closings) + 1
            await self._journal.once(str(number), closing)
        return Over(await self._end(closing))

    async def _reclose(self) -> None:
        """Do again what was done where the search closed in an earlier session."""
        place = self._place
        while self._closings and (self._closings[0].after, self._closings[0].looks) == place:
            result = await self._end(self._closings.pop(0))
            if self._course.closed and not self._closings:
                raise Over(result)

    async def _end(self, closing: ClosingRecord) -> SearchResult:
        self._progress(Closed(closing))
        if closing.tested:
            return await self._finish(closing)
        return self._result([], closing)


def raise_failure(ended: Iterable[asyncio.Future[T]]) -> None:
    """Raise what failed, unless it is a budget: older iterations may need no more of it."""
    for task in ended:
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(first_of(error), BudgetSpent):
            raise first_of(error)


def first_of(error: BaseException) -> BaseException:
    """The first plain exception in a tree of groups."""
    return first_of(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error
