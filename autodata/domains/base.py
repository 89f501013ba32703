"""What a domain is: a kind of example, how a solver is asked for it, and how an answer is scored.

All of it lies on the frozen side: no harness can reach it. docs/new-domain.md builds one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from autodata.config.section import Section
from autodata.domains.auditor import AUDITOR_PROMPT, audit
from autodata.domains.grading import Graders, Score, by_match, by_rubric, verify
from autodata.domains.replies import Draft, ExampleReply
from autodata.domains.texts import MOST_CHECKABLE
from autodata.models.base import Message, Request
from autodata.types import AuditForm, Document, Example, Round, Verification


@dataclass(frozen=True, slots=True)
class RoleSettings:
    """How a role is asked. `majority` answers are put to a vote for one attempt when above 1."""

    privileged: bool = False
    majority: int = 1
    temperature: float | None = None
    max_tokens: int = 0
    api: Literal["chat", "completions"] = "chat"


class Domain:
    """A kind of example. Subclass it and name the class in `protocol.domain`.

    A method is called for many examples side by side and must say the same every time it is asked
    the same; what is not so (a model, a clock, a function that may hang) is asked by `graders`,
    whose answers are journaled. Examples and answers are hostile: language models wrote them.
    """

    roles: ClassVar[tuple[str, ...]] = ()
    """The roles that must be played beside `weak` and `strong`."""

    settings_type: ClassVar[type[Section]] = Section
    """What the section `domain` of autodata.yaml may say; an instance is `self.settings`."""

    refused_rules: ClassVar[Mapping[str, str]] = {}
    """Numbers of acceptance rules that make no sense here, each with the reason."""

    raw_prompts: ClassVar[bool] = False
    """Whether solvers with `api: completions` are asked by a raw prompt."""

    together: ClassVar[bool] = False
    """Whether both solvers are asked side by side, and `review` looks at what they made of it.

    Else the weak one is asked first, and the strong one if it has passed.
    """

    example_reply: ClassVar[type[Draft]] = ExampleReply
    """The form that the challenger fills in."""

    most_answer: ClassVar[int] = MOST_CHECKABLE
    """The longest reference answer of an example without a rubric, in characters."""

    compares: ClassVar[bool] = False
    """Whether the judge compares an answer with the reference answer, and so is shown it.

    A judge of rubrics never is.
    """

    judge_prompt: ClassVar[str] = ""
    """What the judge is told before it grades an answer by a rubric."""

    verifier_prompt: ClassVar[str] = ""
    """What the protocol's verifier is told; empty: it is not asked before an example counts."""

    verified: ClassVar[str] = (
        "the context must not give the answer away, every criterion must be clear, right and "
        "decidable, the answer must earn its rubric, and nobody may be able to write or answer it "
        "without this document"
    )
    """What the verifier asks of an example, in words for those who write them."""

    auditor_prompt: ClassVar[str] = AUDITOR_PROMPT
    """What the auditor is told, where one is seated; it fills in the same form in every domain."""

    version: ClassVar[str] = ""
    """A run is resumed with the same version only; empty: with the same code only."""

    def __init__(self, settings: Section | None = None) -> None:
        self.settings: Any = self.settings_type() if settings is None else settings

    def fault(self, document: Document, example: Example) -> str:
        """Name what makes an example inadmissible, or return an empty string."""
        raise NotImplementedError

    def origin(self, document: Document, example: Example, others: Sequence[Document]) -> str:
        """Say why an example does not come from its document, or return an empty string.

        `others` are some other documents of the run, if it has any. Whatever this says, `fault` or
        `verify` must turn an example down with another document, or none is accepted.
        """
        return ""

    async def examine(self, document: Document, example: Example, graders: Graders) -> str:
        """Name what makes an example inadmissible that takes more than reading, or return "".

        It is asked once, before any solver, of an example with which `fault` and `origin` find
        nothing: whether the answer can be told from a wrong one, say, by `graders.run`.
        """
        return ""

    def checks(self) -> Mapping[str, str]:
        """Return what `fault`, `origin` and `examine` may say, and what that means.

        It is for those who write examples and harnesses, and decides nothing.
        """
        return {}

    def question(self, document: Document, example: Example, solver: RoleSettings) -> Request:
        """Return what a solver is asked, without sampling settings: context and question."""
        shown = "\n\n".join(filter(None, (example.context, example.question)))
        return Request(messages=(Message("user", shown),), max_tokens=solver.max_tokens)

    def answer(self, text: str) -> str:
        """Take a solver's answer out of its reply."""
        return text.strip()

    async def score(
        self, document: Document, example: Example, answer: str, graders: Graders
    ) -> Score:
        """Score an answer: by the judge where the example has a rubric, else by match.

        A solver that gave none has the answer "", which scores 0.
        """
        if example.rubric:
            return await by_rubric(example, answer, self.judge_prompt, graders)
        return by_match(example, answer)

    async def review(
        self, tried: Round, earlier: Sequence[Round], graders: Graders
    ) -> Verification | None:
        """Look at what both solvers made of an example, where they go `together`; None: nothing.

        What does not pass is not accepted, and its feedback reaches the workflow word for word.
        What passes still has to pass the gates. `earlier` are the rounds before in the episode.
        """
        return None

    async def verify(
        self, document: Document, example: Example, graders: Graders
    ) -> Verification | None:
        """Look at an example once more before it is accepted; None: there is nothing to look at."""
        if not self.verifier_prompt:
            return None
        return await verify(document, example, self.verifier_prompt, graders)

    async def audit(self, document: Document, example: Example, graders: Graders) -> AuditForm:
        """Let the auditor say what is wrong with an accepted example."""
        return await audit(document, example, self.auditor_prompt, graders)
