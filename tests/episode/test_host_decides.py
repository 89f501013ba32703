"""The host keeps every record and decides: nothing a workflow does moves it or gets more of it."""

from typing import Any

import pytest

from autodata.episode.acceptance import PRESETS
from autodata.errors import (
    CallFailed,
    ContextTooLong,
    ProviderError,
    Refused,
    Truncated,
    Unseated,
)
from autodata.harness.workflow import StepFailed
from autodata.models.base import Request, Site
from autodata.types import Json
from tests.support.episodes import (
    EXAMPLE,
    GIVEN,
    GOOD_CHECK,
    STRONG_FAILS,
    Answer,
    Step,
    episode,
    good_caller,
    protocol_of,
    verdicts,
    whole_round,
)

NUMBERED = [{**GIVEN, "question": f"Why number {n}?"} for n in range(20)]


async def test_no_strong_solver_is_asked_after_a_failed_weak_gate() -> None:
    caller = good_caller(judge=verdicts(True, True))
    answers: list[Any] = []

    async def insisting(step: Step) -> None:
        for role in ("strong", "weak", "strong", "strong", "weak"):
            answers.append(await step("attempt", role=role, example=GIVEN))

    found = await episode(insisting, caller)
    assert caller.of("strong") == []
    assert len(caller.of("weak")) == 3
    assert [answer["reason"] for answer in answers][:2] == [
        "try weak first",
        "weak mean too high; a weak sample too good",
    ]
    assert not any(answer["passed"] for answer in answers)
    assert found.rounds[0].verdict.reasons == ("weak mean too high", "a weak sample too good")


async def test_one_example_is_never_sampled_twice() -> None:
    caller = good_caller(judge=STRONG_FAILS)
    same = [
        GIVEN,
        {**GIVEN, "kind": "another", "skills": ["x"]},
        {**GIVEN, "question": f" {GIVEN['question']}\n"},
        {**GIVEN, "context": GIVEN["context"].replace(" ", "  ")},
        {**GIVEN, "rubric": [{**line, "category": "z"} for line in GIVEN["rubric"]]},
    ]

    async def hoping(step: Step) -> None:
        for example in same * 2:
            await step("attempt", role="weak", example=example)
            await step("attempt", role="strong", example=example)

    found = await episode(hoping, caller)
    assert len(found.rounds) == 1
    assert (len(caller.of("weak")), len(caller.of("strong"))) == (3, 3)


async def test_sampling_stops_when_a_count_is_settled() -> None:
    checkable = {**GIVEN, "rubric": [], "answer": "42"}

    async def tries(step: Step) -> None:
        await step("attempt", role="weak", example=checkable)
        await step("attempt", role="strong", example=checkable)

    caller = good_caller(weak="Answer: 42", strong="Answer: 42")
    await episode(tries, caller, protocol_of(preset="paper-verifiable"))
    assert len(caller.of("weak")) == 2
    caller = good_caller(weak="Answer: 41", strong="Answer: 42")
    found = await episode(tries, caller, protocol_of(preset="paper-verifiable"))
    assert (len(caller.of("weak")), len(caller.of("strong"))) == (3, 3)
    assert found.status == "accepted"


async def test_rounds_are_bounded_whatever_the_workflow_wants() -> None:
    caller = good_caller(judge=STRONG_FAILS)

    async def endless(step: Step) -> None:
        for example in NUMBERED:
            await step("attempt", role="weak", example=example)

    found = await episode(endless, caller, protocol_of(max_rounds=4))
    assert len(found.rounds) == 4
    assert len(caller.of("weak")) == 12
    assert found.status == "rejected"


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        ("an angle", ""),
        (Truncated("too long"), " (ask: Truncated)"),
        (Refused("no"), " (ask: Refused)"),
        (ContextTooLong("too long"), " (ask: ContextTooLong)"),
    ],
)
async def test_calls_are_bounded_whatever_they_come_to(reply: Answer, why: str) -> None:
    caller = good_caller(main=reply)

    async def endless(step: Step) -> None:
        for _ in range(100):
            try:
                await step("ask", role="main", prompt="again")
            except StepFailed:
                continue

    found = await episode(endless, caller, protocol_of(max_calls=10))
    assert len(caller.calls) == 10
    assert (found.status, found.reason) == ("rejected", f"no example tried{why}")


async def test_claiming_does_not_accept() -> None:
    async def claiming(step: Step) -> None:
        for claim in ({"accepted": True}, {"verdict": {"accepted": True}}, {"score": 1.0}):
            with pytest.raises(StepFailed, match="not an example"):
                await step("attempt", role="weak", example={**GIVEN, **claim})
        answer = await step("attempt", role="weak", example=GIVEN)
        answer["accepted"] = answer["passed"] = True
        answer["scores"][:] = [0.0]

    found = await episode(claiming, good_caller(judge=verdicts(True, True)))
    assert found.status == "rejected"
    assert [attempt.score for attempt in found.rounds[0].attempts] == [1.0] * 3


async def test_the_harnesses_own_verifier_passes_nothing_by_itself() -> None:
    soft = {**GOOD_CHECK, "verdict": "reject", "feedback": "it is recall"}

    def play(site: Site, request: Request) -> Answer:
        return soft if site.ordinal.endswith("audit") else GOOD_CHECK

    found = await episode(whole_round, good_caller(verifier=play))
    assert found.status == "rejected"
    assert found.reason == "failed the protocol's verifier"
    assert [check.passed for check in found.rounds[0].verifications] == [True, False]


