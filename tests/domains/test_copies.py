"""Near copies: what resembles an example in two parts of three, and what only shares a template."""

from dataclasses import replace
from random import Random

import pytest

from autodata.domains.copies import Index, alike, near, sketch
from autodata.types import Example

EXAMPLE = Example(
    "Why does the cache keep its answers for so long after the source has changed?",
    "Because asking again costs more than an answer that is now and then too old.",
    "A cache stands between a caller and a slow source that changes once a day. " * 3,
)
OTHER = Example(
    "Which of two sorted lists should a merge read first when their heads are equal?",
    "The left one, as only then do equal entries keep the order in which they came.",
    "Merging takes the smaller head of two sorted lists until one of them is empty. " * 3,
)


@pytest.mark.parametrize(
    "changed",
    [
        replace(EXAMPLE, question=f"{EXAMPLE.question} Explain."),
        replace(EXAMPLE, question=EXAMPLE.question.replace("cache", "buffer")),
        replace(EXAMPLE, question=f"In the light of the text above, {EXAMPLE.question}"),
        replace(EXAMPLE, question=" ".join(EXAMPLE.question)),
        replace(EXAMPLE, context=OTHER.context),
        replace(EXAMPLE, answer=OTHER.answer),
        replace(EXAMPLE, question="What follows?"),
    ],
)
def test_what_resembles_in_two_parts_is_a_near_copy(changed: Example) -> None:
    assert near(EXAMPLE, changed)
    assert near(changed, EXAMPLE)


@pytest.mark.parametrize(
    "other",
    [
        OTHER,
        replace(OTHER, question=EXAMPLE.question),
        replace(OTHER, context=EXAMPLE.context),
        replace(OTHER, answer=EXAMPLE.answer),
    ],
)
def test_one_part_alone_makes_no_near_copy(other: Example) -> None:
    assert not near(EXAMPLE, other)


def test_short_questions_of_one_template_are_no_near_copies() -> None:
    def founded(who: str, when: str) -> Example:
        return Example(f"In which year was {who} founded?", when)

    assert not near(founded("Oxford", "1096"), founded("Heidelberg", "1386"))
    assert near(founded("Oxford", "1096"), founded("oxford", "1096."))
    assert near(founded("Oxford", "1096"), founded("Oxford", "1097"))


def test_empty_parts_resemble_nothing() -> None:
    assert not alike(frozenset(), frozenset())
    assert not near(Example("", ""), Example("", ""))


def test_a_sketch_is_bounded() -> None:
    long = " ".join(map(str, range(20_000)))
    assert len(sketch(Example(long, "a")).question) == 256
    assert near(Example(long, "a", long), Example(f"{long} more", "a", f"{long} more"))


def test_an_index_finds_near_copies_of_others() -> None:
    index = Index()
    index.add("a", sketch(EXAMPLE))
    assert index.has_near("b", sketch(replace(EXAMPLE, question=f"{EXAMPLE.question} Explain.")))
    assert not index.has_near("a", sketch(EXAMPLE))
    assert not index.has_near("b", sketch(OTHER))


def test_an_index_misses_no_copy_that_comparing_all_finds() -> None:
    rng = Random(7)
    words = [f"{rng.randrange(10**6):x}" for _ in range(400)]
    index, kept = Index(), list[list[str]]()
    for number in range(150):
        text = [rng.choice(words) for _ in range(30)]
        copied = rng.random()
        if kept and copied < 0.5:  # up to a quarter of the words is changed
            text = [w if rng.random() > copied / 2 else rng.choice(words) for w in rng.choice(kept)]
        told = " ".join(text)
        drawn = sketch(Example(told[:100], told[100:160], told[160:]))
        others = [sketch(Example(t[:100], t[100:160], t[160:])) for t in map(" ".join, kept)]
        assert index.has_near("me", drawn) == any(drawn.is_near(other) for other in others)
        index.add(str(number), drawn)
        kept.append(text)
