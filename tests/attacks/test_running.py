"""Stopping the run: a candidate that makes its search stop, hang or end.

Calls go through the real caller, endpoint and breaker, whose time passes only by sleeping.
"""

import json
from collections.abc import Awaitable, Callable
from functools import partial

from autodata.config.schema import Budget
from autodata.domains.base import Domain, RoleSettings
from autodata.episode.evaluator import HarnessEvaluator
from autodata.episode.protocol import Team
from autodata.episode.run import Conditions
from autodata.errors import (
    AutodataError,
    ConfigurationError,
    ProviderError,
    RateLimited,
    TimedOut,
    Unavailable,
    Unreachable,
)
from autodata.harness.spec import Harness
from autodata.harness.workflow import StepFailed
from autodata.models.base import Reply, Request
from autodata.models.calls.budget import Accounts
from autodata.models.calls.caller import RecordedCaller
from autodata.models.calls.seat import Seat
from autodata.models.endpoint.endpoint import Endpoint, Timing
from autodata.types import Candidate, Cell
from tests.attacks.rows import Row, same, says, table
from tests.attacks.world import HARNESS, PAPERS, insist, item
from tests.support.episodes import (
    CANDIDATE,
    GOOD_CHECK,
    ROLES,
    PlainWorkflow,
    Step,
    protocol_of,
)
from tests.support.fakes import CHAT, Clock, FakeModel, Memory, said

ENDLESS = 1_000
"""Requests after which a server has been asked often enough."""

DOCUMENTS = {document.id: document for document in PAPERS[:3]}
CELLS = [Cell(document, "train", 0) for document in DOCUMENTS]


def poisoned(error: ProviderError, down: bool) -> Callable[[int, Request], Reply | Exception]:
    """A server that answers everybody, but not a prompt with POISON in it; or it is `down`."""

    def play(number: int, request: Request) -> Reply | Exception:
        if down and number:
            return error
        if "POISON" in "".join(message.content for message in request.messages):
            return error if number < ENDLESS else ConfigurationError("asked again without end")
        return said(json.dumps(GOOD_CHECK) if request.schema else "fine")

    return play


async def evaluated(
    edit: Callable[[Step], Awaitable[None]],
    error: ProviderError,
    domain: Domain | None = None,
    seated: tuple[str, ...] = ROLES,
    begun: bool = True,
    down: bool = False,
) -> str:
    """Evaluate a harness on three documents; tell what became of it."""
    clock, journal = Clock(), Memory()
    endpoint = Endpoint(
        "e1", FakeModel(poisoned(error, down)), timing=Timing(clock.now, clock.sleep)
    )
    seats = dict.fromkeys(seated, Seat(endpoint))
    caller = RecordedCaller(journal, seats, Accounts(Budget()))

    async def load(_: Candidate) -> Harness:
        return HARNESS

    preset = "verifiable" if domain else "deployed"
    evaluator = HarnessEvaluator(
        DOCUMENTS,
        load,
        Conditions(
            Team(caller, {role: RoleSettings() for role in seated}),
            protocol_of(domain, preset),
            PlainWorkflow(edit),
        ),
        journal,
    )
    if begun:
        await endpoint.call(CHAT)  # as the baseline did before
    told = ""
    try:
        outcomes = await evaluator.evaluate(CANDIDATE, CELLS)
        told = f"{sum(not outcome.accepted for outcome in outcomes)} rejected"
    except* AutodataError as ended:
        told = f"the run ends: {ended.exceptions[0]}"
    finally:
        await caller.close()
    return told


async def asks_poison(step: Step) -> None:
    """Ask what the server cannot bear, and heed no failure."""
    for _ in range(3):
        try:
            await step("ask", role="main", prompt="POISON")
        except StepFailed:
            continue


async def agent_poison(step: Step) -> None:
    """Give the same to the agent."""
    try:
        await step("run_agent", task="POISON")
    except StepFailed:
        return


async def challenges_poison(step: Step) -> None:
    """Give the same to the challenger, whose prompt is the harness's own."""
    try:
        await step("challenge", feedback="POISON")
    except StepFailed:
        return


async def example_poison(step: Step) -> None:
    """Put the same into an example, so that a solver's call fails."""
    example = item(PAPERS[0], 1)
    try:
        await insist(step, {**example, "context": f"{example['context']} POISON"})
    except StepFailed:
        return


async def honest(step: Step) -> None:
    """Try an example with a rubric."""
    await insist(step, item(PAPERS[0], 1))


REJECTED = same("3 rejected")


ROWS = [
    Row(
        "a prompt that makes the server fail",
        partial(evaluated, asks_poison, Unavailable("500")),
        REJECTED,
    ),
    Row(
        "a prompt that makes the server hang",
        partial(evaluated, asks_poison, TimedOut("late")),
        REJECTED,
    ),
    Row(
        "a task that makes the server fail",
        partial(evaluated, agent_poison, Unavailable("500")),
        REJECTED,
    ),
    Row(
        "feedback that makes the server fail",
        partial(evaluated, challenges_poison, Unavailable("500")),
        REJECTED,
    ),
    Row(
        "an example that makes the server fail",
        partial(evaluated, example_poison, Unavailable("500")),
        REJECTED,
    ),
    Row(
        "the first prompt of all makes the server fail",
        partial(evaluated, asks_poison, Unavailable("500"), begun=False),
        REJECTED,
    ),
    Row(
        "a prompt above the rate limit",
        partial(evaluated, asks_poison, RateLimited("429: too large for the minute's tokens")),
        REJECTED,
    ),
    Row(
        "a prompt that makes the server unreachable",
        partial(evaluated, asks_poison, Unreachable("refused")),
        REJECTED,
    ),
    Row(
        "a missing seat",
        partial(
            evaluated,
            asks_poison,
            Unavailable("500"),
            seated=("weak", "strong", "judge", "verifier", "challenger"),
        ),
        REJECTED,
    ),
    Row(
        "a rubric where no judge is seated",
        partial(evaluated, honest, Unavailable("500"), seated=("weak", "strong", "main")),
        REJECTED,
    ),
]


@table(ROWS)
async def test_a_candidate_is_never_the_runs_problem(row: Row) -> None:
    await row.check()


HONEST = [
    Row(
        "control, an outage",
        partial(evaluated, asks_poison, Unavailable("500"), down=True),
        says("the run ends: an episode on document"),
    ),
]


@table(HONEST)
async def test_an_outage_is_no_candidates_fault(row: Row) -> None:
    await row.check()
