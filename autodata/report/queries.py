"""Reports of runs and candidates as plain data, queried from the tables."""

import json
from collections.abc import Collection
from dataclasses import asdict
from math import sqrt
from typing import TYPE_CHECKING, Any

from autodata.errors import StoreError
from autodata.harness.knobs import nearest
from autodata.report.edits import edits_report
from autodata.report.quality import held_by_candidate, quality_report
from autodata.store.audience import counts
from autodata.store.tables import query
from autodata.types import Json

if TYPE_CHECKING:
    import duckdb

CANDIDATES = """
select c.candidate_id, c.parent_id, c.iteration, c.kind, c.message, c.knobs, c.prompt_chars,
       c.commit, c.edits,
       coalesce(i.decision, if(c.candidate_id = 'c0', 'baseline',
                               if(len(c.edits) > 0, 'merged', 'undecided'))) as decision,
       i.reason,
       count(*) filter (e.split = 'validation' and e.score is not null) as episodes,
       coalesce(sum(e.score) filter (e.split = 'validation'), 0) as accepted,
       sum(e.score) as all_accepted,
       sum(e.prompt_tokens + e.completion_tokens) filter (e.score is not null) as tokens,
       sum(e.seconds) filter (e.score is not null) as seconds,
       sum(e.cost_usd) filter (e.score is not null) as usd
from candidates c
left join iterations i on i.run_id = c.run_id and i.candidate_id = c.candidate_id
left join episodes e on e.run_id = c.run_id and e.candidate_id = c.candidate_id
where c.run_id = $run
group by all order by c.iteration
"""
FEWEST_COMPARED = 16
"""Validation episodes from which sets of a merging search compare: most have just a few."""

TOTALS = """
select count(*) as calls, coalesce(sum(prompt_tokens), 0) as prompt_tokens,
       coalesce(sum(completion_tokens), 0) as completion_tokens,
       coalesce(sum(reasoning_tokens), 0) as reasoning_tokens,
       coalesce(sum(cost_usd), 0) as usd, coalesce(sum(seconds), 0) as seconds,
       count(*) filter (outcome <> 'ok') as failed,
       count(*) filter (outcome = 'Malformed') as malformed
from calls where run_id = $run
"""

CONFIRMING = """
select count(*) filter (confirmed is not null) as confirmations,
       count(*) filter (confirmed) as confirmed,
       (select count(*) from attempts where run_id = $run and repeat >= 0 and fresh) as samples,
       (select coalesce(sum(prompt_tokens + completion_tokens), 0) from calls
        where run_id = $run and repeat >= 0 and contains(ordinal, '.fresh.')) as tokens,
       count(*) filter (accepted) as accepted
from rounds where run_id = $run and repeat >= 0
"""
"""What confirming took; repeats below zero are those of null episodes."""

UNUSABLE = """
select role, outcome, count(*) as calls,
       count(*) filter (
         outcome = 'Truncated' and reasoning_tokens > 0 and coalesce(reply->>'text', '') = ''
       ) as thought
from calls where run_id = $run and outcome <> 'ok' group by all order by calls desc, role, outcome
"""


def rows(connection: "duckdb.DuckDBPyConnection", sql: str, run: str = "") -> list[Json]:
    """Return a query's rows as dictionaries, JSON read; `$run` in it stands for the run's id."""
    quoted = "'" + run.replace("'", "''") + "'"
    result = query(connection, sql.replace("$run", quoted), limit=1_000_000)
    reads = [
        json.loads if kind == "JSON" else None  # DuckDB gives JSON as text
        for kind in result.types
    ]
    return [
        {
            name: read(value) if read and value is not None else value
            for name, read, value in zip(result.columns, reads, row, strict=True)
        }
        for row in result.rows
    ]


