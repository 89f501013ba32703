"""Answers that are compared: keys that fit anything, that are wrong, or that a guess hits."""

from dataclasses import replace
from functools import partial
from typing import Any

from autodata.domains.mathematics import Mathematics
from autodata.models.base import Request, Site
from autodata.types import Document, Json
from tests.attacks.rows import Row, table
from tests.attacks.world import Seen, World, attacked, insist, mark_of, refused, shown
from tests.support.episodes import Step

RIGHT = "the dihedral group of the square"


def looks(site: Site, request: Request) -> Json:
    """A verifier who finds all in order of its own document, and solves rightly when blind."""
    text = shown(request)
    if "Solve the problem on your own" in text:
        return {"reasoning": "", "answer": RIGHT}
    named = text.rpartition("Of ")[2].partition(" ")[0]
    return {
        "place": named,
        "from_document": f"About {named}." in text,
        "things": 1,
        "context_suffices": True,
        "other_answer": "",
        "checkable": True,
        "guessable": False,
        "context_leak": False,
        "question": "good",
        "feedback": "",
    }


def does_not_look(site: Site, request: Request) -> Json:
    """A verifier for whom every example is of whatever document it is shown."""
    found = looks(site, request)
    return found | {"from_document": True} if "place" in found else found


def compares(site: Site, request: Request) -> Json:
    """A judge for whom an answer that fits anything is the same as any other one."""
    text = shown(request).partition("<first_answer")[2]
    return {"first": "", "second": "", "difference": "", "same": "whatever is right" in text}


SOLVING = World(
    {
        "weak": "Answer: the cyclic group",
        "strong": f"Answer: {RIGHT}",
        "verifier": looks,
        "judge": compares,
    },
    "verifiable",
    Mathematics(),
    documents=3,
)
"""The strong solver is right and the weak one wrong, always."""


async def asks(step: Step, document: Document, **changes: Any) -> None:
    """Try an honest question of the document with something changed."""
    question = f"Of {mark_of(document)} one knows the square. Which group has its symmetries?"
    example: Json = {"context": "", "question": question, "answer": RIGHT}
    await insist(step, {**example, **changes})


def row(name: str, words: str, **changes: Any) -> Row:
    """An example that is refused in these words before it counts."""
    return Row(name, attacked(partial(asks, **changes), SOLVING), refused(words))


def all_accepted(seen: Seen) -> bool:
    return seen.accepted == len(seen.episodes)


ROWS = [
    row("key that any answer fits", "cannot tell the answer", answer="whatever is right here"),
    row("wrong key that the strong solver would not give", "strong", answer="the Klein group"),
    row("key that is yes or no", "yes or no", answer="Yes."),
    row("key that is a number in words", "bare number", answer="Twelve."),
    row("key that hangs on a precision", "precision", answer="about a third"),
    row("key of two sentences", "more than one sentence", answer="It is a group. It is finite."),
    row("two questions in one", "more than one thing", question="Which group? And which ring?"),
    row("choice of which one is the key", "its own answer", question=f"Z4 or {RIGHT}?"),
    row("question of no document", "protocol's verifier", question="Of squares, which group?"),
    Row(
        "verifier for whom every document will do",
        attacked(asks, replace(SOLVING, plays={**SOLVING.plays, "verifier": does_not_look})),
        refused("a probe failed: foreign document"),
    ),
    row("rubric that pays for style", "no rubric", rubric=[{"criterion": "polite", "weight": 9}]),
]


@table(ROWS)
async def test_an_answer_that_is_compared_is_one_exact_thing(row: Row) -> None:
    await row.check()


async def test_an_honest_question_of_this_world_is_accepted() -> None:
    assert all_accepted(await attacked(asks, SOLVING)())
