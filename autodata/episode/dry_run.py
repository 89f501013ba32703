"""A dry run: what a workflow proposes for a document, with scripted solvers and models.

The host's checks of an example are the real ones; no model is called and nothing is decided.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from autodata.domains.grading import as_text
from autodata.domains.texts import unbounded
from autodata.episode.challengers import MOST_AT_ONCE
from autodata.episode.protocol import ASKED, TaskProtocol, Team
from autodata.episode.rounds import (
    OpenRound,
    attempts_to,
    example_from,
    example_to,
    verification_to,
)
from autodata.episode.run import Workflows
from autodata.episode.seeds import workflow_seed
from autodata.episode.strangers import Strangers
from autodata.errors import HarnessError, WorkflowFailed
from autodata.harness.spec import Harness
from autodata.harness.workflow import StepFailed, WorkflowStop
from autodata.types import Cell, Criterion, Document, Example, Json, Verification

Script = Literal["too hard", "too easy", "good"]
"""How the scripted solvers do: the strong one fails, the weak one succeeds, or just the strong one.
"""
SOLVED: tuple[Script, ...] = ("too hard", "too easy", "good")
PART_CHARS = 600
MOST_STEPS = 40
_REPEATS = 10**9
"""Where the repeats of dry runs begin: no episode has the seed of one."""
_STAND_IN = "[what the challenger writes, example "


def cut(text: str, most: int) -> str:
    """Return a text, or its first `most` characters and how many are left."""
    left = len(text) - most
    return text if left <= 0 else f"{text[:most]} [cut, {left:,} characters left]"


def without_middle(text: str, most: int) -> str:
    """Return a text, or its beginning and its end, `most` characters together."""
    left, half = len(text) - most, most // 2
    return text if left <= 0 else f"{text[:half]} [cut, {left:,} characters] {text[-half:]}"


@dataclass(frozen=True, slots=True)
class DryRuns:
    """Runs workflows dry under a protocol; `strangers` are who their examples are checked by."""

    protocol: TaskProtocol
    team: Team
    workflows: Workflows
    strangers: Strangers = field(default_factory=Strangers)

    async def run(self, document: Document, harness: Harness, script: Script, turn: int) -> str:
        """Return what the workflow did, in words; `turn` chooses its seed."""
        host = _Script(self, document, harness, script)
        seed = workflow_seed(self.team.secret, Cell(document.id, "train", _REPEATS + turn))
        try:
            await self.workflows.run(
                harness.workflow, document.text, harness.values, seed, host.answer
            )
            host.ended = host.ended or "the workflow returned"
        except WorkflowFailed as error:
            host.ended = cut(f"workflow failed: {error}", PART_CHARS)
        return host.told()


class _Script:
    """The host's side of a dry run: it answers steps as scripted and notes them."""

    def __init__(self, runs: DryRuns, document: Document, harness: Harness, script: Script) -> None:
        self._runs = runs
        self._document = document
        self._harness = harness
        self._script = script
        self._others = runs.strangers.others(document, "train")
        self._rounds: list[OpenRound] = []
        self._steps: list[str] = []
        self.ended = ""

    async def answer(self, name: str, arguments: Json) -> Any:
        """Answer a host function as scripted, and note it.

        Raises:
            WorkflowStop: an example was accepted, or the workflow gave up.
        """
        if any(opened.accepted for opened in self._rounds):
            self.ended = "an example was accepted"
            raise WorkflowStop
        steps: dict[str, Callable[..., Awaitable[Any]]] = {
            "challenge": self._challenge,
            "challenge_many": self._challenge_many,
            "verify": self._verify,
            "attempt": self._attempt,
            "run_agent": self._run_agent,
            "ask": self._ask,
            "recipe": self._recipe,
            "feedback": self._feedback,
            "unsuitable": self._unsuitable,
        }
        return await steps[name](**arguments)

    def told(self) -> str:
        """Return steps and examples in words."""
        lines = [f"{len(self._rounds)} examples; end: {self.ended}"]
        for opened in self._rounds:
            checked = f'refused: "{opened.fault}"' if opened.fault else "passes the checks"
            if _stands_in(opened.example):
                checked = "written by the challenger, so not checked here"
            shown = as_text(opened.example)
            if not opened.example.rubric:
                shown = "\n".join(
                    f"  {part}: {without_middle(getattr(opened.example, part), PART_CHARS)!r}"
                    for part in ("context", "question", "answer")
                )
            lines.append(f"example {opened.index + 1}: {checked}\n{cut(shown, 4 * PART_CHARS)}")
        lines.append("steps: " + "; ".join(self._steps[:MOST_STEPS]))
        if len(self._steps) > MOST_STEPS:
            lines.append(f"[cut, {len(self._steps) - MOST_STEPS} steps left]")
        return "\n".join(lines)

    def _note(self, step: str) -> None:
        self._steps.append(step)

    def _seated(self, role: str) -> None:
        if role not in self._runs.team.roles:
            self._note(f"{role} asked, whom nobody plays")
            raise StepFailed(f"no model plays the {role} in this run")

    async def _feedback(self) -> str:
        return f"[feedback on {len(self._rounds)} examples]" if self._rounds else ""

    async def _challenge(self, feedback: str = "", angle: str = "") -> Json:
        self._seated("challenger")
        count = sum(step.startswith("challenge") for step in self._steps) + 1
        self._note(f"challenge(feedback of {len(feedback)} characters, angle {cut(angle, 80)!r})")
        parts = [f"{_STAND_IN}{count}: {part}]" for part in ("context", "question", "answer")]
        line = Criterion(f"{_STAND_IN}{count}: criterion]", 1, "insight")
        return example_to(Example(parts[1], parts[2], parts[0], (line,)))

    async def _challenge_many(self, angles: list[str], feedback: str = "") -> list[Json]:
        return [await self._challenge(feedback, angle) for angle in angles[:MOST_AT_ONCE]]

    async def _verify(self, example: Any, notes: str = "") -> Json:
        self._seated("verifier")
        opened = self._round(example)
        self._note(f"verify({opened.index + 1})")
        return verification_to(Verification(not opened.fault, opened.fault))

    async def _attempt(self, role: str, example: Any) -> Json:
        opened = self._round(example)
        if role not in ("weak", "strong"):
            raise StepFailed(f"attempt: role must be 'weak' or 'strong', not {role!r}")
        self._note(f"attempt({role}, {opened.index + 1})")
        if opened.fault:
            return attempts_to([], opened.fault)
        easy = self._script == "too easy"
        if role == "weak":
            return attempts_to([1.0 if easy else 0.3], "weak mean too high" if easy else "")
        if easy:
            return attempts_to([], "weak mean too high")
        opened.accepted = self._script == "good"
        reason = "" if opened.accepted else "strong mean too low"
        return attempts_to([0.8 if opened.accepted else 0.2], reason, opened.accepted)

    async def _run_agent(self, task: str, max_turns: int = 8) -> str:
        self._seated("main")
        self._note(f"run_agent({cut(task, 80)!r})")
        return f"[what the main model says, step {len(self._steps)}]"

    async def _ask(self, role: str, prompt: str) -> str:
        if role not in ASKED:
            raise StepFailed(f"ask: a workflow cannot ask the role {role!r}")
        self._seated(role)
        self._note(f"ask({role}, {cut(prompt, 80)!r})")
        return f"[what the {role} says, step {len(self._steps)}]"

    async def _recipe(self, kind: str, material: str) -> str:
        try:
            return await self._ask("main", self._harness.recipe(kind, material))
        except HarnessError as error:
            raise StepFailed(f"recipe: {error.problem}") from None

    async def _unsuitable(self, reason: str) -> None:
        if self._rounds:
            raise StepFailed("unsuitable: an example was tried already; give it up by returning")
        self.ended = f"the workflow gave the document up: {cut(reason, PART_CHARS)}"
        raise WorkflowStop

    def _round(self, example: Any) -> OpenRound:
        value = example_from(example)
        opened = OpenRound(len(self._rounds), value, "")
        for earlier in self._rounds:
            if earlier.essence == opened.essence:
                return earlier
        if len(self._rounds) >= self._runs.protocol.max_rounds:
            self.ended = "no more examples are tried"
            raise WorkflowStop
        if not _stands_in(value):
            domain = self._runs.protocol.domain
            fault = unbounded(value, domain.most_answer) or domain.fault(self._document, value)
            opened.fault = fault or domain.origin(self._document, value, self._others)
        self._rounds.append(opened)
        return opened


def _stands_in(example: Example) -> bool:
    return _STAND_IN in example.question
