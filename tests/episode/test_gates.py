import pytest

from autodata.domains.base import RoleSettings
from autodata.errors import ContextTooLong, Truncated
from autodata.harness.workflow import StepFailed
from autodata.models.base import Request, Site
from autodata.types import Json
from tests.support.episodes import (
    DOCUMENT,
    GIVEN,
    GOOD_CHECK,
    STRONG_FAILS,
    Answer,
    Play,
    Step,
    episode,
    fair,
    good_caller,
    judged_by_solver,
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
            asked, said = (" ".join([f"{word}{number}"] * 9) for word in ("question", "reply"))
            example = {**GIVEN, "question": asked, "answer": said}
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
    _, audit = caller.of("verifier")[-2]  # before the probe
    assert DOCUMENT.text in audit.messages[-1].content


@pytest.mark.parametrize("privileged", [False, True])
async def test_a_privileged_strong_solver_needs_a_context_that_suffices(privileged: bool) -> None:
    caller = good_caller(verifier={**GOOD_CHECK, "context_suffices": False})
    team = team_of(caller, strong=RoleSettings(privileged=privileged))
    found = await episode(whole_round, caller, protocol_of(preset="paper-deployed"), team)
    assert found.status == ("rejected" if privileged else "accepted")
    assert found.reason == ("only who sees the document can answer" if privileged else "")


JUDGED = judged_by_solver(verdicts(False, True), verdicts(True, False))


async def tried(step: Step, example: Json) -> None:
    for role in ("weak", "strong"):
        await step("attempt", role=role, example=example)


def unfair(name: str, answer: Json) -> Play:
    """Graders who are fair but for one probe."""

    def play(site: Site, _: Request) -> Answer:
        if ".probe." in site.ordinal:
            return answer if name in site.ordinal else fair(site)
        return JUDGED(site, _) if site.role == "judge" else GOOD_CHECK

    return play


@pytest.mark.parametrize(
    ("name", "role", "answer"),
    [
        ("empty answer", "judge", verdicts(True, True)),
        ("foreign answer", "judge", verdicts(False, True)),
        ("reference answer", "judge", verdicts(True, False)),
        ("foreign document", "verifier", GOOD_CHECK),
    ],
)
async def test_graders_that_get_a_probe_wrong_accept_nothing(
    name: str, role: str, answer: Json
) -> None:
    wrong = {role: unfair(name.replace(" ", "-"), answer)}
    caller = good_caller(**{"judge": unfair("none", {}), "verifier": unfair("none", {}), **wrong})
    caller.fair = False
    found = await episode(whole_round, caller)
    [only] = found.rounds
    assert only.verdict.reasons == (f"a probe failed: {name}",)
    assert [probe.name for probe in only.probes if not probe.held] == [name]
    assert only.confirmation is None


async def test_a_checkable_example_takes_no_probe_of_the_judge() -> None:
    caller = good_caller(weak="Answer: 41", strong="Answer: 42")
    checkable = {**GIVEN, "rubric": [], "answer": "42"}

    async def once(step: Step) -> None:
        await tried(step, checkable)

    found = await episode(once, caller, protocol_of(preset="verifiable"))
    assert found.status == "accepted"
    assert [probe.name for probe in found.rounds[0].probes] == ["foreign document"]
    assert caller.of("judge") == []


async def test_near_copies_are_audited_twice_at_most_and_the_next_round_is_free_again() -> None:
    caller = good_caller(verifier={**GOOD_CHECK, "context_leak": True})
    fresh = {**GIVEN, "question": "Which of both lists comes first?", "answer": "REFERENCE: left"}

    async def insisting(step: Step) -> None:
        for number in range(4):
            await tried(step, {**GIVEN, "question": f"{GIVEN['question']} Part {number}"})
        await tried(step, fresh)

    found = await episode(insisting, caller)
    reasons = [past.verdict.reasons[0] for past in found.rounds]
    failed, again = "failed the protocol's verifier", "near copies of it were audited 2 times"
    assert reasons == [failed, failed, again, again, failed]
    assert len(caller.of("verifier")) == 3


async def test_examples_on_which_a_solver_is_asked_the_same_share_its_samples() -> None:
    caller = good_caller(judge=STRONG_FAILS)
    heavier = [{**line, "weight": line["weight"] + 1} for line in GIVEN["rubric"]]
    other_rubric = {**GIVEN, "rubric": heavier}

    async def repairing(step: Step) -> None:
        await tried(step, GIVEN)
        await tried(step, other_rubric)
        await tried(step, {**GIVEN, "question": "Why else?"})

    found = await episode(repairing, caller)
    assert [len(past.attempts) for past in found.rounds] == [6, 6, 6]
    assert len(caller.of("weak")) == len(caller.of("strong")) == 6
    assert len(caller.of("judge")) == 18
    first, second = found.rounds[:2]
    assert [a.answer for a in first.attempts] == [a.answer for a in second.attempts]
