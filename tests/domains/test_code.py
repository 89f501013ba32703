"""The code domain: what is refused, what is taken for an answer, and how it is scored."""

from dataclasses import replace

import pytest
from pydantic import BaseModel

from autodata.box.box import BoxRefused
from autodata.domains import code
from autodata.domains.code import Code, CodeLook, CodeReply, CodeSettings
from autodata.domains.isolated import Isolated
from autodata.errors import ConfigurationError, PluginFailed
from autodata.models.base import Request
from autodata.testing import DomainSample, check_domain
from autodata.types import Criterion
from tests.support import functions, harbour
from tests.support.boxes import need_a_box

DOCUMENT = harbour.document("Ludd")
EXAMPLE = harbour.example("Ludd")
RIGHT, WRONG = harbour.right("Ludd"), harbour.WRONG


@pytest.fixture
def domain() -> Code:
    need_a_box()
    return Code()


def looks(request: Request, shape: type[BaseModel]) -> BaseModel:
    """A verifier that knows the document."""
    own = DOCUMENT.text in "".join(message.content for message in request.messages)
    return CodeLook.model_validate(harbour.LOOK if own else harbour.STRANGE)


def test_the_domain_keeps_its_contract() -> None:
    need_a_box()
    module = Code().answer(RIGHT)
    check_domain(Code, DomainSample(DOCUMENT, EXAMPLE, module, Code().answer(WRONG)), judge=looks)


def test_a_reply_is_put_together_to_an_exam() -> None:
    assert CodeReply.model_validate(harbour.exercise("Ludd")).example() == EXAMPLE


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"rubric": (Criterion("c", 1),)}, "an example has no rubric here"),
        ({"question": " "}, "the question is empty"),
        ({"answer": "def f(:"}, "the answer is no Python"),
        ({"answer": "def f(): pass"}, "the answer does not end with its tests"),
        ({"question": "Write dues(days) for Ludd."}, "the question does not name what"),
        (
            {"question": EXAMPLE.question + EXAMPLE.answer.split("\n\n\n")[1]},
            "fewer than 6 tests are hidden",
        ),
        (
            {"question": EXAMPLE.question + EXAMPLE.answer.split("\n\n\n")[0]},
            "the question gives the solution away",
        ),
    ],
)
def test_the_first_fault_is_named(domain: Code, change: dict[str, object], fault: str) -> None:
    assert domain.fault(DOCUMENT, EXAMPLE) == ""
    assert domain.fault(DOCUMENT, replace(EXAMPLE, **change)).startswith(fault)  # type: ignore[arg-type]


def test_every_fault_is_among_the_checks_that_writers_are_told(domain: Code) -> None:
    checks = domain.checks()
    assert "fewer than 6 tests are hidden" in checks
    assert any(name in checks for name in ("the tests notice too few faults",))


def test_an_exercise_of_another_document_shares_too_few_words(domain: Code) -> None:
    other = replace(DOCUMENT, text="The glacier calves at night. Nobody hears the moraine. " * 20)
    foreign = replace(EXAMPLE, question="berthing_dues of glacier moraine calves nobody hears")
    assert domain.origin(DOCUMENT, EXAMPLE, [other]) == ""
    words = "Write berthing_dues about zirconium perihelion quaternion marsupials vestibule."
    found = domain.origin(DOCUMENT, replace(foreign, question=words), [other])
    assert found == "fewer than 10% of its rare words are in the document"


@pytest.mark.parametrize(
    ("reply", "module"),
    [
        ("x = 1", "x = 1"),
        ("```python\nx = 1\n```", "x = 1"),
        ("First\n```\nx = 0\n```\nthen\n```python\nx = 1\n```\nDone.", "x = 1"),
        ("cut off\n```python\nx = 1\ny =", "cut off\n```python\nx = 1\ny ="),
        ("one\n```py\nx = 0\n```\ncut off\n```python\nx = 1", "x = 1"),
        ("", ""),
    ],
)
def test_the_last_block_of_a_reply_is_its_module(domain: Code, reply: str, module: str) -> None:
    assert domain.answer(reply) == module


def test_where_there_is_no_box_the_domain_refuses_unless_it_is_unsafe(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(code, "refused", lambda: "user namespaces: Operation not permitted")
    with pytest.raises(ConfigurationError, match="here is no box for it: user namespaces") as info:
        Code()
    assert "domain.unsafe=true" in info.value.fix
    assert Code(CodeSettings(unsafe=True)).settings.bounds["unsafe"]


async def test_a_box_that_fails_in_a_run_is_no_answers_fault() -> None:
    with pytest.raises(PluginFailed, match="BoxRefused: no room"):
        await Isolated(functions.without_a_box).run()
    assert BoxRefused.blames_machine
