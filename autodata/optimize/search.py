"""The search: iterations of select, propose, race, decide; then re-measuring and the sealed test.

Knows nothing of git, journals, Optuna or models; it sees an `Evaluator`, a `Proposer` and a
`Recorder` (optimize/base.py), and is a deterministic function of its plan and their answers.

    result = await search(plan, baseline, documents, evaluator, proposer, recorder, progress,
    ledger) result.best, result.certificates, result.ledger, result.iterations, result.spent

Iteration i sees exactly the decisions of iterations 1..i-k, applied in order (k =
`plan.parallel`), however the episodes are timed, so the same search over a journal comes to the
same end and pays for nothing twice. `Proposer.propose` is *started* in iteration order, right
after `observe` was told iteration i-k; a proposer that keeps state reads it before its first
`await`.

Repeats: iteration i uses (i+1)*100 + pass for parent and mutant on validation and (i+1)*100 for
its train minibatch; the baseline's first look is repeat 0, re-measuring uses 1..99, the test split
0 and up.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

from autodata.optimize.audit import audit
from autodata.optimize.base import Evaluator, Iteration, Proposal, Proposer, Recorder
from autodata.optimize.certify import Certificate, Interval, Ledger, certify, interval_of
from autodata.optimize.estimate import Book, Estimate, Yardstick
from autodata.optimize.events import (
    Certified,
    Certifying,
    Decided,
    Progress,
    Raced,
    Remeasured,
    Selected,
    Started,
)
from autodata.optimize.plan import SearchPlan
from autodata.optimize.race import Known, Race, going_rate
from autodata.optimize.records import baseline_body, candidate_body, iteration_body
from autodata.optimize.selection import SELECTION
from autodata.types import Candidate, Cell, Json, Outcome, Split

FIRST_LOOK = 8
FINAL_SHARE = 0.1
FINAL_LOOKS = 12
DRAWS = 40


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Where the search ended.

    `best` is the candidate to promote: a certified finalist, else the baseline. `finalists` went
    to the test split, the favourite first; `estimates` are validation beliefs about the whole
    population; `spent` counts episodes of every kind, certification included.
    """

    best: Candidate
    finalists: tuple[Candidate, ...]
    certificates: tuple[Certificate, ...]
    baseline_rate: Interval
    ledger: Ledger
    iterations: tuple[Iteration, ...]
    estimates: tuple[Estimate, ...]
    spent: int


@dataclass(frozen=True, slots=True)
class _Start:
    """All that an iteration may know, fixed when it starts."""

    number: int
    parent: Candidate
    leader: int
    known: Known
    allowance: int
    history: tuple[Iteration, ...]
    trees: frozenset[str]


async def search(
    plan: SearchPlan,
    baseline: Candidate,
    documents: Mapping[Split, Sequence[str]],
    evaluator: Evaluator,
    proposer: Proposer,
    recorder: Recorder,
    progress: Progress,
    ledger: Ledger,
) -> SearchResult:
    """Search for a better harness than `baseline` and certify it.

    Raises:
        ConfigurationError, DocumentError: the plan cannot work; nothing was spent.
        BudgetSpent, Interrupted: passed through from the evaluator or proposer.
    """
    plan.check(documents)
    ledger.check_room(plan.finalists)
    running = Search(plan, baseline, documents, evaluator, proposer, recorder, progress)
    await running.look_at_baseline()
    try:
        await running.iterate()
    except BaseExceptionGroup as group:
        raise _first(group) from None
    await running.remeasure()
    return await running.finish(ledger)


