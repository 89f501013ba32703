"""Equivalence of two expressions by math-verify, in a process of its own (`domains.isolated`).

Imported by that process alone: sympy takes a second. Its own time-out counts wall-clock seconds by
a signal and is off here; the host kills a comparison that does not end. Each says what it can vouch
for: `same`, `different`, or `unknown`, which somebody who reads must decide.
"""

import logging
from collections.abc import Iterator
from random import Random
from typing import Any, Literal

from latex2sympy2_extended.latex2sympy2 import NormalizationConfig
from math_verify import LatexExtractionConfig, parse, verify
from sympy import Basic, Eq, Expr, Float, N, Rational, Symbol
from sympy.core.function import AppliedUndef

Equivalence = Literal["same", "different", "unknown"]

POINTS = 4
"""At so many random points two expressions are evaluated."""
APART = 1e-6
"""Values that differ by more than this share are different."""

_READING = LatexExtractionConfig(
    boxed_match_priority=-1,
    normalization_config=NormalizationConfig(
        basic_latex=True,
        units=False,
        malformed_operators=True,
        nits=False,
        boxed="none",
        equations=False,
    ),
)


def compared(key: str, answer: str) -> Equivalence:
    """Say whether two expressions in LaTeX are the same.

    math-verify and values at random points must agree; where they do not, or there are no values
    (an equation, a function without definition, constants of different names), it is unknown.
    """
    logging.disable(logging.CRITICAL)
    one, other = _read(key), _read(answer)
    if one is None or other is None:
        return "unknown"
    same = bool(verify([one], [other], timeout_seconds=None, raise_on_error=True))
    apart = _apart(*_sides(one, other))
    if same and apart is not True:
        return "same"
    return "different" if apart and not same else "unknown"


def examined(key: str, next_one: str) -> dict[str, Any]:
    """Try a key on itself and on what is larger by 1, and say whether it comes to a mere number."""
    value = _read(key)
    number = isinstance(value, Expr) and not value.free_symbols and _is_number(value)
    return {
        "itself": compared(key, key),
        "next": compared(key, next_one),
        "number": bool(number),
    }


def _is_number(value: Expr) -> bool:
    """Whether an expression without letters is a whole number, or has a decimal fraction in it."""
    found = N(value, 30)
    whole = found.is_real and abs(found - round(found)) < Rational(1, 10**20)
    return bool(whole) or bool(value.atoms(Float))


def _read(latex: str) -> Basic | None:
    """Return what an expression says, if all of it was understood as one."""
    found = parse(
        f"${latex}$",
        [_READING],
        fallback_mode="no_fallback",
        extraction_mode="first_match",
        parsing_timeout=None,
        raise_on_error=True,
    )
    return found[0] if len(found) == 1 and isinstance(found[0], Expr | Eq) else None


def _sides(one: Basic, other: Basic) -> tuple[Basic, Basic]:
    """Return what is compared by value: of `name = value` the value, unless names differ."""
    if isinstance(one, Eq) and isinstance(other, Eq):
        return (one.rhs, other.rhs) if one.lhs == other.lhs and _is_name(one.lhs) else (one, other)
    plain = (one.rhs if isinstance(one, Eq) and _is_name(one.lhs) else one,)
    return *plain, other.rhs if isinstance(other, Eq) and _is_name(other.lhs) else other


def _is_name(side: Basic) -> bool:
    return isinstance(side, Symbol | AppliedUndef)


def _apart(one: Basic, other: Basic) -> bool | None:
    """Whether values differ at two points or more; None: there is nothing to go by."""
    if not (isinstance(one, Expr) and isinstance(other, Expr)):
        return None
    if one.free_symbols != other.free_symbols or one.atoms(AppliedUndef) | other.atoms(
        AppliedUndef
    ):
        return None
    differs = list(_differences(one, other))
    if not differs:
        return None
    return sum(differs) >= min(2, len(differs))


def _differences(one: Expr, other: Expr) -> Iterator[bool]:
    """Yield at each point where both have a value whether the values differ."""
    letters, rng = sorted(one.free_symbols, key=str), Random(17)
    for _ in range(POINTS if letters else 1):
        point = {letter: Rational(rng.randint(30, 250), 97) for letter in letters}
        pair = [N(side.subs(point).doit(), 20) for side in (one, other)]
        if all(value.is_number and value.is_finite for value in pair):
            first, second = map(complex, pair)
            yield abs(first - second) > APART * (1 + abs(first))
