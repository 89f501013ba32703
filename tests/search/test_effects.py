"""The model of effects: against the textbook's answer, and on simulations with known truth."""

from itertools import combinations

import numpy as np
import pytest

from autodata.search.effects import (
    CROWDING_SD,
    LEVEL,
    LEVEL_SD,
    Effects,
)


def simulated(
    seed: int, truth: list[float], episodes: int, pair: float = 0.0, spread: float = 0.2
) -> Effects:
    """A model that has seen random sets of edits with these true effects on 60 documents."""
    draw = np.random.default_rng(seed)
    documents = spread * draw.standard_normal(60)
    model = Effects(60)
    model.grow(len(truth))
    for turn in range(episodes):
        edits = [edit for edit in range(len(truth)) if draw.random() < 0.4]
        rate = 0.5 + documents[turn % 60] + sum(truth[edit] for edit in edits)
        rate += pair * (0 in edits and 1 in edits)
        model.add(turn % 60, edits, float(draw.random() < rate))
    model.update()
    return model


def test_the_posterior_is_that_of_bayesian_regression_with_documents_as_columns() -> None:
    model = simulated(1, [0.1, -0.1, 0.0], 200)
    model._solve()
    design = np.zeros((200, 2 + 3 + 60))
    draw = np.random.default_rng(1)
    documents = 0.2 * draw.standard_normal(60)
    values = np.zeros(200)
    for turn in range(200):
        edits = [edit for edit in range(3) if draw.random() < 0.4]
        rate = 0.5 + documents[turn % 60] + sum([0.1, -0.1, 0.0][edit] for edit in edits)
        values[turn] = float(draw.random() < rate)
        design[turn, 0] = 1.0
        design[turn, 1] = len(edits) * (len(edits) - 1) / 2
        design[turn, [2 + edit for edit in edits]] = 1.0
        design[turn, 5 + turn % 60] = 1.0
    precision = np.concatenate(
        [
            [1 / LEVEL_SD**2, 1 / CROWDING_SD**2],
            np.full(3, 1 / model.spread**2),
            np.full(60, 1 / model.tau2),
        ]
    )
    center = np.concatenate([[LEVEL, 0.0], np.full(3, model.drift), np.zeros(60)])
    left = design.T @ design / model.noise + np.diag(precision)
    covariance = np.linalg.inv(left)
    mean = covariance @ (design.T @ values / model.noise + precision * center)
    assert model.mean == pytest.approx(mean[:5])
    assert model.covariance == pytest.approx(covariance[:5, :5])
    assert model.fitted(7, [0, 2]) == pytest.approx(mean[[0, 1, 2, 4, 12]].sum())


def test_intervals_hold_the_true_effects_as_often_as_they_say() -> None:
    held = []
    for seed in range(200):
        truth = list(0.08 * np.random.default_rng(seed).standard_normal(8))
        model = simulated(1000 + seed, truth, 400)
        for edit, effect in enumerate(truth):
            mean, sd = model.of(model.added([], edit))
            held.append(abs(mean - effect) < 1.96 * sd)
    assert np.mean(held) == pytest.approx(0.95, abs=0.025)


def test_easy_documents_are_not_taken_for_good_edits() -> None:
    model = Effects(20)
    model.grow(2)
    for turn in range(400):
        document = turn % 20
        easy = document < 10
        often = turn // 20 % 4 != 0
        model.add(document, [0] if easy == often else [1], float(easy))
    model.update()
    first, second = (model.of(model.added([], edit))[0] for edit in (0, 1))
    assert abs(first - second) < 0.1  # their raw rates are .75 and .25


def test_a_pair_that_misfits_is_found_and_gets_an_effect_of_its_own() -> None:
    model = simulated(3, [0.0, 0.0, 0.0, 0.0], 800, pair=-0.4)
    assert model.misfits(range(4), 16, 3.5)[:1] == [(0, 1)]
    before = model.of(model.weights([0, 1]))[0]
    model.interact((0, 1))
    model.update()
    after, sd = model.of(model.weights([0, 1]))
    assert after < before - 0.02
    assert after == pytest.approx(-0.4, abs=4 * sd)
    assert (0, 1) not in model.misfits(range(4), 16, 3.5)


def test_a_late_pair_is_as_good_as_an_early_one() -> None:
    late = simulated(4, [0.05, 0.0, 0.0], 300, pair=-0.3)
    late.interact((0, 1))
    late.update(6)
    draw = np.random.default_rng(4)
    documents = 0.2 * draw.standard_normal(60)
    early = Effects(60)
    early.grow(3)
    early.interact((0, 1))
    for turn in range(300):
        edits = [edit for edit in range(3) if draw.random() < 0.4]
        rate = 0.5 + documents[turn % 60] + 0.05 * (0 in edits) - 0.3 * (0 in edits and 1 in edits)
        early.add(turn % 60, edits, float(draw.random() < rate))
    early.update(8)
    assert late.mean == pytest.approx(early.mean, abs=0.005)


def test_random_pairs_of_additive_edits_are_hardly_ever_called_misfits() -> None:
    found = [
        bool(simulated(seed, [0.05] * 8, 400).misfits(range(8), 16, 3.5)) for seed in range(60)
    ]
    assert sum(found) <= 4  # 28 pairs each


def test_edits_that_hurt_each_other_are_seen_as_crowding() -> None:
    draw = np.random.default_rng(5)
    model = Effects(60)
    model.grow(10)
    for turn in range(1500):
        edits = [edit for edit in range(10) if draw.random() < 0.4]
        rate = 0.9 - 0.03 * len(list(combinations(edits, 2)))
        model.add(turn % 60, edits, float(draw.random() < rate))
    model.update()
    assert model.mean[1] < -2 * CROWDING_SD  # hardly believed beforehand, and seen all the same


def test_draws_have_the_posterior_as_their_law() -> None:
    model = simulated(6, [0.1, -0.05], 150)
    draw = np.random.default_rng(0)
    drawn = np.array([model.draw(draw.standard_normal(len(model.mean)), 1.5) for _ in range(4000)])
    assert drawn.mean(0) == pytest.approx(model.mean, abs=0.01)
    assert np.cov(drawn.T) == pytest.approx(1.5**2 * model.covariance, abs=0.001)
