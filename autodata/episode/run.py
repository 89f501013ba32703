"""Execution of one episode: a harness's workflow against one document.

The workflow proposes examples and asks for steps; the host runs solvers and judge with frozen
prompts, records each round and decides acceptance from its own records alone.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from autodata.domains.grading import as_text
from autodata.domains.replies import VerifierReply
from autodata.domains.texts import essence, unbounded
from autodata.episode.agent import run_agent
from autodata.episode.auditor import Auditor
from autodata.episode.challengers import Challengers
from autodata.episode.feedback import grouped
from autodata.episode.gates import Gates, Solvers
from autodata.episode.meter import Meter
from autodata.episode.protocol import ASKED, TaskProtocol, Team
from autodata.episode.roles import Asking, Panel, allow_all, sampling
from autodata.episode.rounds import (
    LABEL_CHARS,
    UNTRIED,
    OpenRound,
    example_from,
    example_to,
    verification_to,
)
from autodata.episode.seats import Seats
from autodata.episode.seeds import workflow_seed
from autodata.episode.shortening import Fitting
from autodata.episode.strangers import Strangers
from autodata.errors import (
    BAD_OUTPUT,
    CallFailed,
    HarnessError,
    Unavailable,
    Unseated,
    WorkflowFailed,
)
from autodata.harness.spec import Harness
from autodata.harness.workflow import Host, StepFailed, WorkflowStop
from autodata.models.base import Message, Place, Request
from autodata.types import (
    Candidate,
    Cell,
    Document,
    Episode,
    Json,
    KnobValue,
    Round,
    SolverRole,
    Verification,
)

STEP_FAILS = (*BAD_OUTPUT, Unseated, HarnessError)
"""What is the harness's doing, not the run's."""


class Workflows(Protocol):
    """Runs a workflow in a sandbox; host functions are answered by `host(name, arguments)`."""

    async def run(
        self,
        source: str,
        document: str,
        knobs: Mapping[str, KnobValue],
        seed: int,
        host: Host,
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class Conditions:
    """What all episodes of a run have in common: models, rules, and the sandbox of workflows.

    `most_tokens` says what an episode of a harness tree may take; 0: no bound. The `auditor`, where
    one is seated, comes after an episode and changes nothing in it. `strangers`: other documents.
    """

    team: Team
    protocol: TaskProtocol
    workflows: Workflows
    auditor: Auditor | None = None
    most_tokens: Callable[[str], int] = lambda tree: 0
    strangers: Strangers = field(default_factory=Strangers)
    rules: str = ""


class EpisodeRun:
    """The host's side of one running workflow."""

    def __init__(
        self,
        document: Document,
        cell: Cell,
        harness: Harness,
        candidate: Candidate,
        conditions: Conditions,
    ) -> None:
        self._document = document
        self._foreign = conditions.strangers.of(document, cell)
        self._harness = harness
        self._protocol = protocol = conditions.protocol
        self._rules = conditions.rules
        self._rounds: list[OpenRound] = []
        self._steps = 0
        self._fitting = Fitting(document)
        self._bad_output = ""
        self.unsuitable = ""
        self.meter = meter = Meter(protocol.max_calls, conditions.most_tokens(harness.tree))
        place = Place(
            harness.tree,
            document.id,
            cell.split,
            cell.repeat,
            candidate.id,
            candidate.commit,
        )
        # no methods of its own: in a cycle, all of it would wait for the garbage collector
        self._asking = Asking(conditions.team, place, meter.book, meter.check)
        domain = protocol.domain
        frozen = Fitting(document)  # its cuts are not the harness's to make
        self._frozen = asking = replace(self._asking, allow=allow_all)
        self._challengers = Challengers(
            self._asking, harness, self._fitting, domain.example_reply, conditions.rules
        )
        turns = self._asking.turns
        outside = Asking(conditions.team, place, meter.book_gates, turns=turns)
        gates = Gates(outside, domain, protocol.policy, frozen, self._foreign)
        self._seats = Seats(asking, protocol, Solvers(asking, domain, frozen), gates)

    @property
    def rounds(self) -> tuple[Round, ...]:
        """All rounds so far."""
        return tuple(opened.closed() for opened in self._rounds)

    @property
    def accepted(self) -> bool:
        """Whether any round was accepted."""
        return any(opened.accepted for opened in self._rounds)

    @property
    def nothing_tried(self) -> str:
        """The reason of rejection of an episode without any round."""
        return f"no example tried ({self._bad_output})" if self._bad_output else "no example tried"

    async def host(self, name: str, arguments: Json) -> Any:
        """Answer one host call of the workflow.

        Raises:
            StepFailed: the arguments or a model's output were bad; the workflow may handle it.
            WorkflowStop: the episode is over (accepted, or out of rounds or calls).
        """
        if self.accepted:
            raise WorkflowStop
        self.meter.check()
        self._steps += 1
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
        try:
            return await steps[name](**arguments)
        except STEP_FAILS as error:
            self.meter.failed_calls += isinstance(error, CallFailed)
            self._bad_output = f"{name}: {type(error).__name__}"
            raise StepFailed(f"{name}: {error.problem}") from error

    async def _feedback(self) -> str:
        return grouped(self.rounds)

    def _seated(self, role: str) -> None:
        if role not in self._asking.team.roles:
            raise StepFailed(f"no model plays the {role} in this run")

    async def _challenge(self, feedback: str = "", angle: str = "") -> Json:
        self._seated("challenger")
        ordinal = f"s{self._steps}.challenge"
        return example_to(await self._challengers.one(ordinal, feedback, angle))

    async def _challenge_many(self, angles: list[str], feedback: str = "") -> list[Json]:
        self._seated("challenger")
        ordinal = f"s{self._steps}.challenge"
        drafted = await self._challengers.many(ordinal, feedback, angles)
        return [example_to(example) for example in drafted]

    async def _verify(self, example: Any, notes: str = "") -> Json:
        self._seated("verifier")
        opened = await self._round(example)
        if opened.fault:
            return verification_to(Verification(False, opened.fault))
        ordinal = f"s{self._steps}.verify"

        async def ask(document: Document) -> VerifierReply:
            prompt = self._harness.prompt(
                "verifier",
                document=document.text,
                example=as_text(opened.example),
                notes=notes,
                rules=self._rules,
            )
            request = Request(messages=(Message("user", prompt),))
            return await self._asking.structured("verifier", ordinal, request, VerifierReply)

        checked = (await self._fitting.ask(ask)).verification(frozen=False)
        opened.verifications.append(checked)
        if not checked.passed:
            opened.reasons = ("failed the harness's own verifier",)
        return verification_to(checked)

    async def _attempt(self, role: SolverRole, example: Any) -> Json:
        opened = await self._round(example)
        if role not in ("weak", "strong"):
            raise StepFailed(f"attempt: role must be 'weak' or 'strong', not {role!r}")
        return await self._seats.attempt(opened, role, self._rounds)

    async def _run_agent(self, task: str, max_turns: int = 8) -> str:
        self._seated("main")
        turns = max(1, min(max_turns, 30))
        ordinal, notes = f"s{self._steps}.agent", grouped(self.rounds)

        async def work(document: Document) -> str:
            system = self._harness.prompt(
                "main", document=document.text, feedback=notes, rules=self._rules
            )
            begin = Request(messages=(Message("system", system), Message("user", task)))
            cuts = self._fitting.cuts
            return await run_agent(self._asking, self._document, begin, turns, ordinal, cuts)

        return await self._fitting.ask(work)

    async def _ask(self, role: str, prompt: str) -> str:
        if role not in ASKED:
            raise StepFailed(f"ask: a workflow cannot ask the role {role!r}")
        self._seated(role)
        ordinal = f"s{self._steps}.ask"
        request = Request(messages=(Message("user", prompt),))
        request = sampling(self._asking, role, ordinal, request)
        return (await self._asking.call(self._asking.at(role, ordinal), request)).text

    async def _recipe(self, kind: str, material: str) -> str:
        return await self._ask("main", self._harness.recipe(kind, material))

    async def _unsuitable(self, reason: str) -> None:
        if self._rounds:
            raise StepFailed("unsuitable: an example was tried already; give it up by returning")
        self.unsuitable = " ".join(reason.split())[:LABEL_CHARS] or "no reason given"
        raise WorkflowStop

    async def _round(self, example: Any) -> OpenRound:
        """Return the round of this example, opening one when it is new.

        Raises:
            Refused, Truncated, Malformed, ContextTooLong, CallFailed: it could not be examined.
        """
        value = example_from(example)
        meaning = essence(value)
        for opened in self._rounds:
            if opened.essence == meaning:
                return opened
        if len(self._rounds) >= self._protocol.max_rounds:
            raise WorkflowStop
        domain, document = self._protocol.domain, self._document
        fault = unbounded(value, domain.most_answer) or domain.fault(document, value)
        fault = fault or domain.origin(document, value, self._foreign.others)
        opened = OpenRound(len(self._rounds), value, fault or "could not be examined")
        opened.reasons = (opened.fault,)
        self._rounds.append(opened)
        if not fault:
            panel = Panel(self._frozen, f"r{opened.index}.examine")
            opened.fault = await domain.examine(document, value, panel)
            opened.reasons = (opened.fault,) if opened.fault else UNTRIED
        return opened


