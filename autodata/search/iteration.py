"""One iteration: train minibatch, proposal, race, audit; from a fixed start to a decision.

Of other iterations it knows only that siblings share their parent's cells.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from random import Random

from autodata.concurrency import all_of, finish
from autodata.search.audit import audit
from autodata.search.base import (
    Brief,
    Evaluator,
    Iteration,
    Prediction,
    Proposal,
    Proposer,
    candidate_record,
)
from autodata.search.bounds import objection
from autodata.search.events import Progress, Raced, Selected
from autodata.search.null import NULL_EACH, null_cells
from autodata.search.race import Race, RaceResult
from autodata.search.race_standing import RaceStanding, Start
from autodata.search.repeats import Repeat
from autodata.store.facts import JournalWriter
from autodata.types import Candidate, Cell, Json, Outcome

GROWTH = 1.1
"""A prompt that grew by more than this factor must gain more than one standard deviation."""


class Iterations:
    """Runs iterations, several at once; `Proposer.propose` is started in their order."""

    def __init__(
        self,
        standing: RaceStanding,
        evaluator: Evaluator,
        proposer: Proposer,
        journal: JournalWriter,
        progress: Progress,
    ) -> None:
        self._standing = standing
        self._plan = standing.plan
        self._evaluator = evaluator
        self._proposer = proposer
        self._journal = journal
        self._progress = progress
        self._turns: defaultdict[int, asyncio.Event] = defaultdict(asyncio.Event)
        self._proposed: defaultdict[int, asyncio.Event] = defaultdict(asyncio.Event)
        self._trees = {standing.baseline.tree}
        for begun in (self._turns, self._proposed):
            begun[0].set()
        self._observed = 0
        self._shared: dict[tuple[str, Cell], asyncio.Future[list[Outcome]]] = {}

    async def run(self, start: Start) -> Iteration:
        """Carry out one iteration."""
        self._progress(Selected(start.number, start.parent.id))
        minibatch = await self._minibatch(start)
        proposal = await self._propose(start, minibatch)
        candidate, refused = proposal.candidate, proposal.refused
        if await self._was_proposed(start.number, candidate):
            refused = refused or "this harness was tried before"
        if candidate is None or refused:
            evidence = {"episodes": len(minibatch)}
            reason = refused or "the proposer proposed nothing"
            who = (start.number, start.parent.id)
            proposal = replace(proposal, candidate=None)
            return Iteration(*who, proposal, "refused", reason, evidence=evidence)
        record = candidate_record(candidate, start.number, proposal.kind)
        await self._journal.once(candidate.id, record)
        return await self._race(start, proposal, candidate, minibatch)

    def observe(self, history: Sequence[Iteration]) -> None:
        """Pass the proposer the decisions that it has not seen, in order."""
        for iteration in history[self._observed :]:
            self._proposer.observe(iteration)
        self._observed = len(history)

    async def close(self, running: Iterable[asyncio.Task[Iteration]]) -> None:
        """End these iterations, and what siblings shared."""
        await finish([*running, *self._shared.values()])

    async def _minibatch(self, start: Start) -> list[Outcome]:
        if not self._proposer.wants_minibatch or not self._plan.minibatch:
            return []
        train = list(self._standing.documents["train"])
        drawn = self._standing.rng(start.number, "minibatch").sample(train, self._plan.minibatch)
        repeat = Repeat("iteration", start.number).number
        cells = [Cell(document, "train", repeat) for document in drawn]
        return await self._evaluator.evaluate(start.parent, cells)

    async def _propose(self, start: Start, minibatch: Sequence[Outcome]) -> Proposal:
        """Start proposing in iteration order, the proposer told exactly what is known here."""
        await self._turns[start.number - 1].wait()
        self.observe(start.history)
        rng = self._standing.rng(start.number, "propose")
        async with asyncio.TaskGroup() as group:
            proposing = group.create_task(_as_coroutine(self._proposer, start, minibatch, rng))
            await asyncio.sleep(0)
            self._turns[start.number].set()
        return proposing.result()

    async def _was_proposed(self, number: int, candidate: Candidate | None) -> bool:
        """Whether an earlier iteration proposed the same; waits until each of them has proposed."""
        await self._proposed[number - 1].wait()
        known = candidate is not None and candidate.tree in self._trees
        if candidate is not None:
            self._trees.add(candidate.tree)
        self._proposed[number].set()
        return known

    async def _race(
        self, start: Start, proposal: Proposal, mutant: Candidate, minibatch: Sequence[Outcome]
    ) -> Iteration:
        race = Race(
            self._plan.race,
            self._standing.documents["validation"],
            start.known,
            start.allowance,
            Repeat("iteration", start.leader),
            self._standing.rng(start.leader, "race"),
        )
        ours: list[Outcome] = []
        theirs: list[Outcome] = []
        null: list[Outcome] = []
        result, value = None, self._standing.book.yardstick.value
        while result is None:
            cells = race.block()
            lucky = (
                [] if ours else null_cells([c.document_id for c in cells], "validation", NULL_EACH)
            )
            new, old = await all_of(
                (
                    self._evaluator.evaluate(mutant, [*cells, *lucky]),
                    self._parent(start.parent, cells),
                )
            )
            null += new[len(cells) :]
            new = new[: len(cells)]
            ours += new
            theirs += old
            result = race.add([value(o) for o in new], [value(o) for o in old])
            ended = result is not None
            if reason := objection(ours, theirs, self._plan.cost_bound, ended):
                result = RaceResult(False, "stopped", reason)
            gain, sd = race.posterior()
            who = (start.number, start.parent.id, mutant.id)
            self._progress(Raced(*who, race.pairs, gain, sd))
        admitted, reason = _decide(result, start.parent, mutant, race)
        stopped = result.ending == "stopped"
        predicted = () if stopped else proposal.predictions
        score, audited = await self._audit(predicted, mutant, minibatch)
        episodes = len(minibatch) + 2 * race.pairs + len(null) + audited
        lucky_ones = {"episodes": len(null), "accepted": sum(o.accepted for o in null)}
        return Iteration(
            start.number,
            start.parent.id,
            proposal,
            "admitted" if admitted else "rejected",
            reason,
            tuple(ours),
            tuple(theirs),
            tuple(null),
            {
                **race.evidence(),
                "ending": result.ending,
                "episodes": episodes,
                "null": lucky_ones,
            },
            score,
        )

    async def _parent(self, parent: Candidate, cells: Sequence[Cell]) -> list[Outcome]:
        """Run the parent once for all siblings that race against it on these cells."""
        key = (parent.id, cells[0])
        if key not in self._shared:
            self._shared[key] = asyncio.ensure_future(self._evaluator.evaluate(parent, cells))
        return await asyncio.shield(self._shared[key])  # one that ends leaves it to its siblings

    async def _audit(
        self,
        predictions: Sequence[Prediction],
        mutant: Candidate,
        minibatch: Sequence[Outcome],
    ) -> tuple[Json, int]:
        """Run the mutant on the training documents about which something was predicted."""
        predicted = {prediction.document_id for prediction in predictions}
        cells = [o.cell for o in minibatch if o.cell.document_id in predicted]
        if not cells:
            return {}, 0
        after = await self._evaluator.evaluate(mutant, cells)
        return audit(predictions, minibatch, after), len(cells)


def _decide(
    result: RaceResult, parent: Candidate, mutant: Candidate, race: Race
) -> tuple[bool, str]:
    """The race's result, and no growth of the prompt without a gain that shows."""
    gain, sd = race.posterior()
    grown = mutant.prompt_chars > GROWTH * parent.prompt_chars
    if result.ending == "better on balance" and grown and gain < sd:
        return False, f"the prompt grew without a gain that shows; {result.reason}"
    return result.better, result.reason


async def _as_coroutine(
    proposer: Proposer, start: Start, minibatch: Sequence[Outcome], rng: Random
) -> Proposal:
    number = start.number
    brief = Brief(number, start.parent, minibatch, start.history, rng, (number,))
    return await proposer.propose(brief)
