"""Scores of predictions."""

import pytest

from autodata.search.audit import audit, audit_belief
from autodata.search.base import Prediction
from autodata.types import Cell, Outcome


def results(*accepted: bool) -> list[Outcome]:
    return [Outcome(Cell(f"d{i}", "train", 100), value) for i, value in enumerate(accepted)]


def test_probabilities_are_scored_against_what_happened() -> None:
    predictions = [Prediction("d0", 0.9), Prediction("d1", 0.2), Prediction("d2", 0.6)]
    score = audit(predictions, results(False, False, False), results(True, False, True))
    assert score["predictions"] == 3
    assert score["brier"] == pytest.approx((0.01 + 0.04 + 0.16) / 3, abs=1e-4)
    assert score["hit_rate"] == 1.0
    assert score["base_rate"] == pytest.approx(2 / 3, abs=1e-4)


def test_expecting_no_change_is_the_forecast_to_beat() -> None:
    predictions = [Prediction("d0", 1.0), Prediction("d1", 0.0)]
    score = audit(predictions, results(True, False), results(False, True))
    assert score["brier"] == 1.0 > score["brier_base"]


def test_predictions_without_an_outcome_are_not_scored() -> None:
    assert audit([Prediction("other", 0.5)], results(True), results(True)) == {}
    assert audit([], results(True), results(True)) == {}


def test_a_probability_of_being_good_is_scored_by_what_is_believed() -> None:
    sure = audit_belief([Prediction("", 0.9)], 1.0)
    assert (sure["brier"], sure["hit_rate"]) == (pytest.approx(0.01), 1.0)
    wrong = audit_belief([Prediction("", 0.9)], 0.1)
    assert wrong["brier"] == pytest.approx(0.1 * 0.01 + 0.9 * 0.81)
    assert wrong["brier"] > wrong["brier_base"]
    assert audit_belief([Prediction("d", 0.9)], 1.0) == {}
    assert audit_belief([], 1.0) == {}
