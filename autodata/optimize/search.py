"""The search: iterations of select, propose, race, decide; then re-measuring and the sealed test.

Knows nothing of git, journals, Optuna or models; it sees an `Evaluator`, a `Proposer` and a
`Recorder` (optimize/base.py), and is a deterministic function of its plan and their answers.

    result = await search(
        plan, baseline, documents, evaluator, proposer, recorder, progress, claim
    )
    result.best, result.certificates, result.iterations, result.spent

Iteration i sees exactly the decisions of iterations 1..i-k, applied in order (k =
`plan.parallel`), however the episodes are timed, so the same search over a journal comes to the
same end and pays for nothing twice. `Proposer.propose` is *started* in iteration order, right
after `observe` was told iteration i-k; a proposer that keeps state reads it before its first
`await`.

`parallel` iterations in a row are siblings: they edit the same parent and race on the same
documents, so the parent's fresh episodes are run once for all of them.

Repeats: iteration i uses (f+1)*100 + pass for parent and mutant on validation, f being the first
of its siblings, and (i+1)*100 for its train minibatch; the baseline's first look is repeat 0,
re-measuring uses 1..99, the test split 0 and up.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autodata.concurrency import all_of
from autodata.optimize.base import Evaluator, Iteration, Proposer, Recorder
from autodata.optimize.certify import Certificate, Claim, Interval, interval_of
from autodata.optimize.estimate import Estimate
from autodata.optimize.events import Decided, Progress, Remeasured, Started
from autodata.optimize.iteration import Iterations
from autodata.optimize.plan import SearchPlan
from autodata.optimize.records import baseline_body, iteration_body
from autodata.optimize.sealed import SealedTest
from autodata.optimize.standing import Standing
from autodata.types import Candidate, Cell, Outcome, Split

FIRST_LOOK = 8
FINAL_LOOKS = 12
"""How often survivors are re-measured at most when no budget bounds it."""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Where the search ended.

    `best` is the candidate to promote: a certified finalist, else the baseline. `finalists` went
    to the test split, the favourite first; `estimates` are validation beliefs about the whole
    population, best first; `spent` counts episodes of every kind, certification included.
    """

    best: Candidate
    finalists: tuple[Candidate, ...]
    certificates: tuple[Certificate, ...]
    baseline_rate: Interval
    iterations: tuple[Iteration, ...]
    estimates: tuple[Estimate, ...]
    spent: int


async def search(
    plan: SearchPlan,
    baseline: Candidate,
    documents: Mapping[Split, Sequence[str]],
    evaluator: Evaluator,
    proposer: Proposer,
    recorder: Recorder,
    progress: Progress,
    claim: Claim,
) -> SearchResult:
    """Search for a better harness than `baseline` and certify it.

    `claim` is asked right before the test split is, with the finalists.

    Raises:
        ConfigurationError, DocumentError: the plan cannot work; nothing was spent.
        BudgetSpent, Interrupted: passed through from the evaluator or proposer.
    """
    plan.check(documents)
    standing = Standing(plan, baseline, documents)
    running = Search(standing, evaluator, proposer, recorder, progress)
    try:
        await running.look_at_baseline()
        await running.iterate()
        await running.remeasure()
        return await running.finish(claim)
    except BaseExceptionGroup as group:
        raise _first(group) from None


class Search:
    """The phases of one search, in their order."""

    def __init__(
        self,
        standing: Standing,
        evaluator: Evaluator,
        proposer: Proposer,
        recorder: Recorder,
        progress: Progress,
    ) -> None:
        self._standing = standing
        self._plan = standing.plan
        self._evaluator = evaluator
        self._recorder = recorder
        self._progress = progress
        self._iterations = Iterations(standing, evaluator, proposer, recorder, progress)
        self._minibatch = self._plan.minibatch if proposer.wants_minibatch else 0

    async def look_at_baseline(self) -> None:
        """Run the baseline on a few validation documents: a first rate, and the price of cost."""
        standing = self._standing
        validation = list(standing.documents["validation"])
        seen = standing.rng(0, "baseline").sample(validation, min(FIRST_LOOK, len(validation)))
        cells = [Cell(document, "validation", 0) for document in seen]
        standing.first_look(await self._evaluator.evaluate(standing.baseline, cells))
        body = baseline_body(standing.baseline)
        await self._recorder.record("candidate", standing.baseline.id, body)
        first = standing.ranking()[0]
        self._progress(Started(first, self._plan.iterations, self._plan.episodes))

    async def iterate(self) -> None:
        """Keep `parallel` iterations in flight and apply their decisions in order."""
        tasks: dict[int, asyncio.Task[Iteration]] = {}
        async with asyncio.TaskGroup() as group:
            for number in range(1, self._plan.iterations + 1):
                if number > self._plan.parallel:
                    await self._apply(await tasks.pop(number - self._plan.parallel))
                start = self._standing.start(number, self._minibatch)
                if start is None:
                    break
                tasks[number] = group.create_task(self._iterations.run(start))
            for number in sorted(tasks):
                await self._apply(await tasks[number])
        self._iterations.observe(self._standing.history)

    async def remeasure(self) -> None:
        """Measure the leader and its likeliest rival once more, until one of them clearly leads."""
        standing = self._standing
        validation = list(standing.documents["validation"])
        size = min(len(validation), 2 * self._plan.race.block)
        looks = 98 if self._plan.episodes else FINAL_LOOKS
        for look in range(1, looks + 1):
            rng = standing.rng(look, "remeasure")
            left = self._plan.episodes - standing.test_cost() - standing.spent
            rivals = standing.rivals(rng)
            if not rivals or (self._plan.episodes and left < 2 * size):
                break
            cells = [Cell(d, "validation", look) for d in rng.sample(validation, size)]
            for rival, outcomes in zip(rivals, await self._all(rivals, cells), strict=True):
                standing.learn(rival.id, outcomes)
            self._progress(Remeasured(*self._leads(), standing.spent))

    async def finish(self, claim: Claim) -> SearchResult:
        """Take baseline and finalists to the test split and say what holds there.

        Finalists are believed to be better than the baseline; where nobody is, the baseline is
        measured alone and no test is used up.
        """
        standing, baseline = self._standing, self._standing.baseline
        ranking = [estimate.candidate_id for estimate in standing.ranking()]
        names = ranking[: ranking.index(baseline.id)][: self._plan.finalists]
        finalists = [standing.candidates[name] for name in names]
        test = SealedTest(standing.rules, self._evaluator, self._recorder, claim, self._progress)
        tested = await test.meet(baseline, finalists)
        standing.spent += tested.episodes
        certified = [c.candidate_id for c in tested.certificates if c.certified]
        return SearchResult(
            standing.candidates[certified[0]] if certified else baseline,
            tuple(finalists),
            tested.certificates,
            interval_of(tested.baseline),
            tuple(standing.history),
            tuple(standing.ranking()),
            standing.spent,
        )

    async def _all(
        self, candidates: Sequence[Candidate], cells: Sequence[Cell]
    ) -> list[list[Outcome]]:
        return await all_of(self._evaluator.evaluate(c, cells) for c in candidates)

    async def _apply(self, decided: Iteration) -> None:
        iteration = self._standing.apply(decided)
        await self._recorder.record("iteration", str(iteration.number), iteration_body(iteration))
        self._progress(Decided(iteration, *self._leads(), self._standing.spent))

    def _leads(self) -> tuple[Estimate, Estimate]:
        """What is believed now of the baseline and of the best candidate."""
        standing = self._standing
        return standing.book.estimate(standing.baseline.id), standing.ranking()[0]


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first plain exception in a tree of groups."""
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
