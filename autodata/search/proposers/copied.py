"""Text of documents in an edit: which words a patch copies, and from which document.

After rsync and winnowing (Schleimer et al. 2003): every document is kept as blocks of letters that
do not overlap, every block that a patch holds anywhere is looked up, and what is found is followed
to both ends. How a text is laid out makes no difference, see `domains.texts.squeezed`.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from autodata.domains.texts import squeezed
from autodata.types import SPLITS, Document, Split

BLOCK = 16
"""Letters of a block."""
LEAST_COPIED = 2 * BLOCK
"""A run of so many letters, without spaces, is a copy: about seven words.

Between 500,000 characters of prompts, code and docs that quote nothing and 300 documents of four
kinds the longest is 30, an import line, and 25 in prose.
"""
SAID = 12
"""Words of a copy that are told."""
_PLACES = 8
"""Places of one block that are followed: what stands in more documents is nobody's own."""


@dataclass(frozen=True, slots=True)
class _Text:
    """A text's letters, and the words that they are from."""

    letters: str
    words: tuple[str, ...]
    ends: tuple[int, ...]

    @classmethod
    def of(cls, text: str) -> "_Text":
        words, pieces, ends, length = text.split(), list[str](), list[int](), 0
        for word in words:
            pieces.append(squeezed(word))
            length += len(pieces[-1])
            ends.append(length)
        return cls("".join(pieces), tuple(words), tuple(ends))

    def quoted(self, start: int, end: int) -> str:
        """Return the words of which letters lie between two places, not too many."""
        first = next(n for n, stop in enumerate(self.ends) if stop > start)
        last = next(n for n, stop in enumerate(self.ends) if stop >= end)
        shown = self.words[first : last + 1]
        return " ".join(shown[:SAID]) + " ..." * (len(shown) > SAID)


class Copied:
    """Finds text of these documents, by split, in what a patch adds."""

    def __init__(self, documents: Mapping[Split, Iterable[Document]]) -> None:
        self._documents = [(s, d) for s in SPLITS for d in documents.get(s, ())]

    def found(self, before: Iterable[str], after: Mapping[str, str]) -> str:
        """Name a copy in files after an edit, by path, that none of the texts before has; or "".

        A test document is not named: whoever proposes reads the reason.
        """
        known = "\n".join(squeezed(text) for text in before)
        for path, text in after.items():
            edited = _Text.of(text)
            for start, end, split, document in self._runs(edited.letters):
                if edited.letters[start:end] not in known:
                    name = "a test document" if split == "test" else f"document {document.name}"
                    return f"{path} copies {name}: {edited.quoted(start, end)!r}"
        return ""

    def _runs(self, letters: str) -> Iterator[tuple[int, int, Split, Document]]:
        """Yield where a text and a document say the same for long enough, from left to right."""
        at = 0
        while at <= len(letters) - BLOCK:
            followed = [
                (*_followed(letters, at, self._letters[n], place), n)
                for n, place in self._blocks.get(letters[at : at + BLOCK], ())
            ]
            start, end, n = max(followed, key=lambda run: run[1] - run[0], default=(at, at, 0))
            if end - start >= LEAST_COPIED:
                yield start, end, *self._documents[n]
            at = max(at + 1, end - BLOCK + 1)

    @cached_property
    def _letters(self) -> list[str]:
        return [squeezed(document.text) for _, document in self._documents]

    @cached_property
    def _blocks(self) -> dict[str, list[tuple[int, int]]]:
        """The first places of every block: number of the document, and where in it."""
        places: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
        for number, letters in enumerate(self._letters):
            for at in range(0, len(letters) - BLOCK + 1, BLOCK):
                known = places[letters[at : at + BLOCK]]
                if len(known) < _PLACES:
                    known.append((number, at))
        return dict(places)


def _followed(one: str, at: int, other: str, place: int) -> tuple[int, int]:
    """Return where in `one` the text begins and ends that both say around these two places."""
    start, end = 0, BLOCK
    while at + end < len(one) and place + end < len(other) and one[at + end] == other[place + end]:
        end += 1
    most = min(at, place, LEAST_COPIED)  # further back a block of the same run was met before
    while start < most and one[at - start - 1] == other[place - start - 1]:
        start += 1
    return at - start, at + end
