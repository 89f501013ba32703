"""Redaction of private text from what goes into a bundle: documents, examples and keys.

Error texts and log lines are worth telling, but may quote anything. So every stretch of them that
also stands in a private text is cut out, unless autodata's own source says the same words; what
stands in quotes is cut out in any case.
"""

import re
from collections.abc import Iterable, Mapping
from itertools import pairwise
from pathlib import Path

CUT = "[...]"
GRAM = 12
"""Letters and digits in a row that a text must share with a private one to be cut out."""
STRIDE = 4
"""Private texts are looked at in steps: what is shared is found from GRAM + STRIDE - 1 on."""
_WIDE_ONE = re.compile("[\\u2e80-\\U0010ffff]")
"""A character that is nearer to a word: it counts threefold."""
_OTHER = re.compile(r"[\W_]+")
_ASCII_OTHER = {code: None for code in range(128) if not chr(code).isalnum()}
_ESCAPED = re.compile(r"\\+u([0-9a-fA-F]{4})")
_BREAK = re.compile(r"\\+[nrt]")
_QUOTED = re.compile(
    r"""(?<!\w)'[^'\n]*'(?!\w)|"[^"\n]*"|`[^`\n]*`"""
    "|[\\u00ab\\u201c\\u2018][^\\u00bb\\u201d\\u2019\\n]*[\\u00bb\\u201d\\u2019]"
)
_NAMED = re.compile(
    r"(?i)([\w-]*(?:key|token|secret|passwd|password|credential|authorization)[\w-]*"
    r"[\"']?\s*[=:]\s*[\[(]?[\"']?)(?!\d+\b)[^\s\"',;)\]}]{4,}"
)
_FLAG = re.compile(r"(?i)(--?[\w-]*(?:key|token|secret|password)\s+)\S+")
_SCHEME = re.compile(r"(?i)\b(bearer|basic)\s+\S+")
_LONG = re.compile(r"\b(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]{24,}")
_TOKEN = re.compile(r"\b(?:sk|pk|hf|ghp|gho|xox[a-z]|AKIA|AIza)[-_]?[\w-]{8,}")
_ADDRESS = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^\s\"']+")


class Scrubber:
    """Redacts private text from texts that may quote anything.

    All are `add`ed, then all that is private is `hide`n, then they are asked for with `redacted`.
    """

    def __init__(self, secrets: Iterable[str], places: Mapping[str, str]) -> None:
        self._secrets = sorted({s for s in secrets if len(s) >= 4}, key=len, reverse=True)
        self._places = dict(sorted(places.items(), key=lambda p: -len(p[0])))
        self._open: dict[str, bool] = {}
        self._texts: dict[str, str] = {}
        self._seen: set[int] = set()

    def add(self, text: str) -> None:
        """Register a text that will be redacted."""
        plain = self._texts[text] = self._plain(text)
        self._open.update(dict.fromkeys(_grams(_units(plain)[0], 1), True))

    def keep_own_words(self, package: Path) -> None:
        """Allow words of autodata's own source. Call it before `hide`."""
        for path in package.rglob("*.py"):
            for gram in _grams(_normal(path.read_text("utf-8")), 1):
                self._open.pop(gram, None)

    def hide(self, text: str) -> None:
        """Redact from now on whatever a text shares with this private one."""
        if (mark := hash(text)) in self._seen:
            return
        self._seen.add(mark)
        for gram in self._open.keys() & set(_grams(_normal(text), STRIDE)):
            self._open[gram] = False

    def redacted(self, text: str) -> str:
        """Return a registered text with its private parts cut out."""
        plain = self._texts.get(text)
        if plain is None:
            return CUT
        units, places = _units(plain)
        shut = [False] * len(plain)
        for start in range(len(units) - GRAM + 1):
            if self._open.get(units[start : start + GRAM]) is False:
                for place in range(places[start], places[start + GRAM - 1] + 1):
                    shut[place] = True
        result = _cut(plain, shut)
        for secret in self._secrets:
            result = result.replace(secret, CUT)
        return result

    def _plain(self, text: str) -> str:
        """Take out keys, addresses and quotations, and read what is escaped."""
        text = unescaped(text)
        for secret in self._secrets:
            text = text.replace(secret, CUT)
        for place, name in self._places.items():
            text = text.replace(place, name)
        text = _ADDRESS.sub(rf"\1{CUT}", text)
        text = _SCHEME.sub(rf"\1 {CUT}", text)
        text = _FLAG.sub(rf"\1{CUT}", _NAMED.sub(rf"\1{CUT}", text))
        text = _TOKEN.sub(CUT, text)
        text = _QUOTED.sub(f"'{CUT}'", text)
        return _LONG.sub(CUT, text)


def unescaped(text: str) -> str:
    """Return a text as it was before JSON or Python escaped it, near enough to compare."""
    return _BREAK.sub(" ", _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text))


def _normal(text: str) -> str:
    """Return letters and digits alone."""
    if text.isascii():  # the same, faster
        return text.lower().translate(_ASCII_OTHER)
    return _WIDE_ONE.sub(r"\g<0>\g<0>\g<0>", _OTHER.sub("", text.casefold()))


def _units(text: str) -> tuple[str, list[int]]:
    """Return the same as `_normal`, and where each character of it stands."""
    units, places = [], []
    for place, char in enumerate(text):
        folded = _normal(char)
        units.append(folded)
        places.extend([place] * len(folded))
    return "".join(units), places


def _grams(units: str, step: int) -> list[str]:
    return [units[start : start + GRAM] for start in range(0, len(units) - GRAM + 1, step)]


def _cut(text: str, shut: list[bool]) -> str:
    """Cut what is shut, with the words that it begins and ends in."""
    words = [*re.finditer(r"\S+", text)]
    gone = [any(shut[word.start() : word.end()]) for word in words]
    if not any(gone):
        return text
    parts = [CUT if hidden else word[0] for word, hidden in zip(words, gone, strict=True)]
    return " ".join([parts[0], *(b for a, b in pairwise(parts) if not (a == b == CUT))])
