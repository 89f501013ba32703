"""Feedback for the challenger: an episode's failed rounds, by the gate at which each failed.

As in arXiv 2606.25996, where the groups are three; and of the newest one what its scores were made
of, as who rewrites it must know. Fresh answers, which confirm an example, are not in it.
"""

from collections.abc import Sequence

from autodata.types import Attempt, Round, SolverRole

BAD_FORM = "Turned down by the checks of the host"
BAD_QUALITY = "Failed the quality check of the verifier"
TOO_EASY = "Too easy for the weak solver"
TOO_HARD = "A weak answer earned nothing"
STRONG_FAILED = "Failed on the strong solver"
LATER = "Passed both solvers and failed a later check"
GATES = (BAD_FORM, BAD_QUALITY, TOO_EASY, TOO_HARD, STRONG_FAILED, LATER)

NONE_AT_ALL = ("a weak sample scored zero",)
"""The one reason of the weak solver's rules that does not mean "too easy"."""
OF_SCREEN = ("weak ", "a weak ", "strong ", "a strong ", "gap ")
"""How the reasons of the acceptance rules begin; other reasons are those of gates."""

LONGEST_ANSWER = 900
"""Characters of a solver's answer that are shown: its beginning and, the longer part, its end."""

CLOSING = (
    "Write an entirely new question that comes at the document from a different angle. "
    "Do not repeat or reword any question above."
)


def grouped(rounds: Sequence[Round]) -> str:
    """Return the failed rounds by gate, then the newest in full; an empty string if there is none.

    The last paragraph asks for an entirely new question.
    """
    failed = [past for past in rounds if not past.verdict.accepted]
    if not failed:
        return ""
    newest = {past.example.question: past for past in failed}  # a question that was mended is one
    lines = [line_of(past) for past in newest.values()]
    parts = [
        f"{gate}:\n" + "\n".join(f"- {line}" for title, line in lines if title == gate)
        for gate in GATES
        if any(title == gate for title, _ in lines)
    ]
    return "\n\n".join([*parts, *_in_full(failed[-1]), CLOSING])


def line_of(past: Round) -> tuple[str, str]:
    """Return the gate at which a round failed and the line that tells of it."""
    question, reason = past.example.question, "; ".join(past.verdict.reasons)
    gate = _gate(past)
    notes = " ".join(check.feedback for check in past.verifications if not check.passed)
    told = [f"{role} {_listed(_scores(past, role))}" for role in _SEATS if _scores(past, role)]
    scores = "; ".join(told) + ": " if told else ""
    reason = "" if gate == BAD_QUALITY and notes else reason
    return gate, f"{question} ({scores}{' '.join((reason, notes)).strip()})"


_SEATS: tuple[SolverRole, SolverRole] = ("weak", "strong")


def _gate(past: Round) -> str:
    screened = any(reason.startswith(OF_SCREEN) for reason in past.verdict.reasons)
    if not _scores(past, "weak"):
        return BAD_QUALITY if past.verifications else BAD_FORM
    if _scores(past, "strong"):
        return STRONG_FAILED if screened else LATER
    return TOO_HARD if past.verdict.reasons == NONE_AT_ALL else TOO_EASY


def _in_full(past: Round) -> list[str]:
    """Tell which lines of its rubric the answers earned, and show an answer that says most."""
    weak, strong = _attempts(past, "weak"), _attempts(past, "strong")
    if not weak:
        return []
    parts = []
    if past.example.rubric and all(attempt.satisfied for attempt in weak + strong):
        earned = [
            f"{number}. [{line.weight:+}] {line.criterion} (weak {_met(weak, number)}"
            + (f", strong {_met(strong, number)})" if strong else ")")
            for number, line in enumerate(past.example.rubric, 1)
        ]
        parts.append("Rubric of the last of them, and how many answers met each line:\n")
        parts[0] += "\n".join(earned)
    gate = _gate(past)
    pick = min if gate == TOO_HARD else max
    shown = [("weak", pick(weak, key=lambda attempt: attempt.score))]
    if gate == STRONG_FAILED:
        shown.append(("strong", min(strong, key=lambda attempt: attempt.score)))
    for role, attempt in shown:
        told = f"A {role} answer to it, which scored {attempt.score:.2f}:\n"
        parts.append(told + _quoted(attempt.answer))
    return parts


def _quoted(answer: str) -> str:
    """Return an answer with a mark on each line, without its middle where it is long."""
    words = answer.strip()
    if len(words) > LONGEST_ANSWER:
        head = words[: LONGEST_ANSWER // 3].rpartition(" ")[0] or words[: LONGEST_ANSWER // 3]
        tail = words[len(words) - LONGEST_ANSWER * 2 // 3 :]
        words = f"{head} [...] {tail.partition(' ')[2] or tail}"
    return "\n".join(f"> {line}" for line in words.splitlines() if line.strip()) or "> (nothing)"


def _met(attempts: Sequence[Attempt], number: int) -> str:
    met = sum(attempt.satisfied[number - 1] for attempt in attempts)
    return f"{met} of {len(attempts)}"


def _listed(scores: Sequence[float]) -> str:
    mean = sum(scores) / len(scores)
    each = ", ".join(f"{score:.2f}" for score in scores)
    return each if len(scores) == 1 else f"{each} (mean {mean:.2f})"


def _scores(past: Round, role: SolverRole) -> list[float]:
    return [attempt.score for attempt in _attempts(past, role)]


def _attempts(past: Round, role: SolverRole) -> list[Attempt]:
    return [attempt for attempt in past.attempts if attempt.role == role]
