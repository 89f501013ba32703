"""Repeats are the numbers that journals have, told apart by what they are for."""

import pytest

from autodata.search.repeats import FIRST_SIGHT, MOST_LOOKS, Repeat


@pytest.mark.parametrize(
    ("repeat", "number"),
    [
        (FIRST_SIGHT, 0),
        (Repeat("look", 1), 1),
        (Repeat("look", MOST_LOOKS), 98),
        (Repeat("iteration", 1), 200),
        (Repeat("iteration", 3).pass_of(2), 402),
    ],
)
def test_a_repeat_is_the_number_that_journals_have(repeat: Repeat, number: int) -> None:
    assert repeat.number == number
    assert Repeat.read(number) == repeat
