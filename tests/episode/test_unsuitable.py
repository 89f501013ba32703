"""A harness may give a document up before it tries an example: an outcome of its own."""

import pytest

from autodata.episode.evaluator import episode_record
from autodata.harness.workflow import StepFailed
from tests.support.episodes import CANDIDATE, GIVEN, Step, episode, good_caller, verdicts


async def test_a_document_that_is_given_up_is_counted_apart_and_as_not_accepted() -> None:
    async def giving_up(step: Step) -> None:
        await step("unsuitable", reason="  an order\nwithout  reasons ")
        raise AssertionError("the episode has ended")

    found = await episode(giving_up)
    assert (found.status, found.reason) == ("unsuitable", "an order without reasons")
    assert found.rounds == ()
    outcome = episode_record(found, CANDIDATE).outcome
    assert not outcome.counts  # a pass rate has it in its denominator: giving up buys nothing


@pytest.mark.parametrize(("reason", "kept"), [("x" * 1000, "x" * 200), (" \n", "no reason given")])
async def test_its_reason_is_one_short_line(reason: str, kept: str) -> None:
    async def giving_up(step: Step) -> None:
        await step("unsuitable", reason=reason)

    assert (await episode(giving_up)).reason == kept


async def test_a_failed_example_cannot_be_told_as_an_unsuitable_document() -> None:
    caller = good_caller(judge=verdicts(True, True))
    said: list[str] = []

    async def late(step: Step) -> None:
        await step("attempt", role="weak", example=GIVEN)
        try:
            await step("unsuitable", reason="after all")
        except StepFailed as failed:
            said.append(str(failed))

    found = await episode(late, caller)
    assert found.status == "rejected"
    assert len(found.rounds) == 1
    assert "an example was tried already" in said[0]
