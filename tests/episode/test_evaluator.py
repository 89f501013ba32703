"""Evaluation: every cell once, voids again, failures at once, and the journal answers first."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from autodata.domains.base import RoleSettings
from autodata.episode.evaluator import MOST_VOIDS, HarnessEvaluator, episode_key
from autodata.episode.run import Conditions
from autodata.errors import BudgetSpent, Unavailable
from autodata.harness.spec import Harness
from autodata.models.base import Request, Site
from autodata.store.episodes import EpisodeRecord
from autodata.store.journal import Journal
from autodata.types import Candidate, Cell, Document
from tests.support.episodes import (
    CANDIDATE,
    DOCUMENT,
    HARNESS,
    Answer,
    FakeCaller,
    PlainWorkflow,
    Step,
    good_caller,
    protocol_of,
    team_of,
    verdicts,
)

OTHER = Document("e" * 16, "other.txt", DOCUMENT.text + "More.")
CELLS = [Cell(d.id, "validation", r) for d in (DOCUMENT, OTHER) for r in (0, 1, 2)]


async def one_round(step: Step) -> None:
    example = await step("challenge")
    if (await step("attempt", role="weak", example=example))["passed"]:
        await step("attempt", role="strong", example=example)


async def load(_: Candidate) -> Harness:
    return HARNESS


def evaluator(
    caller: FakeCaller, journal: Journal, slots: int = 64, seen: list[EpisodeRecord] | None = None
) -> HarnessEvaluator:
    return HarnessEvaluator(
        {document.id: document for document in (DOCUMENT, OTHER)},
        load,
        Conditions(team_of(caller, weak=RoleSettings()), protocol_of(), PlainWorkflow(one_round)),
        journal,
        slots,
        seen.append if seen is not None else lambda record: None,
    )


async def test_outcomes_come_in_the_order_of_cells(tmp_path: Path) -> None:
    def judge(site: Site, _: Request) -> Answer:
        too_easy = site.document_id == OTHER.id
        return verdicts(too_easy, True) if ".weak." in site.ordinal else verdicts(True, False)

    journal, seen = Journal.open(tmp_path), list[EpisodeRecord]()
    subject = evaluator(good_caller(judge=judge), journal, seen=seen)
    outcomes = await subject.evaluate(CANDIDATE, CELLS)
    await journal.close()
    assert [outcome.cell for outcome in outcomes] == CELLS
    assert [outcome.accepted for outcome in outcomes] == [True] * 3 + [False] * 3
    assert outcomes[0].spend.calls == 14 + 6 * 4 + 4  # six fresh pairs, judged; probes
    assert sorted((e.document_id, e.repeat) for e in seen) == sorted(
        (cell.document_id, cell.repeat) for cell in CELLS
    )


async def test_a_journaled_episode_is_never_run_again(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    first = await evaluator(good_caller(), journal).evaluate(CANDIDATE, CELLS)
    await journal.close()
    journal, silent = Journal.open(tmp_path), FakeCaller({})
    again = await evaluator(silent, journal).evaluate(CANDIDATE, CELLS)
    assert again == first
    assert silent.calls == []
    found = journal.find(EpisodeRecord, episode_key(HARNESS.tree, CELLS[0]))
    await journal.close()
    assert found is not None
    assert (found.status, found.candidate_id, found.split) == ("accepted", "c0", "validation")
    assert len(found.played[0].attempts) == 6


async def test_a_void_episode_is_run_again_and_never_scored(tmp_path: Path) -> None:
    failures = iter([Unavailable("gone")] * 2)

    def strong(site: Site, _: Request) -> Answer:
        return next(failures, None) or "asking costs more"

    journal, seen = Journal.open(tmp_path), list[EpisodeRecord]()
    subject = evaluator(good_caller(strong=strong), journal, slots=1, seen=seen)
    [outcome] = await subject.evaluate(CANDIDATE, CELLS[:1])
    await journal.close()
    assert outcome.accepted
    assert [episode.status for episode in seen] == ["void", "void", "accepted"]
    assert seen[0].reason == "gone"


async def test_an_episode_that_stays_void_stops_the_run_and_resumes(tmp_path: Path) -> None:
    journal, key = Journal.open(tmp_path), episode_key(HARNESS.tree, CELLS[0])
    for _ in range(2):
        with pytest.raises(Unavailable, match=f"void {MOST_VOIDS} times: gone") as caught:
            await evaluator(good_caller(weak=Unavailable("gone")), journal).evaluate(
                CANDIDATE, CELLS[:1]
            )
        assert "nothing was scored" in caught.value.fix
    assert journal.find(EpisodeRecord, key) is None
    keys = [fact.key for fact in journal.records(EpisodeRecord)]
    assert keys == [f"{key}:void{number}" for number in range(2 * MOST_VOIDS)]
    [outcome] = await evaluator(good_caller(), journal).evaluate(CANDIDATE, CELLS[:1])
    await journal.close()
    assert outcome.accepted


async def test_a_spent_budget_passes_through_and_cancels_the_rest(tmp_path: Path) -> None:
    def weak(site: Site, _: Request) -> Answer:
        if site.repeat == 1:
            raise BudgetSpent("enough")
        return "it is fast"

    journal = Journal.open(tmp_path)
    with pytest.raises(BudgetSpent, match="enough"):
        await evaluator(good_caller(weak=weak), journal).evaluate(CANDIDATE, CELLS)
    left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    assert left == []
    await journal.close()


async def test_no_more_episodes_are_under_way_than_there_are_slots(tmp_path: Path) -> None:
    now = most = 0

    async def idle(step: Step) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        for _ in range(5):
            await asyncio.sleep(0)
        now -= 1

    journal = Journal.open(tmp_path)
    subject = HarnessEvaluator(
        {DOCUMENT.id: DOCUMENT, OTHER.id: OTHER},
        load,
        Conditions(team_of(good_caller()), protocol_of(), PlainWorkflow(idle)),
        journal,
        slots=2,
    )
    outcomes = await subject.evaluate(CANDIDATE, CELLS)
    await journal.close()
    assert most == 2
    assert not any(outcome.accepted for outcome in outcomes)


async def test_near_copies_count_on_one_document_and_episodes_stay_as_they_were(
    tmp_path: Path,
) -> None:
    journal, seen = Journal.open(tmp_path), list[EpisodeRecord]()
    subject = evaluator(good_caller(), journal, seen=seen)
    outcomes = await subject.evaluate(CANDIDATE, CELLS)
    again = await subject.evaluate(CANDIDATE, CELLS[3:])
    await journal.close()
    assert [outcome.accepted for outcome in outcomes] == [True] * 3 + [False] * 3
    assert again == outcomes[3:]
    assert [record.status for record in seen] == ["accepted"] * 6


async def test_what_an_edit_gets_accepted_everywhere_counts_on_one_document(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "r", linger=0)
    subject = evaluator(good_caller(), journal)
    other = replace(CANDIDATE, id="c8", tree="other tree")
    cells = [[Cell(DOCUMENT.id, "validation", 7)], [Cell(OTHER.id, "validation", 8)]]
    looked = [(CANDIDATE, await subject.evaluate(CANDIDATE, cells[0]))]
    looked += [(CANDIDATE, await subject.evaluate(CANDIDATE, cells[1]))]
    assert all(outcome.accepted for _, outcomes in looked for outcome in outcomes)
    found = subject.distinct(looked)
    assert [[outcome.accepted for outcome in outcomes] for outcomes in found] == [[True], [False]]
    assert [[outcome.cell for outcome in outcomes] for outcomes in found] == cells
    assert subject.distinct([(other, looked[0][1])]) == [looked[0][1]], "no episode of its own"
    await journal.close()
