"""Checkable answers: exact and normalized match, and a vote over several answers.

Normalization after SQuAD's evaluation (Rajpurkar et al., EMNLP 2016), kept to what cannot turn a
wrong value into a right one: numbers keep signs, points and units.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

ARTICLES = {"a", "an", "the"}


def normalize(text: str) -> str:
    """Fold case, width, white space, a leading article, thousands separators, closing points."""
    raised = "".join(f"^{c}" if _is_superscript(c) else c for c in text)
    folded = unicodedata.normalize("NFKC", raised).casefold().strip()
    folded = re.sub(r"(?<=\d),(?=\d{3}\b)", "", folded)
    folded = re.sub(r"^[\"'`$*\s]+|[\"'`$*\s.;:!?]+$", "", folded)
    words = folded.split()
    if len(words) > 1 and words[0] in ARTICLES:
        del words[0]
    return " ".join(words)


def _is_superscript(character: str) -> bool:
    """Whether NFKC would turn an exponent into a plain digit: 10 squared is not 102."""
    return unicodedata.decomposition(character).startswith("<super>")


def final_answer(text: str) -> str:
    """Return what follows the last `Answer:`, else the last line that is not empty."""
    marked = re.findall(r"(?im)^\W*(?:final )?answer\W*:\s*(.+)$", text)
    if marked:
        return str(marked[-1])
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def matches(answer: str, reference: str) -> bool:
    """Return whether an answer, or its final line, equals the reference, exactly or normalized."""
    target = normalize(reference)
    return bool(target) and target in (normalize(answer), normalize(final_answer(answer)))


def vote(answers: Sequence[str]) -> str:
    """Return the answer whose normalized final form is most frequent; the earliest one on a tie."""
    forms = [normalize(final_answer(answer)) for answer in answers]
    best = max(Counter(forms).items(), key=lambda item: (item[1], -forms.index(item[0])))[0]
    return answers[forms.index(best)]
