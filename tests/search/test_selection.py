"""Parents: every rule favours what is better and none is locked by one lucky score."""

from collections import Counter
from random import Random

import pytest

from autodata.search.belief import Book, Yardstick
from autodata.search.plan import SELECTIONS
from autodata.search.selection import SELECTION
from autodata.types import Cell, Outcome


def book_of(**accepted: tuple[int, int]) -> Book:
    book = Book(Yardstick())
    book.enter("c0", None)
    for name, (passed, episodes) in accepted.items():
        if name != "c0":
            book.enter(name, "c0")
        cells = [Cell(f"d{i % 20}", "validation", i // 20) for i in range(episodes)]
        book.add(name, [Outcome(cell, i < passed) for i, cell in enumerate(cells)])
    book.update()
    return book


def chosen(rule: str, book: Book, names: list[str], temperature: float = 0.1) -> Counter[str]:
    select = SELECTION[rule]
    return Counter(select(names, book, temperature, Random(i)) for i in range(300))


@pytest.mark.parametrize("rule", SELECTIONS)
def test_a_better_member_is_chosen_more_often(rule: str) -> None:
    book = book_of(c0=(20, 100), c1=(80, 100))
    counts = chosen(rule, book, ["c0", "c1"])
    assert counts["c1"] > 1.5 * counts["c0"]


def test_one_lucky_elite_does_not_lock_the_search() -> None:
    book = book_of(c0=(60, 100), c1=(4, 4), c2=(62, 100))
    for rule in SELECTIONS:
        counts = chosen(rule, book, ["c0", "c1", "c2"])
        assert counts["c0"] + counts["c2"] > 30


def test_temperature_decides_how_greedy_boltzmann_is() -> None:
    book = book_of(c0=(30, 100), c1=(60, 100))
    cold = chosen("boltzmann", book, ["c0", "c1"], 0.01)
    warm = chosen("boltzmann", book, ["c0", "c1"], 10.0)
    assert cold["c1"] == 300
    assert 100 < warm["c0"] < 200


def test_the_table_and_the_plan_name_the_same_rules() -> None:
    assert set(SELECTION) == set(SELECTIONS)
