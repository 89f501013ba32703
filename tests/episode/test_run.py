"""One episode: the host keeps every record and decides; nothing a harness does moves it."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from autodata.episode.cloze import Cloze
from autodata.episode.protocol import RoleSettings, TaskProtocol, Team
from autodata.episode.run import run_episode, workflow_seed
from autodata.errors import (
    AuthenticationFailed,
    BudgetSpent,
    ContextTooLong,
    Refused,
    RequestRejected,
    Truncated,
    Unavailable,
)
from autodata.harness.workflow import WorkflowFailed
from autodata.models.base import Request, Site
from autodata.types import Cell, Episode
from tests.episode.parts import (
    CANDIDATE,
    CELL,
    DOCUMENT,
    EXAMPLE,
    GOOD_CHECK,
    HARNESS,
    ROLES,
    Answer,
    FakeCaller,
    PlainWorkflow,
    Step,
    as_json,
    good_caller,
    judged_by_solver,
    protocol_of,
    team_of,
    verdicts,
)

Body = Callable[[Step], Awaitable[None]]
GIVEN = as_json(EXAMPLE)
NUMBERED = [{**GIVEN, "question": f"Why number {n}?"} for n in range(20)]
STRONG_FAILS = judged_by_solver(verdicts(False, True), verdicts(False, True))


async def episode(
    body: Body,
    caller: FakeCaller | None = None,
    protocol: TaskProtocol | None = None,
    team: Team | None = None,
) -> Episode:
    return await run_episode(
        DOCUMENT,
        CELL,
        HARNESS,
        CANDIDATE,
        team or team_of(caller or good_caller()),
        protocol or protocol_of(),
        PlainWorkflow(body),
    )


async def whole_round(step: Step) -> None:
    example = await step("challenge", feedback=await step("feedback"))
    if (await step("verify", example=example))["passed"] and (
        await step("attempt", role="weak", example=example)
    )["passed"]:
        await step("attempt", role="strong", example=example)


async def test_an_accepted_round_is_recorded_in_full() -> None:
    caller = good_caller()
    found = await episode(whole_round, caller)
    assert (found.status, found.reason) == ("accepted", "")
    assert caller.roles() == [
        "challenger",
        "verifier",
        *["weak", "judge", "weak", "weak", "judge", "judge"],  # the first warms the prefix cache
        *["strong", "judge", "strong", "strong", "judge", "judge"],
        "verifier",
    ]
    [only] = found.rounds
    assert only.example == EXAMPLE
    assert only.verdict.accepted
    assert [check.frozen for check in only.verifications] == [False, True]
    assert [attempt.score for attempt in only.attempts] == [0.4] * 3 + [0.6] * 3
    assert found.spend.calls == len(caller.calls) == 15
    assert found.spend.prompt_tokens == 150
    assert found.spend.cost_usd == pytest.approx(0.15)


async def test_every_call_knows_its_place() -> None:
    caller = good_caller()
    await episode(whole_round, caller)
    sites = [site for site, _ in caller.calls]
    assert len({(site.role, site.ordinal) for site in sites}) == len(sites)
    for site in sites:
        assert (site.tree, site.document_id) == (HARNESS.tree, DOCUMENT.id)
        assert (site.split, site.repeat) == (CELL.split, CELL.repeat)
        assert (site.candidate_id, site.commit) == (CANDIDATE.id, CANDIDATE.commit)


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
    await episode(tries, caller, protocol_of(preset="verifiable"))
    assert len(caller.of("weak")) == 2
    caller = good_caller(weak="Answer: 41", strong="Answer: 42")
    found = await episode(tries, caller, protocol_of(preset="verifiable"))
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
            except ValueError:
                continue

    found = await episode(endless, caller, protocol_of(max_calls=10))
    assert len(caller.calls) == 10
    assert (found.status, found.reason) == ("rejected", f"no example tried{why}")


async def test_claiming_does_not_accept() -> None:
    async def claiming(step: Step) -> None:
        for claim in ({"accepted": True}, {"verdict": {"accepted": True}}, {"score": 1.0}):
            with pytest.raises(ValueError, match="not an example"):
                await step("attempt", role="weak", example={**GIVEN, **claim})
        answer = await step("attempt", role="weak", example=GIVEN)
        answer["accepted"] = answer["passed"] = True
        answer["scores"][:] = [0.0]

    found = await episode(claiming, good_caller(judge=verdicts(True, True)))
    assert found.status == "rejected"
    assert [attempt.score for attempt in found.rounds[0].attempts] == [1.0] * 3


async def test_the_harnesses_own_verifier_passes_nothing_by_itself() -> None:
    soft = {**GOOD_CHECK, "overall": False, "feedback": "it is recall"}

    def play(site: Site, request: Request) -> Answer:
        return soft if site.ordinal.endswith("audit") else GOOD_CHECK

    found = await episode(whole_round, good_caller(verifier=play))
    assert found.status == "rejected"
    assert found.reason == "failed the protocol's verifier"
    assert [check.passed for check in found.rounds[0].verifications] == [True, False]


async def test_the_protocols_verifier_is_asked_once_for_an_example() -> None:
    caller = good_caller(verifier={**GOOD_CHECK, "overall": False})

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
            except ValueError:
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
            with pytest.raises(ValueError, match="not an example"):
                await step(**call, example=bad)

    found = await episode(clumsy)
    assert (found.status, found.rounds) == ("rejected", ())


@pytest.mark.parametrize("role", ["judge", "weak", "strong", "analyzer", "nobody"])
async def test_a_workflow_cannot_talk_to_solvers_or_judge(role: str) -> None:
    caller = good_caller()

    async def sly(step: Step) -> None:
        with pytest.raises(ValueError, match="cannot ask the role"):
            await step("ask", role=role, prompt="be weak")
        if role not in ("weak", "strong"):
            with pytest.raises(ValueError, match="role must be"):
                await step("attempt", role=role, example=GIVEN)

    await episode(sly, caller)
    assert caller.calls == []


async def test_malformed_output_is_data_that_the_workflow_may_handle() -> None:
    caught: list[str] = []

    async def careful(step: Step) -> None:
        try:
            await step("challenge")
        except ValueError as error:
            caught.append(str(error))

    caller = good_caller(challenger='{"question": "no rubric"}')
    found = await episode(careful, caller)
    assert found.status == "rejected"
    assert found.spend.calls == len(caller.calls) == 3
    assert caught[0].startswith("challenge: ")
    assert "rubric: Field required" in caught[0]


async def test_a_workflow_that_fails_is_rejected_with_what_it_said() -> None:
    async def failing(step: Step) -> None:
        raise WorkflowFailed("line 3: KeyError: 'x'")

    found = await episode(failing)
    assert (found.status, found.reason) == ("rejected", "workflow failed: line 3: KeyError: 'x'")


async def test_what_was_accepted_stays_accepted_when_the_workflow_fails_later() -> None:
    async def failing(step: Step) -> None:
        await whole_round(step)
        raise WorkflowFailed("too late")

    assert (await episode(failing)).status == "accepted"


async def test_nothing_is_called_after_acceptance() -> None:
    caller = good_caller()

    async def greedy(step: Step) -> None:
        await whole_round(step)
        await step("ask", role="main", prompt="more")

    assert (await episode(greedy, caller)).status == "accepted"
    assert caller.of("main") == []


@pytest.mark.parametrize("role", ["challenger", "verifier", "weak", "strong", "judge"])
async def test_an_endpoint_that_is_away_voids_the_episode(role: str) -> None:
    found = await episode(whole_round, good_caller(**{role: Unavailable("gone")}))
    assert (found.status, found.reason) == ("void", "gone")


@pytest.mark.parametrize(
    "error", [AuthenticationFailed("key"), BudgetSpent("enough"), RequestRejected("400")]
)
async def test_what_the_user_must_settle_passes_through(error: Any) -> None:
    with pytest.raises(type(error)):
        await episode(whole_round, good_caller(weak=error))


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
        with pytest.raises(ValueError, match=f"no model plays the {role}"):
            await step(step_name, **arguments)

    await episode(asking, team=Team(caller, roles))
    assert caller.calls == []


async def test_a_prompt_that_the_harness_lacks_is_the_workflows_error() -> None:
    async def asking(step: Step) -> None:
        with pytest.raises(ValueError, match=r"prompts/main\.md"):
            await step("run_agent", task="t")

    assert (await episode(asking)).status == "rejected"


async def test_the_challenger_is_told_what_failed() -> None:
    caller = good_caller(judge=STRONG_FAILS)

    async def twice(step: Step) -> None:
        await whole_round(step)
        await step("challenge", feedback=await step("feedback"))

    await episode(twice, caller)
    first, second = (request.messages[0].content for _, request in caller.of("challenger"))
    assert "Failed on the strong solver" not in first
    assert f"- {EXAMPLE.question} (weak 0.40, strong 0.40, gap 0.00" in second


async def test_repeats_of_a_document_are_other_draws() -> None:
    seeds = set()
    for repeat in range(3):
        caller = good_caller()
        await run_episode(
            DOCUMENT,
            replace(CELL, repeat=repeat),
            HARNESS,
            CANDIDATE,
            team_of(caller),
            protocol_of(),
            PlainWorkflow(whole_round),
        )
        assert all(request.seed is not None for _, request in caller.of("challenger"))
        seeds |= {request.seed for _, request in caller.of("challenger")}
    assert len(seeds) == 3
    assert len({workflow_seed(Cell("d", "train", repeat)) for repeat in range(50)}) == 50


async def test_a_cloze_example_needs_no_verifier_and_no_judge() -> None:
    text = "It begins with something. The cache holds what was asked before."
    example = {
        "question": "The cache holds what was asked",
        "answer": "before",
        "context": "It begins with something.",
    }
    document = replace(DOCUMENT, text=text)
    roles = {"weak": RoleSettings(), "strong": RoleSettings(privileged=True)}
    caller = FakeCaller({"weak": "later", "strong": "before"})

    async def tries(step: Step) -> None:
        if (await step("attempt", role="weak", example=example))["passed"]:
            await step("attempt", role="strong", example=example)

    found = await run_episode(
        document,
        CELL,
        HARNESS,
        CANDIDATE,
        Team(caller, roles),
        protocol_of(Cloze(), "verifiable"),
        PlainWorkflow(tries),
    )
    assert found.status == "accepted"
    assert found.rounds[0].verifications == ()
