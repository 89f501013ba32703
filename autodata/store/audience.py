"""Visibility of rows: which ones a user may query yet, and how many are kept back until when.

Rows of test documents are seen by nobody before their run has ended: while there is something to
choose, a test that is looked at is sealed no more. Its certificates may be known. A run has ended
when its journal says `finished`, as it does where a budget closes a search.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autodata.store.dump import quote
from autodata.store.facts import Fact
from autodata.store.format import Record
from autodata.store.lines import Line
from autodata.store.records import FINISHED, SessionRecord
from autodata.store.rows import Row, rows
from autodata.store.schema import SCHEMA, Column
from autodata.types import is_null

if TYPE_CHECKING:
    import duckdb

ANALYZED = {
    "candidates": "all",
    "iterations": "all",
    "edits": "all",
    "looks": "all",
    "beliefs": "all",
    "episodes": "train",
    "rounds": "train",
    "attempts": "train",
}
"""Which rows of which tables an analyzer reads in full: all, or those of training documents."""
_NEVER_SEEN = ("_at", "seconds", "fresh_weak_mean", "fresh_strong_mean")
_SCORE = ("run_id", "candidate_id", "document_id", "split", "repeat", "status", "score")
"""What it sees of an episode on a validation document."""
HELD = ("episodes", "rounds", "attempts", "findings", "gaps", "calls")
"""Tables with rows of test documents."""
_SUMS = ("prompt_tokens", "completion_tokens", "reasoning_tokens", "cost_usd", "seconds")
_COUNTED = {
    "episodes": ", count(*) AS episodes",
    "calls": ", count(*) AS calls, " + ", ".join(f"sum({name}) AS {name}" for name in _SUMS),
}


@dataclass(frozen=True, slots=True)
class KeptBack:
    """The amount of a run that is kept back: rows, episodes, calls and spend.

    What was spent is no secret: without it the totals of a run would be wrong.
    """

    run_id: str
    rows: int
    episodes: int
    calls: int
    prompt_tokens: int
    completion_tokens: int
    reasoning_tokens: int
    cost_usd: float
    seconds: float


def ends_search(line: Line) -> bool:
    """Whether a run has ended with this line of its journal."""
    return (line.kind, line.key) == (SessionRecord.KIND, FINISHED)


def for_analyzer(facts: Iterable[Fact[Record]], run_id: str) -> Iterator[tuple[str, Row]]:
    """Yield the rows of these facts that the analyzer of a search may see.

    They are sorted and have no times, so they are the same where an episode was run again.
    """
    for fact in sorted(facts, key=lambda fact: (fact.kind, fact.key)):
        for table, row in rows(fact, run_id):
            seen = _seen_by_analyzer(table, row)
            if seen:
                yield table, {name: row[name] if name in seen else None for name in row}


def seen_columns(table: str) -> list[Column]:
    """Return the columns of a table in which an analyzer may find something."""
    return [column for column in SCHEMA[table] if not column[0].endswith(_NEVER_SEEN)]


def _seen_by_analyzer(table: str, row: Row) -> set[str]:
    """Return the columns of a row that an analyzer may see; none if it sees no such row.

    Null episodes it sees none of: they are a test of the harness, not what it is made for.
    """
    if is_null(row.get("repeat") or 0):
        return set()
    split = ANALYZED.get(table)
    if split == "all" or (split and row["split"] == split):
        if table == "attempts" and row["fresh"]:
            return set()
        return {name for name in row if not name.endswith(_NEVER_SEEN)}
    return set(_SCORE) if table == "episodes" and row["split"] == "validation" else set()


def kept_back(table: str, ended: Collection[str]) -> str:
    """Return the SQL condition of the rows that are kept back while just these runs have ended."""
    condition = "split = 'test'" if table in HELD else "false"
    if ended:
        condition += f" AND run_id NOT IN ({', '.join(map(quote, sorted(ended)))})"
    return f"coalesce({condition}, false)"


def make_counts(connection: "duckdb.DuckDBPyConnection") -> None:
    """Make the table in which `note` counts."""
    sums = ", ".join(f"{name} DOUBLE" for name in _SUMS)
    connection.execute(
        "CREATE TABLE live.kept_back "
        f"(run_id VARCHAR, rows BIGINT, episodes BIGINT, calls BIGINT, {sums})"
    )


def note(connection: "duckdb.DuckDBPyConnection", table: str, source: str, condition: str) -> None:
    """Count rows that are not shown."""
    connection.execute(
        "INSERT INTO live.kept_back BY NAME SELECT run_id, count(*) AS rows"
        f"{_COUNTED.get(table, '')} FROM {source} WHERE {condition} GROUP BY run_id"
    )


def counts(connection: "duckdb.DuckDBPyConnection") -> list[KeptBack]:
    """Return what is kept back of each run of which something is."""
    whole = [
        f"coalesce(sum({name}), 0)::BIGINT" for name in ("rows", "episodes", "calls", *_SUMS[:3])
    ]
    parts = [f"coalesce(sum({name}), 0)" for name in _SUMS[3:]]
    counted = connection.execute(
        f"SELECT run_id, {', '.join(whole + parts)} FROM live.kept_back GROUP BY 1 ORDER BY 1"
    ).fetchall()
    return [KeptBack(*row) for row in counted]


def notice_of(hidden: list[KeptBack]) -> str:
    """Return a line on what is kept back, and until when; empty if nothing is."""
    if not hidden:
        return ""
    names = ", ".join(run.run_id for run in hidden[:3]) + (" ..." if len(hidden) > 3 else "")
    count = sum(run.rows for run in hidden)
    searches = "the search of run" if len(hidden) == 1 else "the searches of runs"
    return (
        f"{count:,} row{'s' * (count != 1)} on test documents kept back until {searches} {names} "
        f"{'has' if len(hidden) == 1 else 'have'} ended"
    )
