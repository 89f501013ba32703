"""Samples that were no answers: a weak solver that is made to run out of room, or to decline."""

from collections.abc import Awaitable, Callable

from autodata.errors import Refused, Truncated
from autodata.models.base import Request, Site
from autodata.types import Document
from tests.attacks.rows import Row, table
from tests.attacks.world import Seen, World, accepted, attacked, chance, insist, item, writes
from tests.support.episodes import Answer, Step


async def never_answered(step: Step, document: Document) -> None:
    """Ask honestly worded questions that make the weak solver run out of room, or refuse."""
    for number in range(6):
        if await insist(step, item(document, number)):
            return


def cut(
    error: type[Exception], role: str = "weak", every: int = 1
) -> Callable[[Site, Request], Answer]:
    """A solver whose answers are cut or refused, all of them or one in `every`."""
    answers = writes(0.75 if role == "weak" else 0.8, 0.05)

    def play(site: Site, request: Request) -> Answer:
        if chance(site).randrange(every) == 0:
            return error("no answer")  # type: ignore[return-value]
        return answers(site, request)

    return play


def no_answers(
    error: type[Exception], preset: str, every: int = 1
) -> Callable[[], Awaitable[Seen]]:
    """Solvers are equal, but the weak one's answers are cut or refused."""
    plays = {"weak": cut(error, every=every), "strong": writes(0.8, 0.05)}
    return attacked(never_answered, World(plays, preset, documents=5))


ROWS = [
    *(
        Row(f"weak {name} under {preset}", no_answers(error, preset), accepted(0))
        for name, error in (("cut", Truncated), ("refused", Refused))
        for preset in ("deployed", "prose")
    ),
    Row("one weak sample in three cut", no_answers(Truncated, "prose", 3), accepted(0)),
]


@table(ROWS)
async def test_a_sample_that_is_no_answer_is_not_a_wrong_one(row: Row) -> None:
    await row.check()
