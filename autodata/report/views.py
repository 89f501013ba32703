"""Rendering of reports for a terminal, as Rich tables and lines, from plain data."""

import json
from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from autodata.episode.acceptance import RULES
from autodata.report.quality import quality_lines
from autodata.search.belief import Estimate
from autodata.search.null import null_rate
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
    text = _short(value)
    return text if low is None or high is None else f"{text} [{_short(low)}, {_short(high)}]"


def signed(value: float) -> str:
    """Return a difference of rates with its sign, such as `+.17`."""
    return ("-" if value < 0 else "+") + _short(abs(value))


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


def run_view(report: Json, state: str, width: int = 120) -> RenderableType:
    """Draw `show RUN` for a screen of so many columns."""
    run, totals = report["run"], report["totals"]
    parts: list[RenderableType] = []
    if run["simulated"]:
        parts.append(SIMULATED)
    parts.append(
        Text.assemble(
            (f"run {run['run_id']}", "bold"),
            f"  {state}  harness {run['harness']}  seed {run['seed']}",
        )
    )
    parts += other_rules(run["rules"])
    episodes = sum(line["episodes"] for line in report["episodes"])
    void = sum(line["void"] for line in report["episodes"])
    parts.append(
        Text(
            f"{len(report['iterations'])} iterations  {episodes:,} episodes ({void} void)  "
            f"{totals['calls']:,} calls  {tokens(totals)}  ${totals['usd']:.2f}"
        )
    )
    if report["unusable"]:
        parts.append(Text(unusable(report["unusable"])))
    if (luck := null_line(report)) is not None:
        parts.append(luck)
    if report["confirming"]["confirmations"]:
        parts.append(Text(confirming(report["confirming"])))
    parts += [
        certificate_line(Certificate.from_json(row["evidence"])) for row in certificates(report)
    ]
    if not report["certificates"]:
        parts += _baseline_alone(report, state)
    parts += quality_lines(report["quality"])
    if report["candidates"]:
        parts.append(candidates_table(report["candidates"], width))
        parts.append(
            Text(
                "rate, n: validation episodes.  /acc: per accepted example, on all splits.\n"
                "* Pareto front: no other candidate is better in both rate and tokens/acc."
                + _left_out(width)
            )
        )
    audited = [line["audit"] for line in report["iterations"] if _loaded(line["audit"])]
    if audited:
        scores = [_loaded(audit) for audit in audited]
        brier = sum(s["brier"] for s in scores) / len(scores)
        base = sum(s["brier_base"] for s in scores) / len(scores)
        parts.append(Text(f"analyzer: Brier score {brier:.3f} (expecting no change: {base:.3f})"))
    return Group(*parts)


def tokens(totals: Json) -> str:
    """Render a number of tokens, and the part of thinking where any is known."""
    thought = totals["reasoning_tokens"]
    part = f" ({thought:,} of thinking)" if thought else ""
    return f"{totals['prompt_tokens'] + totals['completion_tokens']:,} tokens{part}"


def confirming(counts: Json) -> str:
    """Render how many examples fresh samples confirmed, and what that took."""
    accepted = max(1, counts["accepted"])
    return (
        f"fresh samples confirmed {counts['confirmed']:,} of {counts['confirmations']:,} examples, "
        f"for {counts['samples'] / accepted:.1f} samples and {counts['tokens'] / accepted:,.0f} "
        "tokens per accepted one"
    )


def unusable(counts: Sequence[Json]) -> str:
    """Render the number of unusable replies by role and reason, and how many thinking used up."""
    counted = ", ".join(f"{row['calls']:,} {row['outcome']} of {row['role']}" for row in counts)
    thought = sum(row["thought"] for row in counts)
    fix = "raise their max_tokens, or let them think less"
    return f"replies of no use, paid for all the same: {counted}" + (
        f"; thinking used up {thought:,} of them: {fix}" if thought else ""
    )


def _baseline_alone(report: Json, state: str) -> list[Text]:
    """What the test split says where nobody was tested against the baseline."""
    tested = [line for line in report["episodes"] if line["split"] == "test" and line["episodes"]]
    if not state.startswith(("finished", "closed")) or not tested:
        return []
    line = tested[0]
    episodes, accepted = int(line["episodes"]), int(line["accepted"])
    null = null_rate(int(line["null_accepted"]), int(line["null_episodes"]))
    return [
        Text(
            f"test documents ({episodes} sealed episodes): baseline {_short(accepted / episodes)}"
            f"{null_shown(null)}  no candidate was believed to be better, so none was tested"
        )
    ]


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
    return [{**row, "evidence": _loaded(row["evidence"])} for row in report["certificates"]]


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


