"""The SQL queries of an analyzer, answered from the records that its iteration may see."""

import asyncio
import hashlib
import json
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from threading import Thread
from typing import TYPE_CHECKING, Protocol

from autodata.errors import StoreError
from autodata.search.base import Iteration
from autodata.store.facts import Facts
from autodata.store.journal import Record
from autodata.store.render import csv_lines
from autodata.store.tables import Result, query, snapshot
from autodata.types import Candidate, Outcome

if TYPE_CHECKING:
    import duckdb

MOST_ROWS = 500
MOST_S = 60.0
GRACE_S = 2.0


class Ask(Protocol):
    """Answers one SELECT: `tables.query`."""

    def __call__(
        self, connection: "duckdb.DuckDBPyConnection", sql: str, limit: int, seconds: float
    ) -> Result: ...


class Questions:
    """Answers the SQL of one iteration from the records it may know, beside the event loop.

    Every answer is journaled: it may hold what is otherwise the next time, such as random numbers
    or that a query took too long, and a resumed run must say the same to its analyzer.
    """

    def __init__(
        self,
        journal: Facts,
        iteration: int,
        visible: Callable[[Record], bool],
        most_s: float = MOST_S,
        ask: Ask = query,
    ) -> None:
        self._journal = journal
        self._ask = ask
        self._iteration = iteration
        self._visible = visible
        self._most_s = most_s
        self._connection: duckdb.DuckDBPyConnection | None = None

    async def answer(self, sql: str) -> str:
        """Return rows as CSV, or what is wrong with the SQL."""
        digest = hashlib.sha256(json.dumps(sql).encode()).hexdigest()[:32]
        key = f"i{self._iteration}:{digest}"
        journaled = self._journal.find("query", key)
        if journaled is None:
            journaled = {"sql": sql, "answer": await self._aside(sql)}
            await self._journal.append("query", key, journaled)
        return str(journaled["answer"])

    def close(self) -> None:
        """Forget the tables."""
        if self._connection:
            self._connection.close()

    async def _aside(self, sql: str) -> str:
        """Look in a thread of its own; one that no interrupt ends is left behind.

        DuckDB before 2.0.1 looked up from nothing inside of one function call.
        """
        result: Future[str] = Future()

        def look() -> None:
            try:
                result.set_result(self._look(sql))
            except BaseException as error:  # noqa: BLE001 (raised where it is awaited)
                result.set_exception(error)

        Thread(target=look, name="question", daemon=True).start()
        looking = asyncio.wrap_future(result)
        try:
            await asyncio.wait([looking], timeout=self._most_s)
        finally:
            if not looking.done():
                await self._stop(looking)
        if looking.done():
            return looking.result()
        return f"error: it has not ended within {self._most_s:g} s; ask for less"

    async def _stop(self, looking: asyncio.Future[str]) -> None:
        if self._connection:
            self._connection.interrupt()
        await asyncio.wait([looking], timeout=GRACE_S)
        if not looking.done():
            self._connection = None  # that thread still uses it

    def _look(self, sql: str) -> str:
        if self._connection is None:
            visible = filter(self._visible, self._journal.records())
            self._connection = snapshot(visible, self._journal.folder.name)
        try:
            result = self._ask(self._connection, sql, limit=MOST_ROWS, seconds=self._most_s)
            return "".join(csv_lines(result)).rstrip("\n")
        except StoreError as error:
            return f"error: {error.problem}; {error.fix}"


def visible_to(
    parent: Candidate, minibatch: Sequence[Outcome], history: Sequence[Iteration]
) -> Callable[[Record], bool]:
    """Return which records an analyzer may see: its minibatch and what `history` left.

    Anything else depends on timing, as do the episodes that measure its own edit later on and those
    that were void; an answer that depends on timing could be neither resumed nor replayed.
    """
    decided = {past.number for past in history}
    measured = [(parent.id, minibatch)]
    measured += [(past.parent_id, past.parent_outcomes) for past in history]
    measured += [(f"c{past.number}", past.outcomes) for past in history]
    places = {
        (name, outcome.cell.document_id, outcome.cell.repeat)
        for name, outcomes in measured
        for outcome in outcomes
    }

    def visible(record: Record) -> bool:
        body = record.body
        if record.kind == "iteration":
            return int(record.key) in decided
        if record.kind == "candidate":
            return int(body["iteration"]) in {0, *decided}
        if record.kind != "episode" or body["status"] == "void":
            return False
        if body["split"] == "train" and body["repeat"] // 100 - 1 in decided:
            return True
        return (body["candidate_id"], body["document_id"], body["repeat"]) in places

    return visible
