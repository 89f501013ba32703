"""What is wholly one expression, and what is read here in another way than people read it."""

import pytest

from autodata.domains.expressions import (
    expression,
    has_decimal,
    is_bare_number,
    next_one,
    same_letters,
    same_text,
    unwrapped,
)


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("$x^2+2x+1$", "x^2+2x+1"),
        (r"\frac{1}{2}mv^2", r"\frac{1}{2}mv^2"),
        (r"\(\frac{\pi}{4}\).", r"\frac{\pi}{4}"),
        (r"$$\boxed{\frac{a}{b}}$$", r"\frac{a}{b}"),
        ("**x+1**", "x+1"),
        ("e^(-t)*cos(t)", r"e^{-t}\cdot \cos (t)"),
        ("sqrt(2)/2", r"\sqrt{2}/2"),
        ("2^10", "2^{10}"),
        ("$y = x^2$", "y = x^2"),
        ("n(n-1)/2", "n(n-1)/2"),
    ],
)
def test_one_expression_is_taken_out_of_its_wrapping(text: str, latex: str) -> None:
    assert expression(text) == latex


@pytest.mark.parametrize(
    "text",
    [
        *("cyclic of order 6", "5 cm", "$5 cm$", "$5 m$", "10 s", r"$5\text{ m}$", "AB", "", "$$"),
        *("$f'(x)$", "$A^T A$", "$A^{T}$", "$AB$", "$xyx^{-1}$", r"$e^{i\pi}$", "0.5", "1/2x"),
        *("$x$ or $y$", "x=1=2", r"$\log x$", r"$a \times b$", r"$x \in (0,1)$", "1, 2", "(1,2)"),
        *(r"$\sum_{n=1}^9 n$", r"$\int_0^1 x dx$", r"$\lim_{x\to0} x$", r"$\pm 1$", "x < 1"),
        *(r"$\mathbb{Z}/6\mathbb{Z}$", r"$\text{cyclic}$", "{x", "x}", "x" * 300, "It is $x^2$."),
    ],
)  # fmt: skip
def test_what_a_machine_would_misread_is_no_expression(text: str) -> None:
    assert expression(text) == ""


@pytest.mark.parametrize(
    ("one", "other", "wanted"),
    [
        ("The Klein four-group.", "$\\text{}$the  klein four-group", False),
        ("The Klein four-group.", "**the  klein four-group**", True),
        ("$x^2$", r"\(x^2\).", True),
        ("$A$", "$a$", False),
        ("the group $G$", "the group $g$", False),
        ("", " ", False),
    ],
)
def test_the_same_text_has_the_same_letters(one: str, other: str, wanted: bool) -> None:
    assert same_text(one, other) is wanted


def test_a_letter_in_both_cases_would_be_one_letter() -> None:
    assert same_letters("C e^x", r"Ce^{x}\Gamma")
    assert not same_letters("A", "a")


def test_one_more_of_an_equation_is_its_right_side() -> None:
    assert next_one("x^2") == "(x^2)+1"
    assert next_one("y = x^2") == "y =( x^2)+1"


@pytest.mark.parametrize("text", ["42", "$42$", "-7.", r"\boxed{42}", "n = 42", "1,000", "Twelve"])
def test_a_whole_number_is_bare_in_any_dress(text: str) -> None:
    assert is_bare_number(text)


@pytest.mark.parametrize("text", ["1/2", "$x^2$", "n = k", "cyclic of order 6", r"$\sqrt{2}$"])
def test_what_is_more_than_a_number_is_not_bare(text: str) -> None:
    assert not is_bare_number(text)


@pytest.mark.parametrize("text", ["3.14", "2,5", r"$\pi \approx 3$", "about 7 cm", "roughly $e$"])
def test_an_answer_with_a_precision_is_told(text: str) -> None:
    assert has_decimal(text)
    assert not has_decimal("1,000")
    assert not has_decimal("a tree on 4 vertices.")


def test_unwrapping_ends_on_anything() -> None:
    for text in ("$", "$$$", r"\boxed{", r"\boxed{a}{b}", "****", "`", ". . .", "$a$ and $b$"):
        assert isinstance(unwrapped(text), str)
    assert unwrapped(r"\boxed{a}{b}") == r"\boxed{a}{b}"
    assert unwrapped("$a$ and $b$") == "$a$ and $b$"