def null_line(report: Json) -> Text | None:
    """Render the pooled null rate of the documents on which a search decides."""
    lines = [line for line in report["episodes"] if line["split"] != "test"]
    episodes = sum(int(line["null_episodes"]) for line in lines)
    accepted = sum(int(line["null_accepted"]) for line in lines)
    if not episodes:
        return None
    found = null_rate(accepted, episodes).rate
    return Text(
        f"null rate {rate(found.mean, found.low, found.high)}  ({accepted} of {episodes} episodes "
        "in which `strong` had both seats: what luck alone gives)"
    )


def version_view(version: Json) -> RenderableType:
    """Render `show VERSION`: its origin, and its tag's evidence for and against it."""
    parts: list[RenderableType] = [SIMULATED] if version.get("simulated") else []
    parts.append(
        Text.assemble((version["version"], "bold"), f"  commit {str(version['commit'])[:10]}")
    )
    if version["before"] is None:
        parts.append(Text("as it was before the first promotion"))
    if back := version.get("rolled_back_to"):
        parts.append(Text(f"rolled back to {back}"))
    if candidate := version.get("candidate"):
        parts.append(Text(f"candidate {candidate} of run {version.get('run')}"))
        parts += other_rules(version.get("rules", 1))
    if version.get("certificate"):
        parts.append(certificate_line(Certificate.from_json(version["certificate"])))
    parts += [
        Text(f"forced, and recorded: {problem}") for problem in version.get("overridden") or []
    ]
    if version["before"]:
        parts.append(Text(f"compare: autodata diff {version['before']} {version['version']}"))
    return Group(*parts)


def _left_out(width: int) -> str:
    return (
        "" if width >= WIDE else f"\nFrom {WIDE} columns on: from (parent), s/acc. --json has all."
    )


def candidates_table(candidates: Sequence[Json], width: int = 120) -> Table:
    """Draw candidates with validation pass rate and cost; `*` marks the Pareto front.

    On a narrow screen parent and seconds are left out, so that the change can be read;
    `run_view` and `candidate_view` say so.
    """
    wide = width >= WIDE
    priced = any(line["usd_per_accepted"] for line in candidates)
    audited = any(line["audited"] for line in candidates)
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("", "id", *(["from"] if wide else []), "decision", "rate [95 %]"):
        table.add_column(name, no_wrap=True)
    costs = ["tokens/acc", *(["s/acc"] if wide else []), *(["$/acc"] if priced else [])]
    for name in ("n", *(["holds"] if audited else []), *costs):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("change", overflow="fold")
    for line in candidates:
        cells = [
            "*" if line["front"] else "",
            line["candidate_id"],
            *([line["parent_id"] or ""] if wide else []),
            line["decision"],
            rate(line["pass_rate"], line["low"], line["high"]),
            str(line["episodes"]),
            *([f"{line['holds']}/{line['audited']}"] if audited else []),
            _number(line["tokens_per_accepted"], ",.0f"),
            *([_number(line["seconds_per_accepted"], ".1f")] if wide else []),
            *([_number(line["usd_per_accepted"], ".4f")] if priced else []),
            Text(plain((line["message"] or "").split("\n")[0])),
        ]
        table.add_row(*cells)
    return table


def candidate_view(report: Json, width: int = 120) -> RenderableType:
    """Draw `show RUN CANDIDATE` for a screen of so many columns."""
    line, iteration = report["candidate"], report["iteration"]
    parts: list[RenderableType] = [SIMULATED] if report["simulated"] else []
    parts.append(candidates_table([line], width))
    if left_out := _left_out(width).strip():
        parts.append(Text(left_out))
    knobs = "  ".join(f"{name}={value}" for name, value in _loaded(line["knobs"]).items())
    parts.append(Text(f"commit {line['commit']}"))
    parts.append(Text(f"knobs  {knobs}"))
    if iteration:
        parts.append(Text(plain(f"{iteration['decision']}: {iteration['reason']}")))
        if iteration["analysis"]:
            parts.append(Text(plain(f"analysis: {iteration['analysis']}")))
        parts.append(diff_view(iteration["edit"] or ""))
    columns = ("split", "status", "reason", "episodes")
    parts.append(rows_view(columns, [[row[name] for name in columns] for row in report["reasons"]]))
    return Group(*parts)


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


def _short(value: float) -> str:
    text = f"{value:.2f}"
    return text[1:] if text.startswith("0.") else text


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def _loaded(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def shown_bytes(count: float) -> str:
    """Return a number of bytes as people say it."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 10 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
