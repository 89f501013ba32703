"""The domain of mathematical objects: what it refuses, whom it asks, what a blind solution says."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import BaseModel

from autodata.domains.base import RoleSettings
from autodata.domains.comparing import SameReply
from autodata.domains.mathematics import BlindReply, LookReply, Mathematics, MathematicsSettings
from autodata.models.base import Request
from autodata.testing import DomainSample, check_domain
from autodata.types import Criterion, Document, Example

TEXT = "A group of order 4 is cyclic or the Klein four-group. The units modulo 8 square to 1. " * 4
DOCUMENT = Document("a" * 16, "groups.md", TEXT)
EXAMPLE = Example(
    question=r"To which abstract group are the units of $\mathbb{Z}/8\mathbb{Z}$ isomorphic?",
    answer="The Klein four-group.",
)
GOOD_LOOK = {
    "place": "The units modulo 8 square to 1.",
    "from_document": True,
    "things": 1,
    "context_suffices": True,
    "other_answer": "",
    "checkable": True,
    "guessable": False,
    "context_leak": False,
    "question": "good",
    "feedback": "",
}


def fair(request: Request, shape: type[BaseModel]) -> BaseModel:
    """Whoever knows the right answer, and the document."""
    text = "\n".join(message.content for message in request.messages)
    if shape is SameReply:
        same = "cyclic" not in text and "anything but" not in text and "Klein" in text
        return SameReply(first="", second="", difference="", same=same)
    if shape is BlindReply:
        return BlindReply(reasoning="each unit squares to 1", answer="the Klein four group V")
    return LookReply.model_validate(GOOD_LOOK | {"from_document": "modulo 8 square" in text})


def test_it_keeps_the_contract_of_a_domain() -> None:
    sample = DomainSample(DOCUMENT, EXAMPLE, right="Answer: V, Klein's four-group", wrong="cyclic")
    check_domain(Mathematics, sample, judge=fair)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"rubric": (Criterion("c", 1),)}, "an example has no rubric here"),
        ({"question": " "}, "the question is empty"),
        ({"answer": "\n"}, "the answer is empty"),
        ({"question": "What is G? And what is H?"}, "the question asks for more than one thing"),
        ({"question": "Find (a) its order (b) its centre."}, "the question asks for"),
        ({"question": "Which group does Theorem 3 name?"}, "the question does not stand"),
        ({"context": "As the text says, G acts."}, "the question does not stand"),
        ({"answer": "It is abelian. It has order 4."}, "the answer is more than one sentence"),
        ({"answer": "V" * 301}, "the answer is too long"),
        ({"answer": "$n = 4$"}, "the answer is a bare number"),
        ({"answer": "3.14"}, "the answer hangs on a precision"),
        ({"answer": "Yes."}, "the answer is a matter of yes or no"),
        ({"question": "Is it Klein's, the Klein four group?"}, "the question names its own"),
    ],
)  # fmt: skip
def test_the_first_rule_that_is_broken_is_named(changes: dict[str, Any], named: str) -> None:
    assert Mathematics().fault(DOCUMENT, replace(EXAMPLE, **changes)).startswith(named)
    assert Mathematics().fault(DOCUMENT, EXAMPLE) == ""


def test_every_fault_is_explained_to_who_writes_examples() -> None:
    told = Mathematics(MathematicsSettings(most_answer_chars=50)).checks()
    assert told["the answer is too long"] == "at most 50 characters"
    assert "the answer does not equal itself" in told


def test_points_within_formulas_end_no_sentence() -> None:
    answer = r"$f(x) = x^2. A$, that is, the map of squares"
    assert Mathematics().fault(DOCUMENT, replace(EXAMPLE, answer=answer)) == ""


class Verifier:
    """A verifier with a form of look and solutions in turn; counts how often it is asked."""

    fence = "fence"

    def __init__(self, look: dict[str, Any], *solutions: str) -> None:
        self.look = look
        self.solutions = list(solutions)
        self.asked: list[Request] = []

    async def verifier(self, request: Request, shape: type[Any]) -> Any:
        self.asked.append(request)
        if shape is LookReply:
            return LookReply.model_validate(GOOD_LOOK | self.look)
        return BlindReply(reasoning="", answer=self.solutions.pop(0))

    async def judge(self, request: Request, shape: type[Any]) -> Any:
        return SameReply(first="", second="", difference="", same=False)

    async def auditor(self, request: Request, shape: type[Any]) -> Any:
        raise AssertionError

    async def loop_judge(self, request: Request, shape: type[Any]) -> Any:
        raise AssertionError

    async def run(self, *arguments: Any) -> Any:
        raise AssertionError


async def test_the_verifier_solves_without_the_answer() -> None:
    verifier = Verifier({}, "$V$: the Klein four-group", "Answer: the Klein four-group")
    domain = Mathematics()
    found = await domain.verify(DOCUMENT, EXAMPLE, verifier)
    assert found is not None
    assert not found.passed
    assert found.feedback == "0 of 1 solutions without the answer came to it"
    found = await domain.verify(DOCUMENT, EXAMPLE, verifier)
    assert found is not None
    assert found.passed
    blind = verifier.asked[-1]
    assert "Klein" not in str(blind.to_json())
    assert TEXT not in str(blind.to_json())


@pytest.mark.parametrize(("right", "passes"), [(5, True), (4, False)])
async def test_more_than_half_of_eight_solutions_must_come_to_the_answer(
    right: int, passes: bool
) -> None:
    solutions = [EXAMPLE.answer] * right + ["cyclic of order 4"] * (8 - right)
    verifier = Verifier({}, *solutions)
    found = await Mathematics(MathematicsSettings(solutions=8)).verify(DOCUMENT, EXAMPLE, verifier)
    assert found is not None
    assert found.passed is passes
    assert found.checks["solved_blind"] == right
    assert len({request.seed for request in verifier.asked[1:]}) == 8


@pytest.mark.parametrize(
    "look",
    [
        {"from_document": False},
        {"things": 2},
        {"context_suffices": False},
        {"other_answer": "Z/2 x Z/2 with a marked point"},
        {"checkable": False},
        {"guessable": True},
        {"context_leak": True},
        {"question": "recall"},
    ],
)
async def test_what_the_verifier_objects_to_is_not_solved(look: dict[str, Any]) -> None:
    verifier = Verifier(look)
    found = await Mathematics().verify(DOCUMENT, EXAMPLE, verifier)
    assert found is not None
    assert not found.passed
    assert len(verifier.asked) == 1


def test_a_privileged_solver_sees_the_document_and_a_plain_one_does_not() -> None:
    plain = Mathematics().question(DOCUMENT, EXAMPLE, RoleSettings())
    assert TEXT not in str(plain.to_json())
    privileged = Mathematics().question(DOCUMENT, EXAMPLE, RoleSettings(privileged=True))
    assert TEXT in privileged.messages[1].content


def test_the_answer_is_the_last_line_of_a_reply() -> None:
    assert Mathematics().answer("So it is.\n\n**Answer:** $x^2$") == "$x^2$"
    assert Mathematics().answer("") == ""
