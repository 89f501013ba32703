"""Candidates of a merging search: the baseline with a set of edits, each made once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from autodata.search.base import Merger, candidate_record
from autodata.search.pool import Pool
from autodata.store.facts import JournalWriter


@dataclass(frozen=True, slots=True)
class MergedSets:
    """Makes the candidates of a pool, and journals them."""

    pool: Pool
    merger: Merger
    journal: JournalWriter

    async def tree(self, numbers: Iterable[int]) -> str | None:
        """Return the tree of the baseline with these edits; None where they come to no harness."""
        return await self.merger.tree(self.pool.edits(numbers))

    async def make(self, edits: frozenset[int]) -> bool:
        """Make the baseline with these edits a candidate; False where they come to no harness."""
        pool = self.pool
        if edits in pool.sets:
            return True
        name, numbers = f"c{len(pool.sets)}", tuple(sorted(edits))
        candidate = await self.merger.merge(name, pool.edits(edits))
        if candidate is None:
            return False
        pool.sets[edits] = pool.candidates[name] = candidate
        record = candidate_record(candidate, numbers[-1], "merge", numbers)
        await self.journal.once(name, record)
        return True

    async def on_base(self, chosen: Sequence[int]) -> frozenset[int]:
        """Make the base with these edits, without the last where they come to no harness."""
        base, kept = self.pool.base, list(chosen)
        while not await self.make(frozenset((*base, *kept))):
            kept.pop()
        return frozenset((*base, *kept))
