"""The final filters of the research domain, and what solvers are shown."""

from dataclasses import replace

import pytest

from autodata.domains.base import RoleSettings
from autodata.domains.research import Research, ResearchSettings
from autodata.types import Criterion, Example
from tests.support.episodes import DOCUMENT, EXAMPLE


def rubric(*weights: int) -> tuple[Criterion, ...]:
    return tuple(Criterion(f"criterion {n}", weight) for n, weight in enumerate(weights))


def test_a_well_formed_example_has_no_fault() -> None:
    assert Research().fault(DOCUMENT, EXAMPLE) == ""
    assert Research().fault(DOCUMENT, replace(EXAMPLE, rubric=())) == ""
    assert Research().fault(DOCUMENT, replace(EXAMPLE, rubric=rubric(10, -10, 1))) == ""


@pytest.mark.parametrize(
    ("example", "named"),
    [
        (replace(EXAMPLE, question=" "), "the question is empty"),
        (replace(EXAMPLE, answer="\n"), "the reference answer is empty"),
        (replace(EXAMPLE, context="x" * 199), "the context is too short"),
        (replace(EXAMPLE, context="x" + " " * 300), "the context is too short"),
        (
            replace(EXAMPLE, context=f"{EXAMPLE.context} {EXAMPLE.answer.upper()}"),
            "the reference answer leaks into the context",
        ),
        (replace(EXAMPLE, rubric=rubric(1, 2)), "the rubric has fewer than 3"),
        (replace(EXAMPLE, rubric=rubric(*range(1, 11), *range(1, 11), 1)), "the rubric has fewer"),
        (replace(EXAMPLE, rubric=rubric(1, 2, 0)), "the rubric has a weight outside"),
        (replace(EXAMPLE, rubric=rubric(1, 2, 11)), "the rubric has a weight outside"),
        (replace(EXAMPLE, rubric=rubric(1, 2, -11)), "the rubric has a weight outside"),
        (replace(EXAMPLE, rubric=rubric(-1, -2, -3)), "the rubric has no positive weight"),
        (
            replace(EXAMPLE, rubric=(*rubric(1, 2), Criterion("Criterion, 1!", 3))),
            "the rubric has an empty or doubled criterion",
        ),
        (
            replace(EXAMPLE, rubric=(*rubric(1, 2), Criterion(" ... ", 3))),
            "the rubric has an empty or doubled criterion",
        ),
    ],
)
def test_the_first_filter_that_fails_is_named(example: Example, named: str) -> None:
    assert Research().fault(DOCUMENT, example).startswith(named)


def test_the_shortest_context_is_a_setting() -> None:
    none = Research(ResearchSettings(min_context_chars=0))
    assert none.fault(DOCUMENT, replace(EXAMPLE, context="")) == ""
    assert Research().fault(DOCUMENT, replace(EXAMPLE, context="x" * 200)) == ""


def test_a_privileged_solver_sees_the_document_and_a_plain_one_does_not() -> None:
    plain = Research().question(DOCUMENT, EXAMPLE, RoleSettings())
    privileged = Research().question(DOCUMENT, EXAMPLE, RoleSettings(privileged=True))
    for request, shown in ((plain, False), (privileged, True)):
        text = "\n".join(message.content for message in request.messages)
        assert (DOCUMENT.text in text) is shown
        assert EXAMPLE.context in text
        assert EXAMPLE.question in text
        assert "REFERENCE" not in text
        assert not any(line.criterion in text for line in EXAMPLE.rubric)
