"""Visibility of rows: which ones a user may query yet, and how many are kept back until when.

Rows of test documents are seen by nobody before their run has ended: while there is something to
choose, a test that is looked at is sealed no more. Its certificates may be known. A run has ended
when its journal says `finished`, as it does where a budget closes a search.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from autodata.store.dump import quote
from autodata.store.lines import Line
from autodata.store.runs import FINISHED

if TYPE_CHECKING:
    import duckdb

Audience = Literal["user", "proposer"]

# What a proposer may read in full: everything that happened on training documents, and decisions.
OPEN = {
    "candidates": "true",
    "iterations": "true",
    "episodes": "split = 'train'",
    "rounds": "split = 'train'",
    "attempts": "split = 'train'",
    "calls": "split = 'train' OR split IS NULL",
}
# What it sees of the rest: only these rows, and of them only these columns.
GLIMPSE = {
    "runs": ("true", ("run_id", "created_at", "harness", "seed", "simulated")),
    "episodes": (
        "split = 'validation'",
        ("run_id", "candidate_id", "document_id", "split", "repeat", "status", "score"),
    ),
}
HELD = ("episodes", "rounds", "attempts", "calls")
"""Tables with rows of test documents."""
SEEN: dict[Audience, tuple[str, ...]] = {"user": ("open", "closed"), "proposer": ("open",)}
"""Which of `sides` an audience always sees in full; a user `test` once the search has ended."""
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
    return (line.kind, line.key) == ("session", FINISHED)


def sides(table: str) -> dict[str, str]:
    """Return the SQL condition of each file in which a table's rows are kept apart."""
    visible, test = f"coalesce({OPEN.get(table, 'false')}, false)", kept_back(table, ())
    conditions = {"open": visible, "closed": f"NOT ({visible} OR {test})"}
    return {**conditions, "test": test} if table in HELD else conditions


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
    rows = connection.execute(
        f"SELECT run_id, {', '.join(whole + parts)} FROM live.kept_back GROUP BY 1 ORDER BY 1"
    ).fetchall()
    return [KeptBack(*row) for row in rows]


def told(hidden: list[KeptBack]) -> str:
    """Return a line on what is kept back, and until when; empty if nothing is."""
    if not hidden:
        return ""
    names = ", ".join(run.run_id for run in hidden[:3]) + (" ..." if len(hidden) > 3 else "")
    rows = sum(run.rows for run in hidden)
    searches = "the search of run" if len(hidden) == 1 else "the searches of runs"
    return (
        f"{rows:,} row{'s' * (rows != 1)} on test documents kept back until {searches} {names} "
        f"{'has' if len(hidden) == 1 else 'have'} ended"
    )
