from autodata.episode.run import Conditions, run_episode
from autodata.episode.shortening import MARK, shortened
from autodata.errors import ContextTooLong
from autodata.models.base import Request, Site
from autodata.types import Document
from tests.support.episodes import (
    CANDIDATE,
    CELL,
    EXAMPLE,
    HARNESS,
    Answer,
    PlainWorkflow,
    Step,
    as_json,
    good_caller,
    protocol_of,
    team_of,
)

LONG = Document("d", "long", " ".join(f"word{number}" for number in range(2000)))


def test_each_cut_halves_what_is_left_and_keeps_beginning_and_end() -> None:
    sizes = [len(shortened(LONG, cuts).text) for cuts in range(4)]
    assert sizes[0] == len(LONG.text)
    for cuts, size in enumerate(sizes[1:], 1):
        text = shortened(LONG, cuts).text
        assert size <= (len(LONG.text) >> cuts) + len(MARK)
        assert text.startswith("word0 ")
        assert text.endswith(" word1999")
        assert MARK in text


def test_a_cut_goes_between_words_and_keeps_the_documents_name() -> None:
    cut = shortened(LONG, 1)
    assert (cut.id, cut.name) == (LONG.id, LONG.name)
    assert set(cut.text.replace(MARK, " ").split()) <= set(LONG.text.split())


async def test_a_document_that_does_not_fit_is_shortened_until_it_does() -> None:
    def challenger(_: Site, request: Request) -> Answer:
        size = len(request.messages[0].content)
        return ContextTooLong("too long") if size > 4000 else as_json(EXAMPLE)

    caller = good_caller(challenger=challenger)
    asked: list[str] = []

    async def body(step: Step) -> None:
        asked.append((await step("challenge"))["question"])

    await run_episode(
        LONG,
        CELL,
        HARNESS,
        CANDIDATE,
        Conditions(team_of(caller), protocol_of(), PlainWorkflow(body)),
    )
    assert asked == [EXAMPLE.question]
    sizes = [len(request.messages[0].content) for _, request in caller.of("challenger")]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] <= 4000
    assert len(sizes) == 4
