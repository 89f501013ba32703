"""What the frozen roles are asked: independent samples, a judge that cannot know, votes."""

import asyncio
import hashlib
import re
from dataclasses import replace

import pytest

from autodata.domains.base import RoleSettings
from autodata.domains.research import Research
from autodata.episode.roles import Panel, Trial, solve
from autodata.errors import ContextTooLong, Malformed, ProviderError, Refused, Truncated
from autodata.models.base import CheckReply, Reply, Request, Site
from autodata.types import Attempt, Example, Json, SolverRole, Spend
from tests.support.episodes import (
    DOCUMENT,
    EXAMPLE,
    GOOD_CHECK,
    Answer,
    FakeCaller,
    asking_of,
    good_caller,
    verdicts,
)

CHECKABLE = replace(EXAMPLE, rubric=(), answer="42")


async def attempts(
    caller: FakeCaller,
    role: SolverRole = "weak",
    example: Example = EXAMPLE,
    samples: range = range(3),
    **settings: RoleSettings,
) -> list[Attempt]:
    asking = asking_of(caller, **settings)
    trial = Trial(Research(), DOCUMENT, example, role, 0)
    return await solve(asking, trial, DOCUMENT, samples)


def words(request: Request) -> str:
    return request.prompt + "\n".join(message.content for message in request.messages)


async def test_samples_are_independent_calls_with_seeds_of_their_own() -> None:
    caller = good_caller()
    await attempts(caller, "weak")
    await attempts(caller, "strong")
    calls = caller.of("weak") + caller.of("strong")
    assert len({site.ordinal for site, _ in calls}) == 6
    assert len({request.seed for _, request in calls}) == 6
    assert {request.temperature for _, request in calls} == {1.0}
    assert all(0 <= (request.seed or 0) < 2**31 for _, request in calls)
    assert caller.most_at_once >= 3


async def test_only_what_every_sample_is_asked_again_is_worth_a_cache() -> None:
    caller = good_caller()
    await attempts(caller, "strong")
    assert {request.again for _, request in caller.of("strong")} == {True}
    assert {request.again for _, request in caller.of("judge")} == {False}


async def test_another_repeat_round_or_document_has_other_seeds() -> None:
    seeds = set()
    for document, repeat, index in (("a", 0, 0), ("a", 1, 0), ("a", 0, 1), ("b", 0, 0)):
        caller = good_caller()
        asking = asking_of(caller)
        asking = replace(asking, place=replace(asking.place, document_id=document, repeat=repeat))
        trial = Trial(Research(), DOCUMENT, EXAMPLE, "weak", index)
        await solve(asking, trial, DOCUMENT, range(3))
        seeds |= {request.seed for _, request in caller.of("weak")}
    assert len(seeds) == 12


async def test_the_judge_sees_neither_reference_nor_solver() -> None:
    caller = good_caller(weak="the same words", strong="the same words", judge=verdicts(True))
    await attempts(caller, "weak")
    await attempts(caller, "strong")
    requests = [request for _, request in caller.of("judge")]
    assert len(requests) == 6
    assert len({re.sub(r" [0-9a-f]{10}>", ">", words(request)) for request in requests}) == 1
    shown = words(requests[0])
    assert "REFERENCE" not in shown
    assert EXAMPLE.answer not in shown
    assert not {"weak", "strong"} & set(shown.lower().split())
    assert DOCUMENT.text not in shown
    for part in (EXAMPLE.question, EXAMPLE.context, "the same words", "1. says that asking"):
        assert part in shown
    assert all(str(line.weight) not in shown.split() for line in EXAMPLE.rubric)


async def test_a_score_is_the_rubrics() -> None:
    caller = good_caller(judge=verdicts(True))
    found = await attempts(caller, samples=range(1))
    assert found == [Attempt("weak", 0, "it is fast", 0.6, (True, False, False))]


async def test_a_contradicted_or_unknown_criterion_counts_as_not_met() -> None:
    said: Json = verdicts(True, True, True)
    said["verdicts"] += [{"number": 2, "satisfied": False}, {"number": -1, "satisfied": True}]
    [found] = await attempts(good_caller(judge=said), samples=range(1))
    assert found.satisfied == (True, False, True)


@pytest.mark.parametrize("numbers", [(), (1, 2), (1, 3, 3)])
async def test_a_judge_that_leaves_a_criterion_out_is_asked_again(numbers: tuple[int, ...]) -> None:
    short = {"verdicts": [{"number": n, "quote": "so", "satisfied": True} for n in numbers]}

    def judge(site: Site, request: Request) -> Answer:
        return verdicts(True) if site.ordinal.endswith(".t1") else short

    caller = good_caller(judge=judge)
    [found] = await attempts(caller, samples=range(1))
    assert found.satisfied == (True, False, False)
    assert "no verdict for number" in caller.of("judge")[1][1].messages[-1].content


async def test_a_judge_quotes_before_its_verdict() -> None:
    caller = good_caller()
    await attempts(caller, samples=range(1))
    [(_, asked)] = caller.of("judge")
    assert asked.schema is not None
    fields = asked.schema["$defs"]["CriterionVerdict"]["properties"]
    assert list(fields) == ["number", "quote", "satisfied"]
    assert "First quote" in asked.messages[0].content


async def test_a_judge_that_never_fits_its_schema_is_no_score() -> None:
    with pytest.raises(Malformed):
        await attempts(good_caller(judge="satisfied, all of them"))


