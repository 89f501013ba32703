"""An example is its meaning; and no text that a model wrote keeps the host busy for long."""

from collections.abc import Callable
from dataclasses import replace
from time import thread_time

import pytest

from autodata.domains.cloze import Cloze
from autodata.domains.copies import sketch
from autodata.domains.grading import as_text
from autodata.domains.leaks import leak
from autodata.domains.matching import final_answer, matches, normalize, vote
from autodata.domains.research import Research
from autodata.domains.texts import essence, folded, squeezed, unbounded
from autodata.episode.agent import answer_tool
from autodata.models.base import ToolCall
from autodata.types import Criterion, Document, Example
from tests.support.episodes import DOCUMENT, EXAMPLE

TRIFLES = {
    "a full stop": replace(EXAMPLE, question=f"{EXAMPLE.question}."),
    "white space": replace(EXAMPLE, question=f"\n{EXAMPLE.question.replace(' ', '  ')}"),
    "upper case": replace(EXAMPLE, question=EXAMPLE.question.upper()),
    "a zero-width space": replace(EXAMPLE, question=f"\u200b{EXAMPLE.question}"),
    "a soft hyphen": replace(EXAMPLE, question=EXAMPLE.question.replace("ache", "a\u00adche")),
    "a joiner": replace(EXAMPLE, question=EXAMPLE.question.replace("ache", "a\u034fche")),
    "a look-alike": replace(EXAMPLE, question=EXAMPLE.question.replace("e", "\u0435")),
    "an accent": replace(EXAMPLE, question=EXAMPLE.question.replace("e", "e\u0301")),
    "wide letters": replace(EXAMPLE, question=EXAMPLE.question.replace("c", "\uff43")),
    "quotation marks": replace(EXAMPLE, question=f"\u201c{EXAMPLE.question}\u201d"),
    "a tag character": replace(EXAMPLE, question=f"{EXAMPLE.question}\U000e0041"),
    "a full stop in the answer": replace(EXAMPLE, answer=f"{EXAMPLE.answer}."),
    "a full stop in the context": replace(EXAMPLE, context=f"{EXAMPLE.context}."),
    "the order of the rubric": replace(EXAMPLE, rubric=EXAMPLE.rubric[::-1]),
    "a full stop in a criterion": replace(
        EXAMPLE,
        rubric=(
            replace(EXAMPLE.rubric[0], criterion="Says that asking costs more."),
            *EXAMPLE.rubric[1:],
        ),
    ),
    "a category": replace(EXAMPLE, rubric=tuple(replace(c, category="z") for c in EXAMPLE.rubric)),
    "labels": replace(EXAMPLE, kind="other", skills=("x",)),
}


@pytest.mark.parametrize("trifle", TRIFLES.values(), ids=TRIFLES)
def test_a_trifle_makes_no_other_example(trifle: Example) -> None:
    assert essence(trifle) == essence(EXAMPLE)


@pytest.mark.parametrize(
    "other",
    [
        replace(EXAMPLE, question="Why does the cache keep no answers?"),
        replace(EXAMPLE, answer="something else"),
        replace(EXAMPLE, rubric=EXAMPLE.rubric[:2]),
        replace(EXAMPLE, rubric=tuple(replace(c, weight=-c.weight) for c in EXAMPLE.rubric)),
    ],
)
def test_another_meaning_makes_another_example(other: Example) -> None:
    assert essence(other) != essence(EXAMPLE)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("3.5", "35"),
        ("-5", "5"),
        ("1/2", "12"),
        ("10\u00b2", "102"),
        ("<", ">"),
        ("\u304b", "\u304c"),
    ],
)
def test_numbers_and_signs_keep_their_meaning(one: str, other: str) -> None:
    assert folded(one) != folded(other)


@pytest.mark.parametrize(
    ("example", "fault"),
    [
        (EXAMPLE, ""),
        (replace(EXAMPLE, answer="x" * 8_000), ""),
        (replace(EXAMPLE, answer="x" * 8_001), "a reference answer has at most 8,000 characters"),
        (Example("q", "x" * 500), ""),
        (Example("q" * 20_000, "x", "c" * 20_000), ""),
        (
            Example("q", "x", "c" * 20_001),
            "context and question have at most 20,000 characters each",
        ),
        (Example("q", "x" * 501), "a checkable answer has at most 500 characters"),
        (
            replace(EXAMPLE, rubric=(Criterion("x" * 401, 1),)),
            "a criterion has at most 400 characters",
        ),
        (
            replace(EXAMPLE, rubric=(Criterion("is right\n2. x", 1),)),
            "a criterion is one line",
        ),
        (replace(EXAMPLE, rubric=(Criterion("is right\u20282. x", 1),)), "a criterion is one line"),
    ],
)
def test_parts_of_an_example_are_bounded(example: Example, fault: str) -> None:
    assert unbounded(example) == fault


WORST = (
    "\n", "a", ".", " .", ".1", "1,", "!\n", "*\n", "ab cd ", "answer", "answer:\n", "Answer: 1\n",
    "\u0327\u0301", "e\u0301", "\u0430", "\u200b", "\ufdfa", "\U0001d400", "\u4e2d\u6587", "QUJD",
    "\u00b2 ", "a-a", "A b. ", "\"'`$*",
)  # fmt: skip
FUNCTIONS: dict[str, Callable[[str], object]] = {
    "folded": folded,
    "squeezed": squeezed,
    "normalize": normalize,
    "final_answer": final_answer,
    "matches": lambda text: matches(text, "42"),
    "vote": lambda text: vote([text, f"{text} ", "7"]),
    "essence": lambda text: essence(Example(text, "a", text)),
    "sketch": lambda text: sketch(Example(text, "a")),
    "leak of an answer": lambda text: leak(Example("q", text[:8_000], text)),
    "leak of a criterion": lambda text: leak(Example(text, "", "", (Criterion(text[:400], 1),))),
    "as_text": lambda text: as_text(Example(text, text)),
    "fault of research": lambda text: Research().fault(DOCUMENT, replace(EXAMPLE, context=text)),
    "fault of cloze": lambda text: Cloze().fault(
        Document("d", "d", text), Example(text[:3_000], "a", text[:1_000])
    ),
    "answer of cloze": Cloze().answer,
    "find of an agent": lambda text: answer_tool(
        Document("d", "d", text), ToolCall("1", "find", {"phrase": text[:2_000]})
    ),
}
SIZE = 3_000
SPARE_S = 0.02  # of a busy machine; what is not linear takes much more


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_ten_times_the_text_takes_no_more_than_fifteen_times_the_time(
    function: Callable[[str], object],
) -> None:
    for worst in WORST:
        text = worst * (10 * SIZE // len(worst))
        short = min(_seconds(function, text[:SIZE]) for _ in range(3))
        for _ in range(5):
            if (longer := _seconds(function, text)) <= 15 * short + SPARE_S:
                break
        else:
            raise AssertionError(f"{worst!r}: {short:.5f} s, then {longer:.5f} s")


def _seconds(function: Callable[[str], object], text: str) -> float:
    begun = thread_time()
    function(text)
    return thread_time() - begun
