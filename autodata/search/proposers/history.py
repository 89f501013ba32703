"""The log of past iterations that later analyzers and implementers read.

Rejected and refused edits are in it with their reasons, and how past predictions turned out.
"""

from collections.abc import Sequence
from statistics import fmean

from autodata.search.base import Iteration

MOST_ENTRIES = 30
EDIT_CHARS = 1500


def log_of(history: Sequence[Iteration]) -> str:
    """Return the most recent iterations, newest last, with the analyzer's record on top."""
    if not history:
        return "No iteration has been decided yet."
    return "\n\n".join([_record(history), *(_entry(past) for past in history[-MOST_ENTRIES:])])


def _record(history: Sequence[Iteration]) -> str:
    audits = [past.audit for past in history if past.audit]
    if not audits:
        return "No predictions have been scored yet."
    names = ("brier", "brier_base", "hit_rate", "base_rate")
    mean = {name: fmean(audit[name] for audit in audits) for name in names}
    return (
        f"Predictions so far ({len(audits)} analyses): Brier score {mean['brier']:.3f} against "
        f"{mean['brier_base']:.3f} for expecting no change; right {mean['hit_rate']:.0%} of the "
        f"time against {mean['base_rate']:.0%} for always guessing the commoner outcome."
    )


def _entry(past: Iteration) -> str:
    name = past.proposal.candidate.id if past.proposal.candidate else "no candidate"
    edit = past.proposal.edit[:EDIT_CHARS]
    if len(past.proposal.edit) > EDIT_CHARS:
        edit += "\n[cut]"
    return (
        f"Iteration {past.number}: {past.parent_id} -> {name}: {past.decision} ({past.reason})\n"
        f"{past.proposal.analysis[:EDIT_CHARS]}\n{edit}".strip()
    )
