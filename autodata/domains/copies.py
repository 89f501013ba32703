"""Near copies: examples that say nearly the same, though their essence differs.

Resemblance after Broder (1997): the share of common shingles, estimated from the least hashes of
each text. A text's sketch is small and bounded, whatever its length.
"""

from collections import defaultdict
from dataclasses import dataclass
from heapq import nsmallest
from zlib import crc32

from autodata.domains.texts import squeezed
from autodata.types import Example

SHINGLE = 5
"""Characters of a shingle."""
KEPT = 256
"""Hashes of a sketch; with as many or fewer shingles resemblance is exact."""
RESEMBLES = 0.5
"""Texts resemble each other from this share of common shingles on."""

LEAST = 8
"""Hashes of a part by which near copies are looked up."""

Hashes = frozenset[int]


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


class Index:
    """Finds near copies among many sketches without comparing each with all.

    Only those are compared that share one of the least hashes of a part: where half of the shingles
    are common 996 of 1,000 do, and two parts have to resemble each other.
    """

    def __init__(self) -> None:
        self._places: defaultdict[tuple[int, int], list[tuple[str, Sketch]]] = defaultdict(list)

    def add(self, owner: str, drawn: Sketch) -> None:
        """Keep a sketch of this owner."""
        for place in _places(drawn):
            self._places[place].append((owner, drawn))

    def has_near(self, owner: str, drawn: Sketch) -> bool:
        """Whether a near copy is kept that is somebody else's."""
        found = {
            kept for place in _places(drawn) for name, kept in self._places[place] if name != owner
        }
        return any(drawn.is_near(kept) for kept in found)


def _places(drawn: Sketch) -> list[tuple[int, int]]:
    parts = enumerate((drawn.question, drawn.answer, drawn.context))
    return [(part, value) for part, hashes in parts for value in nsmallest(LEAST, hashes)]