async def run_episode(
    document: Document,
    cell: Cell,
    harness: Harness,
    candidate: Candidate,
    conditions: Conditions,
) -> Episode:
    """Try to get one accepted example out of one document.

    A bad example, bad model output, a failing workflow or calls that fail alone reject the episode;
    an endpoint that stays unavailable voids it. Spent budgets, wrong keys and cancellation pass
    through.
    """
    run = EpisodeRun(document, cell, harness, candidate, conditions)
    reason, meter = "", run.meter
    try:
        await conditions.workflows.run(
            harness.workflow,
            document.text,
            harness.values,
            workflow_seed(conditions.team.secret, cell),
            run.host,
        )
    except WorkflowFailed as error:
        reason = f"workflow failed: {error}"
    except Unavailable as error:
        return Episode(cell, harness.tree, "void", run.rounds, error.problem, meter.spend)
    over = (meter.spend, meter.failed_calls, meter.gates)
    if run.accepted:
        return Episode(cell, harness.tree, "accepted", run.rounds, "", *over)
    if run.unsuitable:
        return Episode(cell, harness.tree, "unsuitable", (), run.unsuitable, *over)
    if not (reason := reason or meter.reason):
        reason = "; ".join(run.rounds[-1].verdict.reasons) if run.rounds else run.nothing_tried
    return Episode(cell, harness.tree, "rejected", run.rounds, reason, *over)
