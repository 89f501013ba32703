"""The reply schema of each role: the only shape in which model output enters an episode.

Validated always; sent along as a JSON schema so that servers can constrain decoding.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from autodata.types import Criterion, Example, Json, Verification


class RoleReply(BaseModel):
    """Base of all role replies: unknown fields are refused, as constrained decoding does."""

    model_config = ConfigDict(extra="forbid")


class CriterionReply(RoleReply):
    """One rubric line."""

    criterion: str
    weight: int = Field(description="an integer: positive for merits, negative for faults")
    category: str


class ExampleReply(RoleReply):
    """The challenger's example."""

    kind: str = Field(description="question type")
    skills: list[str] = Field(description="2 or 3 reasoning skills that the question needs")
    context: str = Field(description="what every solver is shown")
    question: str = Field(description="one question")
    answer: str = Field(description="the reference answer")
    rubric: list[CriterionReply] = Field(description="empty when the answer is checkable")

    def example(self) -> Example:
        """Return the reply as an example."""
        rubric = tuple(Criterion(c.criterion, c.weight, c.category) for c in self.rubric)
        return Example(
            self.question, self.answer, self.context, rubric, self.kind, tuple(self.skills)
        )


class VerifierReply(RoleReply):
    """The quality verifier's findings; the host, not the model, decides what passes."""

    context_leak: bool = Field(description="the context gives the answer away")
    question: Literal["good", "too easy", "recall"]
    rubric_pass: bool
    rubric_faults: int = Field(description="how many criteria are wrong, vague or doubled")
    answer_consistent: bool = Field(description="the reference answer earns its own rubric")
    without_document: bool = Field(
        description="somebody who never saw this document could have written the example"
    )
    context_suffices: bool = Field(
        description="context and question are enough to answer, without the document"
    )
    overall: bool
    feedback: str = Field(description="what to change, for the author of the question")

    def verification(self, frozen: bool) -> Verification:
        """Return the findings as a verification that passes only when every one is good.

        Whether the context suffices matters only where a solver sees more than that.
        """
        passed = (
            self.question == "good"
            and not self.context_leak
            and self.rubric_pass
            and self.answer_consistent
            and not self.without_document
            and self.overall
        )
        checks: Json = self.model_dump(exclude={"feedback"})
        return Verification(passed, self.feedback, frozen, checks)


class CriterionVerdict(RoleReply):
    """Whether one numbered criterion is satisfied."""

    number: int
    satisfied: bool


class JudgeReply(RoleReply):
    """The judge's verdicts; a criterion that is not mentioned is not satisfied."""

    verdicts: list[CriterionVerdict]

    def satisfied(self, count: int) -> tuple[bool, ...]:
        """Return one boolean for each of `count` criteria, in order."""
        met = {verdict.number for verdict in self.verdicts if verdict.satisfied}
        met -= {verdict.number for verdict in self.verdicts if not verdict.satisfied}
        return tuple(number in met for number in range(1, count + 1))