async def test_the_protocols_verifier_is_asked_once_for_an_example() -> None:
    caller = good_caller(verifier={**GOOD_CHECK, "verdict": "reject"})

    async def insisting(step: Step) -> None:
        for role in ("weak", "strong", "strong", "strong"):
            await step("attempt", role=role, example=GIVEN)

    assert (await episode(insisting, caller)).status == "rejected"
    assert len(caller.of("verifier")) == 1


async def test_an_audit_without_a_usable_reply_accepts_nothing_and_says_why() -> None:
    def play(site: Site, request: Request) -> Answer:
        return "fine" if ".audit" in site.ordinal else GOOD_CHECK

    async def stubborn(step: Step) -> None:
        for _ in range(3):
            try:
                await whole_round(step)
            except StepFailed:
                continue

    found = await episode(stubborn, good_caller(verifier=play))
    assert found.status == "rejected"
    assert found.reason == "the protocol's verifier gave no usable reply"


async def test_an_inadmissible_example_reaches_no_model() -> None:
    caller = good_caller()
    leaking = {**GIVEN, "context": f"{EXAMPLE.context} {EXAMPLE.answer}"}

    async def leaky(step: Step) -> None:
        assert not (await step("verify", example=leaking))["passed"]
        assert not (await step("attempt", role="weak", example=leaking))["passed"]

    found = await episode(leaky, caller)
    assert caller.calls == []
    assert found.reason == "the reference answer leaks into the context"


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("error", [Truncated("too long"), Refused("no")])
async def test_a_weak_sample_that_was_cut_or_refused_closes_the_round(
    error: ProviderError, preset: str
) -> None:
    def play(site: Site, request: Request) -> Answer:
        return error if site.ordinal == "r0.weak.1" else "it is fast"

    async def hoping(step: Step) -> None:
        with pytest.raises(StepFailed, match=error.problem):
            await step("attempt", role="weak", example=GIVEN)
        for role in ("weak", "strong"):
            assert not (await step("attempt", role=role, example=GIVEN))["passed"]

    caller = good_caller(weak=play)
    found = await episode(hoping, caller, protocol_of(preset=preset))
    assert found.status == "rejected"
    assert found.reason == f"could not be scored: {error.problem}"
    assert caller.of("strong") == []


async def test_a_step_whose_calls_fail_alone_is_the_harness_fault_and_a_second_ends_it() -> None:
    steps = list[str]()

    async def stubborn(step: Step) -> None:
        for number in range(9):
            steps.append(str(number))
            with pytest.raises(StepFailed, match="answers others"):
                await step("ask", role="main", prompt="poison")

    caller = good_caller(main=CallFailed("the endpoint answers others"))
    found = await episode(stubborn, caller)
    assert (found.status, found.failed_calls) == ("rejected", 2)
    assert found.reason == "no example tried (ask: CallFailed)"
    assert len(caller.calls) == 2


@pytest.mark.parametrize("role", ["weak", "strong", "judge", "verifier"])
async def test_an_example_whose_calls_fail_alone_is_given_up(role: str) -> None:
    async def one(step: Step) -> None:
        with pytest.raises(StepFailed):
            await whole_round(step)

    caller = good_caller(**{role: CallFailed("the endpoint answers others")})
    found = await episode(one, caller)
    assert (found.status, found.failed_calls) == ("rejected", 1)


async def test_a_judge_that_nobody_plays_is_the_harness_mistake_in_a_rubric() -> None:
    async def hoping(step: Step) -> None:
        with pytest.raises(StepFailed, match="no model plays the role 'judge'"):
            await step("attempt", role="weak", example=GIVEN)
        assert (await step("attempt", role="weak", example=GIVEN))["reason"].startswith("could not")

    def nobody(site: Site, request: Request) -> Answer:
        raise Unseated("no model plays the role 'judge'")

    assert (await episode(hoping, good_caller(judge=nobody))).status == "rejected"


@pytest.mark.parametrize(
    ("name", "arguments"), [("ask", {"role": "main", "prompt": "again"}), ("challenge", {})]
)
async def test_tokens_of_an_episode_are_bounded(name: str, arguments: Json) -> None:
    async def greedy(step: Step) -> None:
        for _ in range(100):
            await step(name, **arguments)

    caller = good_caller()
    found = await episode(greedy, caller, most_tokens=1_000)
    assert found.reason == "it used up the 1,000 tokens of an episode"
    assert found.spend.prompt_tokens + found.spend.completion_tokens < 1_000 + 15
    assert 20 < len(caller.calls) < 68


async def test_a_prompt_that_would_go_over_the_bound_is_not_sent() -> None:
    async def greedy(step: Step) -> None:
        await step("ask", role="main", prompt="x" * 40_000)

    caller = good_caller()
    found = await episode(greedy, caller, most_tokens=5_000)
    assert (found.status, caller.calls) == ("rejected", [])


async def test_what_was_accepted_before_the_bound_stays_accepted() -> None:
    caller = good_caller()
    assert (await episode(whole_round, caller, most_tokens=5_000)).status == "accepted"
