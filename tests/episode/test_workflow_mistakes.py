"""What a workflow asks for wrongly, and replies of no use, are errors that it may handle itself."""

from typing import Any

import pytest

from autodata.domains.base import RoleSettings
from autodata.episode.protocol import Team
from autodata.harness.workflow import StepFailed
from tests.support.episodes import GIVEN, ROLES, Step, episode, good_caller


@pytest.mark.parametrize(
    "bad",
    [
        None,
        "a question",
        {**GIVEN, "question": 3},
        {**GIVEN, "rubric": [{"criterion": "x", "weight": 2.5}]},
        {**GIVEN, "rubric": [{"criterion": "x", "weight": True}]},
        {**GIVEN, "rubric": GIVEN["rubric"] * 20},
        {**GIVEN, "question": "x" * 100_001},
        {**GIVEN, "unknown": 1},
    ],
)
async def test_what_is_no_example_is_the_workflows_error(bad: object) -> None:
    async def clumsy(step: Step) -> None:
        for call in ({"name": "verify"}, {"name": "attempt", "role": "weak"}):
            with pytest.raises(StepFailed, match="not an example"):
                await step(**call, example=bad)

    found = await episode(clumsy)
    assert (found.status, found.rounds) == ("rejected", ())


@pytest.mark.parametrize("role", ["judge", "weak", "strong", "analyzer", "nobody"])
async def test_a_workflow_cannot_talk_to_solvers_or_judge(role: str) -> None:
    caller = good_caller()

    async def sly(step: Step) -> None:
        with pytest.raises(StepFailed, match="cannot ask the role"):
            await step("ask", role=role, prompt="be weak")
        if role not in ("weak", "strong"):
            with pytest.raises(StepFailed, match="role must be"):
                await step("attempt", role=role, example=GIVEN)

    await episode(sly, caller)
    assert caller.calls == []


@pytest.mark.parametrize(
    ("step_name", "arguments", "role"),
    [
        ("challenge", {}, "challenger"),
        ("verify", {"example": GIVEN}, "verifier"),
        ("run_agent", {"task": "t"}, "main"),
        ("ask", {"role": "main", "prompt": "p"}, "main"),
    ],
)
async def test_a_role_that_nobody_plays_is_the_workflows_error(
    step_name: str, arguments: dict[str, Any], role: str
) -> None:
    caller = good_caller()
    roles = {name: RoleSettings() for name in ROLES if name != role}

    async def asking(step: Step) -> None:
        with pytest.raises(StepFailed, match=f"no model plays the {role}"):
            await step(step_name, **arguments)

    await episode(asking, team=Team(caller, roles))
    assert caller.calls == []


async def test_a_prompt_that_the_harness_lacks_is_the_workflows_error() -> None:
    async def asking(step: Step) -> None:
        with pytest.raises(StepFailed, match=r"prompts/main\.md"):
            await step("run_agent", task="t")

    assert (await episode(asking)).status == "rejected"


async def test_malformed_output_is_data_that_the_workflow_may_handle() -> None:
    caught: list[str] = []

    async def careful(step: Step) -> None:
        try:
            await step("challenge")
        except StepFailed as error:
            caught.append(str(error))

    caller = good_caller(challenger='{"question": "no rubric"}')
    found = await episode(careful, caller)
    assert found.status == "rejected"
    assert found.spend.calls == len(caller.calls) == 3
    assert caught[0].startswith("challenge: ")
    assert "rubric: Field required" in caught[0]
