"""Money: a candidate that spends what was meant for all."""

from autodata.harness.workflow import Limits, StepFailed
from autodata.types import Document
from tests.attacks.rows import Reaction, Row, at_most, table
from tests.attacks.world import World, attacked, insist, item
from tests.support.episodes import Step

CALLS = 1_000
"""What a sandbox lets one workflow ask for."""


async def flood(step: Step, document: Document, size: int = 300_000) -> None:
    """Ask as much as one call may hold until the host says stop."""
    for _ in range(CALLS):
        try:
            await step("ask", role="main", prompt="word " * (size // 5))
        except StepFailed:
            continue


async def chatter(step: Step, document: Document) -> None:
    """Ask small things without end."""
    for _ in range(CALLS):
        try:
            await step("ask", role="main", prompt="and then?")
        except StepFailed:
            continue


async def agents(step: Step, document: Document) -> None:
    """Send the agent out again and again with a long task."""
    for _ in range(CALLS):
        try:
            await step("run_agent", task="look " * 20_000, max_turns=30)
        except StepFailed:
            continue


async def long_contexts(step: Step, document: Document) -> None:
    """Hand the solvers, the judge and the gates as much to read as an example may hold."""
    for number in range(15):
        example = item(document, number)
        if await insist(step, {**example, "context": f"{example['context']} {'and ' * 20_000}"}):
            return


def prompt_chars(millions: float) -> Reaction:
    """No episode sends more than so many million characters."""

    def sent(seen: object) -> int:
        calls = seen.caller.calls  # type: ignore[attr-defined]
        return sum(len(message.content) for _, request in calls for message in request.messages)

    return Reaction(
        f"at most {millions:g} M characters of prompts",
        lambda seen: sent(seen) <= millions * 1e6,
    )


async def limit_of_a_workflow() -> float:
    """Seconds of CPU that one workflow may use."""
    return Limits().total_seconds


ROUND = 4_000
"""Tokens of a round of an honest harness in this world, or so."""

ONE = World(documents=1, tokens=10 * 15 * ROUND)
ROWS = [
    Row(
        "a flood of long prompts",
        attacked(flood, ONE),
        prompt_chars(3),
    ),
    Row(
        "a flood of agents",
        attacked(agents, ONE),
        prompt_chars(3),
    ),
    Row("contexts of 80,000 characters", attacked(long_contexts, ONE), prompt_chars(6)),
    Row("a flood of small calls", attacked(chatter, ONE), prompt_chars(3)),
    Row("seconds of a workflow", limit_of_a_workflow, at_most(10, "s")),
]


@table(ROWS)
async def test_a_candidate_spends_no_more_than_its_share(row: Row) -> None:
    await row.check()
