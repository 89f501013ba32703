"""Checkable answers: exact and normalized match, and a vote over several answers.

Normalization after SQuAD's evaluation (Rajpurkar et al., EMNLP 2016), kept to what cannot turn a
wrong value into a right one: numbers keep signs, points and units.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

ARTICLES = {"a", "an", "the"}
MOST_COMPARED = 2_000
"""The longest text that is normalized, in characters: a longer one equals no checkable answer."""
_OPENING = "\"'`$* "
_CLOSING = "\"'`$* .;:!?"
_MARKED = re.compile(r"(?im)^[^\w\n]{0,20}(?:final )?answer[^\w\n]{0,20}:")


def normalize(text: str) -> str:
    """Fold case, width, white space, a leading article, thousands separators, closing points."""
    if len(text) > MOST_COMPARED:
        return text
    raised = "".join(f"^{c}" if _is_superscript(c) else c for c in text)
    words = unicodedata.normalize("NFKC", raised).casefold().split()
    folded = re.sub(r"(?<=\d),(?=\d{3}\b)", "", " ".join(words))
    words = folded.lstrip(_OPENING).rstrip(_CLOSING).split()
    if len(words) > 1 and words[0] in ARTICLES:
        del words[0]
    return " ".join(words)


def _is_superscript(character: str) -> bool:
    """Whether NFKC would turn an exponent into a plain digit: 10 squared is not 102."""
    return unicodedata.decomposition(character).startswith("<super>")


def final_answer(text: str) -> str:
    """Return what follows the last `Answer:`, else the last line that is not empty."""
    text, start = text.rstrip(), -1
    for marked in _MARKED.finditer(text):
        if marked.end() < len(text):
            start = marked.end()
    if start < 0:
        return text.rpartition("\n")[2].strip()
    return text[start:].lstrip().partition("\n")[0]


def matches(answer: str, reference: str) -> bool:
    """Return whether an answer, or its final line, equals the reference, exactly or normalized."""
    target = normalize(reference)
    return bool(target) and target in (normalize(answer), normalize(final_answer(answer)))


def vote(answers: Sequence[str]) -> str:
    """Return the answer whose normalized final form is most frequent; the earliest one on a tie."""
    forms = [normalize(final_answer(answer)) for answer in answers]
    best = max(Counter(forms).items(), key=lambda item: (item[1], -forms.index(item[0])))[0]
    return answers[forms.index(best)]
