"""Scores by rubric and by match, and what a function of the user's own says of an answer."""

import pytest

from autodata.domains.grading import Score, rubric_score
from autodata.domains.isolated import Execution


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
