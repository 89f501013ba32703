"""The legal domain: rules of form, the writer's form, the packet, answers nobody could read."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from autodata.domains.base import RoleSettings
from autodata.domains.legal import Legal, LegalReply, recap_in
from autodata.domains.loop_judge import LoopReply, packet
from autodata.domains.replies import judge_reply
from autodata.models.structured import reply_schema
from autodata.testing import DomainSample, check_domain
from autodata.types import Attempt, Criterion, Document, Example, Round, Verdict, Verification
from tests.support.legal import CAPABILITIES, EXERCISE, LINES, OPINION, QUESTION, REPLY, loop_judged

SAMPLE = DomainSample(
    OPINION,
    EXERCISE,
    right="You should be safe on the dogs, as he took the rent once he had met them in the hall.",
    wrong="You have to be out by the date in the letter, as the papers say what they say.",
)


def test_the_domain_keeps_its_contract() -> None:
    check_domain(Legal, SAMPLE)


def rubric(*changes: dict[str, Any], count: int = 16) -> tuple[Criterion, ...]:
    lines = [Criterion(x.criterion, x.weight, x.category, x.capability) for x in EXERCISE.rubric]
    for number, change in enumerate(changes):
        lines[number] = replace(lines[number], **change)
    return tuple(lines[16 - count :])


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"question": QUESTION + " Please." * 150}, "the question is too long"),
        ({"question": QUESTION + " The Court of Appeals agreed."}, "the question recaps a case"),
        ({"question": QUESTION + " It was built in 1921."}, "the question recaps a case"),
        ({"question": QUESTION + " Act as a judge."}, "the question recaps a case"),
        (
            {"question": "Darf er mich " + "wegen der Hunde vor die Tür setzen, " * 4},
            "not in English",
        ),
        ({"question": " "}, "the question is empty"),
        ({"answer": ""}, "the model answer is empty"),
        ({"context": "The lease of the tenant."}, "a legal example has no context"),
        ({"rubric": rubric(count=14)}, "fewer than 15 or more than 25"),
        ({"rubric": rubric({"weight": 11})}, "a weight lies in no band"),
        ({"rubric": rubric({"weight": 1})}, "a weight lies in no band"),
        ({"rubric": rubric()[:15]}, "the rubric has no negative line"),
        (
            {"rubric": rubric({"criterion": "Fails to name the clause", "weight": -3})},
            "a negative line names what is missing",
        ),
        ({"rubric": rubric({"capability": ""})}, "a criterion has no category or capability"),
        ({"rubric": rubric({"criterion": LINES[1]["criterion"]})}, "an empty or doubled criterion"),
        ({"question": f"{QUESTION} {LINES[2]['criterion']}."}, "a criterion leaks"),
        ({}, ""),
    ],
)
def test_rules_of_form(change: dict[str, Any], fault: str) -> None:
    found = Legal().fault(OPINION, replace(EXERCISE, **change))
    assert fault in found
    assert bool(found) == bool(fault)
    assert found == "" or found in Legal().checks()


def test_an_opinion_in_another_language_is_turned_down_by_name() -> None:
    german = Document(
        "2" * 16, "urteil.md", "Der Vermieter kann die Kündigung nicht aussprechen. " * 9
    )
    assert Legal().fault(german, EXERCISE) == "the document is not in English"


def test_what_reads_like_a_case_is_found_and_a_client_is_not() -> None:
    assert recap_in("I read IN RE\n Gault and worry") == "in re"
    assert recap_in("we are in real trouble; the firm acts asap, since 1998") == ""


def test_an_exercise_under_another_opinion_does_not_come_from_it() -> None:
    other = Document(
        "3" * 16, "b.md", "A vessel drifted near the quay when its mooring parted. " * 20
    )
    third = Document("4" * 16, "c.md", "The agency denied the petition for a visa. " * 20)
    assert Legal().origin(OPINION, EXERCISE, [third]) == ""
    assert Legal().origin(other, EXERCISE, [third]) in Legal().checks()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"weight_class": "important", "weight": 9}, "weighs 5 to 7, not 9"),
        ({"weight": -2}, "weighs 5 to 7"),
        ({"number": 3}, "count from 1"),
        ({"capability": "being clever"}, "none of the target capabilities"),
        ({"points": 3}, "Extra inputs"),
        ({"category": None}, "valid string"),
    ],
)
def test_a_rubric_with_wrong_keys_is_a_reply_of_no_use(change: dict[str, Any], why: str) -> None:
    """Its writer is asked again with the reason; in the end the step fails as Malformed."""
    lines = [{**LINES[0], **change}, *LINES[1:]]
    with pytest.raises(ValidationError, match=why):
        LegalReply.model_validate({**REPLY, "rubric": lines})


def test_the_writers_form_has_the_six_keys_and_becomes_an_example() -> None:
    schema = reply_schema(LegalReply)
    line = schema["$defs"]["LegalLine"]["required"]
    assert line == ["number", "criterion", "category", "capability", "weight_class", "weight"]
    assert EXERCISE.skills == CAPABILITIES
    assert EXERCISE.rubric[15].weight == -4
    with pytest.raises(ValidationError, match="2 to 4 primary"):
        LegalReply.model_validate({**REPLY, "primary_capabilities": ["one"]})


def ticked(role: str, sample: int, *met: int) -> Attempt:
    satisfied = tuple(number in met for number in range(1, 17))
    return Attempt(role, sample, "advice", len(met) / 15, satisfied)  # type: ignore[arg-type]


def test_the_packet_says_who_met_which_line() -> None:
    attempts = (ticked("weak", 0, 1), ticked("weak", 1), ticked("strong", 0, 1, 2, 3))
    told = Verification(False, "Add a twist.", True, {"gap_kind": "none", "verdict": "improve"})
    earlier = Round(0, EXERCISE, (told,), attempts, Verdict(False, ("x",)))
    found = packet(Round(1, EXERCISE, (), attempts, Verdict(True)), [earlier])
    first = found["criteria"][0]
    assert (first["weak"], first["strong"], first["weight"]) == ("10", "1", 6)
    assert found["scores"] == {"weak": [0.067, 0.0], "strong": [0.2]}
    assert found["capabilities"][CAPABILITIES[1]] == {"weak": 0.1, "strong": 0.2}
    assert found["question_characters"] == len(QUESTION)
    assert found["earlier"] == [
        {
            "round": 0,
            "weak": 0.033,
            "strong": 0.2,
            "verdict": "improve",
            "suggestion": "Add a twist.",
        }
    ]


def test_what_is_to_be_improved_always_says_why() -> None:
    silent = LoopReply.model_validate(loop_judged("improve")).verification()
    assert (silent.passed, silent.feedback) == (False, silent.checks["reason"])
    assert silent.frozen


class Panel:
    """A judge who meets everything."""

    fence = "word"

    async def judge(self, request: Any, shape: Any) -> Any:
        numbers = range(1, len(EXERCISE.rubric) + 1)
        verdicts = [{"number": n, "quote": "", "satisfied": n < 16} for n in numbers]
        return judge_reply(16).model_validate({"verdicts": verdicts})


async def test_advice_that_the_client_cannot_read_earns_nothing_and_says_so() -> None:
    german = "Der Vermieter hat die Miete angenommen und kann deshalb nicht mehr kündigen. " * 3
    score = await Legal().score(OPINION, EXERCISE, german, Panel())  # type: ignore[arg-type]
    assert (score.value, score.note) == (0.0, "answered in another language than the client's")
    english = await Legal().score(OPINION, EXERCISE, SAMPLE.right, Panel())  # type: ignore[arg-type]
    assert english.value == 1.0


def test_solvers_see_the_client_alone() -> None:
    def shown(solver: RoleSettings) -> str:
        return "\n".join(m.content for m in Legal().question(OPINION, EXERCISE, solver).messages)

    assert "nitrocellulose" not in shown(RoleSettings())
    assert "nitrocellulose" in shown(RoleSettings(privileged=True))
    assert EXERCISE.answer not in shown(RoleSettings(privileged=True))


def test_an_example_needs_no_rubric_to_be_looked_at() -> None:
    assert "fewer than 15" in Legal().fault(OPINION, Example(QUESTION, "You may stay."))
