"""Answers that code can check: what counts as equal, and what must not."""

import pytest

from autodata.domains.matching import matches, normalize, vote


@pytest.mark.parametrize(
    ("answer", "reference"),
    [
        ("balanced", "Balanced"),
        ("The answer is long.\nAnswer: 12", "12"),
        ("Final answer: **12**.", "12"),
        ("reasoning\n\n12\n", "12"),
        ("1,234,567", "1234567"),
        ("the Eiffel Tower", "Eiffel tower."),
        ("\uff11\uff12", "12"),
        ("10\u00b2", "10^2"),
        ("-3.5", "-3.5"),
        ("Answer: 1\nno, wait\nAnswer: 2", "2"),
        ("the", "The"),
    ],
)
def test_the_same_answer_in_other_clothes_matches(answer: str, reference: str) -> None:
    assert matches(answer, reference)


@pytest.mark.parametrize(
    ("answer", "reference"),
    [
        ("3.5", "-3.5"),
        ("35", "3.5"),
        ("12 %", "12"),
        ("12 cm", "12 mm"),
        ("10\u00b2", "102"),
        ("hepatitis", "hepatitis A"),
        ("not 12", "12"),
        ("12 or 13", "12"),
        ("Answer: 1\nAnswer: 2", "1"),
        ("1,2", "12"),
        ("", "12"),
        ("", ""),
        ("...", "..."),
    ],
)
def test_another_answer_does_not_match(answer: str, reference: str) -> None:
    assert not matches(answer, reference)


def test_normalizing_twice_changes_nothing() -> None:
    for text in ("The 1,000 \u00bd Cats.", "$x$", "a", "10\u00b2", "--"):
        assert normalize(normalize(text)) == normalize(text)


def test_the_most_frequent_answer_wins_the_vote_and_the_first_one_a_tie() -> None:
    assert vote(["long way\nAnswer: 7", "8", "7."]) == "long way\nAnswer: 7"
    assert vote(["8", "7"]) == "8"
    assert vote(["", "", "7"]) == ""
