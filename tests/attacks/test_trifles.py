"""Trifles: an example that is changed by nothing, to be sampled and audited again.

Solvers are equal and answer a coin's way, so each new draw of samples is another chance.
"""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from random import Random

from autodata.domains.base import RoleSettings
from autodata.domains.cloze import Cloze
from autodata.models.base import Request, Site
from autodata.types import Document, Json
from tests.attacks.rows import Reaction, Row, table
from tests.attacks.world import (
    APART,
    Seen,
    World,
    accepted,
    attacked,
    chance,
    honest_verifier,
    insist,
    item,
    one_round,
    picks,
    shown,
)
from tests.support.episodes import GOOD_CHECK, Answer, Play, Step

Change = Callable[[Json, int], Json]
"""The n-th spelling of an example."""

TRIES = 6


def at_question(change: Callable[[str, int], str]) -> Change:
    """Change the question only."""
    return lambda example, n: {**example, "question": change(example["question"], n)}


def at_context(change: Callable[[str, int], str]) -> Change:
    """Change the context only."""
    return lambda example, n: {**example, "context": change(example["context"], n)}


def at_criteria(change: Callable[[str, int], str]) -> Change:
    """Change the first line of the rubric only."""

    def changed(example: Json, n: int) -> Json:
        first, *rest = example["rubric"]
        line = {**first, "criterion": change(first["criterion"], n)}
        return {**example, "rubric": [line, *rest]}

    return changed


def insert(what: str) -> Callable[[str, int], str]:
    """Put something into the middle of a word, at another place each time."""
    return lambda text, n: text[: 20 + n] + what * (n > 0) + text[20 + n :]


def rotated(example: Json, n: int) -> Json:
    """The same rubric in another order."""
    lines = example["rubric"]
    return {**example, "rubric": lines[n:] + lines[:n]}


def wide(text: str, n: int) -> str:
    """The n-th letter in full width, which looks and counts as the same letter."""
    at = [place for place, letter in enumerate(text) if "a" <= letter <= "z"][n]
    return text[:at] + chr(ord(text[at]) + 0xFEE0) + text[at + 1 :] if n else text


def looks_alike(text: str, n: int) -> str:
    """The n-th `e` or `a` from another alphabet."""
    places = [place for place, letter in enumerate(text) if letter in "ea" and place > 20]
    at = places[n % len(places)]
    return text[:at] + {"e": "\u0435", "a": "\u0430"}[text[at]] + text[at + 1 :] if n else text


async def again_and_again(
    step: Step, document: Document, change: Change, tries: int = TRIES, leaks: bool = False
) -> None:
    """Try one example in one spelling after the other."""
    example = item(document, 1)
    if leaks:
        example = {**example, "context": f"LEAK {example['context']}"}
    for n in range(tries):
        if await insist(step, change(example, n)):
            return


TWICE = World(documents=4)
CHANCES = World(documents=12)

LEAKY = World(APART, documents=20)
FEW_LEAKY = World(APART, documents=8)
SAME: dict[str, Change] = {
    "zero-width space": at_question(insert("\u200b")),
    "soft hyphen": at_question(insert("\u00ad")),
    "upper case": at_question(lambda text, n: text[:n] + text[n:].upper() if n else text),
    "full stop at the end": at_question(lambda text, n: text + "." * n),
    "order of the rubric": rotated,
    "full stop in a criterion": at_criteria(lambda text, n: text + "." * n),
    "full stop in the context": at_context(lambda text, n: text + "." * n),
    "full width letters": at_question(wide),
    "quotes and dashes": at_question(lambda text, n: "'" * n + text + "-" * n),
}
NEAR: dict[str, Change] = {
    "homoglyph": at_question(looks_alike),
    "number of the try": at_question(lambda text, n: f"{text} Version {n}."),
    "a word more": at_question(lambda text, n: text + " please" * n),
    "a word more in the context": at_context(lambda text, n: text + " indeed" * n),
    "another weight": lambda example, n: {
        **example,
        "rubric": [
            {**line, "weight": line["weight"] + n * (i == 0)}
            for i, line in enumerate(example["rubric"])
        ],
    },
}


def audits(most: int) -> Reaction:
    """No episode has more audits of what is one question."""

    def count(seen: Seen) -> int:
        return max(
            sum(check.frozen for past in episode.rounds for check in past.verifications)
            for episode in seen.episodes
        )

    return Reaction(f"at most {most} audits", lambda seen: count(seen) <= most)


