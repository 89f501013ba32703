"""Rendering of reports for a terminal, as Rich tables and lines, from plain data."""

import json
from collections.abc import Sequence
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from autodata.episode.acceptance import RULES
from autodata.search.belief import Estimate
from autodata.store.certificates import Audited, Certificate, NullRate
from autodata.store.records import ClosingRecord
from autodata.types import Json

SIMULATED = Text(
    "SIMULATED MODELS: these numbers say nothing about real models.", style="bold yellow"
)


WIDE = 100
"""Columns from which on a screen has room for all that is known of a candidate."""


def rate(value: float | None, low: float | None = None, high: float | None = None) -> str:
    """Return a pass rate with its interval, such as `.42 [.30, .55]`."""
    if value is None:
        return "-"
    text = short(value)
    return text if low is None or high is None else f"{text} [{short(low)}, {short(high)}]"


def signed(value: float) -> str:
    """Return a difference of rates with its sign, such as `+.17`."""
    return ("-" if value < 0 else "+") + short(abs(value))


def believed(estimate: Estimate) -> str:
    """Return an estimate with its 95 % interval, such as `.42 [.30, .55]`."""
    reach = 1.96 * estimate.sd
    low, high = max(0.0, estimate.mean - reach), min(1.0, estimate.mean + reach)
    return rate(estimate.mean, low, high)


def null_shown(found: NullRate | None) -> str:
    """Return a null rate as it stands beside the rate it goes with, or nothing."""
    if found is None or not found.episodes:
        return ""
    return f"  null {rate(found.rate.mean, found.rate.low, found.rate.high)}"


def audited_shown(found: Audited | None) -> str:
    """Return how many accepted examples the auditor let stand, beside the rate of these, if any."""
    return f" ({found.holds} of {found.accepted} accepted hold)" if found else ""


def other_rules(rules: int) -> list[Text]:
    """Say that rates do not compare with those of this version, where that is so."""
    if rules in (0, RULES):
        return []
    told = f"accepted under version {rules} of the acceptance rules, this autodata has {RULES}: "
    return [Text(told + "its rates do not compare with those of its own runs", style="yellow")]


def ended_early(episodes: Sequence[Json]) -> str:
    """Render how many episodes are void, and how many documents a harness gave up, if any."""
    void, given_up = (sum(line[name] for line in episodes) for name in ("void", "unsuitable"))
    return f"{void} void" + (f", {given_up} unsuitable" if given_up else "")


def tokens(totals: Json) -> str:
    """Render a number of tokens, and the part of thinking where any is known."""
    thought = totals["reasoning_tokens"]
    part = f" ({thought:,} of thinking)" if thought else ""
    return f"{totals['prompt_tokens'] + totals['completion_tokens']:,} tokens{part}"


def unusable(counts: Sequence[Json]) -> str:
    """Render the number of unusable replies by role and reason, and how many thinking used up."""
    counted = ", ".join(f"{row['calls']:,} {row['outcome']} of {row['role']}" for row in counts)
    thought = sum(row["thought"] for row in counts)
    fix = "raise their max_tokens, or let them think less"
    return f"replies of no use, paid for all the same: {counted}" + (
        f"; thinking used up {thought:,} of them: {fix}" if thought else ""
    )


def closing_line(closing: ClosingRecord) -> str:
    """Render why a search ends before its time."""
    after = f"the search closes after {closing.after} iterations"
    if closing.tested:
        bound = f"{closing.bound} = {closing.limit:g}"
        return f"of {bound} only the sealed test's share is left: {after}"
    return (
        f"{closing.bound} = {closing.limit:g} is used up and does not pay for the sealed test: "
        f"{after}, without a certificate"
    )


def certificates(report: Json) -> list[Json]:
    """Return a report's certificates with their evidence read."""
    return [{**row, "evidence": loaded(row["evidence"])} for row in report["certificates"]]


def certificate_line(found: Certificate) -> Text:
    """Render the certificate of one finalist."""
    gain, ours, base = found.gain, found.rate, found.baseline_rate
    why = f": {'; '.join(found.refused)}" if found.refused else ""
    return Text.assemble(
        f"test documents ({found.documents} sealed): "
        f"baseline {rate(base.mean, base.low, base.high)}{audited_shown(found.baseline_audited)}"
        f"{null_shown(found.baseline_null)}  "
        f"{found.candidate_id} {rate(ours.mean, ours.low, ours.high)}{audited_shown(found.audited)}"
        f"{null_shown(found.null)}  "
        f"difference {signed(gain.mean)} [{signed(gain.low)}, {signed(gain.high)}] ",
        ("certified", "bold green") if found.certified else (f"not certified{why}", "yellow"),
    )


def diff_view(diff: str) -> RenderableType:
    """Draw a unified diff, line by line as it is."""
    styles = {"+": "green", "-": "red", "@": "cyan"}
    text = Text(no_wrap=True, overflow="ignore")
    for line in plain(diff).splitlines(keepends=True):
        text.append(line, style=styles.get(line[:1], ""))
    text.rstrip()
    return text


def plain(text: str) -> str:
    """Return a text without what could steer a terminal; line ends and tabs stay."""
    return "".join(
        c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text
    )


def rows_view(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Table:
    """Draw any rows; numbers to the right."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for number, name in enumerate(columns):
        numeric = all(isinstance(row[number], int | float) or row[number] is None for row in rows)
        table.add_column(name, justify="right" if rows and numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text("" if value is None else plain(_cell(value))) for value in row))
    return table


def _cell(value: Any) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 300 else text[:297] + "..."


def short(value: float) -> str:
    """Return a number between 0 and 1 with two digits, such as `.42`."""
    text = f"{value:.2f}"
    return text[1:] if text.startswith("0.") else text


def number(value: float | None, form: str) -> str:
    """Return a number in this form, `-` where there is none."""
    return "-" if value is None else format(value, form)


def loaded(value: Any) -> Any:
    """Return JSON data, read where it is text."""
    return json.loads(value) if isinstance(value, str) else value


def shown_bytes(count: float) -> str:
    """Return a number of bytes as people say it."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 10 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
