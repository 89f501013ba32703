"""What a run's auditor and the labels of its judge say, from the tables, to stand beside rates."""

from collections.abc import Callable
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from autodata.types import Json

OBJECTIONS = ("leak", "ambiguous", "bare_number", "rubric_unfair", "without_document")
_FINDINGS = """
select split, count(*) as audited, count(*) filter (holds) as holds,
       count(*) filter (leak) as leak, count(*) filter (ambiguous) as ambiguous,
       count(*) filter (bare_number) as bare_number,
       count(*) filter (not rubric_fair) as rubric_unfair,
       count(*) filter (without_document) as without_document,
       count(*) filter (rubric_fair is null) as no_reply
from findings where run_id = $run group by split order by split
"""
_HOLDS = """
select candidate_id, count(*) as audited, count(*) filter (holds) as holds
from findings where run_id = $run and split = 'validation' group by candidate_id
"""
_CALIBRATIONS = """
select labelled_by, judge, answers, criteria, agreement, negatives, false_positives, positives,
       false_negatives, same, by_criterion
from calibrations where run_id = $run order by recorded_at
"""


def quality_report(ask: Callable[[str], list[Json]]) -> Json:
    """Return counts of findings by split, and the calibrations of the judge, the latest last.

    `ask` answers a query about the run with rows.
    """
    return {"findings": ask(_FINDINGS), "calibrations": ask(_CALIBRATIONS)}


def held_by_candidate(ask: Callable[[str], list[Json]]) -> dict[str, tuple[int, int]]:
    """Return of each candidate how many accepted validation examples were audited, and held."""
    return {row["candidate_id"]: (row["audited"], row["holds"]) for row in ask(_HOLDS)}


def quality_lines(quality: Json) -> list[Text]:
    """Render them in a line each."""
    return [
        *(Text(_audited(row)) for row in quality["findings"]),
        *(Text(calibration_line(row)) for row in quality["calibrations"][-1:]),
    ]


def calibration_line(row: Any) -> str:
    """Render how a judge agrees with labels, and with itself."""
    from autodata.report.views import rate

    agreement, criteria = row["agreement"], row["criteria"]
    shown = rate(agreement["mean"], agreement["low"], agreement["high"])
    by = f" by {row['labelled_by']}" if row["labelled_by"] else ""
    return (
        f"judge {row['judge']} against labels{by} ({row['answers']} answers, {criteria} criteria): "
        f"agrees on {shown}, calls {row['false_positives']} of {row['negatives']} unmet criteria "
        f"met, misses {row['false_negatives']} of {row['positives']} met ones; asked again it "
        f"says the same of {rate(row['same'] / criteria)}"
    )


def _audited(row: Json) -> str:
    counted = [f"{row[name]} {name}" for name in (*OBJECTIONS, "no_reply") if row[name]]
    objections = f" ({', '.join(counted)})".replace("_", " ") if counted else ""
    return (
        f"auditor: {row['holds']} of {row['audited']} accepted {row['split']} examples "
        f"hold{objections}"
    )


def criteria_view(calibration: Json) -> RenderableType:
    """Draw the criteria on which judge and labels, or the judge and itself, do not agree."""
    from autodata.report.views import rows_view

    differ = [
        row
        for row in calibration["by_criterion"]
        if row["agreed"] < row["labelled"] or row["same"] < row["labelled"]
    ]
    columns = ("labelled", "agreed", "false_positives", "false_negatives", "same", "criterion")
    return rows_view(columns, [[row[name] for name in columns] for row in differ])
