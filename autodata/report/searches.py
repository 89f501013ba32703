"""What `show` draws of a search, a candidate and a version, from plain data."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from autodata.report.edits import counted, edits_view
from autodata.report.quality import quality_lines
from autodata.report.views import (
    SIMULATED,
    WIDE,
    certificate_line,
    certificates,
    diff_view,
    ended_early,
    loaded,
    null_shown,
    number,
    other_rules,
    plain,
    rate,
    rows_view,
    short,
    tokens,
    unusable,
)
from autodata.search.null import null_rate
from autodata.store.certificates import Certificate
from autodata.types import Json

MOST_SETS = 3
"""Sets of edits that a screen shows beside baseline and tested ones."""


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
    uncounted = ended_early(report["episodes"])
    merging = bool(report["edits"] or report["looks"])
    done = f"{len(report['iterations'])} iterations"
    if merging:
        done = counted(report["edits"], report["looks"])
    parts.append(
        Text(
            f"{done}  {episodes:,} episodes ({uncounted})  "
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
    if report["edits"]:
        parts += edits_view(report["edits"], width)
    if report["candidates"]:
        shown = most_telling(report) if merging else report["candidates"]
        parts.append(candidates_table(shown, width))
        more = len(report["candidates"]) - len(shown)
        parts.append(
            Text(
                f"and {more} more sets of edits: --json has all.\n"
                * bool(more)
                + "rate, n: validation episodes.  /acc: per accepted example, on all splits.\n"
                "* Pareto front: no other candidate is better in both rate and tokens/acc."
                + _left_out(width)
            )
        )
    audited = [loaded(line["audit"]) for line in report["iterations"]]
    scores = [audit for audit in audited if audit and "brier_base" in audit]
    if scores:
        brier = sum(s["brier"] for s in scores) / len(scores)
        base = sum(s["brier_base"] for s in scores) / len(scores)
        told = f"analyzer: Brier score {brier:.3f} (expecting no change: {base:.3f})"
        if merging:
            told = (
                f"implementer: Brier score {brier:.3f} of {len(scores)} bets that an edit is good, "
                f"against what was believed of it at last (one who knows nothing: {base:.3f})"
            )
        parts.append(Text(told))
    return Group(*parts)


def version_view(version: Json, width: int = 120) -> RenderableType:
    """Render `show VERSION`: its origin, and its tag's evidence for and against it.

    Of one that was merged it says what was believed of its edits.
    """
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
    if edits := version.get("edits"):
        parts += edits_view(
            [{**edit, "in": [candidate], "decision": "merged"} for edit in edits], width
        )
    parts += [
        Text(f"forced, and recorded: {problem}") for problem in version.get("overridden") or []
    ]
    if version["before"]:
        parts.append(Text(f"compare: autodata diff {version['before']} {version['version']}"))
    return Group(*parts)


def most_telling(report: Json) -> list[Json]:
    """Return the baseline, those tested, and the sets of edits with most validation episodes.

    A merging search measures hundreds of sets a few times each.
    """
    tested = {row["candidate_id"] for row in report["certificates"]}
    lines = report["candidates"]
    named = [line for line in lines if line["candidate_id"] in {"c0", *tested}]
    others = [line for line in lines if line not in named and line["episodes"]]
    others.sort(key=lambda line: -line["episodes"])
    return [*named, *others[:MOST_SETS]]


def candidate_view(report: Json, width: int = 120) -> RenderableType:
    """Draw `show RUN CANDIDATE` for a screen of so many columns."""
    line, iteration = report["candidate"], report["iteration"]
    parts: list[RenderableType] = [SIMULATED] if report["simulated"] else []
    parts.append(candidates_table([line], width))
    if left_out := _left_out(width).strip():
        parts.append(Text(left_out))
    knobs = "  ".join(f"{name}={value}" for name, value in loaded(line["knobs"]).items())
    parts.append(Text(f"commit {line['commit']}"))
    parts.append(Text(f"knobs  {knobs}"))
    if report["edits"]:
        parts += edits_view(report["edits"], width)
    if iteration:
        parts.append(Text(plain(f"{iteration['decision']}: {iteration['reason']}")))
        if iteration["analysis"]:
            parts.append(Text(plain(f"analysis: {iteration['analysis']}")))
        parts.append(diff_view(iteration["edit"] or ""))
    columns = ("split", "status", "reason", "episodes")
    parts.append(rows_view(columns, [[row[name] for name in columns] for row in report["reasons"]]))
    return Group(*parts)


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
            number(line["tokens_per_accepted"], ",.0f"),
            *([number(line["seconds_per_accepted"], ".1f")] if wide else []),
            *([number(line["usd_per_accepted"], ".4f")] if priced else []),
            Text(plain(_change(line))),
        ]
        table.add_row(*cells)
    return table


def _change(line: Json) -> str:
    """What a candidate changes, in a line: the edits that are merged in it, or its message's."""
    if line["edits"]:
        return " ".join(f"e{edit}" for edit in line["edits"])
    return str(line["message"] or "").split("\n")[0]


def _left_out(width: int) -> str:
    return (
        "" if width >= WIDE else f"\nFrom {WIDE} columns on: from (parent), s/acc. --json has all."
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
            f"test documents ({episodes} sealed episodes): baseline {short(accepted / episodes)}"
            f"{null_shown(null)}  no candidate was believed to be better, so none was tested"
        )
    ]


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


def confirming(counts: Json) -> str:
    """Render how many examples fresh samples confirmed, and what that took."""
    accepted = max(1, counts["accepted"])
    return (
        f"fresh samples confirmed {counts['confirmed']:,} of {counts['confirmations']:,} examples, "
        f"for {counts['samples'] / accepted:.1f} samples and {counts['tokens'] / accepted:,.0f} "
        "tokens per accepted one"
    )
