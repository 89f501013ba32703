"""One episode: what is recorded of it, which calls it makes and how it ends."""

import gc
from dataclasses import replace
from typing import Any

import pytest

from autodata.domains.base import RoleSettings
from autodata.domains.cloze import Cloze
from autodata.episode.protocol import Team
from autodata.episode.roles import Asking
from autodata.episode.run import Conditions, EpisodeRun, run_episode
from autodata.errors import (
    AuthenticationFailed,
    BudgetSpent,
    RequestRejected,
    Unavailable,
    WorkflowFailed,
)
from autodata.harness.spec import load_files
from tests.support.episodes import (
    CANDIDATE,
    CELL,
    DOCUMENT,
    EXAMPLE,
    HARNESS,
    STRONG_FAILS,
    FakeCaller,
    PlainWorkflow,
    Step,
    episode,
    good_caller,
    protocol_of,
    team_of,
    whole_round,
)
from tests.support.harnesses import FILES


async def test_an_accepted_round_is_recorded_in_full() -> None:
    caller = good_caller()
    found = await episode(whole_round, caller, protocol_of(preset="paper-deployed"))
    assert (found.status, found.reason) == ("accepted", "")
    assert caller.roles() == [
        "challenger",
        "verifier",
        *["weak", "judge", "weak", "weak", "judge", "judge"],  # the first warms the prefix cache
        *["strong", "judge", "strong", "strong", "judge", "judge"],
        *["judge"] * 3,  # the probes
        "verifier",
        "verifier",
    ]
    [only] = found.rounds
    assert only.example == EXAMPLE
    assert only.verdict.accepted
    assert [check.frozen for check in only.verifications] == [False, True]
    assert [attempt.score for attempt in only.attempts] == [0.4] * 3 + [0.6] * 3
    assert [(probe.name, probe.held, probe.score) for probe in only.probes] == [
        ("empty answer", True, 0.0),
        ("foreign answer", True, 0.0),
        ("reference answer", True, 1.0),
        ("foreign document", True, None),
    ]
    assert found.spend.calls == len(caller.calls) == 19
    assert found.spend.prompt_tokens == 190
    assert found.spend.cost_usd == pytest.approx(0.19)


async def test_an_episode_that_is_over_takes_no_memory_until_garbage_is_collected() -> None:
    def episodes() -> int:
        return sum(isinstance(thing, (EpisodeRun, Asking)) for thing in gc.get_objects())

    gc.collect()
    gc.disable()  # a run collects rarely, see lifecycle.GARBAGE
    try:
        before = episodes()
        assert (await episode(whole_round, good_caller())).status == "accepted"
        assert episodes() == before
    finally:
        gc.enable()


async def test_every_call_knows_its_place() -> None:
    caller = good_caller()
    await episode(whole_round, caller)
    sites = [site for site, _ in caller.calls]
    assert len({(site.role, site.ordinal) for site in sites}) == len(sites)
    for site in sites:
        assert (site.tree, site.document_id) == (HARNESS.tree, DOCUMENT.id)
        assert (site.split, site.repeat) == (CELL.split, CELL.repeat)
        assert (site.candidate_id, site.commit) == (CANDIDATE.id, CANDIDATE.commit)


async def test_the_challenger_is_told_what_failed() -> None:
    caller = good_caller(judge=STRONG_FAILS)

    async def twice(step: Step) -> None:
        await whole_round(step)
        await step("challenge", feedback=await step("feedback"))

    await episode(twice, caller)
    first, second = (request.messages[0].content for _, request in caller.of("challenger"))
    assert "Failed on the strong solver" not in first
    assert f"- {EXAMPLE.question} (weak 0.40, 0.40, 0.40 (mean 0.40); strong " in second


async def test_prompts_of_a_harness_may_show_the_rules() -> None:
    prompts = ("main", "challenger", "verifier")
    harness = load_files({**FILES, **{f"prompts/{name}.md": "[{{rules}}]" for name in prompts}})
    caller = good_caller()

    async def body(step: Step) -> None:
        await step("run_agent", task="look")
        await step("verify", example=await step("challenge"))

    conditions = Conditions(team_of(caller), protocol_of(), PlainWorkflow(body), rules="RULES")
    await run_episode(DOCUMENT, CELL, harness, CANDIDATE, conditions)
    for role in prompts:
        assert caller.of(role)[0][1].messages[0].content == "[RULES]"


async def test_notes_reach_the_verifier_of_the_harness_and_no_other() -> None:
    harness = load_files({**FILES, "prompts/verifier.md": "{{notes}} {{example}}"})
    caller = good_caller()

    async def body(step: Step) -> None:
        example = await step("challenge")
        await step("verify", example=example, notes="NOTES OF THE WORKFLOW")
        for role in ("weak", "strong"):
            await step("attempt", role=role, example=example)

    conditions = Conditions(team_of(caller), protocol_of(), PlainWorkflow(body))
    await run_episode(DOCUMENT, CELL, harness, CANDIDATE, conditions)
    told = {
        site.ordinal.partition(".")[2]: "NOTES OF" in str(request.messages)
        for site, request in caller.of("verifier")
    }
    assert told["verify"]
    assert not any(heard for place, heard in told.items() if place != "verify")
    assert {"audit", "probe.foreign-document"} <= told.keys()


async def test_repeats_of_a_document_are_other_draws() -> None:
    seeds = set()
    for repeat in range(3):
        caller = good_caller()
        await run_episode(
            DOCUMENT,
            replace(CELL, repeat=repeat),
            HARNESS,
            CANDIDATE,
            Conditions(team_of(caller), protocol_of(), PlainWorkflow(whole_round)),
        )
        assert all(request.seed is not None for _, request in caller.of("challenger"))
        seeds |= {request.seed for _, request in caller.of("challenger")}
    assert len(seeds) == 3


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
        Conditions(Team(caller, roles), protocol_of(Cloze(), "verifiable"), PlainWorkflow(tries)),
    )
    assert found.status == "accepted"
    assert found.rounds[0].verifications == ()


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


async def test_a_workflow_that_fails_is_rejected_with_what_it_said() -> None:
    async def failing(step: Step) -> None:
        raise WorkflowFailed("line 3: KeyError: 'x'")

    found = await episode(failing)
    assert (found.status, found.reason) == ("rejected", "workflow failed: line 3: KeyError: 'x'")


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
