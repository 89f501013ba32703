"""Pooled scores: shrinkage, kinship, easiness, learnt effects, prices."""

from random import Random

import pytest

from autodata.search.belief import Book, Yardstick
from autodata.types import Cell, Outcome, Spend


def outcomes(accepted: int, episodes: int, documents: int = 20, repeat: int = 0) -> list[Outcome]:
    return [
        Outcome(Cell(f"d{i % documents}", "validation", repeat + i // documents), i < accepted)
        for i in range(episodes)
    ]


def family() -> Book:
    book = Book(Yardstick())
    book.enter("c0", None)
    book.enter("c1", "c0")
    book.enter("c2", "c1")
    return book


def test_few_episodes_are_drawn_towards_the_parent_and_many_are_not() -> None:
    book = family()
    book.add("c0", outcomes(200, 400))
    book.add("c1", outcomes(4, 4))
    book.update()
    lucky = book.estimate("c1")
    assert 0.45 < lucky.mean < 0.62
    book.add("c1", outcomes(400, 400, repeat=50))
    book.update()
    assert book.estimate("c1").mean > 0.9
    assert book.estimate("c1").sd < lucky.sd


def test_a_candidate_without_episodes_is_believed_to_be_like_its_parent() -> None:
    book = family()
    book.add("c0", outcomes(80, 100))
    book.add("c1", outcomes(80, 100))
    book.update()
    unknown, parent = book.estimate("c2"), book.estimate("c1")
    assert unknown.mean == pytest.approx(parent.mean, abs=0.05)
    assert unknown.sd > parent.sd


def test_being_measured_on_easy_documents_is_no_merit() -> None:
    book = Book(Yardstick())
    book.enter("c0", None)
    for name in ("c1", "c2"):
        book.enter(name, "c0")
    everywhere = [
        Outcome(Cell(f"d{i}", "validation", r), i < 10) for i in range(20) for r in range(10)
    ]
    book.add("c0", everywhere)
    book.add("c1", [Outcome(Cell(f"d{i}", "validation", 20), True) for i in range(10)])
    book.add("c2", [Outcome(Cell(f"d{i}", "validation", 20), False) for i in range(10, 20)])
    for _ in range(5):
        book.update()
    assert abs(book.estimate("c1").mean - book.estimate("c2").mean) < 0.1


def test_the_spread_of_edits_is_learnt() -> None:
    spreads = []
    for size in (0.0, 0.25):
        book = Book(Yardstick())
        book.enter("c0", None)
        book.add("c0", outcomes(50, 100))
        rng = Random(1)
        for i in range(1, 30):
            book.enter(f"c{i}", "c0")
            book.add(f"c{i}", outcomes(round(40 * (0.5 + rng.choice([-1, 1]) * size)), 40))
            book.update()
        spreads.append(book.effect.spread)
    assert spreads[0] < 0.08
    assert spreads[1] > 0.12


def test_draws_have_the_posteriors_mean_and_spread() -> None:
    book = family()
    book.add("c0", outcomes(30, 60))
    book.add("c1", outcomes(30, 40))
    book.update()
    rng = Random(2)
    drawn = [book.draw(rng)["c1"] for _ in range(4000)]
    mean = sum(drawn) / len(drawn)
    sd = (sum((x - mean) ** 2 for x in drawn) / len(drawn)) ** 0.5
    estimate = book.estimate("c1")
    assert mean == pytest.approx(estimate.mean, abs=0.01)
    assert sd == pytest.approx(estimate.sd, rel=0.1)


def test_an_example_that_does_not_hold_counts_as_none_and_in_a_search_as_less() -> None:
    cell = Cell("d", "validation", 0)
    unseen, held, caught = (Outcome(cell, True, held=said) for said in (None, True, False))
    plain, wary = Yardstick(), Yardstick(caught=2.0)
    assert [plain.value(o) for o in (unseen, held, caught)] == [1, 1, 0]
    assert [wary.value(o) for o in (unseen, held, caught)] == [1, 1, -2]
    assert wary.value(Outcome(cell, False)) == 0


def test_the_price_of_cost_makes_the_baseline_worth_nothing() -> None:
    def episode(i: int, accepted: bool, tokens: int) -> Outcome:
        return Outcome(Cell(f"d{i}", "validation", 0), accepted, Spend(completion_tokens=tokens))

    base = [episode(i, i % 2 == 0, 100) for i in range(200)]
    yardstick = Yardstick.fit("pass_rate_per_cost", base)
    assert yardstick.unit == "tokens"
    assert sum(map(yardstick.value, base)) / 200 == pytest.approx(0.0, abs=0.01)
    assert yardstick.value(episode(0, True, 50)) > yardstick.value(episode(0, True, 100)) > 0
    assert yardstick.value(episode(0, False, 10**9)) == -1
    assert Yardstick.fit("pass_rate", base).value(base[0]) == 1.0
