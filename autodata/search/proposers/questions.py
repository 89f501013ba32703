"""The SQL queries of an analyzer, answered from the records that its iteration may see."""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Collection
from dataclasses import asdict
from functools import partial

from autodata.child import Child
from autodata.errors import StoreError
from autodata.search.base import Brief
from autodata.search.proposers.pseudonyms import PLAIN, Pseudonyms
from autodata.search.repeats import Repeat
from autodata.store.answers import TOO_MUCH_MEMORY, Bounds, batches
from autodata.store.audience import for_analyzer
from autodata.store.episodes import EpisodeRecord, QueryRecord
from autodata.store.facts import Fact, JournalWriter
from autodata.store.format import Record
from autodata.store.records import (
    BeliefsRecord,
    CandidateRecord,
    EditRecord,
    IterationRecord,
    LookRecord,
)

BOUNDS = Bounds()
STARTS_S = 60.0
SEEN: tuple[type[Record], ...] = (
    IterationRecord,
    CandidateRecord,
    EpisodeRecord,
    EditRecord,
    LookRecord,
    BeliefsRecord,
)
"""Kinds of which an analyzer may know some records."""


class Questions:
    """Answers the SQL of one iteration from the records it may know, in a process of its own.

    Every answer is journaled: it may hold what is otherwise the next time, such as random numbers
    or that a query took too long, and a resumed run must say the same to its analyzer.
    """

    def __init__(
        self,
        journal: JournalWriter,
        iteration: int,
        visible: Callable[[Fact[Record]], bool],
        bounds: Bounds = BOUNDS,
        names: Pseudonyms = PLAIN,
    ) -> None:
        self._journal = journal
        self._iteration = iteration
        self._visible = visible
        self._bounds = bounds
        self._names = names
        self._child: Child | None = None

    async def answer(self, sql: str) -> str:
        """Return rows as CSV, or what is wrong with the SQL.

        Raises:
            StoreError: the system has no process for it.
        """
        return await self.once(sql, partial(self._ask, sql))

    async def once(self, question: str, work: Callable[[], Awaitable[str]]) -> str:
        """Return the journaled answer to a question, or what the work for it comes to."""
        digest = hashlib.sha256(json.dumps(question).encode()).hexdigest()[:32]
        key = f"i{self._iteration}:{digest}"
        journaled = self._journal.find(QueryRecord, key)
        if journaled is None:  # somebody else may ask the same meanwhile
            journaled = await self._journal.once(key, QueryRecord(question, await work()))
        return journaled.answer

    async def aclose(self) -> str:
        """End the process, if there is one, and return what it wrote to standard error."""
        child, self._child = self._child, None
        return await child.end() if child else ""

    async def _ask(self, sql: str) -> str:
        """Ask the process; after one that did not answer the next question starts another."""
        answered = False
        try:
            problem = "" if self._child else await self._start()
            if problem:
                return problem
            question = json.dumps(sql).encode() + b"\n"
            answer = await self._exchange(question, self._bounds.seconds + self._bounds.grace_s)
            answered = True
            return answer
        except TimeoutError:
            return f"error: it has not ended within {self._bounds.seconds:g} s; ask for less"
        except EOFError:
            return f"error: {TOO_MUCH_MEMORY}"
        finally:
            if not answered:
                await self.aclose()

    async def _start(self) -> str:
        """Start the process and hand over the rows; return what is wrong with these."""
        rows = await asyncio.to_thread(self._rows)
        try:
            self._child = await Child.start("autodata.store.answers")
            await self._exchange(json.dumps(asdict(self._bounds)).encode() + b"\n", STARTS_S)
        except (OSError, EOFError) as error:
            reasons = (await self.aclose()).splitlines() or [str(error)]
            raise StoreError(
                f"there is no process for an analyzer's SQL: {reasons[-1]}",
                "see that the system has memory for one, then give the same command again",
            ) from error
        return await self._exchange(rows, STARTS_S)

    async def _exchange(self, lines: bytes, seconds: float) -> str:
        assert self._child is not None
        async with asyncio.timeout(seconds):
            await self._child.write(lines)
            return str(json.loads(await self._child.read()))

    def _rows(self) -> bytes:
        seen = filter(self._visible, self._journal.records(*SEEN))
        rows = for_analyzer(seen, self._journal.folder.name)
        return b"".join(batches(self._names.rows(rows)))


def visible_to(brief: Brief, measured: Collection[str] = ()) -> Callable[[Fact[Record]], bool]:
    """Return which records an analyzer may see: its minibatch and what the history left.

    Of sets of edits it sees those candidates that were `measured` in episodes which it may see.

    Anything else depends on timing, as do the episodes that measure its own edit later on and those
    that were void; an answer that depends on timing could be neither resumed nor replayed.
    """
    come = {past.number for past in brief.history}
    decided = {past.number for past in brief.history if past.decision != "undecided"}
    known = [(brief.parent.id, brief.minibatch)]
    known += [(past.parent_id, past.parent_outcomes) for past in brief.history]
    known += [(f"c{past.number}", past.outcomes) for past in brief.history]
    places = {
        (name, outcome.cell.document_id, outcome.cell.repeat)
        for name, outcomes in known
        for outcome in outcomes
    }

    def visible(fact: Fact[Record]) -> bool:
        """Whether a fact is known to who is asked; of another kind of record: no."""
        record = fact.record
        if isinstance(record, IterationRecord):
            return record.iteration in decided
        if isinstance(record, CandidateRecord):
            if record.edits:
                return record.candidate_id in measured
            return record.iteration in {0, *decided}
        if isinstance(record, EditRecord):
            return fact.key in {f"e{number}" for number in come}
        if isinstance(record, LookRecord | BeliefsRecord):
            return int(fact.key) <= brief.looks
        if not isinstance(record, EpisodeRecord) or record.void:
            return False
        repeat = Repeat.read(record.repeat)
        if record.split == "train" and repeat.purpose == "iteration" and repeat.of in come:
            return True
        if record.split == "validation" and repeat.purpose == "look" and brief.looks:
            return repeat.of <= brief.looks
        return (record.candidate_id, record.document_id, record.repeat) in places

    return visible
