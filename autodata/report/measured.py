"""The report of a run that measured a harness and searched nothing, as data and on a screen."""

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from autodata.report.quality import quality_lines
from autodata.report.queries import rows, run_report, wilson
from autodata.report.views import (
    SIMULATED,
    ended_early,
    other_rules,
    rate,
    rows_view,
    tokens,
    unusable,
)
from autodata.types import Json

if TYPE_CHECKING:
    import duckdb


def evaluation_report(connection: "duckdb.DuckDBPyConnection", run: str) -> Json:
    """Return the data of `show` for a run that only measured: rates by split, and reasons.

    Raises:
        StoreError: no such run.
    """
    whole = run_report(connection, run)
    measured = rows(
        connection,
        "select split, count(score) as episodes, sum(score) as accepted, "
        "count(distinct candidate_id) as candidates "
        "from episodes where run_id = $run and score is not null group by all order by split",
        run,
    )
    for line in measured:
        line["accepted"] = int(line["accepted"])
        line["pass_rate"] = line["accepted"] / line["episodes"]
        line["low"], line["high"] = wilson(line["accepted"], line["episodes"])
    reasons = rows(
        connection,
        "select status, reason, count(*) as episodes from episodes "
        "where run_id = $run and status <> 'accepted' and not null_episode group by all "
        "order by episodes desc, status, reason",
        run,
    )
    return {**whole, "measured": measured, "reasons": reasons}


def evaluation_view(report: Json, state: str) -> RenderableType:
    """Draw `show RUN` of a run that measured a harness and searched nothing."""
    run, totals = report["run"], report["totals"]
    parts: list[RenderableType] = [SIMULATED] if run["simulated"] else []
    parts.append(
        Text.assemble(
            (f"measurement {run['run_id']}", "bold"), f"  {state}  harness {run['harness']}"
        )
    )
    parts += other_rules(run["rules"])
    for line in report["measured"]:
        several = f" by {line['candidates']} variants" if line["candidates"] > 1 else ""
        interval = rate(line["pass_rate"], line["low"], line["high"])
        counted = f"({line['accepted']} of {line['episodes']} {line['split']} episodes{several})"
        parts.append(Text(f"pass rate {interval}  {counted}"))
    parts += quality_lines(report["quality"])
    if not report["measured"]:
        parts.append(Text("no episode has ended yet"))
    ended = ended_early(report["episodes"])
    parts.append(
        Text(f"{totals['calls']:,} calls  {tokens(totals)}  ${totals['usd']:.2f}  {ended}")
    )
    if report["unusable"]:
        parts.append(Text(unusable(report["unusable"])))
    if report["reasons"]:
        columns = ("episodes", "status", "reason")
        drawn = [[row[name] for name in columns] for row in report["reasons"]]
        parts.append(rows_view(columns, drawn))
    return Group(*parts)
