"""A session: facts in the journal, candidates in git, and resuming that comes to the same."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from autodata import __version__
from autodata.errors import ConfigurationError, Interrupted
from autodata.harness.repository import Repository
from autodata.harness.spec import load_files, with_knobs
from autodata.search.events import Event
from autodata.search.phases import Collaborators, SearchResult
from autodata.search.plan import SearchPlan
from autodata.search.session import (
    GitWorkshop,
    RunStart,
    run_session,
    train_episodes,
)
from autodata.store.facts import Fact
from autodata.store.format import Record
from autodata.store.journal import Journal
from autodata.store.kinds import RECORDS
from autodata.store.records import FINISHED, DocumentsRecord, RunRecord, SessionRecord
from autodata.types import Candidate, Cell, DealtDocument, Outcome
from tests.support.fakes import Memory
from tests.support.harnesses import FILES
from tests.support.journals import episode
from tests.support.repositories import git, make_repository
from tests.support.searches import BASELINE, Rates, Steps, documents

DEALT = DocumentsRecord((), (), (DealtDocument("a", "a.txt", 3),))
START = RunStart(
    "r1",
    1_790_000_000,
    7,
    "tiny",
    None,
    {"optimize": {"search": "race", "iterations": 4}},
    False,
    DEALT,
)
PLAN = SearchPlan(seed=7, iterations=4, parallel=2, minibatch=4)
DOCUMENTS = documents()
STEPS = [0.3, -0.2, 0.2, 0.1]


class Breaking(Rates):
    """Stops the run, as a signal would, when it is asked for the `at`-th time."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self._left = at

    async def evaluate(self, candidate: Candidate, cells: Sequence[Cell]) -> list[Outcome]:
        self._left -= 1
        if not self._left:
            raise Interrupted("stopped by SIGTERM")
        return await super().evaluate(candidate, cells)


async def session(
    folder: Path,
    evaluator: Rates | None = None,
    start: RunStart = START,
    events: list[Event] | None = None,
) -> SearchResult:
    async def claim(finalists: Sequence[Candidate]) -> Sequence[int]:
        return range(len(finalists))

    journal = Journal.open(folder)
    try:
        return await run_session(
            start,
            PLAN,
            BASELINE,
            DOCUMENTS,
            Collaborators(
                evaluator or Rates(),
                Steps(STEPS, wants_minibatch=True),
                journal,
                claim,
                events.append if events is not None else lambda event: None,
            ),
        )
    finally:
        await journal.close()


async def facts(folder: Path) -> dict[tuple[str, str], Record]:
    """Everything in a journal but the times, and when sessions began and ended."""
    journal = Journal.open(folder)
    found = [(fact.kind, fact.key, fact.record) for fact in journal.records(*RECORDS)]
    await journal.close()
    assert len({(kind, key) for kind, key, _ in found}) == len(found), "a fact was written twice"
    return {
        (kind, key): replace(record, finished_at=None)
        if isinstance(record, SessionRecord)
        else record
        for kind, key, record in found
        if kind != "session" or key == FINISHED
    }


async def sessions(folder: Path) -> dict[str, str | None]:
    """How each session of a run ended."""
    journal = Journal.open(folder)
    found = {fact.key: fact.record.ended for fact in journal.records(SessionRecord)}
    await journal.close()
    return found


async def test_a_session_leaves_run_candidates_iterations_certificate_and_end(
    tmp_path: Path,
) -> None:
    events: list[Event] = []
    result = await session(tmp_path, events=events)
    found = await facts(tmp_path)
    assert {kind for kind, _ in found} == {
        "run",
        "documents",
        "candidate",
        "iteration",
        "certification",
        "session",
    }
    assert [key for kind, key in found if kind == "iteration"] == ["1", "2", "3", "4"]
    run, end = found["run", "r1"], found["session", FINISHED]
    assert isinstance(run, RunRecord)
    assert (run.baseline_tree, run.autodata) == (BASELINE.tree, __version__)
    assert isinstance(end, SessionRecord)
    assert end.best == result.best.id
    assert events


async def test_a_finished_session_says_the_same_again_and_writes_nothing(tmp_path: Path) -> None:
    first = await session(tmp_path)
    before, begun = await facts(tmp_path), await sessions(tmp_path)
    assert await session(tmp_path) == first
    assert await facts(tmp_path) == before
    assert await sessions(tmp_path) == begun