def wilson(accepted: int, episodes: int, z: float = 1.96) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a rate (E. B. Wilson, JASA 1927)."""
    if not episodes:
        return (0.0, 1.0)
    rate = accepted / episodes
    scale = 1 + z * z / episodes
    middle = (rate + z * z / (2 * episodes)) / scale
    reach = z * sqrt(rate * (1 - rate) / episodes + z * z / (4 * episodes**2)) / scale
    low = max(0.0, middle - reach) if accepted else 0.0  # floats come close to 0 and 1, no more
    return (low, min(1.0, middle + reach) if accepted < episodes else 1.0)


def run_report(connection: "duckdb.DuckDBPyConnection", run: str) -> Json:
    """Return the data of `show RUN`.

    Raises:
        StoreError: no such run.
    """
    runs = rows(connection, "select * from runs where run_id = $run", run)
    if not runs:
        raise StoreError(f"run {run} has not begun", "see `autodata runs`")
    candidates = [candidate_line(row) for row in rows(connection, CANDIDATES, run)]
    candidates.sort(key=lambda line: (len(line["candidate_id"]), line["candidate_id"]))
    episodes = rows(
        connection,
        "select split, count(*) filter (score is not null) as episodes, sum(score) as accepted, "
        "count(*) filter (status = 'unsuitable' and not null_episode) as unsuitable, "
        "count(*) filter (status = 'void') as void, "
        "count(*) filter (null_episode and status <> 'void') as null_episodes, "
        "count(*) filter (null_episode and status = 'accepted') as null_accepted "
        "from episodes where run_id = $run group by split order by split",
        run,
    )
    certificates = rows(
        connection, "select candidate_id, evidence from certifications where run_id = $run", run
    )
    iterations = rows(
        connection,
        "select iteration, parent_id, candidate_id, kind, decision, reason, audit "
        "from iterations where run_id = $run order by iteration",
        run,
    )
    tested = [row["candidate_id"] for row in certificates]
    mark_front([line for line in candidates if _compares(line, tested)])
    edits = edits_report(lambda query: rows(connection, query, run), tested)
    looks = rows(connection, "select count(*) as looks from looks where run_id = $run", run)
    quality = quality_report(lambda query: rows(connection, query, run))
    held = held_by_candidate(lambda query: rows(connection, query, run))
    for line in candidates:
        line["audited"], line["holds"] = held.get(line["candidate_id"], (0, 0))
    totals = rows(connection, TOTALS, run)[0]
    for hidden in counts(connection):
        spent = {**asdict(hidden), "usd": hidden.cost_usd}
        totals.update({name: totals[name] + spent[name] for name in totals if name in spent})
    return {
        "run": runs[0],
        "totals": totals,
        "unusable": rows(connection, UNUSABLE, run),
        "confirming": rows(connection, CONFIRMING, run)[0],
        "episodes": episodes,
        "candidates": candidates,
        "iterations": iterations,
        "certificates": certificates,
        "edits": edits,
        "looks": looks[0]["looks"],
        "quality": quality,
    }


def candidate_line(row: Json) -> Json:
    """Add pass rate, interval and cost per accepted example to a candidate's row."""
    episodes, accepted = int(row["episodes"] or 0), int(row["accepted"] or 0)
    low, high = wilson(accepted, episodes)
    won = int(row.pop("all_accepted") or 0)
    per: dict[str, Any] = {
        f"{name}_per_accepted": (float(row.pop(name) or 0) / won if won else None)
        for name in ("tokens", "seconds", "usd")
    }
    rate = accepted / episodes if episodes else None
    return {**row, "pass_rate": rate, "low": low, "high": high, **per, "front": False}


def _compares(line: Json, tested: Collection[str]) -> bool:
    """Whether a candidate has been measured for itself, as most sets of edits were not."""
    return (
        not line["edits"] or line["candidate_id"] in tested or line["episodes"] >= FEWEST_COMPARED
    )


def mark_front(candidates: list[Json]) -> None:
    """Mark candidates that no other beats in both pass rate and tokens per accepted example."""
    measured = [
        line
        for line in candidates
        if line["pass_rate"] is not None and line["tokens_per_accepted"] is not None
    ]
    for line in measured:
        line["front"] = not any(
            other["pass_rate"] >= line["pass_rate"]
            and other["tokens_per_accepted"] <= line["tokens_per_accepted"]
            and (other["pass_rate"], -other["tokens_per_accepted"])
            != (line["pass_rate"], -line["tokens_per_accepted"])
            for other in measured
        )


def candidate_report(connection: "duckdb.DuckDBPyConnection", run: str, candidate: str) -> Json:
    """Return the data of `show RUN CANDIDATE`.

    Raises:
        StoreError: no such candidate.
    """
    whole = run_report(connection, run)
    lines = {line["candidate_id"]: line for line in whole["candidates"]}
    if candidate not in lines:
        raise StoreError(
            f"run {run} has no candidate {candidate!r}", nearest(candidate, list(lines))
        )
    quoted = "'" + candidate.replace("'", "''") + "'"
    iterations = rows(
        connection,
        f"select * from iterations where run_id = $run and candidate_id = {quoted}",
        run,
    )
    reasons = rows(
        connection,
        "select split, status, reason, count(*) as episodes from episodes "
        f"where run_id = $run and candidate_id = {quoted} and split <> 'test' "
        "and not null_episode "
        "group by all order by split, episodes desc",
        run,
    )
    merged = [edit for edit in whole["edits"] if edit["edit"] in (lines[candidate]["edits"] or ())]
    return {
        "run_id": run,
        "simulated": whole["run"]["simulated"],
        "candidate": lines[candidate],
        "edits": merged,
        "iteration": iterations[0] if iterations else None,
        "reasons": reasons,
    }
