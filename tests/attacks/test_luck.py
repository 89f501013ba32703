"""Luck: a harness that draws until the solvers' noise looks like a gap.

Equal solvers may pass in one episode of twenty; of 20 episodes more than 3 would be a hole (the
chance of more is .016 at a rate of .05; the seeds are fixed).
"""

from autodata.types import Document
from tests.attacks.rows import Row, table
from tests.attacks.world import (
    APART,
    World,
    accepted,
    attacked,
    insist,
    item,
    picks,
    writes,
)
from tests.support.episodes import Step

EPISODES = 20


async def many_honest_items(step: Step, document: Document) -> None:
    """Ask about something else in every round."""
    for number in range(15):
        if await insist(step, item(document, number)):
            return


async def coins(step: Step, document: Document, like: str = "heads") -> None:
    """Ask how a coin fell, in words of the document."""
    for number in range(15):
        asked = item(document, number, checkable=True)
        toss = {"question": f"{asked['question']} How did its coin fall?", "answer": like}
        if await insist(step, {**asked, **toss}):
            return


async def lopsided_rubrics(step: Step, document: Document) -> None:
    """Ask with a rubric whose few heavy lines make every sample swing."""
    for number in range(15):
        asked = item(document, number)
        lines = [
            {**line, "weight": weight}
            for line, weight in zip(asked["rubric"], (9, 7, 5, 1), strict=False)
        ]
        if await insist(step, {**asked, "rubric": lines}):
            return


COIN = World({"weak": picks("heads", "tails", 0.5), "strong": picks("heads", "tails", 0.5)})
HALF = World({"weak": writes(0.5), "strong": writes(0.5)}, documents=EPISODES)
EQUAL = World(documents=EPISODES)


def coin(preset: str) -> World:
    """A coin under a preset."""
    return World(COIN.plays, preset, documents=EPISODES)


ROWS = [
    Row(
        "fifteen rounds, deployed",
        attacked(many_honest_items, EQUAL),
        accepted(3),
    ),
    Row(
        "fifteen rounds, blog-meta",
        attacked(many_honest_items, HALF, preset="blog-meta"),
        accepted(3),
    ),
    Row(
        "fifteen rounds, prose",
        attacked(many_honest_items, HALF, preset="prose"),
        accepted(3),
    ),
    Row(
        "lopsided rubric, deployed",
        attacked(lopsided_rubrics, EQUAL),
        accepted(3),
    ),
    Row("coin, verifiable", attacked(coins, coin("verifiable")), accepted(3)),
    Row("coin, prose", attacked(coins, coin("prose")), accepted(3)),
    Row("coin, majority", attacked(coins, coin("majority")), accepted(3)),
    Row(
        "rare coin, verifiable",
        attacked(
            coins,
            coin("verifiable"),
            plays={"weak": picks("heads", "tails", 0.3), "strong": picks("heads", "tails", 0.3)},
        ),
        accepted(3),
    ),
    Row(
        "fifteen rounds, paper-deployed",
        attacked(many_honest_items, EQUAL, preset="paper-deployed"),
        accepted(3),
        "11 of 20: the paper's rules confirm nothing, and say so",
    ),
]

HONEST = [
    Row(
        "control, solvers apart, deployed",
        attacked(many_honest_items, EQUAL, plays=APART),
        accepted(EPISODES, 14),
    ),
    Row(
        "control, solvers apart, prose",
        attacked(many_honest_items, EQUAL, plays=APART, preset="prose"),
        accepted(EPISODES, 14),
    ),
]


@table(ROWS)
async def test_luck_passes_at_most_one_episode_of_twenty(row: Row) -> None:
    await row.check()


@table(HONEST)
async def test_what_keeps_luck_out_lets_a_real_gap_through(row: Row) -> None:
    await row.check()
