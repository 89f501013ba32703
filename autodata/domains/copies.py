"""Near copies: examples that say nearly the same, though their essence differs.

Resemblance after Broder (1997): the share of common shingles, estimated from the least hashes of
each text. A text's sketch is small and bounded, whatever its length.
"""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from heapq import nsmallest
from typing import TypeVar
from zlib import crc32

from autodata.domains.texts import squeezed
from autodata.types import Example

SHINGLE = 5
"""Characters of a shingle."""
KEPT = 256
"""Hashes of a sketch; with as many or fewer shingles resemblance is exact."""
RESEMBLES = 0.5
"""Texts resemble each other from this share of common shingles on."""

Hashes = frozenset[int]
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Sketch:
    """The shingles of an example, by part."""

    question: Hashes
    answer: Hashes
    context: Hashes

    def is_near(self, other: "Sketch") -> bool:
        """Whether question, answer and context resemble each other in two parts of the three.

        Where there are no contexts the same question is enough.
        """
        question = alike(self.question, other.question)
        if not self.context and not other.context and self.question == other.question:
            return question
        answer, context = alike(self.answer, other.answer), alike(self.context, other.context)
        return question + answer + context >= 2


def sketch(example: Example) -> Sketch:
    """Return what is compared of an example; the rubric is not, as repairing it is no new one."""
    return Sketch(*map(_hashes, (example.question, example.answer, example.context)))


def near(one: Example, other: Example) -> bool:
    """Whether one example is a near copy of the other."""
    return sketch(one).is_near(sketch(other))


def alike(one: Hashes, other: Hashes) -> bool:
    """Whether the estimated share of common shingles is high enough; never where one is empty."""
    common = one & other
    if not common or len(common) < RESEMBLES * min(len(one), len(other)):
        return False
    least = nsmallest(KEPT, one | other)
    return sum(value in common for value in least) >= RESEMBLES * len(least)


def _hashes(text: str) -> Hashes:
    plain = squeezed(text)
    ends = range(max(1, len(plain) - SHINGLE + 1)) if plain else ()
    shingles = {plain[at : at + SHINGLE] for at in ends}
    return frozenset(nsmallest(KEPT, {crc32(each.encode("utf-8", "replace")) for each in shingles}))


def copies(accepted: Iterable[tuple[Key, Sketch]], order: Mapping[Key, int]) -> dict[Key, Key]:
    """Return the near copies among accepted examples of different keys: each with its original.

    The original is the first in `order`; one key may have several examples.
    """
    originals: list[tuple[Key, Sketch]] = []
    found: dict[Key, Key] = {}
    for key, drawn in sorted(accepted, key=lambda item: order[item[0]]):
        for first, kept in originals:
            if first != key and drawn.is_near(kept):
                found[key] = first
                break
        else:
            originals.append((key, drawn))
    return found
