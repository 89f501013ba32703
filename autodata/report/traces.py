"""Traces of single episodes: which there are, and everything that happened in one.

What models wrote is shown without control characters.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from autodata.episode.feedback import line_of
from autodata.errors import StoreError
from autodata.report.queries import rows
from autodata.report.views import SIMULATED, plain, rate, rows_view
from autodata.store.audience import counts, notice_of
from autodata.types import Attempt, Criterion, Example, Json, Round, Verdict, Verification

if TYPE_CHECKING:
    import duckdb

MOST_LISTED = 50
_NOT_TOLD = ("weak", "strong", "judge", "verifier")
"""Roles that never see what became of earlier rounds."""


def list_episodes(
    connection: "duckdb.DuckDBPyConnection", run: str, candidate: str | None, status: str | None
) -> list[Json]:
    """Return a run's episodes in the order they ended, those of a candidate or status alone.

    Raises:
        StoreError: there is none.
    """
    where = "run_id = $run"
    for column, value in (("candidate_id", candidate), ("status", status)):
        if value is not None:
            where += f" and {column} = '" + value.replace("'", "''") + "'"
    episodes = rows(
        connection,
        "select candidate_id, document_id, repeat, split, status, reason, rounds, calls, "
        f"prompt_tokens + completion_tokens as tokens from episodes where {where} "
        "order by recorded_at, candidate_id, document_id, repeat",
        run,
    )
    if not episodes:
        what = " ".join(filter(None, (status, "episode", f"of {candidate}" if candidate else "")))
        raise StoreError(f"run {run} has no {what}", f"list them: autodata trace {run}")
    names = _names(connection, run)
    return [{**line, "document": names.get(line["document_id"])} for line in episodes]


def trace_report(connection: "duckdb.DuckDBPyConnection", run: str, episode: str) -> list[Json]:
    """Return the episodes that `trace` shows, each with its rounds, attempts and calls by role.

    `episode` is `CANDIDATE:DOCUMENT[:REPEAT]`; a document may be shortened to its first letters.

    Raises:
        StoreError: not of that form, or nothing fits.
    """
    candidate, _, rest = episode.partition(":")
    document, _, repeat = rest.partition(":")
    if not rest or (repeat and not repeat.removeprefix("-").isdigit()) or not document.isalnum():
        raise StoreError(
            f"{episode!r} names no episode", "write CANDIDATE:DOCUMENT or CANDIDATE:DOCUMENT:REPEAT"
        )
    quoted = candidate.replace("'", "''")
    where = f"run_id = $run and candidate_id = '{quoted}' and document_id like '{document}%'"
    if repeat:
        where += f" and repeat = {repeat}"
    episodes = rows(connection, f"select * from episodes where {where} order by repeat", run)
    if not episodes:
        notice = notice_of(counts(connection))
        raise StoreError(
            f"run {run} has no episode {episode}{' that may be seen: ' * bool(notice)}{notice}",
            f"list them: autodata trace {run}",
        )
    rounds = rows(connection, f"select * from rounds where {where} order by repeat, round", run)
    attempts = rows(
        connection,
        f"select * from attempts where {where} order by repeat, round, fresh, role desc, sample",
        run,
    )
    calls = rows(
        connection,
        "select document_id, repeat, role, outcome, prompt_tokens, completion_tokens, "
        f"if(role in {_NOT_TOLD}, null, request) as request from calls where {where}",
        run,
    )
    names = _names(connection, run)
    sets = rows(
        connection,
        f"select edits from candidates where run_id = $run and candidate_id = '{quoted}'",
        run,
    )
    for line in episodes:
        line["edits"] = sets[0]["edits"] or [] if sets else []
        line["document"] = names.get(line["document_id"])
        line["rounds"] = [past for past in rounds if _same(past, line)]
        ours = [call for call in calls if _same(call, line)]
        line["calls_by_role"] = _by_role(ours)
        prompts = "\n".join(_prompt(call["request"]) for call in ours if call["request"])
        for past in line["rounds"]:
            past["attempts"] = [
                a for a in attempts if _same(a, line) and a["round"] == past["round"]
            ]
            past["told"] = _told(past, prompts)
    return episodes


def _names(connection: "duckdb.DuckDBPyConnection", run: str) -> dict[str, str]:
    documents = rows(connection, "select document_id, name from documents where run_id = $run", run)
    return {line["document_id"]: line["name"] for line in documents}


def _same(row: Json, episode: Json) -> bool:
    return all(row[name] == episode[name] for name in ("document_id", "repeat"))


def _by_role(calls: Sequence[Json]) -> list[Json]:
    totals: dict[str, Json] = {}
    for call in calls:
        start = {"role": call["role"], "calls": 0, "prompt_tokens": 0, "completion_tokens": 0}
        line = totals.setdefault(call["role"], {**start, "unusable": 0})
        line["calls"] += 1
        line["unusable"] += call["outcome"] != "ok"
        for name in ("prompt_tokens", "completion_tokens"):
            line[name] += call[name] or 0
    return list(totals.values())


def _prompt(request: Json) -> str:
    return "\n".join(str(message.get("content", "")) for message in request.get("messages", []))


def _told(past: Json, prompts: str) -> str | None:
    """Return what a later prompt of the challenger or agent said of this round, if one did."""
    rubric = tuple(Criterion(c["criterion"], c["weight"]) for c in past["rubric"] or [])
    checks = tuple(
        Verification(bool(c["passed"]), c.get("feedback", ""), bool(c.get("frozen")))
        for c in past["verifications"] or []
    )
    attempts = tuple(
        Attempt(a["role"], a["sample"], "", a["score"]) for a in past["attempts"] if not a["fresh"]
    )
    title, line = line_of(
        Round(
            past["round"],
            Example(past["question"], past["answer"], "", rubric),
            checks,
            attempts,
            Verdict(bool(past["accepted"]), tuple(past["reasons"] or ())),
        )
    )
    return f"{title}: {line}" if not past["accepted"] and line in prompts else None


def listed_view(run: str, episodes: Sequence[Json], simulated: bool) -> RenderableType:
    """Draw the list of a run's episodes: the latest, and how to see others."""
    has_names = any(line["document"] for line in episodes)
    columns = ("episode", *(["document"] if has_names else []), "split", "status", "reason")
    columns += ("rounds", "calls", "tokens")
    shown = [
        {**line, "episode": f"{line['candidate_id']}:{line['document_id'][:8]}:{line['repeat']}"}
        for line in episodes[-MOST_LISTED:]
    ]
    parts: list[RenderableType] = [SIMULATED] if simulated else []
    parts.append(rows_view(columns, [[line[name] for name in columns] for line in shown]))
    if len(episodes) > len(shown):
        parts.append(
            Text(
                f"the last {len(shown)} of {len(episodes):,}; fewer: a candidate, such as "
                f"c3, and --status; all: --json",
            )
        )
    last = shown[-1]["episode"]
    hint = f"look closer at one: autodata trace {run} {last}"
    parts.append(Text(hint, no_wrap=True, overflow="ignore"))
    return Group(*parts)


