"""Texts as bombs: what a reply or an example must not do to the host's own text functions.

Ten times the text may take fifteen times the time in the same run, best of several; and a text
that is too long for its place is refused before any function sees it.
"""

import time
from collections.abc import Awaitable, Callable
from functools import partial

from autodata.domains.cloze import Cloze
from autodata.domains.matching import final_answer, matches, normalize
from autodata.domains.research import Research
from autodata.types import Document, Example, Json
from tests.attacks.rows import Row, at_most, table
from tests.attacks.world import APART, PAPERS, World, attacked, closed, insist, item
from tests.support.episodes import Step

SMALL, GROWTH = 120, 10


def growth(
    function: Callable[[str], object], text: Callable[[int], str]
) -> Callable[[], Awaitable[float]]:
    """Return what measures how many times longer a text of ten times the size takes."""

    def seconds(size: int) -> float:
        worst, best = text(size), float("inf")
        for _ in range(9):
            begun = time.thread_time()
            function(worst)
            best = min(best, time.thread_time() - begun)
        return best

    async def measured() -> float:
        function(text(8))
        return round(seconds(SMALL * GROWTH) / max(seconds(SMALL), 2e-6), 1)

    return measured


def as_answer(text: str) -> object:
    """Hold an example with this answer against its document."""
    example = Example("What?", text, "words " * 50)
    return Research().fault(PAPERS[0], example)


def as_context(text: str) -> object:
    """Hold an example with this context against its document."""
    return Research().fault(PAPERS[0], Example("What?", "one two three four five", text))


def as_both(text: str) -> object:
    """Hold an example against its document whose answer is nearly in its context, everywhere."""
    words = text.split()
    answer = " ".join("other" if n % 12 == 11 else word for n, word in enumerate(words))
    return Research().fault(PAPERS[0], Example("What?", answer, text))


def as_passage(text: str) -> object:
    """Hold a cloze example with this passage against a document of it."""
    document = Document("f" * 16, "x.txt", f"{text} The end of it comes very soon.")
    return Cloze().fault(document, Example("The end of it comes very", "soon", text))


def match(text: str) -> object:
    """Compare with a reference answer."""
    return matches(text, "42")


BOMBS: dict[str, tuple[Callable[[str], object], Callable[[int], str]]] = {
    "final answer of newlines": (final_answer, lambda n: "\n" * n + "x"),
    "final answer of marks": (final_answer, lambda n: "*" * n + "answer"),
    "final answer of blanks and marks": (final_answer, lambda n: "answer" + " *" * n),
    "final answer of many answers": (final_answer, lambda n: "answer" * n),
    "normalize dots": (normalize, lambda n: "." * n + "x"),
    "normalize quotes": (normalize, lambda n: "'" * n + "x" + "'" * n + "x"),
    "normalize superscripts": (normalize, lambda n: "\u00b2" * n),
    "normalize thousands": (normalize, lambda n: "1," * n + "1"),
    "normalize ligatures": (normalize, lambda n: "\ufdfa" * n),
    "match of newlines": (match, lambda n: "\n." * n),
    "leak in one long word": (as_answer, lambda n: "a" * n),
    "leak of equal words": (as_both, lambda n: "same " * n),
    "context of marks": (as_context, lambda n: "\u200b." * n),
    "passage of equal words": (as_passage, lambda n: "it is so. " * n),
}


async def answering(step: Step, document: Document, change: Json) -> None:
    """Try an item with some of it replaced."""
    await insist(step, {**item(document, 1), **change})


TWO = World(APART, documents=2)
ROWS = [
    *(
        Row(name, growth(function, text), at_most(15, "times the time"))
        for name, (function, text) in BOMBS.items()
    ),
    Row(
        "context of 100,000 characters",
        attacked(partial(answering, change={"context": "word " * 20_000}), TWO),
        closed("at most"),
    ),
    Row(
        "reference answer of 100,000 characters",
        attacked(partial(answering, change={"answer": "word " * 20_000}), TWO),
        closed("at most 8,000"),
    ),
    Row(
        "checkable answer of 600 characters",
        attacked(partial(answering, change={"answer": "word " * 120, "rubric": []}), TWO),
        closed("at most 500"),
    ),
]


@table(ROWS)
async def test_a_text_costs_no_more_than_its_length(row: Row) -> None:
    await row.check()
