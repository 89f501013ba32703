"""Feedback for the challenger: an episode's failed rounds, grouped by kind of failure.

As in arXiv 2606.25996.
"""

from collections.abc import Sequence

from autodata.types import Round

TOO_EASY = "Too easy for the weak solver"
STRONG_FAILED = "Failed on the strong solver"
BAD_QUALITY = "Failed the quality check"
TOO_HARD = ("a weak sample scored zero",)
"""The one reason of a weak gate that does not mean "too easy"."""

CLOSING = (
    "Write an entirely new question that comes at the document from a different angle. "
    "Do not repeat or reword any question above."
)


def grouped(rounds: Sequence[Round]) -> str:
    """Return the failed rounds by kind of failure, or an empty string when there are none."""
    groups: dict[str, list[str]] = {TOO_EASY: [], STRONG_FAILED: [], BAD_QUALITY: []}
    for past in rounds:
        if past.verdict.accepted:
            continue
        title, line = line_of(past)
        groups[title].append(line)
    parts = [
        f"{title}:\n" + "\n".join(f"- {line}" for line in lines)
        for title, lines in groups.items()
        if lines
    ]
    return "\n\n".join([*parts, CLOSING]) if parts else ""


def line_of(past: Round) -> tuple[str, str]:
    """Return the group and the line of one failed round."""
    weak, strong = _mean(past, "weak"), _mean(past, "strong")
    question, reason = past.example.question, "; ".join(past.verdict.reasons)
    audited = any(check.frozen and not check.passed for check in past.verifications)
    if strong is not None and weak is not None and not audited:
        scores = f"weak {weak:.2f}, strong {strong:.2f}, gap {strong - weak:.2f}"
        return STRONG_FAILED, f"{question} ({scores}: {reason})"
    if weak is not None and not audited and past.verdict.reasons != TOO_HARD:
        return TOO_EASY, f"{question} (weak average {weak:.2f})"
    notes = " ".join(check.feedback for check in past.verifications if not check.passed)
    return BAD_QUALITY, f"{question} ({' '.join((reason, notes)).strip()})"


def _mean(past: Round, role: str) -> float | None:
    scores = [attempt.score for attempt in past.attempts if attempt.role == role]
    return sum(scores) / len(scores) if scores else None
