"""The auditor: asked once for each accepted example, journaled, heard by nobody but the host."""

from pathlib import Path

import pytest

from autodata.episode.auditor import Auditor
from autodata.episode.evaluator import HarnessEvaluator, episode_key
from autodata.episode.run import Conditions
from autodata.errors import ContextTooLong, Refused
from autodata.harness.spec import Harness
from autodata.models.base import Request, Site
from autodata.store.journal import Journal
from autodata.store.quality import FindingRecord
from autodata.types import Candidate, Cell, Json, Outcome
from tests.support.episodes import (
    CANDIDATE,
    DOCUMENT,
    HARNESS,
    Answer,
    FakeCaller,
    PlainWorkflow,
    good_caller,
    protocol_of,
    team_of,
    verdicts,
    whole_round,
)

CELL = Cell(DOCUMENT.id, "validation", 0)
FORM: Json = {
    "leak": False,
    "ambiguous": False,
    "bare_number": False,
    "rubric_fair": True,
    "without_document": False,
    "comment": "",
}
OBJECTIONS = [
    {"leak": True},
    {"ambiguous": True},
    {"bare_number": True},
    {"rubric_fair": False},
    {"without_document": True},
]


async def outcome(folder: Path, caller: FakeCaller, seated: bool = True) -> Outcome:
    async def load(_: Candidate) -> Harness:
        return HARNESS

    journal, team, protocol = Journal.open(folder), team_of(caller), protocol_of()
    auditor = Auditor(team, protocol.domain, journal) if seated else None
    conditions = Conditions(team, protocol, PlainWorkflow(whole_round), auditor=auditor)
    evaluator = HarnessEvaluator({DOCUMENT.id: DOCUMENT}, load, conditions, journal)
    (found,) = await evaluator.evaluate(CANDIDATE, [CELL])
    await journal.close()
    return found


def finding(folder: Path) -> FindingRecord | None:
    journal = Journal.open(folder)
    return journal.find(FindingRecord, episode_key(HARNESS.tree, CELL))


async def test_an_accepted_example_to_which_it_objects_nowhere_holds(tmp_path: Path) -> None:
    found = await outcome(tmp_path, good_caller(auditor=FORM))
    assert (found.accepted, found.held, found.counts) == (True, True, True)


@pytest.mark.parametrize("objection", OBJECTIONS, ids=lambda o: next(iter(o)))
async def test_any_objection_makes_it_one_that_does_not_count(
    tmp_path: Path, objection: Json
) -> None:
    found = await outcome(tmp_path, good_caller(auditor={**FORM, **objection}))
    assert (found.accepted, found.held, found.counts) == (True, False, False)
    record = finding(tmp_path)
    assert record is not None
    ((name, value),) = objection.items()
    assert getattr(record, name) == value
    assert not record.holds


async def test_without_an_auditor_nobody_is_asked_and_what_is_accepted_counts(
    tmp_path: Path,
) -> None:
    found = await outcome(tmp_path, good_caller(), seated=False)
    assert (found.held, found.counts) == (None, True)


async def test_a_rejected_episode_has_nothing_to_audit(tmp_path: Path) -> None:
    caller = good_caller(judge=verdicts(True, True), auditor=FORM)
    found = await outcome(tmp_path, caller)
    assert (found.accepted, found.held) == (False, None)
    assert caller.of("auditor") == []


async def test_its_finding_is_journaled_and_it_is_asked_once(tmp_path: Path) -> None:
    first = await outcome(tmp_path, good_caller(auditor={**FORM, "leak": True}))
    again = await outcome(tmp_path, FakeCaller({}))
    assert again == first


async def test_it_sees_document_and_example_but_no_answer_or_score(tmp_path: Path) -> None:
    caller = good_caller(auditor=FORM)
    await outcome(tmp_path, caller)
    ((site, request),) = caller.of("auditor")
    shown = str(request.to_json())
    assert (site.document_id, site.split) == (DOCUMENT.id, "validation")
    assert "SECRET PAPER" in shown
    assert "REFERENCE: because" in shown
    assert "says that asking costs more" in shown
    assert "it is fast" not in shown


async def test_a_reply_of_no_use_vouches_for_nothing(tmp_path: Path) -> None:
    found = await outcome(tmp_path, good_caller(auditor=Refused("I will not", "-")))
    assert found.held is False
    record = finding(tmp_path)
    assert record is not None
    assert (record.leak, record.problem) == (None, "I will not")


async def test_a_document_that_is_too_long_for_it_is_shortened(tmp_path: Path) -> None:
    def play(site: Site, request: Request) -> Answer:
        whole = DOCUMENT.text in request.messages[-1].content
        return ContextTooLong("too long", "-") if whole else FORM

    caller = good_caller(auditor=play)
    assert (await outcome(tmp_path, caller)).held is True
    assert len(caller.of("auditor")) == 2
