"""Repeats: the number that tells an evaluation of a document in a search from all others.

A look at validation has its own number below 100: 0 is the baseline's first, those after it measure
the leaders again, or sets of edits. A merging search may have more: from the 100th on they count
from ten million. An iteration has 100 of them: its race takes one a pass, counted from the first of
its siblings, and its minibatch takes the first. The sealed test counts from 0 on a split of its
own. Null episodes count down from -1; those of a merging search's look n are -1 - n. They are in
journals, and stay as they are.
"""

from dataclasses import dataclass, replace
from typing import Literal

from autodata.types import is_null

_STRIDE = 100
MOST_LOOKS = _STRIDE - 2
"""How often the leaders can be measured again."""
_FAR = 10_000_000
"""Where the numbers of later looks begin, beyond those of all iterations."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """Why documents are evaluated: by a look, an iteration or as null, which one, and its pass."""

    purpose: Literal["look", "iteration", "null"]
    of: int
    turn: int = 0

    @classmethod
    def read(cls, number: int) -> "Repeat":
        """Return what a number in a journal says."""
        if is_null(number):
            return cls("null", -number)
        if number >= _FAR:
            return cls("look", number - _FAR)
        block, turn = divmod(number, _STRIDE)
        return cls("iteration", block - 1, turn) if block else cls("look", turn)

    @property
    def number(self) -> int:
        """The number for a journal."""
        if self.purpose == "null":
            return -self.of
        if self.purpose == "look":
            return self.of if self.of < _STRIDE else _FAR + self.of
        return _STRIDE * (self.of + 1) + self.turn

    def pass_of(self, turn: int) -> "Repeat":
        """Return the same for another pass over the documents."""
        return replace(self, turn=turn)


FIRST_SIGHT = Repeat("look", 0)
"""The baseline's first look."""
