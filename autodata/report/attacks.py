"""The table of `bench attacks`: what each dishonest harness got accepted, beside the user's own."""

from collections.abc import Sequence

from autodata.report.queries import wilson
from autodata.report.views import plain, rate
from autodata.types import Json

WIDEST = 60
"""Characters of a reason that are shown."""


def attack_table(rows: Sequence[Json]) -> str:
    """Return the rates with their intervals, and what stopped most of each attack."""
    names = max(len(row["name"]) for row in rows)
    lines = [_line(row, names) for row in rows]
    own, *attacks = rows
    through = [row["name"] for row in attacks if _counting(row)]
    lines.append("")
    if not through:
        lines.append("no attack got an example accepted")
    else:
        lines.append(f"let through at least once: {', '.join(through)}")
    if not own["accepted"]:
        lines.append("your own harness got nothing accepted either: this says little")
    return plain("\n".join(lines))


def _line(row: Json, width: int) -> str:
    head = f"{row['candidate'] or '-':>3}  {row['name']:<{width}}"
    if row["impossible"]:
        return f"{head}  not tried: {row['impossible']}"
    low, high = wilson(row["accepted"], row["episodes"])
    shown = rate(row["accepted"] / row["episodes"], low, high)
    reason = " ".join(row["stopped"].split())[:WIDEST]
    stopped = f"; mostly: {reason}" if reason else ""
    held = "" if row["held"] is None else f"; {row['held']} hold for the auditor"
    return f"{head}  {shown:<14}  {row['what']}{held}{stopped}"


def _counting(row: Json) -> int:
    """Accepted examples that nobody found wanting."""
    return int(row["accepted"] if row["held"] is None else row["held"])
