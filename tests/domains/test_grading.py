"""Scores by rubric and by match, and what a function of the user's own says of an answer."""

import pytest

from autodata.domains.grading import Score, as_text, rubric_score
from autodata.domains.isolated import Execution
from autodata.domains.replies import VerifierReply
from autodata.types import Json
from tests.support.episodes import EXAMPLE, GOOD_CHECK


def test_a_rubric_score_is_earned_weight_over_positive_weight_within_bounds() -> None:
    weights = [6, 4, -5]
    assert rubric_score(weights, [True, False, False]) == pytest.approx(0.6)
    assert rubric_score(weights, [True, True, True]) == pytest.approx(0.5)
    assert rubric_score(weights, [False, False, True]) == 0.0
    assert rubric_score(weights, [True, True, False]) == 1.0
    assert rubric_score([-1], [False]) == 0.0


@pytest.mark.parametrize(("value", "score"), [(True, 1.0), (False, 0.0), (0.5, 0.5), (1, 1.0)])
def test_a_function_says_a_number_or_a_truth(value: object, score: float) -> None:
    assert Score.of(Execution(value)) == Score(score)


def test_a_function_that_came_to_no_end_scores_nothing_and_says_why() -> None:
    assert Score.of(Execution(None, "it took more than 5 s")) == Score(
        0.0, (), "it took more than 5 s"
    )


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        ({}, "pass"),
        ({"verdict": "repair"}, "repair"),
        ({"verdict": "reject"}, "reject"),
        ({"rubric_pass": False}, "repair"),
        ({"context_leak": True}, "repair"),
        ({"answer_consistent": False, "verdict": "reject"}, "reject"),
        ({"question": "recall"}, "reject"),
        ({"question": "too easy", "verdict": "repair"}, "reject"),
        ({"without_document": True}, "reject"),
        ({"context_suffices": False}, "pass"),  # matters only where a solver sees more
    ],
)
def test_a_verdict_cannot_be_better_than_what_was_found(found: Json, verdict: str) -> None:
    checked = VerifierReply.model_validate(GOOD_CHECK | found).verification(frozen=False)
    assert checked.checks["verdict"] == verdict
    assert checked.passed is (verdict == "pass")


def test_a_verifier_finds_before_it_decides() -> None:
    fields = list(VerifierReply.model_fields)
    assert fields[0] == "findings"
    assert fields.index("verdict") > max(
        map(fields.index, GOOD_CHECK.keys() - {"verdict", "feedback"})
    )


def test_lines_of_a_rubric_are_numbered_for_the_verifier() -> None:
    assert '"line": 3' in as_text(EXAMPLE)
    assert '"line": 4' not in as_text(EXAMPLE)
