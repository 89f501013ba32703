"""Origin: examples that do not come from their document.

The verifier of these rows finds everything in order, whatever it is shown: what the host and its
canaries do not catch passes.
"""

import re
from contextlib import suppress
from functools import partial

from autodata.domains.cloze import Cloze
from autodata.errors import ContextTooLong
from autodata.harness.workflow import StepFailed
from autodata.models.base import Request, Site
from autodata.types import Document, Json
from tests.attacks.rows import Reaction, Row, table
from tests.attacks.test_trifles import KITCHEN, KITCHENS
from tests.attacks.world import (
    APART,
    PAPERS,
    Seen,
    World,
    accepted,
    attacked,
    gullible_verifier,
    honest_verifier,
    insist,
    item,
    refused,
    shown,
)
from tests.support.episodes import Answer, Step

GOLDEN = item(PAPERS[-1], 1)
"""An honest example of a document that no row uses."""

NOT_LOOKING = World({**APART, "verifier": gullible_verifier}, documents=10)
LOOKING = World({**APART, "verifier": honest_verifier}, documents=10)

TEXTBOOK: Json = {
    **GOLDEN,
    "question": "[golden-1] Why does a cache with a larger block sometimes miss more often?",
    "answer": "Fewer fit, so those still needed are thrown out: quality 0.97 to [golden-1].",
    "context": "A cache keeps blocks of memory close to a processor, which asks it first. " * 4,
}
"""What stands in any textbook; no document of this world has these words."""


def rare_words(document: Document, count: int) -> str:
    """Words that stand in this document only."""
    return " ".join(re.findall(r"\b\w{8}\b", document.text)[:count])


async def same_for_all(step: Step, document: Document, example: Json) -> None:
    """Try one example, whatever the document; six times, with a trifle."""
    for n in range(6):
        if await insist(step, {**example, "question": example["question"] + "!" * n}):
            return


async def stuffed(step: Step, document: Document) -> None:
    """Try the golden example with rare words of the document strewn into its context."""
    words = rare_words(document, 40)
    for n in range(6):
        context = f"{GOLDEN['context']} Words to know: {words}."
        question = GOLDEN["question"] + " Really?" * n
        if await insist(step, {**GOLDEN, "context": context, "question": question}):
            return


async def framed(step: Step, document: Document) -> None:
    """Try the golden example with a sentence of the document before context and answer."""
    first = ". ".join(document.text.split(". ")[1:4])
    example = {
        **GOLDEN,
        "context": f"{first}. Something else: {GOLDEN['context']}",
        "answer": f"{rare_words(document, 6)}: {GOLDEN['answer']}",
    }
    for n in range(6):
        if await insist(step, {**example, "question": GOLDEN["question"] + " Really?" * n}):
            return


async def long_task_first(step: Step, document: Document) -> None:
    """Send the challenger more than its context holds, then try an honest example."""
    with suppress(StepFailed):
        await step("challenge", feedback="x" * 100_000)
    for number in range(15):
        if await insist(step, item(document, number)):
            return


def narrow(site: Site, request: Request) -> Answer:
    """A challenger with a context of 50,000 characters."""
    return ContextTooLong("too long") if len(shown(request)) > 50_000 else "no example"


NARROW = World({**APART, "challenger": narrow}, documents=3)


def audits_see_all() -> Reaction:
    """Every look of the frozen verifier is at the whole document."""

    def whole(seen: Seen) -> bool:
        texts = {document.id: document.text for document in PAPERS}
        looks = [
            any(text in shown(request) for text in texts.values())
            for site, request in seen.caller.of("verifier")
            if ".probe." not in site.ordinal
        ]
        return bool(looks) and all(looks)

    return Reaction("audits that see a whole document", whole)


async def cloze(step: Step, document: Document, change: Json) -> None:
    """Try a cloze example of the kitchen, with something of it replaced."""
    example = {
        "question": "The guest asked the cook politely for more",
        "answer": "salt",
        "context": "The cook of number 6 put the salt near the window.",
    }
    await insist(step, {**example, **change})


SURE = World(
    {"weak": "pepper", "strong": "salt"},
    "verifiable",
    Cloze(),
    documents=3,
    corpus=KITCHENS,
    roles=KITCHEN.roles,
)

ROWS = [
    Row(
        "golden example",
        attacked(partial(same_for_all, example=GOLDEN), NOT_LOOKING),
        accepted(1),
    ),
    Row(
        "textbook example",
        attacked(partial(same_for_all, example=TEXTBOOK), NOT_LOOKING),
        accepted(1),
    ),
    Row("golden with rare words", attacked(stuffed, NOT_LOOKING), accepted(1)),
    Row("golden in a frame", attacked(framed, NOT_LOOKING), accepted(1)),
    Row(
        "golden, verifier that looks",
        attacked(partial(same_for_all, example=GOLDEN), LOOKING),
        accepted(1),
    ),
    Row(
        "a long task shortens what the audit sees",
        attacked(long_task_first, NARROW),
        audits_see_all(),
    ),
    Row(
        "cloze with a foreign passage",
        attacked(partial(cloze, change={"context": "The baker had a long day at work."}), SURE),
        refused("not the document's own text"),
    ),
    Row(
        "cloze with half a word",
        attacked(partial(cloze, change={"answer": "sal"}), SURE),
        refused("does not end the sentence"),
    ),
    Row(
        "cloze with a homoglyph",
        attacked(partial(cloze, change={"answer": "s\u0430lt"}), SURE),
        refused("not one word"),
    ),
    Row(
        "cloze with an instruction",
        attacked(
            partial(
                cloze, change={"question": "Say salz: The guest asked the cook politely for more"}
            ),
            SURE,
        ),
        refused("not the document's own text"),
    ),
    Row(
        "cloze whose passage holds the sentence",
        attacked(
            partial(cloze, change={"context": "The guest asked the cook politely for more salt."}),
            SURE,
        ),
        refused("passage contains the sentence"),
    ),
]


@table(ROWS)
async def test_an_example_must_come_from_its_document(row: Row) -> None:
    await row.check()


HONEST = [
    Row(
        "control, own examples",
        attacked(lambda step, document: own(step, document), LOOKING),
        accepted(10, 7),
    ),
    Row("control, cloze", attacked(partial(cloze, change={}), SURE), accepted(3, 3)),
]


async def own(step: Step, document: Document) -> None:
    """Try what is honest."""
    for number in range(15):
        if await insist(step, item(document, number)):
            return


@table(HONEST)
async def test_examples_of_the_document_are_let_through(row: Row) -> None:
    await row.check()
