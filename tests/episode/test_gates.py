import pytest

from autodata.domains.base import RoleSettings
from autodata.errors import ContextTooLong, Truncated
from autodata.harness.workflow import StepFailed
from autodata.models.base import Request, Site
from tests.support.episodes import (
    DOCUMENT,
    GIVEN,
    GOOD_CHECK,
    Answer,
    Step,
    episode,
    good_caller,
    protocol_of,
    team_of,
    verdicts,
    whole_round,
)


def told_apart(site: Site, _: Request) -> Answer:
    """A judge for whom the solvers differ on what the workflow sees, and not on fresh samples."""
    if ".fresh." in site.ordinal:
        return verdicts(False, True)
    return verdicts(False, True) if ".weak." in site.ordinal else verdicts(True, False)


async def test_an_example_counts_by_fresh_samples_alone() -> None:
    found = await episode(whole_round, good_caller(judge=told_apart))
    [only] = found.rounds
    assert not only.verdict.accepted
    assert only.confirmation is not None
    assert not only.confirmation.confirmed
    assert only.verdict.reasons == (f"not confirmed: {only.confirmation.reason}",)
    assert len(only.attempts) == 6


async def test_a_workflow_never_sees_fresh_scores() -> None:
    seen: list[object] = []

    async def looking(step: Step) -> None:
        for role in ("weak", "strong"):
            seen.append(await step("attempt", role=role, example=GIVEN))
        seen.append(await step("feedback"))

    caller = good_caller(judge=told_apart)
    await episode(looking, caller)
    assert [len(answer["scores"]) for answer in seen[:2]] == [3, 3]  # type: ignore[index]
    assert seen[1]["accepted"] is False  # type: ignore[index]
    assert len([s for s, _ in caller.of("weak") if ".fresh." in s.ordinal]) == 13
    assert "not confirmed" in str(seen[2])


async def test_each_further_confirmation_of_an_episode_is_stricter() -> None:
    async def again(step: Step) -> None:
        for number in range(3):
            example = {**GIVEN, "question": f"Why, for the {number}th time, does it cache?"}
            for role in ("weak", "strong"):
                await step("attempt", role=role, example=example)

    found = await episode(again, good_caller(judge=told_apart))
    assert [past.confirmation.turn for past in found.rounds if past.confirmation] == [1, 2, 3]


async def test_a_fresh_sample_that_cannot_be_scored_accepts_nothing() -> None:
    def judge(site: Site, request: Request) -> Answer:
        if ".fresh." in site.ordinal:
            return Truncated("too long")
        return told_apart(site, request)

    async def trying(step: Step) -> None:
        with pytest.raises(StepFailed):
            await whole_round(step)

    found = await episode(trying, good_caller(judge=judge))
    [only] = found.rounds
    assert not only.verdict.accepted
    assert only.verdict.reasons == ("the fresh samples could not be scored",)
    assert only.confirmation is not None
    assert not only.confirmation.confirmed


async def test_without_confirmation_the_screen_decides() -> None:
    found = await episode(
        whole_round, good_caller(judge=told_apart), protocol_of(preset="paper-deployed")
    )
    assert found.status == "accepted"
    assert found.rounds[0].confirmation is None


async def test_a_workflow_does_not_cut_the_document_that_the_audit_sees() -> None:
    def challenger(site: Site, request: Request) -> Answer:
        return ContextTooLong("too long") if "flood" in str(request.to_json()) else GIVEN

    async def flooding(step: Step) -> None:
        with pytest.raises(StepFailed):
            await step("challenge", feedback="flood")
        await whole_round(step)

    caller = good_caller(challenger=challenger)
    assert (await episode(flooding, caller)).status == "accepted"
    _, audit = caller.of("verifier")[-1]
    assert DOCUMENT.text in audit.messages[-1].content


@pytest.mark.parametrize("privileged", [False, True])
async def test_a_privileged_strong_solver_needs_a_context_that_suffices(privileged: bool) -> None:
    caller = good_caller(verifier={**GOOD_CHECK, "context_suffices": False})
    team = team_of(caller, strong=RoleSettings(privileged=privileged))
    found = await episode(whole_round, caller, protocol_of(preset="paper-deployed"), team)
    assert found.status == ("rejected" if privileged else "accepted")
    assert found.reason == ("only who sees the document can answer" if privileged else "")
