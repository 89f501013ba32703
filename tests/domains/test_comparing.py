"""Who says whether two answers are the same: the text, a computation, the judge; hangs included."""

from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest
from pydantic import BaseModel

from autodata.domains.comparing import (
    COMPARISON,
    EXAMINATION,
    SameReply,
    key_fault,
    near_miss,
    same_answer,
)
from autodata.domains.isolated import Execution, Isolated
from autodata.models.base import Request
from autodata.types import Example

Shape = TypeVar("Shape", bound=BaseModel)


def asked(answer: str) -> Example:
    return Example("What is it?", answer)


@dataclass
class Bench:
    """Graders that say what they are told, and remember what they were asked."""

    same: bool = False
    execution: Execution = field(default_factory=lambda: Execution("unknown"))
    shown: list[str] = field(default_factory=list)
    ran: list[tuple[str, ...]] = field(default_factory=list)
    fence: str = "fence"

    async def judge(self, request: Request, shape: type[Shape]) -> Shape:
        self.shown.append("\n".join(message.content for message in request.messages))
        told = SameReply(first="", second="", difference="", same=self.same)
        return shape.model_validate(told.model_dump())

    async def verifier(self, request: Request, shape: type[Shape]) -> Shape:
        raise AssertionError

    async def auditor(self, request: Request, shape: type[Shape]) -> Shape:
        raise AssertionError

    async def loop_judge(self, request: Request, shape: type[Shape]) -> Shape:
        raise AssertionError

    async def run(self, function: Isolated, *arguments: Any) -> Execution:
        self.ran.append((function.qualname, *arguments))
        return self.execution


async def test_the_same_text_asks_nobody() -> None:
    bench = Bench()
    score = await same_answer(asked("The Klein four-group."), "the Klein four-group", bench)
    assert (score.value, score.scored_by, bench.shown, bench.ran) == (1.0, "text", [], [])


@pytest.mark.parametrize(("found", "value"), [("same", 1.0), ("different", 0.0)])
async def test_a_computation_decides_what_it_can_vouch_for(found: str, value: float) -> None:
    bench = Bench(execution=Execution(found))
    score = await same_answer(asked("$x^2-1$"), "$(x-1)(x+1)$", bench)
    assert (score.value, score.scored_by, score.note) == (value, "math-verify", "")
    assert bench.ran == [("compared", "x^2-1", "(x-1)(x+1)")]
    assert bench.shown == []


async def test_a_computation_that_does_not_end_is_the_judges_affair_and_noted() -> None:
    bench = Bench(same=True, execution=Execution(None, "it took more than 10 s"))
    score = await same_answer(asked("$x^2-1$"), "$(x-1)(x+1)$", bench)
    assert (score.value, score.scored_by) == (1.0, "judge")
    assert score.note == "not compared by computing: it took more than 10 s"


@pytest.mark.parametrize(
    ("key", "answer"),
    [("cyclic of order 4", "abelian of order 4"), ("$5$ cm", "$5$ m"), ("$A$", "$a$")],
)
async def test_what_is_not_wholly_two_expressions_is_read_by_the_judge(
    key: str, answer: str
) -> None:
    bench = Bench(execution=Execution("same"))
    assert (await same_answer(asked(key), answer, bench)).scored_by == "judge"
    assert bench.ran == []


async def test_the_judge_is_not_told_which_answer_is_the_reference() -> None:
    bench = Bench()
    for n in range(12):
        await same_answer(asked(f"the KEY {n}"), f"the OTHER {n}", bench)
    first = [text.split("first_answer fence>\n")[1].split()[1] for text in bench.shown]
    assert {*first} == {"KEY", "OTHER"}
    assert "reference" not in bench.shown[0].split("first_answer")[1]


async def test_no_answer_and_an_endless_one_score_nothing_and_ask_nobody() -> None:
    bench = Bench(same=True)
    assert (await same_answer(asked("x"), " \n", bench)).value == 0
    endless = await same_answer(asked("x"), "y" * 3_000, bench)
    assert (endless.value, endless.note) == (0, "an answer of 3,000 characters is not compared")
    assert bench.shown == []


@pytest.mark.parametrize(
    ("found", "fault"),
    [
        (("same", "different", False), ""),
        (("same", "different", True), "the answer comes to a bare number"),
        (("different", "different", False), "the answer does not equal itself"),
        (("same", "same", False), "the answer equals itself plus 1"),
    ],
)
async def test_a_key_that_is_a_formula_is_tried_by_computing(
    found: tuple[str, str, bool], fault: str
) -> None:
    value = dict(zip(("itself", "next", "number"), found, strict=True))
    bench = Bench(execution=Execution(value))
    assert await key_fault(asked("$x^2$"), bench) == fault
    assert bench.ran == [("examined", "x^2", "(x^2)+1")]
    assert bench.shown == []


async def test_a_key_that_hangs_is_a_fault_with_a_name() -> None:
    bench = Bench(execution=Execution(None, "it took more than 20 s"))
    fault = await key_fault(asked("$x^2$"), bench)
    assert fault == "the answer cannot be compared by computing: it took more than 20 s"


@pytest.mark.parametrize("same", [True, False])
async def test_a_key_in_words_must_differ_from_a_near_miss(same: bool) -> None:
    bench = Bench(same=same)
    fault = await key_fault(asked("cyclic of order 6"), bench)
    assert fault == ("the judge cannot tell the answer from another one" if same else "")
    assert "cyclic of order 7" in bench.shown[0]


async def test_a_key_that_computing_cannot_vouch_for_goes_to_the_judge() -> None:
    bench = Bench(execution=Execution({"itself": "same", "next": "unknown", "number": False}))
    assert await key_fault(asked("$f(x)$"), bench) == ""
    assert len(bench.shown) == 1


def test_a_near_miss_is_another_answer() -> None:
    assert near_miss("of order 19") == "of order 20"
    assert near_miss("abelian") == "anything but this: abelian"
    assert near_miss("9" * 5_000).startswith("1000000000")


async def test_the_functions_run_in_a_process_of_their_own() -> None:
    """The one test here with the real worker; autodata itself never imports sympy."""
    assert await COMPARISON.run("x^2-1", "(x-1)(x+1)") == Execution("same")
    slow = Isolated.at(f"{EXAMINATION.module}:{EXAMINATION.qualname}", seconds=1)
    heavy = "9^{9^{9^{9}}}+x"
    assert (await slow.run(heavy, f"({heavy})+1")).problem
