"""The reply schema of each role: the only shape in which model output enters an episode.

Validated always; sent along as a JSON schema so that servers can constrain decoding.
"""

from functools import lru_cache
from typing import ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from autodata.types import Criterion, Example, Json, Verification


class RoleReply(BaseModel):
    """Base of all role replies: unknown fields are refused, as constrained decoding does."""

    model_config = ConfigDict(extra="forbid")


class CriterionReply(RoleReply):
    """One rubric line."""

    criterion: str
    weight: int = Field(description="an integer: positive for merits, negative for faults")
    category: str


class Draft(RoleReply):
    """Base of what a challenger fills in, in the form of a domain."""

    def example(self) -> Example:
        """Return the reply as an example."""
        raise NotImplementedError


class ExampleReply(Draft):
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


class FindingReply(RoleReply):
    """One fault that the verifier found, and where."""

    line: int = Field(description="number of the rubric line; 0: context, question or answer")
    fault: str = Field(description="the words that are at fault, and what is wrong with them")


VerdictName = Literal["pass", "repair", "reject"]


class VerifierReply(RoleReply):
    """The quality verifier's findings; the host, not the model, decides what passes.

    What is wrong comes first and in words, so that the verdict follows from it.
    """

    findings: list[FindingReply] = Field(default=[], description="every fault; empty: none")
    context_leak: bool = Field(description="the context gives the answer away")
    question: Literal["good", "too easy", "recall"]
    rubric_pass: bool = Field(
        description="no rubric line is wrong, vague, doubled or not asked for"
    )
    answer_consistent: bool = Field(
        description="the reference answer is right and earns its own rubric"
    )
    without_document: bool = Field(
        description="somebody who never saw this document could have written the example"
    )
    context_suffices: bool = Field(
        description="context and question are enough to answer, without the document"
    )
    verdict: VerdictName = Field(
        description="pass: use it as it is; repair: good but for what the findings name; "
        "reject: another question is needed"
    )
    feedback: str = Field(description="what to change, for the author of the question")

    def verification(self, frozen: bool) -> Verification:
        """Return the findings as a verification that passes only when every one is good.

        Whether the context suffices matters only where a solver sees more than that. A verdict
        that the other findings contradict is the one that follows from them.
        """
        hopeless = self.question != "good" or self.without_document
        faulty = self.context_leak or not self.rubric_pass or not self.answer_consistent
        verdict = self.verdict
        if hopeless:
            verdict = "reject"
        elif faulty and verdict == "pass":
            verdict = "repair"
        checks: Json = self.model_dump(exclude={"feedback"}) | {"verdict": verdict}
        return Verification(verdict == "pass", self.feedback, frozen, checks)


class CriterionVerdict(RoleReply):
    """Whether one numbered criterion is satisfied, after the words that decide it."""

    number: int
    quote: str = Field(default="", description="the response's words that decide; empty: none do")
    satisfied: bool


class JudgeReply(RoleReply):
    """The judge's verdicts on `count` criteria; a reply that leaves one out is none."""

    count: ClassVar[int] = 0

    verdicts: list[CriterionVerdict]

    @model_validator(mode="after")
    def _complete(self) -> Self:
        given = {verdict.number for verdict in self.verdicts}
        missing = [str(number) for number in range(1, self.count + 1) if number not in given]
        if missing:
            raise ValueError(f"no verdict for number {', '.join(missing)}")
        return self

    def satisfied(self, count: int) -> tuple[bool, ...]:
        """Return one boolean for each of `count` criteria, in order; contradicted ones are not."""
        met = {verdict.number for verdict in self.verdicts if verdict.satisfied}
        met -= {verdict.number for verdict in self.verdicts if not verdict.satisfied}
        return tuple(number in met for number in range(1, count + 1))


@lru_cache(maxsize=64)
def judge_reply(count: int) -> type[JudgeReply]:
    """Return the judge's reply that has a verdict on each of so many criteria."""
    return type("JudgeReply", (JudgeReply,), {"count": count, "__module__": __name__})
