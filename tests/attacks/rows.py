"""What a row of the attack suite is: an edit in a world, and the reaction that is expected of it.

A row whose attack still succeeds says with which number, is expected to fail, and stays: when it no
longer succeeds, its test fails until the number is taken away (pytest's strict xfail).
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

import pytest


@dataclass(frozen=True)
class Reaction:
    """What must come of an attack: in words, and as a question to what was seen."""

    words: str
    holds: Callable[[Any], bool]


@dataclass(frozen=True)
class Row:
    """One attack. `tried` lets the edit loose in its world and returns what was seen.

    `succeeds` is empty, or says how far the attack still gets.
    """

    name: str
    tried: Callable[[], Awaitable[Any]]
    expected: Reaction
    succeeds: str = ""

    async def check(self) -> None:
        """Try the attack; fail where the reaction is another one."""
        seen = await self.tried()
        assert self.expected.holds(seen), f"{self.name}: not {self.expected.words}, but {seen}"


def table(rows: Iterable[Row]) -> pytest.MarkDecorator:
    """Return the decorator that makes a test of each row."""
    return pytest.mark.parametrize(
        "row",
        [
            pytest.param(
                row,
                id=row.name.replace(" ", "-"),
                marks=pytest.mark.xfail(strict=True, reason=row.succeeds) if row.succeeds else (),
            )
            for row in rows
        ],
    )


def same(wanted: object) -> Reaction:
    """What is seen is this."""
    return Reaction(f"{wanted!r}", lambda seen: bool(seen == wanted))


def at_most(number: float, what: str = "") -> Reaction:
    """What is seen is a number that is not above this one."""
    return Reaction(f"at most {number:g} {what}".rstrip(), lambda seen: bool(seen <= number))


def says(words: str) -> Reaction:
    """What is seen is a text that has these words in it."""
    return Reaction(f"a refusal that says {words!r}", lambda seen: words in str(seen))
