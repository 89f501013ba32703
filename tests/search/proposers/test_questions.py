"""What an analyzer may know of a run: nothing that would be otherwise if it were asked again."""

import asyncio
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from autodata.search.base import Iteration, Proposal
from autodata.search.proposers.questions import Questions, visible_to
from autodata.store.journal import Journal, Record
from autodata.store.tables import Result, query
from autodata.types import Candidate, Cell, Outcome, Split
from tests.support.journals import episode

PARENT = Candidate("c0", "f" * 40, "tree")


def outcome(document: str, split: Split, repeat: int) -> Outcome:
    return Outcome(Cell(document, split, repeat), True)


MINIBATCH = [outcome("ours", "train", 300)]  # of iteration 2
HISTORY = [
    Iteration(
        1,
        "c0",
        Proposal("llm", None),
        "admitted",
        "",
        (outcome("raced", "validation", 100),),
        (outcome("raced", "validation", 100),),
    )
]


def knows(kind: str, key: str, **body: object) -> bool:
    return visible_to(PARENT, MINIBATCH, HISTORY)(Record(kind, key, 0.0, body))


def knows_episode(
    candidate: str, document: str, split: Split, repeat: int, status: str = "accepted"
) -> bool:
    return knows(
        "episode",
        "",
        candidate_id=candidate,
        document_id=document,
        split=split,
        repeat=repeat,
        status=status,
    )


def test_an_analyzer_knows_its_minibatch_and_what_was_decided() -> None:
    assert knows_episode("c0", "ours", "train", 300)
    assert knows_episode("c0", "raced", "validation", 100)
    assert knows_episode("c1", "raced", "validation", 100)
    assert knows_episode("c0", "earlier", "train", 200)  # the minibatch of iteration 1
    assert knows_episode("c1", "earlier", "train", 200)  # and its audit
    assert knows("iteration", "1")
    assert knows("candidate", "c0", iteration=0)
    assert knows("candidate", "c1", iteration=1)


def test_an_analyzer_does_not_know_what_comes_later_or_depends_on_timing() -> None:
    assert not knows_episode("c2", "ours", "train", 300)  # how its own edit did
    assert not knows_episode("c0", "ours", "train", 300, "void")
    assert not knows_episode("c0", "earlier", "train", 200, "void")
    assert not knows_episode("c0", "other", "train", 400)  # a sibling's minibatch
    assert not knows_episode("c0", "raced", "validation", 300)
    assert not knows_episode("c0", "sealed", "test", 0)
    assert not knows("iteration", "2")
    assert not knows("candidate", "c2", iteration=2)
    assert not knows("call", "key", split="train")


async def test_a_question_has_one_answer_also_after_a_kill(tmp_path: Path) -> None:
    answers = []
    for _ in range(2):
        journal = Journal.open(tmp_path)
        questions = Questions(journal, 1, lambda record: True)
        answers += [await questions.answer("select random() as luck") for _ in range(2)]
        questions.close()
        await journal.close()
    assert answers[0].startswith("luck\n")
    assert len(set(answers)) == 1
    other = Questions(Journal.open(tmp_path), 2, lambda record: True)
    assert await other.answer("select random() as luck") not in answers


@pytest.mark.parametrize(
    "sql", ["select", "drop table runs", "select '\ud800'", "from '/etc/passwd'"]
)
async def test_wrong_sql_is_answered_with_what_is_wrong(tmp_path: Path, sql: str) -> None:
    questions = Questions(Journal.open(tmp_path), 1, lambda record: True)
    assert (await questions.answer(sql)).startswith("error: ")


async def test_a_question_that_cannot_be_interrupted_is_left(tmp_path: Path) -> None:
    released, used = Event(), []

    def deaf(connection: Any, sql: str, limit: int, seconds: float) -> Result:
        used.append(connection)
        if sql == "deaf":
            released.wait()
        return query(connection, "select 1 as n", limit, seconds)

    journal = Journal.open(tmp_path)
    questions = Questions(journal, 1, lambda record: True, most_s=1.0, ask=deaf)
    try:
        assert "has not ended within 1 s" in await questions.answer("deaf")
        assert await questions.answer("other") == "n\n1"
        assert used[0] is not used[1]
    finally:
        released.set()
        questions.close()


async def test_sql_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    endless = "select sum(a.range * b.range) from range(10000000) a, range(10000000) b"
    questions = Questions(Journal.open(tmp_path), 1, lambda record: True, most_s=1.0)
    assert "longer than 1 s" in await questions.answer(endless)
    assert await questions.answer("select 1 as n") == "n\n1"
    questions.close()


async def test_values_that_python_or_json_has_not_are_answered_too(tmp_path: Path) -> None:
    questions = Questions(Journal.open(tmp_path), 1, lambda record: True)
    assert "::VARCHAR" in await questions.answer("select interval '1000000000 days'")
    assert "2020-01-01" in await questions.answer("select map {date '2020-01-01': 1} as m")


async def test_rows_are_the_same_whenever_and_in_whatever_order_they_came(tmp_path: Path) -> None:
    answers = []
    for seconds, order in ((1.0, ("a", "b")), (2.0, ("b", "a"))):
        folder = tmp_path / order[0]
        folder.mkdir()
        journal = Journal.open(folder, clock=partial(float, 1e9 + seconds))
        for document in order:
            kind, key, body = episode(document, "train")
            await journal.append(kind, key, {**body, "seconds": seconds})
        sql = "select * exclude run_id from episodes"
        answers.append(await Questions(journal, 1, lambda record: True).answer(sql))
    assert answers[0].count(",train,") == 2
    assert answers[0] == answers[1]


async def test_a_long_question_holds_up_nothing_and_ends_when_its_run_stops(tmp_path: Path) -> None:
    endless = "select sum(a.range * b.range) from range(10000000) a, range(10000000) b"
    questions = Questions(Journal.open(tmp_path), 1, lambda record: True)
    asking = asyncio.create_task(questions.answer(endless))
    for _ in range(20):
        await asyncio.sleep(0.01)
    assert not asking.done()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    questions.close()