def trace_view(episodes: Sequence[Json], simulated: bool) -> RenderableType:
    """Draw episodes with everything that happened in them."""
    parts: list[RenderableType] = [SIMULATED] if simulated else []
    for episode in episodes:
        place = f"{episode['candidate_id']}:{episode['document_id']}:{episode['repeat']}"
        head = f"{place} ({episode['split']}) {episode['status']} {episode['reason'] or ''}"
        parts.append(Text(plain(head).rstrip(), style="bold"))
        if episode["document"]:
            parts.append(Text(f"document {plain(episode['document'])}"))
        if episode["edits"]:
            parts.append(Text(f"harness with {' '.join(f'e{edit}' for edit in episode['edits'])}"))
        for past in episode["rounds"]:
            verdict = "accepted" if past["accepted"] else "; ".join(past["reasons"] or [])
            parts.append(Text(plain(f"round {past['round']}: {verdict}"), style="cyan"))
            parts.append(_lines(_round(past)))
        parts.append(_lines([("spent", _spent(episode))]))
    return Group(*parts)


def _lines(lines: Sequence[tuple[str, str]]) -> Table:
    """Draw labels with texts behind them that are wrapped in their own column."""
    grid = Table.grid(padding=(0, 0, 0, 2))
    grid.add_column(no_wrap=True, style="dim")
    grid.add_column(overflow="fold")
    for label, text in lines:
        grid.add_row(label, Text(plain(text)))
    return grid


