"""What failed so far in an episode, grouped for the challenger as in arXiv 2606.25996."""

from collections.abc import Sequence

from autodata.types import Round

CLOSING = (
    "Write an entirely new question that comes at the document from a different angle. "
    "Do not repeat or reword any question above."
)


def grouped(rounds: Sequence[Round]) -> str:
    """Return the failed rounds by kind of failure, or an empty string when there are none."""
    groups: dict[str, list[str]] = {
        "Too easy for the weak solver": [],
        "Failed on the strong solver": [],
        "Failed the quality check": [],
    }
    for past in rounds:
        if past.verdict.accepted:
            continue
        weak, strong = _mean(past, "weak"), _mean(past, "strong")
        if strong is not None and weak is not None:
            line = f"(weak {weak:.2f}, strong {strong:.2f}, gap {strong - weak:.2f})"
            groups["Failed on the strong solver"].append(f"{past.example.question} {line}")
        elif weak is not None:
            line = f"{past.example.question} (weak average {weak:.2f})"
            groups["Too easy for the weak solver"].append(line)
        else:
            reason = "; ".join(past.verdict.reasons)
            notes = " ".join(check.feedback for check in past.verifications if not check.passed)
            line = f"{past.example.question} ({' '.join((reason, notes)).strip()})"
            groups["Failed the quality check"].append(line)
    parts = [
        f"{title}:\n" + "\n".join(f"- {line}" for line in lines)
        for title, lines in groups.items()
        if lines
    ]
    return "\n\n".join([*parts, CLOSING]) if parts else ""


def _mean(past: Round, role: str) -> float | None:
    scores = [attempt.score for attempt in past.attempts if attempt.role == role]
    return sum(scores) / len(scores) if scores else None
