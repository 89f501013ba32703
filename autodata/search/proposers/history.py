"""The log of past edits that later analyzers and implementers read.

Each has its summary, what was measured, and its whole diff, as far as the log has room for it; the
rest says how much was left out, and `past_edit` shows all of it.
"""

from collections.abc import Mapping, Sequence
from statistics import fmean

from autodata.episode.dry_run import cut
from autodata.search.base import Iteration

LOG_CHARS = 40_000
"""Characters of diffs in a log: the newest come first where it has no room for all."""
DIFF_CHARS = 8_000
"""Characters of one diff in it."""
WHY_CHARS = 300
MOST_ENTRIES = 200
"""Edits that a log names."""

HOW_TO_READ = """\
A gain is what an edit is believed to change of the pass rate, ± its standard deviation: +0.057 ±
0.095 after 4 pairs means that parent and edit were tried on 4 documents each, which says little.
It is drawn towards what edits usually do. Small gains with a large ± are not known to be any."""


def log_of(history: Sequence[Iteration], effects: Mapping[int, str] | None = None) -> str:
    """Return past edits, oldest first: the undecided ones, then those that are decided.

    `effects` says by an edit's number how each document did before and after.
    """
    if not history:
        return "No edit has been made yet."
    room, shown = LOG_CHARS, dict[int, str]()
    for past in reversed(history[-MOST_ENTRIES:]):
        text = cut(past.proposal.edit, min(DIFF_CHARS, max(0, room)))
        room -= len(text)
        shown[past.number] = _entry(past, text, (effects or {}).get(past.number, ""))
    parts = [_record(history), HOW_TO_READ]
    for title, undecided in (("Undecided edits, still measured", True), ("Decided edits", False)):
        entries = [
            shown[past.number]
            for past in history
            if past.number in shown and (past.decision == "undecided") == undecided
        ]
        if entries:
            parts += [f"{title}:", *entries]
    if len(history) > MOST_ENTRIES:
        parts.append(f"[cut, {len(history) - MOST_ENTRIES} older edits left: SQL, iterations]")
    return "\n\n".join(parts)


def whole_entry(past: Iteration, effect: str = "") -> str:
    """Return all that is known of a past edit."""
    analysis = f"\nAnalysis: {past.proposal.analysis}" if past.proposal.analysis else ""
    return f"{_entry(past, past.proposal.edit, effect)}{analysis}"


def _entry(past: Iteration, diff: str, effect: str) -> str:
    proposal = past.proposal
    name = f" -> {proposal.candidate.id}" if proposal.candidate else ""
    lines = [
        f"Edit {past.number} ({past.parent_id}{name}): {past.decision} "
        f"({cut(past.reason, WHY_CHARS)})",
        proposal.candidate.message if proposal.candidate else "",
        effect,
        diff.rstrip("\n"),
    ]
    return "\n".join(line for line in lines if line)


def _record(history: Sequence[Iteration]) -> str:
    audits = [past.audit for past in history if past.audit]
    if not audits:
        return "No predictions have been scored yet."
    names = ("brier", "brier_base", "hit_rate", "base_rate")
    mean = {name: fmean(audit[name] for audit in audits) for name in names}
    return (
        f"Predictions so far ({len(audits)} edits): Brier score {mean['brier']:.3f} against "
        f"{mean['brier_base']:.3f} for expecting no change (0 is perfect); right "
        f"{mean['hit_rate']:.0%} of the time against {mean['base_rate']:.0%} for always guessing "
        "the commoner outcome."
    )