@pytest.mark.parametrize("at", [1, 2, 4, 7, 11, 16])
async def test_a_session_stopped_anywhere_resumes_to_the_same_facts(
    tmp_path: Path, at: int
) -> None:
    undisturbed = await session(tmp_path / "a")
    with pytest.raises(Interrupted):
        await session(tmp_path / "b", Breaking(at))
    assert ("session", FINISHED) not in await facts(tmp_path / "b")
    assert await session(tmp_path / "b", Rates(jitter=at)) == undisturbed
    assert await facts(tmp_path / "b") == await facts(tmp_path / "a")
    ends = {"1": None, "1-end": "Interrupted", "2": None, "2-end": "done", FINISHED: FINISHED}
    assert await sessions(tmp_path / "b") == ends


@pytest.mark.parametrize(
    ("start", "named"),
    [
        (replace(START, seed=8), "seed"),
        (replace(START, config={}), "config"),
    ],
)
async def test_a_run_is_resumed_with_what_it_was_begun_with_or_not_at_all(
    tmp_path: Path, start: RunStart, named: str
) -> None:
    with pytest.raises(Interrupted):
        await session(tmp_path, Breaking(2))
    before = await facts(tmp_path)
    with pytest.raises(ConfigurationError, match=f"begun with other settings: {named}") as caught:
        await session(tmp_path, start=start)
    assert "--run r1-2" in caught.value.fix
    assert await facts(tmp_path) == before


async def test_documents_are_journaled_right_after_the_run_and_never_again(tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        await session(tmp_path, Breaking(2))
    renamed = replace(DEALT, test=(replace(DEALT.test[0], name="b.txt"),))
    await session(tmp_path, start=replace(START, documents=renamed))
    journal = Journal.open(tmp_path)
    found = list(journal.records(*RECORDS))
    await journal.close()
    assert [fact.kind for fact in found[:2]] == ["run", "documents"]
    assert [fact.record for fact in found if fact.kind == "documents"] == [DEALT]


async def test_candidates_are_commits_that_come_out_equal_on_every_resume(tmp_path: Path) -> None:
    place = make_repository(tmp_path / "project")
    base = load_files(FILES)
    moved = with_knobs(base, {"rounds": 7})
    made = []
    for _ in range(2):
        with Repository(place) as repository:
            workshop = GitWorkshop(repository, replace(START, base_commit=repository.head()))
            c0 = workshop.baseline(base)
            made.append((c0, await workshop.make(1, c0, moved, "Move rounds 4 -> 7")))
    assert made[0] == made[1]
    c0, c1 = made[0]
    assert (c1.id, c1.parent_id, c1.knobs["rounds"]) == ("c1", "c0", 7)
    assert git(place, "rev-parse", f"{c1.commit}^") == c0.commit
    assert git(place, "show", "-s", "--format=%s", c1.commit) == "Move rounds 4 -> 7"
    manifest = git(place, "show", f"{c1.commit}:harnesses/tiny/harness.yaml")
    assert manifest == moved.files["harness.yaml"].strip()
    with Repository(place) as repository:
        found = await GitWorkshop(repository, START).load(c1)
    assert found == moved
    assert git(place, "status", "--porcelain") == ""


def test_a_proposer_reads_the_journaled_episodes_of_its_minibatch() -> None:
    _, accepted = episode("a", "train")
    _, rejected = episode("b", "train", "rejected")
    journal = Memory(Fact("tree0:a:0", 0.0, accepted), Fact("tree0:b:0", 0.0, rejected))
    minibatch = [Outcome(Cell(name, "train", 0), False) for name in ("b", "missing", "a")]
    found = train_episodes(journal, BASELINE, minibatch)
    assert [body["status"] for body in found] == ["rejected", "accepted"]
    assert all("seconds" not in body for body in found)


def test_nobody_reads_the_fresh_answers_of_a_confirmation() -> None:
    _, made = episode("d1", "train", "rejected", 200)
    rounds = ({"index": 0, "confirmation": {"confirmed": False, "attempts": ["FRESH"]}},)
    made = replace(made, tree=BASELINE.tree, rounds=rounds)
    cell = Cell(made.document_id, "train", 200)
    journal = Memory(Fact("tree0:d1:200", 0.0, made))
    [body] = train_episodes(journal, BASELINE, [Outcome(cell, False)])
    assert body["rounds"][0]["confirmation"] == {"confirmed": False}