def _round(past: Json) -> list[tuple[str, str]]:
    lines = [(name, past[name]) for name in ("kind", "context", "question", "answer") if past[name]]
    for number, line in enumerate(past["rubric"] or []):
        met = [
            f"{attempt['role']} {attempt['sample']}"
            for attempt in past["attempts"]
            if not attempt["fresh"]
            and number < len(attempt["satisfied"] or [])
            and attempt["satisfied"][number]
        ]
        judged = any(attempt["satisfied"] for attempt in past["attempts"])
        by = f"  [met by {', '.join(met) or 'none'}]" if judged else ""
        labels = ", ".join(line[name] for name in ("category", "capability") if line.get(name))
        category = f" ({labels})" if labels else ""
        label = "rubric" if number == 0 else ""
        lines.append((label, f"{line['weight']:+d}  {line['criterion']}{category}{by}"))
    for check in past["verifications"] or []:
        whose = "the protocol's frozen prompt" if check.get("frozen") else "the harness's prompt"
        verdict = "passed" if check["passed"] else "failed"
        checks = ", ".join(f"{name} {_yes(value)}" for name, value in check["checks"].items())
        detail = "; ".join(filter(None, (checks, check.get("feedback"))))
        lines.append(("verifier", f"{verdict} ({whose}){': ' if detail else ''}{detail}"))
    for attempt in past["attempts"]:
        label = f"{'fresh ' * attempt['fresh']}{attempt['role']} {attempt['sample']}"
        note = f"  [{attempt['note']}]" if attempt["note"] else ""
        lines.append((label, f"{rate(attempt['score'])}  {attempt['answer']}{note}"))
    for probe in past["probes"] or []:
        score = "" if probe["score"] is None else f": {rate(probe['score'])}"
        lines.append(("probe", f"{probe['name']}{score}  {'held' if probe['held'] else 'FAILED'}"))
    if past["confirmation"]:
        weak, strong = rate(past["fresh_weak_mean"]), rate(past["fresh_strong_mean"])
        verdict = "confirmed" if past["confirmed"] else "not confirmed"
        lines.append(("fresh", f"{verdict}: weak {weak}, strong {strong} on average"))
    if past["told"]:
        lines.append(("feedback", past["told"]))
    return lines


def _yes(value: Any) -> str:
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else value


def _spent(episode: Json) -> str:
    tokens = episode["prompt_tokens"] + episode["completion_tokens"]
    parts = [f"{episode['calls']} calls", f"{tokens:,} tokens"]
    if episode["cost_usd"]:
        parts.append(f"${episode['cost_usd']:.4f}")
    parts.append(f"{episode['seconds']:.1f} s of models")
    by_role = "; ".join(
        f"{line['role']} {line['calls']} calls, {line['prompt_tokens']:,} + "
        f"{line['completion_tokens']:,} tokens"
        + (f", {line['unusable']} of no use" if line["unusable"] else "")
        for line in episode["calls_by_role"]
    )
    return "  ".join(parts) + (f"\n{by_role}" if by_role else "")
