"""The gap of an example: both solvers asked afresh once the episode is over, and once only."""

from pathlib import Path

from autodata.episode.evaluator import episode_record
from autodata.episode.gaps import Gaps
from autodata.errors import Refused
from autodata.models.base import Request, Site
from autodata.store.episodes import EpisodeRecord
from autodata.store.journal import Journal
from autodata.store.quality import GapRecord
from tests.support.episodes import (
    CANDIDATE,
    DOCUMENT,
    Answer,
    Body,
    FakeCaller,
    Step,
    episode,
    good_caller,
    protocol_of,
    team_of,
    verdicts,
    whole_round,
)


async def gap(folder: Path, caller: FakeCaller, body: Body = whole_round) -> GapRecord | None:
    journal = Journal.open(folder)
    await journal.once("key", episode_record(await episode(body, caller), CANDIDATE))
    record = journal.find(EpisodeRecord, "key")
    assert record is not None
    caller.calls.clear()
    found = await Gaps(team_of(caller), protocol_of(), journal).of("key", DOCUMENT, record)
    await journal.close()
    return found


def ordinals(caller: FakeCaller, role: str) -> list[str]:
    return [site.ordinal for site, _ in caller.of(role)]


async def test_an_accepted_example_is_put_to_both_solvers_afresh(tmp_path: Path) -> None:
    caller = good_caller()
    found = await gap(tmp_path, caller)
    assert found is not None
    assert (found.weak, found.strong) == ((0.4,) * 3, (0.6,) * 3)
    assert ordinals(caller, "weak") == [f"r0.full.weak.{n}" for n in range(3)]
    assert ordinals(caller, "strong") == [f"r0.full.strong.{n}" for n in range(3)]
    assert {site.document_id for site, _ in caller.calls} == {DOCUMENT.id}


async def test_the_strong_solver_is_asked_where_the_weak_gate_ended_the_round(
    tmp_path: Path,
) -> None:
    caller = good_caller(judge=verdicts(True, True))
    found = await gap(tmp_path, caller)
    assert found is not None
    assert (found.weak, found.strong, found.round) == ((1.0,) * 3, (1.0,) * 3, 0)


async def test_without_an_example_that_was_tried_nobody_is_asked(tmp_path: Path) -> None:
    async def writes_only(step: Step) -> None:
        await step("challenge")

    caller = good_caller()
    assert await gap(tmp_path, caller, writes_only) is None
    assert caller.calls == []


async def test_it_is_asked_once_and_taken_from_the_journal_then(tmp_path: Path) -> None:
    caller = good_caller()
    first = await gap(tmp_path, caller)
    again = await gap(tmp_path, caller)
    assert again == first
    assert caller.calls == []


async def test_a_reply_that_is_of_no_use_leaves_a_reason_and_no_scores(tmp_path: Path) -> None:
    def weak(site: Site, _: Request) -> Answer:
        return Refused("no answer to this") if ".full." in site.ordinal else "it is fast"

    found = await gap(tmp_path, good_caller(weak=weak))
    assert found is not None
    assert (found.weak, found.strong, found.problem) == ((), (), "no answer to this")
