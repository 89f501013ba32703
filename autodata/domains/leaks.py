"""Leaks: whether what a solver is shown gives the reference answer or a criterion away.

Runs of characters are looked up in hash sets, so the time is linear. What a leak looks like does
not matter: see `texts.folded`; and it may be reversed, in rot13 or in base64.
"""

import base64
import codecs
import re
from collections.abc import Iterator
from itertools import groupby

from autodata.domains.texts import folded, squeezed
from autodata.types import Example

LEAK_WORDS = 12
"""A run of this many words of the reference answer counts as a leak."""
RUN = 16
"""Length of the runs of characters, without spaces, whose share counts: three or four words."""
SHARE = 0.4
"""This share of a longer text's runs counts as a leak."""
MOST_OF_IT = 0.8
"""The same of a text of fewer than LEAK_WORDS words, or of a criterion: honest ones share terms."""
FEW_WORDS = 4
"""A text of fewer words is looked for only in disguise: single values occur in honest contexts."""
SHORTEST_HIDDEN = 8
"""The shortest text that is looked for in disguise, in characters without spaces."""

LETTERS = 12
"""So many letters without a space count as a word; in a script without spaces, a fourth of them."""
ANNOUNCED = ("answeris", "answer", "solutionis")
"""Words after which a single value is the answer given away."""

_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{4,}")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}){4,}")
_DENSE = re.compile("[\u0e00-\u0fff\u2e80-\uffdc]")
_URL_SAFE = str.maketrans("+/", "-_")


def leak(example: Example) -> str:
    """Say which part of an example is in its context or question, or return an empty string."""
    shown = Shown(f"{example.context}\n{example.question}")
    if shown.gives_away(example.answer, SHARE):
        return "the reference answer leaks into the context"
    merits = [line for line in example.rubric if line.weight > 0]
    if any(shown.gives_away(line.criterion, MOST_OF_IT) for line in merits):
        return "a criterion leaks into the context"
    return ""


class Shown:
    """A text that a solver is shown, in which others can be looked for."""

    def __init__(self, text: str) -> None:
        decoded = " ".join(_decoded(text))
        words = _words(f"{text} {decoded}")
        self._decoded = squeezed(decoded)
        self._words = _runs(words, LEAK_WORDS)
        self._plain = "".join(words)
        self._runs = set(_slices(self._plain))

    def gives_away(self, text: str, share: float) -> bool:
        """Whether it holds a text word for word, as it is or in disguise, or so much of it."""
        words = _words(text)
        letters = "".join(words)
        length = max(len(words), len(letters) // LETTERS, 4 * len(_DENSE.findall(text)) // LETTERS)
        if length >= FEW_WORDS:
            if self._holds(letters, length, share):
                return True
        elif letters and any(f"{mark}{letters}" in self._plain for mark in ANNOUNCED):
            return True
        if not self._words.isdisjoint(_runs(words, LEAK_WORDS)):
            return True
        if len(letters) < SHORTEST_HIDDEN:
            return False
        hidden = ("".join(reversed(words)), letters[::-1], codecs.encode(letters, "rot13"))
        disguised = [form for form in hidden if form != letters]
        return letters in self._decoded or any(
            self._holds(form, length, share) for form in disguised
        )

    def _holds(self, form: str, length: int, share: float) -> bool:
        if len(form) < RUN:
            return form in self._plain
        runs = set(_slices(form))
        found = len(runs & self._runs)
        return found >= (share if length >= LEAK_WORDS else MOST_OF_IT) * len(runs)


def _words(text: str) -> list[str]:
    """Return the folded words of a text; one that is said twice in a row is one."""
    grouped = groupby(folded(text).split())
    return [each for word, same in grouped for each in ([word] if len(word) > 1 else same)]


def _slices(text: str) -> Iterator[str]:
    return (text[at : at + RUN] for at in range(len(text) - RUN + 1))


def _runs(words: list[str], length: int) -> set[tuple[str, ...]]:
    return {tuple(words[at : at + length]) for at in range(len(words) - length + 1)}


def _decoded(text: str) -> Iterator[str]:
    """Yield what runs of base64 and of hexadecimal digits stand for."""
    for run in _BASE64.findall(text):
        whole = run[:-1] if len(run) % 4 == 1 else run
        padded = whole.translate(_URL_SAFE) + "=" * (-len(whole) % 4)
        yield base64.urlsafe_b64decode(padded).decode("ascii", "ignore")
    for run in _HEX.findall(text):
        yield bytes.fromhex(run).decode("utf-8", "ignore")
