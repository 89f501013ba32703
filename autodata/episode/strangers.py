"""Strangers: other documents and their good answers, with which an example must not hold.

All of it is fixed before an episode begins, so that a resumed run and a replay take the same ones.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from zlib import crc32

from autodata.types import Cell, Document, Split

MOST_OTHERS = 8
WRONG_CHARS = 12_000
"""So much of a wrong document is shown to the verifier: enough to see that it is another one."""
EMPTY_ANSWER = "I do not know."
GOOD_ANSWER = (
    "The tide gauge at the old harbour rose faster after 1970 because the dredged channel lets "
    "more of the storm surge in; the land itself did not sink, as two levellings agree to within "
    "3 mm. So the flood marks of the two periods cannot be compared directly: one has to subtract "
    "the surge first, and what remains, about 1.4 mm a year, is the rise of the sea itself."
)
"""A good answer to a question of no document, for episodes before the first look has ended."""
OF_NO_RUN = Document("", "no document", GOOD_ANSWER)

Answers = Callable[[Cell], Mapping[str, str]]
"""The good answers that are known before the episode of a cell begins, by their document's id."""


@dataclass(frozen=True, slots=True)
class Foreign:
    """Another document, an answer to a question on another one, and more documents."""

    document: Document = OF_NO_RUN
    answer: str = GOOD_ANSWER
    others: tuple[Document, ...] = ()


class Strangers:
    """Chooses them for each document, of its own split where that has others, else of `train`."""

    def __init__(
        self,
        documents: Mapping[Split, Sequence[Document]] | None = None,
        answers: Answers = lambda cell: {},
    ) -> None:
        self._documents = documents or {}
        self._answers = answers
        self._known: dict[tuple[str, Split], tuple[Document, ...]] = {}

    def of(self, document: Document, cell: Cell) -> Foreign:
        """Return what is foreign to an episode on a document."""
        others = self.others(document, cell.split)
        return Foreign(self.wrong(document, cell.split), self.answer(document, cell), others)

    def others(self, document: Document, split: Split) -> tuple[Document, ...]:
        """Return some other documents; pieces of the same text are none."""
        key = (document.id, split)
        if key not in self._known:
            pools = (self._documents.get(split, ()), self._documents.get("train", ()))
            found = ([o for o in pool if _source(o) != _source(document)] for pool in pools)
            drawn = nsmallest(
                MOST_OTHERS, next(filter(None, found), []), key=lambda o: _order(document.id, o.id)
            )
            self._known[key] = tuple(drawn)
        return self._known[key]

    def wrong(self, document: Document, split: Split) -> Document:
        """Return the beginning of a document that an example is not about."""
        others = self.others(document, split)
        if not others:
            return OF_NO_RUN
        other = others[0]
        return Document(other.id, other.name, other.text[:WRONG_CHARS])

    def answer(self, document: Document, cell: Cell) -> str:
        """Return a good answer to a question on another document."""
        known = self._answers(cell)
        others = known.keys() - {document.id}
        chosen = min(others, key=lambda other: _order(document.id, other), default=None)
        return known[chosen] if chosen else GOOD_ANSWER


def _source(document: Document) -> str:
    return document.name.partition("#")[0]


def _order(one: str, other: str) -> tuple[int, str]:
    return crc32(f"{one}:{other}".encode()), other
