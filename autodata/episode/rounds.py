"""Rounds in progress, and the conversion of examples between workflow and host.

An example from a workflow is hostile until it is validated.
"""

from dataclasses import asdict, dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from autodata.domains.copies import Sketch, sketch
from autodata.domains.texts import Essence, essence
from autodata.harness.workflow import StepFailed
from autodata.types import (
    Attempt,
    Confirmation,
    Criterion,
    Example,
    Json,
    Probe,
    Round,
    SolverRole,
    Verdict,
    Verification,
)

Text = Field(default="", max_length=100_000)
UNTRIED = ("not tried on the solvers",)
"""The reasons of a round that has only been opened."""
LABEL_CHARS = 200
"""Characters that are kept of a label; nobody checks what it says."""


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    criterion: str = Text
    weight: int = 0
    category: str = Text
    capability: str = Text


class _Draft(BaseModel):
    """An example as a workflow hands it over: hostile until validated."""

    model_config = ConfigDict(extra="forbid", strict=True)
    question: str = Text
    answer: str = Text
    context: str = Text
    rubric: list[_Line] = Field(default_factory=list, max_length=50)
    kind: str = Text
    skills: list[str] = Field(default_factory=list, max_length=20)


@dataclass(slots=True)
class OpenRound:
    """A round while it is going on; `fault` names why it cannot be tried at all.

    `suggestion` is what the domain's review says should be better, in its own words.
    """

    index: int
    example: Example
    fault: str
    verifications: list[Verification] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    reasons: tuple[str, ...] = UNTRIED
    accepted: bool = False
    suggestion: str = ""
    essence: Essence = field(init=False)
    sketch: Sketch = field(init=False)
    confirmation: Confirmation | None = None
    probes: tuple[Probe, ...] = ()

    def __post_init__(self) -> None:
        self.essence = essence(self.example)
        self.sketch = sketch(self.example)

    def scores(self, role: SolverRole) -> list[float]:
        """The scores of one solver's samples so far."""
        return [attempt.score for attempt in self.attempts if attempt.role == role]

    def closed(self) -> Round:
        """The round as it stands, for the record."""
        reasons = () if self.accepted else self.reasons
        return Round(
            self.index,
            self.example,
            tuple(self.verifications),
            tuple(self.attempts),
            Verdict(self.accepted, reasons),
            self.confirmation,
            self.probes,
        )


def example_from(value: Any) -> Example:
    """Validate what a workflow hands over as an example.

    Raises:
        StepFailed: it is none.
    """
    try:
        draft = _Draft.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "all of it"
        raise StepFailed(f"not an example: {place}: {first['msg']}") from error
    labels = (draft.kind, *draft.skills)
    kind, *skills = (label[:LABEL_CHARS] for label in labels)
    lines = tuple(
        Criterion(c.criterion, c.weight, c.category[:LABEL_CHARS], c.capability[:LABEL_CHARS])
        for c in draft.rubric
    )
    return Example(draft.question, draft.answer, draft.context, lines, kind, tuple(skills))


def example_to(example: Example) -> Json:
    """Return an example as a workflow sees it."""
    return {
        "question": example.question,
        "answer": example.answer,
        "context": example.context,
        "rubric": [asdict(line) for line in example.rubric],
        "kind": example.kind,
        "skills": list(example.skills),
    }


def verification_to(checked: Verification) -> Json:
    """Return a verifier's findings as a workflow sees them; a fault of the host's is a finding."""
    findings = checked.checks.get("findings", [])
    if not checked.passed and not findings:
        findings = [{"line": 0, "fault": checked.feedback}]
    return {
        "passed": checked.passed,
        "verdict": checked.checks.get("verdict", "pass" if checked.passed else "repair"),
        "findings": findings,
        "feedback": checked.feedback,
    }


def attempts_to(scores: list[float], reason: str, accepted: bool = False) -> Json:
    """Return one solver's samples as a workflow sees them."""
    mean = sum(scores) / len(scores) if scores else 0.0
    return {
        "passed": bool(scores) and not reason,
        "accepted": accepted,
        "scores": scores,
        "mean": mean,
        "reason": reason,
    }
