"""What tests of episodes share: a document, an example, a team that answers as told, episodes."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from autodata.domains.base import Domain, RoleSettings
from autodata.domains.research import Research
from autodata.episode.acceptance import PRESETS
from autodata.episode.protocol import TaskProtocol, Team
from autodata.episode.roles import Asking
from autodata.episode.run import Conditions, run_episode
from autodata.errors import ProviderError
from autodata.harness.spec import load_files
from autodata.harness.workflow import WorkflowStop
from autodata.models.base import CheckReply, Place, Reply, Request, Site
from autodata.types import Candidate, Cell, Criterion, Document, Episode, Example, Json, KnobValue
from tests.support.harnesses import FILES

DOCUMENT = Document(
    "d" * 16,
    "paper.txt",
    "SECRET PAPER. " + "Caching keeps what was asked for. " * 60 + "A caller waits for its source.",
)
CELL = Cell(DOCUMENT.id, "train", 0)
HARNESS = load_files(FILES)
CANDIDATE = Candidate("c0", "f" * 40, HARNESS.tree, None, HARNESS.values)
EXAMPLE = Example(
    question="Why does the cache keep its answers?",
    answer="REFERENCE: because asking again costs more than remembering what was said.",
    context="A cache stands between a caller and a slow source. " * 6,
    rubric=(
        Criterion("says that asking costs more", 6, "insight"),
        Criterion("names the trade-off", 4, "insight"),
        Criterion("claims that memory is free", -5, "error"),
    ),
    kind="mechanism",
    skills=("inference",),
)
GOOD_CHECK: Json = {
    "context_leak": False,
    "question": "good",
    "rubric_pass": True,
    "answer_consistent": True,
    "without_document": False,
    "context_suffices": True,
    "verdict": "pass",
    "feedback": "fine",
}

Answer = str | Json | ProviderError
Play = Callable[[Site, Request], Answer]


def as_json(example: Example) -> Json:
    """An example as a challenger returns it."""
    rubric = [
        {"criterion": c.criterion, "weight": c.weight, "category": c.category}
        for c in example.rubric
    ]
    return {
        "kind": example.kind,
        "skills": list(example.skills),
        "context": example.context,
        "question": example.question,
        "answer": example.answer,
        "rubric": rubric,
    }


GIVEN = as_json(EXAMPLE)


def verdicts(*satisfied: bool) -> Json:
    """A judge's reply; the criteria after those named are not satisfied."""
    numbered = enumerate((*satisfied, *(False,) * (20 - len(satisfied))), 1)
    return {"verdicts": [{"number": number, "satisfied": met} for number, met in numbered]}


def judged_by_solver(weak: Json, strong: Json) -> Play:
    """A judge for tests: weak answers are told from strong ones by their ordinal."""
    return lambda site, _: weak if ".weak." in site.ordinal else strong


STRONG_FAILS = judged_by_solver(verdicts(False, True), verdicts(False, True))


def fair(site: Site) -> Json:
    """What graders say who know what a probe of them is worth."""
    if site.role == "verifier":
        return {**GOOD_CHECK, "without_document": True}
    return verdicts(True, True, False) if "reference" in site.ordinal else verdicts(False)


@dataclass
class FakeCaller:
    """Answers by role as told and remembers every call; unknown roles are a test's mistake.

    Probes of graders are answered fairly unless that is turned off.
    """

    plays: dict[str, Play | Answer]
    fair: bool = True
    calls: list[tuple[Site, Request]] = field(default_factory=list)
    most_at_once: int = 0
    now: int = 0

    async def call(self, site: Site, request: Request, check: CheckReply | None = None) -> Reply:
        self.calls.append((site, request))
        self.now += 1
        self.most_at_once = max(self.most_at_once, self.now)
        await asyncio.sleep(0)
        self.now -= 1
        play = self.plays[site.role]
        answer = play(site, request) if callable(play) else play
        if self.fair and ".probe." in site.ordinal:
            answer = fair(site)
        if isinstance(answer, Exception):
            raise answer
        text = answer if isinstance(answer, str) else json.dumps(answer)
        return Reply(text, prompt_tokens=10, completion_tokens=5, seconds=0.5, cost_usd=0.01)

    def of(self, role: str) -> list[tuple[Site, Request]]:
        """The calls of one role."""
        return [(site, request) for site, request in self.calls if site.role == role]

    def roles(self) -> list[str]:
        """The roles in the order of their calls."""
        return [site.role for site, _ in self.calls]


ROLES = ("main", "challenger", "verifier", "weak", "strong", "judge")


def good_caller(**changes: Play | Answer) -> FakeCaller:
    """A team on which the example is accepted: weak .4, strong .6 + .4 of the rubric."""
    plays: dict[str, Play | Answer] = {
        "main": "an angle",
        "challenger": as_json(EXAMPLE),
        "verifier": GOOD_CHECK,
        "weak": "it is fast",
        "strong": "asking costs more",
        "judge": judged_by_solver(verdicts(False, True), verdicts(True, False)),
    }
    return FakeCaller(plays | changes)


def team_of(caller: FakeCaller, **settings: RoleSettings) -> Team:
    """A team with all roles."""
    return Team(caller, {role: RoleSettings() for role in ROLES} | settings)


def asking_of(caller: FakeCaller, **settings: RoleSettings) -> Asking:
    """An episode's place in a run that books nothing."""
    place = Place("tree", DOCUMENT.id, "train", 0)
    return Asking(team_of(caller, **settings), place, lambda spend: None)


def protocol_of(
    domain: Domain | None = None,
    preset: str = "deployed",
    max_rounds: int = 6,
    max_calls: int = 500,
) -> TaskProtocol:
    """A task protocol; the research domain by default."""
    return TaskProtocol(domain or Research(), PRESETS[preset], max_rounds, max_calls)


Step = Callable[..., Awaitable[Any]]
Body = Callable[[Step], Awaitable[None]]


class PlainWorkflow:
    """A workflow for tests: a coroutine function that is given a `step(name, **arguments)`."""

    def __init__(self, body: Body) -> None:
        self.body = body

    async def run(
        self,
        source: str,
        document: str,
        knobs: Mapping[str, KnobValue],
        seed: int,
        host: Callable[[str, Json], Awaitable[Any]],
    ) -> None:
        async def step(name: str, **arguments: Any) -> Any:
            return await host(name, arguments)

        try:
            await self.body(step)
        except WorkflowStop:
            return


async def episode(
    body: Body,
    caller: FakeCaller | None = None,
    protocol: TaskProtocol | None = None,
    team: Team | None = None,
    cell: Cell = CELL,
    most_tokens: int = 0,
) -> Episode:
    """An episode of the document, in which the workflow does `body`."""
    return await run_episode(
        DOCUMENT,
        cell,
        HARNESS,
        CANDIDATE,
        Conditions(
            team or team_of(caller or good_caller()),
            protocol or protocol_of(),
            PlainWorkflow(body),
            most_tokens=lambda tree: most_tokens,
        ),
    )


async def whole_round(step: Step) -> None:
    """One round as a workflow plays it, up to the first step that is not passed."""
    example = await step("challenge", feedback=await step("feedback"))
    if (await step("verify", example=example))["passed"] and (
        await step("attempt", role="weak", example=example)
    )["passed"]:
        await step("attempt", role="strong", example=example)
