"""The sealed test split: error rate, coverage, and a ledger that runs out."""

from random import Random

import pytest

from autodata.errors import DocumentError
from autodata.search.belief import Yardstick
from autodata.search.certify import (
    NO_GAIN,
    Rules,
    Side,
    certify,
    check_room,
    fingerprint,
    interval,
    student_quantile,
)
from autodata.store.records import Certificate
from autodata.types import Cell, Outcome


def outcomes(rng: Random, rates: list[float], repeats: int) -> list[Outcome]:
    return [
        Outcome(Cell(f"d{i}", "test", repeat), rng.random() < rate)
        for repeat in range(repeats)
        for i, rate in enumerate(rates)
    ]


def rules(documents: int, repeats: int, alpha: float = 0.05) -> Rules:
    return Rules(tuple(f"d{i}" for i in range(documents)), repeats, alpha, Yardstick())


def certified_at(seed: int, gain: float) -> Certificate:
    rng = Random(seed)
    base = [rng.betavariate(1.5, 1.5) * 0.6 for _ in range(60)]
    better = [min(1.0, rate + gain + rng.uniform(-0.2, 0.2) * min(rate, 0.5)) for rate in base]
    ours, theirs = outcomes(rng, better, 2), outcomes(rng, base, 2)
    return met(rules(60, 2), ours, theirs)


def met(rules: Rules, ours: list[Outcome], theirs: list[Outcome], lucky: int = 0) -> Certificate:
    """What a test shows whose finalist was accepted in so many null episodes."""
    null = [Outcome(cell, False) for cell in rules.null_cells()]
    won = [Outcome(cell, turn < lucky) for turn, cell in enumerate(rules.null_cells())]
    return certify(rules, 0, Side("c1", ours, won), Side("c0", theirs, null))


def test_nothing_is_certified_when_nothing_was_gained() -> None:
    wrong = sum(certified_at(seed, 0.0).certified for seed in range(600))
    assert wrong <= 0.045 * 600


def test_a_large_gain_is_certified() -> None:
    assert sum(certified_at(seed, 0.3).certified for seed in range(50)) >= 48


def test_a_gain_is_not_certified_where_luck_may_have_bought_it() -> None:
    ours = outcomes(Random(1), [0.9] * 60, 2)
    theirs = outcomes(Random(1), [0.1] * 60, 2)
    certain = met(rules(60, 2), ours, theirs)
    assert (certain.certified, certain.refused) == (True, ())
    lucky = met(rules(60, 2), ours, theirs, lucky=1)
    assert lucky.difference == certain.difference
    assert not lucky.certified
    assert lucky.refused == ("the null rate of c1 may be 0.15, more than 0.10",)
    assert lucky.null != lucky.baseline_null == certain.null
    assert met(rules(60, 2), theirs, ours).refused == (NO_GAIN,)


def test_the_interval_covers_the_gain_of_the_documents_population() -> None:
    covered = [certified_at(seed, 0.2).gain for seed in range(400)]
    assert sum(found.low <= 0.2 <= found.high for found in covered) >= 0.93 * 400


def test_repeats_of_one_document_are_no_new_documents() -> None:
    """Documents that always or never pass: ten repeats leave the interval as wide as one."""
    rates = [1.0] * 20 + [0.0] * 20
    widths = []
    for repeats in (1, 10):
        ours = outcomes(Random(1), rates, repeats)
        found = met(rules(40, repeats), ours, ours)
        widths.append(found.rate.high - found.rate.low)
    assert widths[0] == widths[1] > 0.3


def test_equal_values_are_no_certainty() -> None:
    found = interval([1.0] * 12, 0.95)
    assert found.mean == 1.0
    assert found.low < 0.9


def test_later_candidates_must_show_more_and_all_shares_stay_below_alpha() -> None:
    shares = [rules(20, 1).error_rate(tested_before) for tested_before in range(10)]
    assert shares[0] == 0.025
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) < 0.05


def test_a_used_up_split_says_so_and_how_to_add_documents() -> None:
    check_room(["a", "b"], 9, 1)
    with pytest.raises(DocumentError, match="used up") as error:
        check_room(["a", "b"], 9, 2)
    assert "add documents" in error.value.fix


def test_other_documents_make_another_split_whatever_their_order() -> None:
    assert fingerprint(["a", "b"]) == fingerprint(["b", "a"])
    assert fingerprint(["a", "b"]) != fingerprint(["a", "c"])


@pytest.mark.parametrize(
    ("probability", "degrees", "expected"),
    [(0.975, 8, 2.3060), (0.975, 59, 2.0010), (0.9958, 20, 2.9236), (0.95, 30, 1.6973)],
)
def test_quantiles_of_students_t(probability: float, degrees: int, expected: float) -> None:
    assert student_quantile(probability, degrees) == pytest.approx(expected, rel=0.003)