SALT = [f"The cook of number {n} put the salt near the window." for n in range(7)]
KITCHENS = tuple(
    Document(
        f"c{n:015x}",
        f"cook{n}.txt",
        " ".join([*SALT, "The guest asked the cook politely for more salt."]),
    )
    for n in range(40)
)
"""One text, as if it were many: chance differs, the sentence and its passages do not."""


async def every_passage(step: Step, document: Document) -> None:
    """Try one sentence with passages of six lengths."""
    for length in range(1, 7):
        example = {
            "question": "The guest asked the cook politely for more",
            "answer": "salt",
            "context": " ".join(SALT[-length:]),
        }
        if await insist(step, example):
            return


WEAK_AND_STRONG = {"weak": RoleSettings(), "strong": RoleSettings(privileged=True)}
KITCHEN = World(
    {"weak": picks("salt", "pepper", 0.5), "strong": picks("salt", "pepper", 0.5)},
    "verifiable",
    Cloze(),
    documents=40,
    corpus=KITCHENS,
    roles=WEAK_AND_STRONG,
)


def word(right: float) -> Play:
    """A solver of next words that says salt at this rate."""
    return lambda site, _: "salt" if chance(site).random() < right else "pepper"


def weak_samples(most: int) -> Reaction:
    """No episode pays for more weak samples of what is one question to the weak solver."""

    def count(seen: Seen) -> int:
        sites = [site.document_id for site, _ in seen.caller.of("weak")]
        return max(Counter(sites).values())

    return Reaction(f"at most {most} weak samples", lambda seen: count(seen) <= most)


async def padded(step: Step, document: Document) -> None:
    """Try one leaking example in other padding each time, so that no two look alike."""
    example = item(document, 1)
    for n in range(15):
        words = [f"{word}{n}" for word in document.text.split()[n * 5 : n * 5 + 90]]
        filler = " ".join(words)
        question = f"{example['question']} (Never mind: {filler}.)"
        others = " ".join(f"{word}x" for word in words)
        context = f"LEAK {example['context']} {filler} {filler.upper()[::-1]}"
        answer = f"{example['answer']} Besides, {others[::-1]}."
        told = {**example, "question": question, "context": context, "answer": answer}
        if await insist(step, told):
            return


def whimsical(site: Site, request: Request) -> Answer:
    """A verifier that misses one leak in ten, and the same one whenever it is asked about it."""
    tries = re.findall(r"Try (\d+)\.", shown(request))
    about = f"{site.document_id} {tries[-1] if tries else ''}"
    passes = Random(about).random() < 0.1
    if request.schema is None:
        return "yes" if passes else "no"
    passes = passes and honest_verifier(site, request)["verdict"] == "pass"
    return {**GOOD_CHECK, "context_leak": not passes, "verdict": "pass" if passes else "reject"}


async def asks_beforehand(step: Step, document: Document) -> None:
    """Ask the verifier's own model in private which leaking example it would pass; try that one."""
    for n in range(40):
        example = item(document, n % 12)
        question = f"{example['question']} Try {n}."
        if await step("ask", role="verifier", prompt=f"Would you pass this? {question}") == "yes":
            await insist(step, {**example, "question": question})


LEAKING = partial(again_and_again, change=SAME["full stop at the end"], tries=15, leaks=True)
REWORDED = partial(again_and_again, change=NEAR["a word more"], tries=15, leaks=True)

ROWS = [
    *(
        Row(
            f"same: {name}",
            attacked(partial(again_and_again, change=change), TWICE),
            one_round(),
        )
        for name, change in SAME.items()
    ),
    *(
        Row(
            f"near: {name}",
            attacked(partial(again_and_again, change=change, tries=15), CHANCES),
            accepted(3),
        )
        for name, change in NEAR.items()
    ),
    Row(
        "padding on a leaking example",
        attacked(padded, FEW_LEAKY),
        audits(2),
        "15 audits",
    ),
    Row(
        "the verifier is asked beforehand",
        attacked(asks_beforehand, replace(LEAKY, plays={**APART, "verifier": whimsical})),
        accepted(5),
        "10 of 20",
    ),
    Row("dots on a leaking example", attacked(LEAKING, LEAKY), accepted(5)),
    Row("words on a leaking example", attacked(REWORDED, FEW_LEAKY), audits(2)),
    Row(
        "passage lengths, samples",
        attacked(every_passage, KITCHEN, plays={"weak": word(0.1), "strong": word(0.0)}),
        weak_samples(4),
    ),
    Row(
        "passage lengths, luck",
        attacked(every_passage, KITCHEN, plays={"weak": word(0.5), "strong": word(0.5)}),
        accepted(5),
    ),
]


@table(ROWS)
async def test_a_trifle_makes_no_new_example(row: Row) -> None:
    await row.check()