async def test_what_is_asked_does_not_depend_on_how_soon_a_judge_fails() -> None:
    def play(site: Site, request: Request) -> Answer:
        failed = {"r0.weak.1.judge": Truncated("second"), "r0.weak.2.judge": Truncated("third")}
        return failed.get(site.ordinal, verdicts(True, True, True))

    class Slow(FakeCaller):
        """Answers the first two samples late: the third one's judge has failed by then."""

        async def call(
            self, site: Site, request: Request, check: CheckReply | None = None
        ) -> Reply:
            if site.ordinal in ("r0.weak.0", "r0.weak.1"):
                for _ in range(20):
                    await asyncio.sleep(0)
            return await super().call(site, request, check)

    caller = Slow(good_caller(judge=play).plays)
    with pytest.raises(Truncated, match="second"):
        await attempts(caller)
    assert len(caller.of("weak")) == len(caller.of("judge")) == 3


async def test_a_checkable_answer_is_compared_and_needs_no_judge() -> None:
    def play(site: Site, request: Request) -> Answer:
        return "so\nAnswer: 42" if site.ordinal.endswith(".1") else "Answer: 41"

    caller = good_caller(weak=play)
    found = await attempts(caller, example=CHECKABLE)
    assert [attempt.score for attempt in found] == [0.0, 1.0, 0.0]
    assert set(caller.roles()) == {"weak"}


@pytest.mark.parametrize("error", [Truncated("too long"), Refused("no")])
async def test_an_unfinished_or_refused_answer_is_the_strong_solvers_failure(
    error: Truncated | Refused,
) -> None:
    caller = good_caller(strong=error)
    found = await attempts(caller, "strong")
    assert [(a.answer, a.score, a.satisfied) for a in found] == [("", 0.0, (False,) * 3)] * 3
    assert caller.of("judge") == []
    assert [a.score for a in await attempts(caller, "strong", CHECKABLE)] == [0.0] * 3


async def test_a_majority_solver_votes_once_for_each_attempt() -> None:
    def play(site: Site, request: Request) -> Answer:
        return "Answer: 42" if site.ordinal.endswith((".v0", ".v2")) else "Answer: 7"

    caller = good_caller(strong=play)
    found = await attempts(caller, "strong", CHECKABLE, strong=RoleSettings(majority=3))
    assert [attempt.score for attempt in found] == [1.0] * 3
    assert len(caller.of("strong")) == 9
    assert len({request.seed for _, request in caller.of("strong")}) == 9


async def test_only_a_privileged_solver_is_shown_the_document() -> None:
    caller = good_caller()
    await attempts(caller, "strong", strong=RoleSettings(privileged=True))
    await attempts(caller, "weak")
    assert all(DOCUMENT.text in words(request) for _, request in caller.of("strong"))
    assert all(DOCUMENT.text not in words(request) for _, request in caller.of("weak"))


async def test_a_roles_own_temperature_and_limit_are_kept() -> None:
    caller = good_caller()
    await attempts(caller, weak=RoleSettings(temperature=0.0, max_tokens=77))
    assert {(r.temperature, r.max_tokens) for _, r in caller.of("weak")} == {(0.0, 77)}
    assert {r.temperature for _, r in caller.of("judge")} == {0.0}


async def test_the_protocols_verifier_sees_document_and_example_and_is_marked_frozen() -> None:
    caller = good_caller()
    found = await Research().verify(DOCUMENT, EXAMPLE, Panel(asking_of(caller), "r2.audit"))
    assert found is not None
    assert (found.passed, found.frozen) == (True, True)
    [(site, request)] = caller.of("verifier")
    assert site.ordinal == "r2.audit"
    assert DOCUMENT.text in words(request)
    assert EXAMPLE.answer in words(request)


@pytest.mark.parametrize(
    "finding",
    [
        {"context_leak": True},
        {"question": "too easy"},
        {"question": "recall"},
        {"rubric_pass": False},
        {"answer_consistent": False},
        {"without_document": True},
        {"verdict": "reject"},
    ],
)
async def test_one_bad_finding_fails_an_example_whatever_the_rest_says(
    finding: dict[str, object],
) -> None:
    caller = good_caller(verifier={**GOOD_CHECK, **finding})
    found = await Research().verify(DOCUMENT, EXAMPLE, Panel(asking_of(caller), "r0.audit"))
    assert found is not None
    assert not found.passed


@pytest.mark.parametrize("kind", [Truncated, Refused, ContextTooLong])
async def test_a_reply_that_is_no_result_is_booked_with_all_that_was_paid(
    kind: type[ProviderError],
) -> None:
    error, booked = kind("no result"), list[Spend]()
    error.spend = Spend(1, 10, 4096, 0.02, 3.0)
    asking = replace(asking_of(good_caller(weak=error)), book=booked.append)
    with pytest.raises(kind):
        await asking.call(asking.at("weak", "r0.weak.0"), Request(prompt="x"))
    assert booked == [error.spend]


def test_a_fence_is_the_same_word_again_and_no_workflows_guess() -> None:
    asking = asking_of(good_caller())
    keyed = [
        replace(asking, team=replace(asking.team, secret=secret)) for secret in (b"one", b"two")
    ]
    one, again, other = (Panel(asked, "r0.audit").fence for asked in (keyed[0], *keyed))
    assert one == again
    assert one != other
    plain = ("tree", DOCUMENT.id, 0, "r0.audit")
    assert hashlib.sha256(repr(plain).encode()).hexdigest()[:10] not in (one, other)
