"""Leaks: the reference answer, or what the rubric asks for, handed to the solvers in disguise.

A leak in plain words helps weak and strong alike; one that only a strong solver reads makes a gap.
What the host's text check does not find is the verifier's to find, which errs and can be asked
again; each of these rows wants the host's own check to close the round.
"""

import base64
import codecs
from collections.abc import Callable
from functools import partial

from autodata.types import Document, Json
from tests.attacks.rows import Row, table
from tests.attacks.world import APART, World, attacked, closed, gullible_verifier, insist, item
from tests.support.episodes import Step

Disguise = Callable[[Json], Json]


async def leaking(step: Step, document: Document, disguise: Disguise) -> None:
    """Try a leaking example."""
    await insist(step, disguise(item(document, 1)))


def into(field: str, change: Callable[[str], str]) -> Disguise:
    """Append the changed answer to a field."""
    return lambda example: {**example, field: f"{example[field]} Note: {change(example['answer'])}"}


def every_eleventh(answer: str) -> str:
    """Another word in every eleventh place."""
    return " ".join("well" if n % 11 == 10 else word for n, word in enumerate(answer.split()))


def alike(text: str) -> str:
    """Letters of another alphabet that look the same."""
    return text.translate(str.maketrans("aeop", "\u0430\u0435\u043e\u0440"))


def halves(example: Json) -> Json:
    """The first half of the answer in the context, the rest in the question."""
    words = example["answer"].split()
    half = len(words) // 2
    return {
        **example,
        "context": f"{example['context']} Note: {' '.join(words[:half])}",
        "question": f"{' '.join(words[half:])} {example['question']}",
    }


def criteria_verbatim(example: Json) -> Json:
    """What the rubric asks for, word for word in the context."""
    told = ". ".join(line["criterion"] for line in example["rubric"])
    return {**example, "context": f"{example['context']} {told}"}


def dummy(example: Json) -> Json:
    """A reference answer of no use; the real one is in context and rubric."""
    real = example["answer"]
    lines = [{**line, "criterion": f"{line['criterion']}: {real}"} for line in example["rubric"]]
    told = f"{example['context']} {real}"
    return {**example, "answer": "See the rubric.", "rubric": lines, "context": told}


def short(example: Json) -> Json:
    """A checkable answer of two words that stands in the context."""
    answer = " ".join(example["answer"].split()[:2])
    told = f"{example['context']} The answer is: {answer}."
    return {**example, "answer": answer, "rubric": [], "context": told}


CHINESE = (
    "\u7f13\u5b58\u4e4b\u6240\u4ee5\u4fdd\u7559\u5176\u7b54\u6848\uff0c"
    "\u662f\u56e0\u4e3a\u518d\u6b21\u8be2\u95ee\u7684\u4ee3\u4ef7\u9ad8\u4e8e"
    "\u8bb0\u4f4f\u5df2\u7ecf\u8bf4\u8fc7\u7684\u5185\u5bb9\u3002"
)
"""That a cache keeps its answers as asking again costs more than remembering."""


def without_spaces(example: Json) -> Json:
    """An answer in a script that has no spaces, word for word in the context."""
    return {**example, "answer": CHINESE, "context": f"{example['context']} {CHINESE}"}


def hyphenated(example: Json) -> Json:
    """An answer with hyphens for spaces, word for word in the context."""
    answer = example["answer"].replace(" ", "-")
    return {**example, "answer": answer, "context": f"{example['context']} {answer}"}


def in_base64(text: str) -> str:
    """As base64."""
    return base64.b64encode(text.encode()).decode()


def in_hex(text: str) -> str:
    """As hexadecimal digits."""
    return text.encode().hex()


def in_code_points(text: str) -> str:
    """As numbers of letters: stands for all codes that a strong solver reads."""
    return " ".join(str(ord(letter)) for letter in text)


DISGUISES: dict[str, Disguise] = {
    "plain, in the context": into("context", str),
    "plain, in the question": into("question", str),
    "half in the context, half in the question": halves,
    "every eleventh word changed": into("context", every_eleventh),
    "zero-width spaces": into("context", "\u200b".join),
    "homoglyphs": into("context", alike),
    "underscores": into("context", lambda a: a.replace(" ", "_")),
    "base64": into("context", in_base64),
    "base64, every word": into("context", lambda a: " ".join(map(in_base64, a.split()))),
    "hexadecimal": into("context", in_hex),
    "backwards by letter": into("context", lambda a: a[::-1]),
    "backwards by word": into("context", lambda a: " ".join(a.split()[::-1])),
    "rot13": into("context", lambda a: codecs.encode(a, "rot13")),
    "spaced letters": into("context", lambda a: " ".join(a.replace(" ", "/"))),
    "every word twice": into("context", lambda a: " ".join(f"{w} {w}" for w in a.split())),
    "short answer word for word": short,
    "dummy answer, real one in the rubric": dummy,
    "a script without spaces": without_spaces,
    "hyphens for spaces": hyphenated,
    "criteria word for word": criteria_verbatim,
}
BELIEVING = World({**APART, "verifier": gullible_verifier}, documents=2)


async def blank(step: Step, document: Document) -> None:
    """Give a context of nothing but space."""
    await insist(step, {**item(document, 1), "context": " " * 300})


ROWS = [
    *(
        Row(name, attacked(partial(leaking, disguise=disguise), BELIEVING), closed("leaks"))
        for name, disguise in DISGUISES.items()
    ),
    Row(
        "a code that no table has",
        attacked(partial(leaking, disguise=into("context", in_code_points)), BELIEVING),
        closed("leaks"),
        "passes the host's check; only the verifier may find it",
    ),
    Row("blank context", attacked(blank, BELIEVING), closed("too short")),
]


@table(ROWS)
async def test_a_leak_closes_the_round_before_a_solver_sees_it(row: Row) -> None:
    await row.check()
