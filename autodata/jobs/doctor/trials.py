"""Trial calls of `autodata doctor --call`: one small call for each role, as a run would make it.

Prompts are small; schema, tools and settings are those of a run. Nothing is journaled, and no
budget counts it.
"""

import json
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

from autodata.concurrency import all_of
from autodata.config.providers.base import ModelConfig
from autodata.domains.auditor import AUDITOR_PROMPT, audit
from autodata.domains.base import Domain, RoleSettings
from autodata.domains.grading import JUDGE_PROMPT, VERIFIER_PROMPT, by_rubric, verify
from autodata.domains.replies import RoleReply
from autodata.engine.endpoints import start
from autodata.engine.engine import role_settings, seats_of, task_protocol
from autodata.episode.agent import TOOLS
from autodata.episode.protocol import Team
from autodata.episode.roles import Asking, Panel, sampling
from autodata.errors import AutodataError, PluginFailed, ProviderError, Unavailable
from autodata.jobs.doctor.probes import Check
from autodata.models import base
from autodata.models.base import Message, Place, Reply, Request, Site, Tool
from autodata.models.calls.seat import Seat
from autodata.models.endpoint.endpoint import Answer
from autodata.project import Project
from autodata.search.proposers.analyst import ANALYST_TOOLS, AnalysisReply
from autodata.search.proposers.implementer import IMPLEMENTER_TOOLS, EditReply
from autodata.search.proposers.sessions import finish_tool
from autodata.store.scratch import scratch_folder
from autodata.types import Criterion, Document, Example, Round, Spend, Verdict

LONGEST_S = 120.0
"""Seconds that a call may take here, where a run would let it take longer."""
CONTEXT = "Air scatters short waves of light more than long ones."
TEXT = f"{CONTEXT} At noon on a clear day the sky is blue."
DOCUMENT = Document("0" * 16, "doctor", TEXT)
EXAMPLE = Example(
    question="At noon on a clear day the sky is",
    answer="blue",
    context=CONTEXT,
    rubric=(Criterion("The response says blue.", 1, "content"),),
)
MALFORMED = "use a model or server that follows JSON schemas, or another `structured` for its model"
NO_ANSWER = "correct the base_url of its model, or see what the server logs"
QUOTED = 60


class _Answered(Exception):
    """Ends whatever made the call: one is enough."""

    def __init__(self, answer: Answer, problem: str, tools: bool) -> None:
        self.answer = answer
        self.problem = problem
        self.tools = tools


@dataclass(frozen=True, slots=True)
class _OneCall:
    """A caller that makes the first call it is asked for, in one try, and ends there."""

    seats: dict[str, Seat]

    async def call(
        self, site: Site, request: Request, check: base.CheckReply | None = None
    ) -> Reply:
        seat = self.seats[site.role]
        deadlines = seat.deadlines or seat.endpoint.limits.deadlines
        deadlines = replace(deadlines, total_s=min(deadlines.total_s, LONGEST_S))
        answer = await seat.endpoint.once(seat.fill(request), deadlines)
        problem = check(answer.reply.text) if check else ""
        raise _Answered(answer, problem, bool(request.tools))


async def call_all(
    project: Project, models: dict[str, ModelConfig], show: Callable[[Check], None]
) -> None:
    """Make one call for each role and each of these models that plays it, and one with tools where
    it uses some; models that autodata serves are served meanwhile. Last comes what all of it cost.
    """
    roles = {
        (role, name): settings.played_by(name)
        for role, settings in project.config.roles.items()
        for name in settings.players
        if name in models
    }
    if not roles:
        return
    # what is accepted is no matter here
    rules = project.config.protocol.model_copy(update={"acceptance": "deployed", "numbers": {}})
    config = project.config.model_copy(
        update={
            "models": models,
            "roles": {f"{role} {name}": settings for (role, name), settings in roles.items()},
            "protocol": rules,
        }  # what is accepted is no matter
    )
    spent: list[Spend] = []
    async with AsyncExitStack() as stack:
        try:
            domain = task_protocol(config).domain
            folder = stack.enter_context(scratch_folder())
            endpoints = await start(
                replace(project, config=config),
                folder,
                [DOCUMENT],
                lambda text: show(Check(True, text)),
                stack,
            )
        except AutodataError as error:
            show(Check(False, f"no call can be made: {error.problem}", error.fix))
            return
        for endpoint in endpoints.values():
            stack.push_async_callback(endpoint.close)
        trials = []
        for (role, name), settings in roles.items():
            alone = config.model_copy(update={"roles": {role: settings}})
            team = Team(_OneCall(seats_of(alone, endpoints)), role_settings(alone))
            asking = Asking(team, Place(document_id=DOCUMENT.id), spent.append)
            ask = _Asker(role, asking, domain)
            where = f"{role} ({name}, {models[name].provider})"
            if role in ("weak", "strong"):
                question = _question(domain, team.settings(role))
                trials.append(_try(where, ask.plain(replace(question, again=True))))
            else:
                trials += [_try(where, one) for one in ask.of_its_kind()]
        for check, spend in await all_of(trials):
            spent.append(spend)
            show(check)
    total = Spend.total(spent)
    tokens = total.prompt_tokens + total.completion_tokens
    show(Check(True, f"{total.calls} calls, {tokens:,} tokens, ${total.cost_usd:.4f}"))


