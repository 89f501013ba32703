"""Normalization of texts for comparison, and their bounds: what an example says, not how it looks.

Language models wrote these texts, so every function here takes time in proportion to their length,
whatever they hold.
"""

import re
import unicodedata
from functools import lru_cache
from itertools import chain

from autodata.types import Example

MOST_CHECKABLE = 500
"""The longest reference answer that is compared, in characters."""
MOST_ANSWER = 8_000
"""The longest reference answer of an example with a rubric."""
MOST_CRITERION = 400
"""The longest criterion of a rubric."""
MOST_SHOWN = 20_000
"""The longest context, and the longest question."""
MOST_REPLY = 100_000
"""The longest reply of a solver that is looked at."""

Essence = tuple[str, str, str, frozenset[tuple[str, int]]]

_LOOKALIKES = str.maketrans(
    "авекмнорстухіјѕһԁԛԝьαβεικνορτυχωıɡᴀᴇᴏ",
    "abekmhopctyxijshdqwbabeikvoptuxwigaeo",
)
"""Letters of other alphabets that look like Latin ones, in lower case (after UTS 39)."""
_IGNORABLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f]")
"""Characters that show nothing and are no format characters by their category."""
_LETTERS = {0, 7, 8, 9}
"""Classes of combining characters that are no accents: among them what tells ga from ka."""
_MOST_LETTERS = 4
"""What stands for more letters stays as it is: one character can stand for 18."""
_PUNCTUATION = re.compile(r"[!\"#%&'()*,\-./:;?@\[\\\]_{}](?![0-9])")
"""Marks that go; one before a digit stays, as 3.5 is not 35."""


def folded(text: str) -> str:
    """Return a text without what makes no difference to its meaning.

    NFKC and case are folded; look-alikes of Latin letters, accents, format characters and
    punctuation go, and white space is one space.
    """
    return " ".join(_PUNCTUATION.sub("", text.translate(_FOLDING)).split())


def squeezed(text: str) -> str:
    """Return a folded text without any space: s p a c e d letters are the word."""
    return folded(text).replace(" ", "")


def essence(example: Example) -> Essence:
    """Return what makes an example another one; what has the same essence is the same example.

    A long answer without a rubric is a program, in which punctuation says something.
    """
    program = not example.rubric and len(example.answer) > MOST_CHECKABLE
    answer = example.answer if program else folded(example.answer)
    texts = (folded(example.question), answer, folded(example.context))
    return *texts, frozenset((folded(line.criterion), line.weight) for line in example.rubric)


def unbounded(example: Example, checkable: int = MOST_CHECKABLE) -> str:
    """Name the part of an example that is too long to be looked at, or return an empty string.

    `checkable` is the longest reference answer without a rubric, in characters.
    """
    most = MOST_ANSWER if example.rubric else checkable
    if len(example.answer) > most:
        kind = "a reference answer" if example.rubric else "a checkable answer"
        return f"{kind} has at most {most:,} characters"
    if max(len(example.context), len(example.question)) > MOST_SHOWN:
        return f"context and question have at most {MOST_SHOWN:,} characters each"
    for line in example.rubric:
        if len(line.criterion) > MOST_CRITERION:
            return f"a criterion has at most {MOST_CRITERION} characters"
        if len(line.criterion.splitlines()) > 1:
            return "a criterion is one line"
    return ""


class _Folding:
    """A table for `str.translate` that is made as characters are met."""

    def __getitem__(self, code: int) -> str:
        return _folded(code)


_FOLDING = _Folding()


@lru_cache(20_000)
def _folded(code: int) -> str:
    """Fold one character; one at a time, as sorting a long run of accents is not linear."""
    character = chr(code)
    apart = unicodedata.normalize("NFKD", character)
    if len(apart) > _MOST_LETTERS:
        return character
    if unicodedata.decomposition(character).startswith("<super>"):
        apart = f"^{apart}"  # 10 squared is not 102
    apart = unicodedata.normalize("NFKD", apart.casefold())
    return "".join(chain.from_iterable(map(_kept, apart)))


def _kept(character: str) -> str:
    category = unicodedata.category(character)
    accent = unicodedata.combining(character) not in _LETTERS
    if category == "Cf" or accent or _IGNORABLE.match(character):
        return ""
    if category == "Pd" or character == "\u2212":
        return "-"
    if category[0] == "P" and not character.isascii():
        return "."
    if category == "Cc" or category[0] == "Z":
        return " "
    return character.translate(_LOOKALIKES)