class Search:
    """The state of one search; it changes only in `_apply` and between the phases."""

    def __init__(
        self,
        plan: SearchPlan,
        baseline: Candidate,
        documents: Mapping[Split, Sequence[str]],
        evaluator: Evaluator,
        proposer: Proposer,
        recorder: Recorder,
        progress: Progress,
    ) -> None:
        self._plan = plan
        self._documents = documents
        self._evaluator = evaluator
        self._proposer = proposer
        self._recorder = recorder
        self._progress = progress
        self._baseline = baseline
        self._candidates = {baseline.id: baseline}
        self._population = [baseline.id]
        self._history: list[Iteration] = []
        self._turns: dict[int, asyncio.Event] = {}
        self._reserved: dict[int, int] = {}
        self._observed = 0
        self._chosen = baseline.id
        self._shared: dict[tuple[str, Cell], asyncio.Future[list[Outcome]]] = {}
        self._paid: set[tuple[str, Cell]] = set()
        self._book = Book(Yardstick())
        self._spent = 0
        self._test_repeats = plan.repeats_on_test(len(documents["test"]))

    async def look_at_baseline(self) -> None:
        """Run the baseline on a few validation documents: a first rate, and the price of cost."""
        validation = list(self._documents["validation"])
        seen = self._rng(0, "baseline").sample(validation, min(FIRST_LOOK, len(validation)))
        cells = [Cell(document, "validation", 0) for document in seen]
        outcomes = await self._evaluator.evaluate(self._baseline, cells)
        self._book = Book(Yardstick.fit(self._plan.objective, outcomes))
        self._book.enter(self._baseline.id, None)
        self._learn(self._baseline.id, outcomes)
        self._spent += len(outcomes)
        await self._recorder.record("candidate", self._baseline.id, baseline_body(self._baseline))
        first = self._book.estimate(self._baseline.id)
        self._progress(Started(first, self._plan.iterations, self._plan.episodes))

    async def iterate(self) -> None:
        """Keep `parallel` iterations in flight and apply their decisions in order."""
        tasks: dict[int, asyncio.Task[Iteration]] = {}
        async with asyncio.TaskGroup() as group:
            for number in range(1, self._plan.iterations + 1):
                if number > self._plan.parallel:
                    await self._apply(await tasks.pop(number - self._plan.parallel))
                start = self._start(number)
                if start is None:
                    break
                self._turns[number] = asyncio.Event()
                tasks[number] = group.create_task(self._iteration(start))
            for number in sorted(tasks):
                await self._apply(await tasks[number])
        for iteration in self._history[self._observed :]:
            self._proposer.observe(iteration)

    async def remeasure(self) -> None:
        """Measure the leader and its likeliest rival once more, until one of them clearly leads."""
        validation = list(self._documents["validation"])
        size = min(len(validation), 2 * self._plan.race.block)
        for look in range(1, 99):
            rng = self._rng(look, "remeasure")
            pair = self._rivals(rng)
            budget = self._plan.episodes - self._test_cost() - self._spent
            bounded = self._plan.episodes or FINAL_LOOKS * 2 * size
            if not pair or look * 2 * size > bounded or (self._plan.episodes and budget < 2 * size):
                break
            cells = [Cell(d, "validation", look) for d in rng.sample(validation, size)]
            both = await asyncio.gather(
                *(self._evaluator.evaluate(self._candidates[member], cells) for member in pair)
            )
            for member, outcomes in zip(pair, both, strict=True):
                self._learn(member, outcomes)
                self._spent += len(outcomes)
            self._progress(Remeasured(self._leader(), self._spent))

    async def finish(self, ledger: Ledger) -> SearchResult:
        """Take baseline and finalists to the test split and say what holds there."""
        leaders = sorted(self._population, key=lambda m: -self._book.estimate(m).mean)
        better = leaders[: leaders.index(self._baseline.id)][: self._plan.finalists]
        finalists = [self._candidates[member] for member in better]
        test = self._documents["test"]
        cells = [Cell(d, "test", repeat) for repeat in range(self._test_repeats) for d in test]
        self._progress(Certifying(tuple(better), (1 + len(better)) * len(cells)))
        baseline, *rest = await asyncio.gather(
            *(self._evaluator.evaluate(c, cells) for c in (self._baseline, *finalists))
        )
        self._spent += (1 + len(better)) * len(cells)
        certificates = []
        for finalist, outcomes in zip(finalists, rest, strict=True):
            before = len(ledger.tested)
            ledger, rate = ledger.enter(finalist.tree, self._plan.alpha)
            pair = (finalist.id, outcomes, self._baseline.id, baseline)
            found = certify(*pair, self._book.yardstick, rate, before)
            await self._recorder.record("certification", finalist.id, found.body())
            self._progress(Certified(found))
            certificates.append(found)
        certified = [c.candidate_id for c in certificates if c.certified]
        return SearchResult(
            self._candidates[certified[0]] if certified else self._baseline,
            tuple(finalists),
            tuple(certificates),
            interval_of(baseline),
            ledger,
            tuple(self._history),
            tuple(self._book.estimate(member) for member in leaders),
            self._spent,
        )

    def _start(self, number: int) -> _Start | None:
        """Choose the parent and fix what the iteration may know; None: the budget is spent."""
        minibatch = self._plan.minibatch if self._proposer.wants_minibatch else 0
        overhead = 2 * minibatch
        size = len(self._documents["validation"])
        longest = overhead + 2 * self._plan.race.passes * size
        allowance, affordable = longest, float(self._plan.race.passes * size)
        if self._plan.episodes:
            kept = self._test_cost() + FINAL_SHARE * (self._plan.episodes - self._test_cost())
            left = self._plan.episodes - kept - self._spent - sum(self._reserved.values())
            free = self._plan.parallel - len(self._reserved)
            allowance = min(longest, int(left / max(1, free)))
            if allowance < overhead + 2 * self._plan.race.block:
                return None
            still = self._plan.iterations - number + 1
            affordable = min(affordable, max(1.0, (left / still - overhead) / 2))
        self._reserved[number] = allowance
        leader = number - (number - 1) % self._plan.parallel
        if number == leader:
            rng = self._rng(number, "select")
            select = SELECTION[self._plan.selection]
            self._chosen = select(self._population, self._book, self._plan.temperature, rng)
        chosen = self._chosen
        self._progress(Selected(number, chosen))
        belief, effect = self._book.estimate(chosen), self._book.effect
        pair = 1 + 2 / (1 + self._plan.parallel)
        price = going_rate(effect, pair, minibatch, affordable)
        known = Known(effect, belief.mean, belief.sd**2, self._book.easiness, price, pair)
        return _Start(
            number,
            self._candidates[chosen],
            leader,
            known,
            allowance - overhead,
            tuple(self._history),
            frozenset(candidate.tree for candidate in self._candidates.values()),
        )

    async def _iteration(self, start: _Start) -> Iteration:
        minibatch: list[Outcome] = []
        if self._proposer.wants_minibatch:
            train = list(self._documents["train"])
            drawn = self._rng(start.number, "minibatch").sample(train, self._plan.minibatch)
            cells = [Cell(d, "train", 100 * (start.number + 1)) for d in drawn]
            minibatch = await self._evaluator.evaluate(start.parent, cells)
        proposal = await self._propose(start, minibatch)
        candidate = proposal.candidate
        refused = proposal.refused
        if candidate is not None and candidate.tree in start.trees:
            refused = "this harness was tried before"
        if candidate is None or refused:
            evidence = {"episodes": len(minibatch)}
            reason = refused or "the proposer proposed nothing"
            number, parent = start.number, start.parent.id
            return Iteration(number, parent, proposal, "refused", reason, evidence=evidence)
        body = candidate_body(candidate, start.number, proposal)
        await self._recorder.record("candidate", candidate.id, body)
        return await self._race(start, proposal, candidate, minibatch)

    async def _propose(self, start: _Start, minibatch: Sequence[Outcome]) -> Proposal:
        """Start proposing in iteration order, with the proposer told exactly what is known here."""
        if start.number > 1:
            await self._turns[start.number - 1].wait()
        for iteration in start.history[self._observed :]:
            self._proposer.observe(iteration)
        self._observed = len(start.history)
        rng = self._rng(start.number, "propose")
        async with asyncio.TaskGroup() as group:
            proposing = group.create_task(
                _coroutine(
                    self._proposer, start.number, start.parent, minibatch, start.history, rng
                )
            )
            await asyncio.sleep(0)
            self._turns[start.number].set()
        return proposing.result()

    async def _race(
        self,
        start: _Start,
        proposal: Proposal,
        mutant: Candidate,
        minibatch: Sequence[Outcome],
    ) -> Iteration:
        race = Race(
            self._plan.race,
            self._documents["validation"],
            start.known,
            start.allowance,
            100 * (start.leader + 1),
            self._rng(start.leader, "race"),
        )
        ours: list[Outcome] = []
        theirs: list[Outcome] = []
        verdict, value = None, self._book.yardstick.value
        while verdict is None:
            cells = race.block()
            new, old = await asyncio.gather(
                self._evaluator.evaluate(mutant, cells),
                self._parent(start.parent, cells),
            )
            ours += new
            theirs += old
            verdict = race.add([value(o) for o in new], [value(o) for o in old])
            gain, sd = race.posterior()
            where = (start.number, start.parent.id, mutant.id, race.pairs)
            self._progress(Raced(*where, gain, sd))
        score, audited = await self._audit(start, proposal, mutant, minibatch)
        episodes = len(minibatch) + 2 * race.pairs + audited
        return Iteration(
            start.number,
            start.parent.id,
            proposal,
            "admitted" if verdict.better else "rejected",
            verdict.reason,
            tuple(ours),
            tuple(theirs),
            {**race.evidence(), "episodes": episodes},
            score,
        )

    async def _parent(self, parent: Candidate, cells: Sequence[Cell]) -> list[Outcome]:
        """Run the parent once for all siblings that race against it on these cells."""
        key = (parent.id, cells[0])
        if key not in self._shared:
            self._shared[key] = asyncio.ensure_future(self._evaluator.evaluate(parent, cells))
        return await asyncio.shield(self._shared[key])

    async def _audit(
        self,
        start: _Start,
        proposal: Proposal,
        mutant: Candidate,
        minibatch: Sequence[Outcome],
    ) -> tuple[Json, int]:
        """Run the mutant on the training documents of the minibatch that were predicted."""
        predicted = {prediction.document_id for prediction in proposal.predictions}
        cells = [o.cell for o in minibatch if o.cell.document_id in predicted]
        if not cells:
            return {}, 0
        after = await self._evaluator.evaluate(mutant, cells)
        return audit(proposal.predictions, minibatch, after), len(cells)

    async def _apply(self, iteration: Iteration) -> None:
        """Make a decision part of what later iterations know."""
        self._reserved.pop(iteration.number)
        fresh = [o for o in iteration.parent_outcomes if (iteration.parent_id, o.cell) not in self._paid]
        self._paid.update((iteration.parent_id, o.cell) for o in fresh)
        shared = len(iteration.parent_outcomes) - len(fresh)
        episodes = iteration.evidence["episodes"] - shared
        iteration = replace(iteration, evidence={**iteration.evidence, "episodes": episodes})
        self._history.append(iteration)
        self._spent += iteration.evidence["episodes"]
        candidate = iteration.proposal.candidate
        if iteration.decision != "refused" and candidate is not None:
            self._candidates[candidate.id] = candidate
            self._book.enter(candidate.id, iteration.parent_id)
            self._learn(iteration.parent_id, fresh)
            self._learn(candidate.id, iteration.outcomes)
        if iteration.decision == "admitted" and candidate is not None:
            self._population.append(candidate.id)
        await self._recorder.record("iteration", str(iteration.number), iteration_body(iteration))
        self._progress(Decided(iteration, self._leader(), self._spent))

    def _learn(self, candidate_id: str, outcomes: Sequence[Outcome]) -> None:
        self._book.add(candidate_id, outcomes)
        self._book.update()

    def _leader(self) -> Estimate:
        return max((self._book.estimate(m) for m in self._population), key=lambda e: e.mean)

    def _rivals(self, rng: Random) -> list[str]:
        """The leader and whoever most often beats it in posterior draws; none if too rare."""
        leader = self._leader().candidate_id
        wins: dict[str, int] = {}
        for _ in range(DRAWS):
            drawn = self._book.draw(rng)
            winner = max(self._population, key=lambda member: drawn[member])
            wins[winner] = wins.get(winner, 0) + 1
        wins.pop(leader, None)
        if sum(wins.values()) < DRAWS / 20:
            return []
        return [leader, max(wins, key=lambda member: wins[member])]

    def _test_cost(self) -> int:
        return (1 + self._plan.finalists) * self._test_repeats * len(self._documents["test"])

    def _rng(self, number: int, purpose: str) -> Random:
        return Random(f"{self._plan.seed}:{number}:{purpose}")


async def _coroutine(
    proposer: Proposer,
    number: int,
    parent: Candidate,
    minibatch: Sequence[Outcome],
    history: Sequence[Iteration],
    rng: Random,
) -> Proposal:
    return await proposer.propose(number, parent, minibatch, history, rng)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first plain exception in a tree of groups."""
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