@dataclass(frozen=True, slots=True)
class _Asker:
    """Makes the requests of one role."""

    role: str
    asking: Asking
    domain: Domain

    def of_its_kind(self) -> list[Coroutine[Any, Any, Any]]:
        """Return the calls of a role that is no solver; none has been made yet."""
        match self.role:
            case "main":
                request = _words("Call the tool `read` with offset 0.")
                return [self.plain(replace(request, tools=TOOLS, again=True))]
            case "challenger":
                request = _words(f"Make an example of one short question from this text: {TEXT}")
                request = sampling(self.asking, self.role, "doctor", request)
                form = self.domain.example_reply
                return [self.asking.structured(self.role, "doctor", request, form)]
            case "verifier":
                return [verify(DOCUMENT, EXAMPLE, VERIFIER_PROMPT, Panel(self.asking, "doctor"))]
            case "loop_judge":
                panel, tried = (
                    Panel(self.asking, "doctor"),
                    Round(0, EXAMPLE, (), (), Verdict(True)),
                )
                return [self.domain.review(tried, (), panel)] if self.domain.together else []
            case "auditor":
                return [audit(DOCUMENT, EXAMPLE, AUDITOR_PROMPT, Panel(self.asking, "doctor"))]
            case "judge":
                panel = Panel(self.asking, "doctor")
                return [by_rubric(EXAMPLE, "It is blue.", JUDGE_PROMPT, panel)]
            case "analyzer":
                request = _words("Call the tool `sql` with the query: select 1")
                advice = _words("Advise nothing: a few words for each text, no hypotheses.")
                return self._with_tools(request, ANALYST_TOOLS, advice, AnalysisReply)
            case _:
                request = _words("Call the tool `sql` with the query: select 1")
                edit = _words("Edit nothing: a summary of one word, no patches, no knobs.")
                return self._with_tools(request, IMPLEMENTER_TOOLS, edit, EditReply)

    def _with_tools(
        self, look: Request, tools: tuple[Tool, ...], result: Request, shape: type[RoleReply]
    ) -> list[Coroutine[Any, Any, Any]]:
        """Return a call with tools as a session makes it, and one by the schema of its result."""
        request = replace(look, tools=(*tools, finish_tool(shape)), again=True)
        return [
            self.asking.call(self.asking.at(self.role, "doctor"), request),
            self.asking.structured(self.role, "doctor", result, shape),
        ]

    async def plain(self, request: Request) -> Reply:
        """Make a call that is sampled."""
        sampled = sampling(self.asking, self.role, "doctor", request)
        return await self.asking.call(self.asking.at(self.role, "doctor"), sampled)


def _question(domain: Domain, solver: RoleSettings) -> Request:
    """Return what a solver is asked; a domain may know no other examples than its own."""
    try:
        return domain.question(DOCUMENT, EXAMPLE, solver)
    except PluginFailed:
        return Domain().question(DOCUMENT, EXAMPLE, solver)


def _words(text: str) -> Request:
    return Request(messages=(Message("system", "Be brief."), Message("user", text)))


async def _try(where: str, call: Coroutine[Any, Any, Any]) -> tuple[Check, Spend]:
    """Make a call; say in a line what came back, or what is wrong with it, and what it took."""
    begun = monotonic()
    try:
        await call
    except _Answered as answered:
        reply, error = answered.answer.reply, answered.answer.error
        text = " ".join(reply.text.split())[:QUOTED] or "nothing"
        if reply.tool_calls:
            tool = reply.tool_calls[0]
            text = f"called {tool.name} {json.dumps(tool.arguments, ensure_ascii=False)[:QUOTED]}"
        elif answered.tools:
            text = f"called no tool, but answered {text}"
        tokens = f"{reply.prompt_tokens:,} + {reply.completion_tokens:,} tokens"
        took = f"({monotonic() - begun:.1f} s, {tokens}, ${reply.cost_usd:.4f})"
        if error is not None:
            check = Check(False, f"{where}: {error.problem}: {text} {took}", error.fix)
        elif answered.problem:
            problem = f"its reply does not fit its schema: {answered.problem}"
            check = Check(False, f"{where}: {problem}: {text} {took}", MALFORMED)
        else:
            check = Check(True, f"{where}: {text} {took}")
        return check, reply.spend
    except ProviderError as error:
        spend = Spend() if isinstance(error, Unavailable) else error.spend
        return Check(False, f"{where}: {error.problem}", error.fix or NO_ANSWER), spend
    raise AssertionError("every call ends in an answer or an error")
