"""Leaks of the reference answer or a criterion into what solvers are shown, in any disguise."""

import base64
import codecs

import pytest

from autodata.domains.leaks import leak
from autodata.types import Criterion, Example

ANSWER = (
    "The cache keeps every reply because asking the slow source again costs far more than the "
    "memory which remembering takes, and readers outnumber writers."
)
CONTEXT = "A cache stands between a caller and a slow source. " * 6
ANSWER_LEAKS = "the reference answer leaks into the context"
LOOKALIKES = str.maketrans("aeo", "\u0430\u0435\u043e")


def every_nth_word_changed(nth: int) -> str:
    return " ".join(w if n % nth else "zebra" for n, w in enumerate(ANSWER.split()))


DISGUISES = {
    "as it is": ANSWER,
    "upper case": ANSWER.upper(),
    "every 11th word changed": every_nth_word_changed(11),
    "every 7th word changed": every_nth_word_changed(7),
    "zero-width spaces": "\u200b".join(ANSWER),
    "soft hyphens": "\u00ad".join(ANSWER),
    "accents": "\u0301".join(ANSWER),
    "homoglyphs": ANSWER.translate(LOOKALIKES),
    "wide letters": "".join(chr(ord(c) + 0xFEE0) if c.isalpha() else c for c in ANSWER),
    "underscores": ANSWER.replace(" ", "_"),
    "spaced letters": " ".join(ANSWER),
    "points between letters": ".".join(ANSWER),
    "reversed": ANSWER[::-1],
    "words reversed": " ".join(reversed(ANSWER.split())),
    "rot13": codecs.encode(ANSWER, "rot13"),
    "base64": base64.b64encode(ANSWER.encode()).decode(),
    "base64, every word": " ".join(base64.b64encode(w.encode()).decode() for w in ANSWER.split()),
    "hexadecimal": ANSWER.encode().hex(),
    "every word twice": " ".join(f"{word} {word}" for word in ANSWER.split()),
    "base64 for addresses": base64.urlsafe_b64encode(ANSWER.encode()).decode(),
}


@pytest.mark.parametrize("form", DISGUISES.values(), ids=DISGUISES)
@pytest.mark.parametrize("where", ["context", "question"])
def test_an_answer_leaks_in_every_disguise(form: str, where: str) -> None:
    context, question = (CONTEXT + form, "Why?") if where == "context" else (CONTEXT, form)
    assert leak(Example(question, ANSWER, context)) == ANSWER_LEAKS


def test_an_answer_that_is_split_over_context_and_question_leaks() -> None:
    first, _, second = ANSWER.partition(" again ")
    assert leak(Example(f"again {second} Why?", ANSWER, CONTEXT + first)) == ANSWER_LEAKS


def test_a_criterion_leaks_and_a_fault_does_not() -> None:
    line = "says that asking costs more than memory does"
    context = f"{CONTEXT} He {line}."
    assert leak(Example("Why?", "x", context, (Criterion(line, 3),))) == (
        "a criterion leaks into the context"
    )
    assert leak(Example("Why?", "x", context, (Criterion(line, -3),))) == ""
    assert leak(Example("Why?", "x", CONTEXT, (Criterion(line, 3),))) == ""


@pytest.mark.parametrize(
    ("context", "leaking"),
    [
        ("We saw that it saturates too early there.", True),
        ("We saw that it saturates too.", False),
        ("It saturates early, too.", False),
    ],
)
def test_a_short_answer_leaks_as_a_whole(context: str, leaking: bool) -> None:
    assert bool(leak(Example("Why?", "it saturates too early", context))) is leaking


def test_a_single_value_may_occur_but_not_in_disguise() -> None:
    assert leak(Example("How long?", "42 ms", "It took 42 ms.")) == ""
    assert leak(Example("Who?", "Ada Lovelace", "Ada Lovelace wrote it.")) == ""
    assert leak(Example("Who?", "Ada", "The answer is: Ada.")) == ANSWER_LEAKS
    assert leak(Example("Who?", "Ada Lovelace", "ecalevoL adA wrote it.")) == ANSWER_LEAKS
    assert leak(Example("Who?", "Ada Lovelace", "QWRhIExvdmVsYWNl wrote it.")) == ANSWER_LEAKS


def test_an_answer_without_spaces_is_as_long_as_its_letters() -> None:
    hyphenated = ANSWER.replace(" ", "-")
    assert leak(Example("Why?", hyphenated, f"{CONTEXT} {hyphenated}")) == ANSWER_LEAKS
    chinese = "\u7f13\u5b58\u4fdd\u7559\u6240\u6709\u7684\u7b54\u6848\u800c\u4e14\u5f88\u5feb"
    assert leak(Example("Why?", chinese, f"{CONTEXT} {chinese}")) == ANSWER_LEAKS
    assert leak(Example("Why?", chinese, f"{CONTEXT} {chinese[:5]}")) == ""


def test_an_answer_may_use_the_words_of_question_and_context() -> None:
    context = "The convolutional neural network overfits the small training set. " + CONTEXT
    answer = (
        "Since a convolutional neural network has more weights than there are pictures, it learns "
        "each of them by heart instead of what they share, which a slow source cannot repair."
    )
    assert leak(Example("Why does the neural network overfit?", answer, context)) == ""
