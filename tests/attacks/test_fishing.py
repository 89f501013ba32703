"""Fishing: feedback says which lines of a rubric were earned, so a harness may pick them by that.

A judge that says the same of an answer whenever it is asked is the best case for it: then lines
that equal solvers earned by luck can be kept, one after the other. Fresh answers earn them alike.
"""

import re
from random import Random

from autodata.models.base import Request, Site
from autodata.types import Document, Json
from tests.attacks.rows import Row, table
from tests.attacks.world import (
    TAG,
    World,
    accepted,
    attacked,
    chance,
    criteria_of,
    honest_judge,
    insist,
    item,
    shown,
)
from tests.support.episodes import Answer, Step

EARNED = re.compile(r"(?m)^\d+\. \[\+\d+\] (.*) \(weak (\d) of \d(?:, strong (\d) of \d)?\)$")
TAKE = re.compile(r"\(Take (\d+)\)")


async def fished_lines(step: Step, document: Document) -> None:
    """Ask one question again and again, and keep the lines that only strong answers earned."""
    lines = [line for number in range(15) for line in item(document, number)["rubric"]]
    pool = {line["criterion"]: line for line in lines}
    rng, kept = Random(document.id), list[Json]()
    for _ in range(15):
        fresh = rng.sample([line for line in pool.values() if line not in kept], 7 - len(kept))
        rubric = [*kept, *fresh]
        if await insist(step, {**item(document, 3), "rubric": rubric}):
            return
        earned = EARNED.findall(await step("feedback"))
        good = {words for words, weak, strong in earned if int(weak) < int(strong or "2")}
        kept = [line for line in rubric if line["criterion"] in good][:5]


def various(site: Site, request: Request) -> Answer:
    """A solver whose answers are all of one quality, each in words of its own."""
    tags = TAG.findall(shown(request))
    take = chance(site).randrange(10**9)
    return f"(Take {take}) An answer of quality 0.60 to [{tags[-1] if tags else 'none-0'}]."


def settled_judge(site: Site, request: Request) -> Json:
    """Says the same of an answer and a criterion whenever it is asked."""
    take = TAKE.findall(shown(request))
    if not take:
        return honest_judge(site, request)
    met = [Random(f"{take[-1]} {words}").random() < 0.6 for words in criteria_of(request)]
    return {"verdicts": [{"number": n, "satisfied": is_met} for n, is_met in enumerate(met, 1)]}


FISHED = World({"weak": various, "strong": various, "judge": settled_judge}, documents=20)

ROWS = [
    Row("lines that only strong answers earned", attacked(fished_lines, FISHED), accepted(3)),
    Row(
        "lines that only strong answers earned, paper-deployed",
        attacked(fished_lines, FISHED, preset="paper-deployed"),
        accepted(3),
        "19 of 20: the paper's rules confirm nothing, and say so",
    ),
]


@table(ROWS)
async def test_lines_that_were_earned_by_luck_are_not_earned_again(row: Row) -> None:
    await row.check()
