"""What speaks for a candidate is made anew from the record; what does not follow is refused."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autodata.jobs.evidence import difference
from autodata.store.lines import Entry
from autodata.types import Json
from tests.support.command_line import (
    RACE,
    RUN,
    TINY,
    Place,
    copied,
    good,
    pretend_real,
    refused,
    rewritten,
)
from tests.support.topics import of_these_topics

Change = Callable[[Json], Json]


@pytest.fixture
def real(finished: Place, tmp_path: Path) -> Place:
    """A copy of the finished project whose run says that its models were real."""
    place = copied(finished.folder, tmp_path / "real")
    pretend_real(place, RUN)
    return place


def edited(place: Place, kind: str, key: str, change: Change) -> None:
    """Write one record of the run anew, with a checksum that fits."""

    def edit(r: Entry) -> Entry:
        return replace(r, body=change(r.body)) if (r.kind, r.key) == (kind, key) else r

    rewritten(place, RUN, edit)


def merged(**said: Any) -> Change:
    return lambda body: {**body, **said}


def at_alpha(alpha: float) -> Change:
    def change(body: Json) -> Json:
        optimize = {**body["config"]["optimize"], "alpha": alpha}
        return {**body, "config": {**body["config"], "optimize": optimize}}

    return change


def failed(place: Place, seed: int) -> str:
    """Make a run of real models, as far as it says, that certified nobody."""
    good(place("optimize", "--run=nobody", f"--seed={seed}", RACE, *TINY))
    pretend_real(place, "nobody")
    return "nobody"


@pytest.mark.parametrize(
    ("key", "change", "told"),
    [
        ("c3", merged(tested_before=1), "tested_before is 1, 0 follows"),
        ("c3", merged(repeats=4), "repeats is 4, 1 follows"),
        ("c3", merged(documents=80), "documents is 80, 40 follows"),
        ("c3", merged(certified=False), "certified is False, True follows"),
    ],
)
def test_a_certificate_that_does_not_follow_is_refused(
    real: Place, key: str, change: Change, told: str
) -> None:
    edited(real, "certification", key, change)
    said = f"the certificate of {key} does not follow from what run {RUN} recorded: {told}"
    refused(real("promote", RUN), said, "restore the run's journal")
    assert good(real("versions", "--json")).json == []
    forced = good(real("promote", RUN, "--force"))
    assert f"forced, and recorded: {said}" in forced.out
    assert good(real("versions", "--json")).json[-1]["certified"] is False


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (merged(difference={}), "the field 'difference': the field 'mean' is missing"),
        (merged(better=True), "the field 'better' is not known"),
    ],
)
def test_a_certificate_that_is_none_is_refused(real: Place, change: Change, told: str) -> None:
    edited(real, "certification", "c3", change)
    said = f"certification c3 of run {RUN} is no record of kind certification, version 1: {told}"
    refused(real("promote", RUN, "--force"), said, "restore the journal from a backup")
    assert good(real("versions", "--json")).json == []


def test_a_certificate_at_another_alpha_than_the_runs_is_refused(real: Place) -> None:
    """What `certify --set optimize.alpha=0.49` once made, seen from the other side."""
    edited(real, "run", RUN, at_alpha(0.01))
    refused(real("promote", RUN), "difference.low is ", "from a backup")


def test_a_forged_certificate_needs_the_episodes_it_speaks_of(real: Place) -> None:
    good(real("certify", RUN, "c3"))
    rewritten(
        real,
        RUN,
        lambda r: (
            replace(r, key="c1", body={**r.body, "candidate_id": "c1"})
            if (r.kind, r.key) == ("certification", "c3")
            else r
        ),
    )
    refused(real("promote", RUN, "c1"), "the certificate of c1 does not follow", "from a backup")


def test_a_test_episode_that_was_changed_is_found_out(real: Place) -> None:
    tree = good(real("sql", "select tree from candidates where candidate_id = 'c3'")).out.split()[2]

    def better(r: Entry) -> Entry:
        test = r.kind == "episode" and r.body["split"] == "test" and r.body["tree"] == tree
        return replace(r, body={**r.body, "status": "accepted"}) if test else r

    rewritten(real, RUN, better)
    refused(real("promote", RUN), "the certificate of c3 does not follow", "from a backup")


def test_a_certificate_without_a_note_of_its_test_is_refused(real: Place) -> None:
    (real.folder / "runs/test-ledger.jsonl").unlink()
    refused(real("promote", RUN), "has no note of this test", "test-ledger.jsonl from a backup")


@of_these_topics
def test_a_candidate_that_was_certified_later_is_promoted(mine: Place) -> None:
    assert good(mine("certify", RUN, "c2", "--json")).json["certified"] is True
    pretend_real(mine, RUN)
    assert "harness/lambada/v1" in good(mine("promote", RUN, "c2")).out


@of_these_topics
def test_a_run_that_certified_nobody_says_what_its_test_showed(fresh: Place) -> None:
    name = failed(fresh, 8)
    result = "difference +.10 [-.23, +.43] on 10 documents; no gain is certain"
    refused(
        fresh("promote", name),
        f"run {name} certified nobody: c1 was tested: {result}",
        f"autodata show {name}",
    )
    refused(
        fresh("promote", name, "c1"),
        f"c1 was tested and is not certified: {result}",
        "promote one that is, or promote with --force",
    )


def test_a_run_that_tested_nobody_says_so(fresh: Place) -> None:
    name = failed(fresh, 3)
    refused(fresh("promote", name), "so none was tested", f"autodata show {name}")
    refused(fresh("promote", name, "c0"), f"c0 is what run {name} began with", "name another")


def test_an_unfinished_run_says_that_it_is_unfinished(real: Place) -> None:
    (journal,) = (real.folder / "runs" / RUN / "journal").iterdir()
    text = journal.read_bytes()
    os.truncate(journal, text.index(b'{"kind":"certification"'))  # as a kill may leave it
    refused(real("promote", RUN), "it is not finished", f"autodata optimize --run {RUN}")
    refused(
        real("promote", RUN, "c1"), f"c1 was not tested: run {RUN} is not finished", "finish it"
    )
    refused(real("promote", RUN, "c0"), f"c0 is what run {RUN} began with", "name another")


def test_a_run_that_was_closed_by_a_budget_is_promoted_like_any_other(real: Place) -> None:
    edited(real, "session", "finished", merged(closed="budget.usd"))
    good(real("promote", RUN))


def test_what_differs_in_a_certificate_is_named_and_a_last_digit_does_not_count() -> None:
    follows = {"difference": {"low": 0.1 + 0.2}, "certified": True}
    assert difference({"difference": {"low": 0.3}, "certified": True}, follows) == ""
    assert difference({"difference": {"low": 0.3}, "certified": 1}, follows) == (
        "certified is 1, True follows"
    )
    assert difference({"difference": {"low": 0.31}, "certified": True}, follows).startswith(
        "difference.low"
    )
