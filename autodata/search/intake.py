"""How edits come to the pool of a merging search: asked for where places are free, and let in.

Which ones have come when a look begins is a fact of the journal, and a run that is resumed or
replayed lets in the same ones there.
"""

from dataclasses import dataclass, replace

from autodata.search.base import Iteration, Proposal
from autodata.search.events import Looking, Progress, Selected
from autodata.search.looks import SET_DOCUMENTS, fresh, left, usual_size
from autodata.search.pool import Pool, PoolEdit
from autodata.search.proposing import Lesson, ProposalsUnderWay, Refill
from autodata.search.repeats import Repeat
from autodata.search.sets import MergedSets
from autodata.store.facts import JournalWriter
from autodata.store.records import EditRecord, LookRecord
from autodata.types import Cell

REFILL = 4
"""Free places for which edits are asked for."""
LATE_EACH = 32
"""Episodes that are left for each edit that is asked for late, where all others were decided."""
REWRITE = 0.5
"""How likely good an edit must be that is written anew on top of one that was taken."""


@dataclass(slots=True)
class Intake:
    """Asks for edits, lets them in, and out again; everything of it is told to `tell`."""

    pool: Pool
    sets: MergedSets
    proposals: ProposalsUnderWay
    journal: JournalWriter
    progress: Progress
    minibatch: int

    def refill(self) -> None:
        """Ask for edits where places are free; never wait for them."""
        pool, unasked = self.pool, self.pool.plan.iterations - self.pool.proposed
        free = min(pool.room - len(pool.open) - len(self.proposals.asked), unasked)
        if not fresh(pool):  # only where there would be nothing to look at, and not many
            alone = not pool.open and not self.proposals.asked
            free = min(free, max(1, int(left(pool) // LATE_EACH))) if alone else 0
        elif free < min(REFILL, pool.room, unasked):
            free = 0
        if free > 0 and left(pool) >= self.minibatch + SET_DOCUMENTS:
            self.ask(free)

    def ask(self, edits: int, rewrite: Iteration | None = None) -> None:
        """Ask for so many edits of the base, or for one to be written anew on top of it."""
        pool = self.pool
        numbers = tuple(range(pool.proposed + 1, pool.proposed + edits + 1))
        pool.proposed += edits
        cells: list[Cell] = []
        if self.minibatch and rewrite is None:
            drawn = pool.rng(numbers[0], "minibatch").sample(
                list(pool.documents["train"]), self.minibatch
            )
            repeat = Repeat("iteration", numbers[0]).number
            cells = [Cell(document, "train", repeat) for document in drawn]
            pool.spent += len(cells)
        parent, lessons = pool.base_candidate, len(self.proposals.lessons)
        refill = Refill(numbers, parent, pool.known_edits(), pool.looks, lessons, cells, rewrite)
        self.proposals.start(refill)
        for number in numbers:
            self.progress(Selected(number, parent.id))

    async def let_in(self, look: int) -> list[Iteration]:
        """Let the edits that have come enter; return those that are refused.

        Where there is none to look at it waits for one.
        """
        known = self.journal.find(LookRecord, str(look))
        if known is None:
            await self.proposals.come(wait=not self.pool.open)
        entered = known.entered if known else tuple(self.proposals.ready())
        arrived = [(number, *await self.proposals.take(number)) for number in entered]
        await self.journal.once(str(look), LookRecord(entered))
        self.progress(Looking(look, entered))
        refused = [await self._arrive(*each) for each in arrived]
        return [iteration for iteration in refused if iteration is not None]

    async def _arrive(self, number: int, refill: Refill, proposal: Proposal) -> Iteration | None:
        """Enter an edit, or return it as refused."""
        pool, edit, parent = self.pool, proposal.candidate, refill.parent.id
        if edit is None or proposal.refused:
            return _refused(number, parent, proposal, proposal.refused)
        if edit.tree in pool.trees:
            return _refused(number, parent, proposal, "this harness was tried before")
        pool.trees.add(edit.tree)
        record = EditRecord(
            commit=edit.commit,
            tree=edit.tree,
            parent_id=parent,
            kind=proposal.kind,
            message=edit.message,
            diff=proposal.edit,
            look=refill.looks,
        )
        await self.journal.once(edit.id, record)
        anew = refill.rewrite.number if refill.rewrite else None
        entry = pool.enter(number, proposal, parent, anew)
        alone = await self.sets.tree([*pool.base, number])
        if alone is None:
            grown = refill.parent.id != pool.base_candidate.id
            return self.leave(entry, "it does not merge with what was taken since", grown)
        if alone == pool.base_candidate.tree:
            return self.leave(entry, "what was taken since does the same")
        for other in pool.open:
            if other is not entry:
                both = await self.sets.tree([*pool.base, other.number, number])
                if both == await self.sets.tree([*pool.base, other.number]):
                    return self.leave(entry, f"e{other.number} does the same")
                pool.note(other.number, number, both is not None)
        return None

    async def see_who_fits(self) -> list[Iteration]:
        """After the base has grown, let undecided edits leave that merge with it no more."""
        pool = self.pool
        return [
            self.leave(entry, "it does not merge with what was taken", anew=True)
            for entry in pool.open
            if await self.sets.tree([*pool.base, entry.number]) is None
        ]

    def leave(self, entry: PoolEdit, why: str = "", anew: bool = False) -> Iteration:
        """Let an edit leave for good; `anew`: it is written anew on the base of now, if it can be.

        Returns what is to be told of it.
        """
        pool = self.pool
        anew = anew and entry.proposal.kind != "knobs" and left(pool) > usual_size(pool)
        if anew:
            why = f"{why}, and is written anew as e{pool.proposed + 1}"
        told = pool.decide(entry.number, "rejected", why)
        if anew:
            self.ask(1, told)
        return told

    async def tell(self, iteration: Iteration) -> None:
        """Journal a decision, and let the proposer know when it is asked next."""
        await self.journal.once(str(iteration.number), iteration.record())
        self.proposals.lessons.append(Lesson(iteration))


def _refused(number: int, parent_id: str, proposal: Proposal, reason: str) -> Iteration:
    return Iteration(
        number,
        parent_id,
        replace(proposal, candidate=None),
        "refused",
        reason or "the proposer proposed nothing",
        evidence={"episodes": 0},
    )
