"""Who is asked about an example, and when: the weak solver first, or both side by side."""

from collections.abc import Sequence
from typing import Any

import pytest

from autodata.domains.base import RoleSettings
from autodata.domains.grading import Graders
from autodata.domains.replies import RoleReply
from autodata.domains.research import Research
from autodata.episode.acceptance import Policy
from autodata.episode.protocol import TaskProtocol
from autodata.errors import Malformed
from autodata.harness.workflow import StepFailed
from autodata.models.base import Message, Request
from autodata.types import Episode, Round, Verification
from tests.support.episodes import (
    GIVEN,
    Answer,
    FakeCaller,
    Play,
    Step,
    episode,
    good_caller,
    protocol_of,
    team_of,
    verdicts,
)

OTHER = {**GIVEN, "question": "Why does the source stay slow?"}
SUGGESTION = "Let the source be slow for two reasons, and ask for the one that matters."


class Seen(RoleReply):
    """What the loop-judge of these tests says."""

    accept: bool
    suggestion: str


class Together(Research):
    """Both solvers side by side, and a loop-judge that is told scores and earlier verdicts."""

    together = True

    async def review(
        self, tried: Round, earlier: Sequence[Round], graders: Graders
    ) -> Verification:
        scores = [f"{a.role} {a.score:.1f}" for a in tried.attempts]
        past = [check.feedback for round_ in earlier for check in round_.verifications]
        request = Request(messages=(Message("user", f"{scores} after {past}"),))
        seen = await graders.loop_judge(request, Seen)
        return Verification(seen.accept, seen.suggestion, frozen=True)


FREE = TaskProtocol(Together(), Policy(weak_samples=5, strong_samples=3, confirm=True))


async def tried(
    caller: FakeCaller, protocol: TaskProtocol, *examples: Any, role: str = "strong"
) -> tuple[Episode, list[Any]]:
    """An episode that hands these examples to a solver, and what it was answered."""
    answers: list[Any] = []

    async def body(step: Step) -> None:
        for example in examples or (GIVEN,):
            try:
                answers.append(await step("attempt", role=role, example=example))
            except StepFailed as failed:
                answers.append(str(failed))

    team = team_of(caller, loop_judge=RoleSettings())
    return await episode(body, protocol=protocol, team=team), answers


def seated(said: Play | Answer, **changes: Play | Answer) -> FakeCaller:
    return good_caller(loop_judge=said, **changes)


ACCEPT = {"accept": True, "suggestion": ""}
IMPROVE = {"accept": False, "suggestion": SUGGESTION}


@pytest.mark.parametrize("role", ["weak", "strong"])
async def test_both_solvers_are_asked_at_once_whatever_the_weak_one_scores(role: str) -> None:
    caller = seated(IMPROVE, judge=verdicts(True, True))
    found, answers = await tried(caller, FREE, role=role)
    assert [(a.role, a.sample) for a in found.rounds[0].attempts] == [
        *(("weak", n) for n in range(5)),
        *(("strong", n) for n in range(3)),
    ]
    assert caller.most_at_once > 4  # more than the weak ones that were left after the first
    assert answers[0]["scores"] == [1.0] * (5 if role == "weak" else 3)
    assert (answers[0]["passed"], answers[0]["accepted"]) == (False, False)


async def test_a_suggestion_reaches_the_workflow_word_for_word_and_the_next_look() -> None:
    caller = seated(IMPROVE)
    found, answers = await tried(caller, FREE, GIVEN, OTHER)
    assert answers[0]["reason"] == f"the loop-judge wants it improved: {SUGGESTION}"
    assert found.rounds[0].verdict.reasons == ("the loop-judge wants it improved",)
    assert found.reason == "the loop-judge wants it improved"
    shown = [request.messages[0].content for _, request in caller.of("loop_judge")]
    assert shown[0].endswith("after []")
    assert SUGGESTION in shown[1]
    assert not any(".fresh." in site.ordinal for site, _ in caller.calls)


async def test_what_the_loop_judge_accepts_is_confirmed_before_it_counts() -> None:
    found, answers = await tried(seated(ACCEPT), FREE)
    assert found.status == "accepted"
    assert answers[0]["accepted"]
    confirmation = found.rounds[0].confirmation
    assert confirmation is not None
    assert confirmation.confirmed
    equal = seated(ACCEPT, judge=verdicts(True, False))
    found, answers = await tried(equal, FREE)
    assert found.reason.startswith("not confirmed")
    assert not answers[0]["passed"]


async def test_the_loop_judge_overrules_no_number() -> None:
    numbers = TaskProtocol(Together(), protocol_of().policy)
    found, _ = await tried(seated(ACCEPT, judge=verdicts(True, True)), numbers)
    assert found.rounds[0].verdict.reasons[0] == "weak mean too high"
    assert found.status == "rejected"


async def test_a_loop_judge_of_no_use_accepts_nothing() -> None:
    found, answers = await tried(seated(Malformed("no JSON")), FREE, GIVEN, GIVEN)
    assert found.rounds[0].verdict.reasons == ("the loop-judge gave no usable reply",)
    assert "no JSON" in answers[0]
    assert answers[1]["reason"] == "the loop-judge gave no usable reply"
