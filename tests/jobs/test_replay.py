"""A replay comes to what the run came to, without any model, or says where it does not."""

import json
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from autodata.store.lines import Entry, read_entries
from autodata.types import Json
from tests.support.command_line import (
    RACE,
    RUN,
    SMALL,
    TINY,
    Place,
    copied,
    edit_texts,
    good,
    new_place,
)
from tests.support.journals import tables_of, write_entries

Change = Callable[[Entry], Json | None]


def rewrite(place: Place, change: Change, more: Sequence[Entry] = ()) -> None:
    """Write the run's journal anew, each body as `change` says; None leaves the record out."""
    folder = place.folder / "runs" / RUN
    entries = [*more, *read_entries(folder)]
    bodies = [(entry, change(entry)) for entry in entries]
    write_entries(folder, [replace(e, body=body) for e, body in bodies if body is not None])


SEARCH = ("optimize", "--run", RUN, "--seed=19", *TINY, RACE)


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A project with a search that is over soon, for it is carried out again and again."""
    place = new_place(tmp_path_factory.mktemp("searched") / "project")
    good(place(*SEARCH))
    return place


@pytest.fixture
def mine(searched: Place, tmp_path: Path) -> Place:
    """A copy of that project, to be changed."""
    return copied(searched.folder, tmp_path / "copy")


def test_a_replay_checks_everything_and_writes_nothing(finished: Place) -> None:
    before, refs = finished.files(), finished.git("for-each-ref")
    told = "equal, all of it, up to times\n"
    assert good(finished("replay", RUN)).out.endswith(told)
    assert finished.files() == before
    assert finished.git("for-each-ref") == refs
    found = good(finished("replay", RUN, "--json")).json
    kinds = [record.kind for record in read_entries(finished.folder / "runs" / RUN)]
    assert found["facts"]["documents"] == 1
    assert found["rows"]["documents"] == 4 + 16 + 40
    for kind in ("run", "call", "episode", "iteration", "candidate", "certification"):
        assert found["facts"][kind] == kinds.count(kind)
        assert found["rows"][f"{kind}s"] == kinds.count(kind)
    assert sum(found["decisions"].values()) == kinds.count("iteration")
    assert (found["best"], found["equal"]) == ("c3", True)


def test_a_replay_needs_neither_configuration_nor_harness_folder(mine: Place) -> None:
    mine.write("autodata.yaml", "models: 3\n")
    shutil.rmtree(mine.folder / "harnesses")
    assert "equal" in good(mine("replay", RUN)).out


def test_what_was_certified_after_the_end_is_no_part_of_the_replay(
    finished: Place, tmp_path: Path
) -> None:
    place = copied(finished.folder, tmp_path / "certified")
    good(place("certify", RUN, "c2", *SMALL))
    assert "equal" in good(place("replay", RUN)).out


def one_call(place: Place) -> Entry:
    """Return a call from the middle of the run."""
    calls = list(read_entries(place.folder / "runs" / RUN, {"call"}))
    return calls[len(calls) // 2]


def named(call: Entry) -> str:
    """How a call is named."""
    body = call.body
    return (
        f"call {body['ordinal']} of role {body['role']} (candidate {body['candidate_id']}, "
        f"document {body['document_id']}, repeat {body['repeat']}, key {call.key})"
    )


def test_a_missing_call_is_named(mine: Place) -> None:
    lost = one_call(mine)
    rewrite(mine, lambda r: None if r.key == lost.key else r.body)
    done = mine("replay", RUN)
    assert done.code == 2
    assert f"{named(lost)} is not in the journal" in done.err


def changed(kind: str, **fields: object) -> Change:
    """Return a change of the last fields of every record of a kind."""
    return lambda r: {**r.body, **fields} if r.kind == kind else r.body


def contradicted(r: Entry) -> Json:
    """Say the opposite of what a test came to."""
    body = r.body
    return {**body, "certified": not body["certified"]} if r.kind == "certification" else body


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (changed("episode", status="accepted"), 'status is "rejected", was "accepted"'),
        (changed("iteration", decision="refused"), 'was "refused"'),
        (changed("candidate", prompt_chars=7), "prompt_chars is 0, was 7"),
        (contradicted, "certified is "),
        (changed("run", simulated=False), f"run {RUN} is not what the journal says: simulated is"),
        (changed("run", created_at=1), "candidate c0 has another date or parent in git"),
    ],
    ids=["episode", "iteration", "candidate", "certification", "models", "date"],
)
def test_the_first_difference_is_told(mine: Place, change: Change, told: str) -> None:
    rewrite(mine, change)
    done = mine("replay", RUN)
    assert done.code == 2
    assert told in done.err
    assert "fix: something that decides what a run does has changed" in done.err


@pytest.mark.parametrize(
    "fields",
    [
        {"request": {"prompt": "another question", "temperature": 0}},
        {"cost_usd": 99.0},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_a_call_that_differs_names_itself(mine: Place, fields: Json) -> None:
    call = one_call(mine)
    rewrite(mine, lambda r: {**r.body, **fields} if r.key == call.key else r.body)
    done = mine("replay", RUN)
    assert done.code == 2
    name = next(iter(fields))
    assert f"{named(call)} is not what the journal says: {name}" in done.err


def test_a_call_that_nobody_asks_or_that_is_there_twice_is_named(mine: Place) -> None:
    call = one_call(mine)
    spare = Entry("call", "spare", 0.0, call.body)
    rewrite(mine, lambda r: r.body, [spare])
    assert f"the replay did not come to {named(spare)}" in mine("replay", RUN).err
    rewrite(mine, lambda r: None if r.key == "spare" else r.body, [call])
    assert f"{named(call)} is in the journal twice" in mine("replay", RUN).err


def test_a_fact_that_the_replay_does_not_come_to_is_told(mine: Place) -> None:
    first = next(r for r in read_entries(mine.folder / "runs" / RUN) if r.kind == "episode")
    rewrite(mine, lambda r: r.body, [Entry("episode", "made-up", 0.0, first.body)])
    assert "the replay did not come to episode made-up" in mine("replay", RUN).err


def test_documents_that_changed_since_are_told(mine: Place) -> None:
    rewrite(mine, changed("run", test_split="other"))
    done = mine("replay", RUN)
    assert done.code == 2
    assert "test_split" in done.err


@pytest.mark.thorough
def test_a_run_of_before_its_documents_were_journaled_is_resumed_and_replayed(mine: Place) -> None:
    rewrite(mine, lambda r: None if r.kind == "documents" else r.body)
    assert "documents" not in good(mine("replay", RUN, "--json")).json["facts"]
    good(mine(*SEARCH))
    assert good(mine("replay", RUN, "--json")).json["facts"]["documents"] == 1


def test_documents_of_other_names_are_told(mine: Place) -> None:
    def renamed(r: Entry) -> Json:
        found = json.dumps(r.body)
        return json.loads(found.replace("#", "-")) if r.kind == "documents" else r.body

    rewrite(mine, renamed)
    done = mine("replay", RUN)
    assert done.code == 2
    assert "documents dealt is not what the journal says: train[0].name" in done.err


def test_only_a_finished_search_is_replayed(fresh: Place) -> None:
    good(fresh("evaluate", "lambada", "--most=4", "--run=eval"))
    done = fresh("replay", "eval")
    assert done.code == 2
    assert "run eval is no finished search" in done.err


@pytest.mark.parametrize("search", ["race", pytest.param("merge", marks=pytest.mark.thorough)])
def test_text_edits_are_resumed_and_replayed_too(fresh: Place, tmp_path: Path, search: str) -> None:
    edit_texts(fresh)
    how = (f"--set=optimize.search={search}", "--set=optimize.minibatch=2")
    words = ("optimize", "--run", RUN, "--iterations=3", *how, *TINY[:4])
    good(fresh(*words))
    entries = list(read_entries(fresh.folder / "runs" / RUN))
    calls = [r.body for r in entries if r.kind == "call"]
    assert {"analyzer", "implementer"} <= {call["role"] for call in calls}
    [dealt] = (r.body for r in entries if r.kind == "documents")
    ids = {document["id"] for split in ("train", "validation") for document in dealt[split]}
    told = [json.dumps(call["request"]) for call in calls if call["role"] == "analyzer"]
    assert not any(name in text for name in ids for text in told)  # it knows pseudonyms
    bets = [bet for r in entries if r.kind == "iteration" for bet in r.body["predictions"]]
    assert bets or search == "merge"
    assert {bet["document_id"] for bet in bets} <= (ids if search == "race" else {""})
    found = json.loads(good(fresh("replay", RUN, "--json")).out)
    decided = "iteration" if search == "race" else "beliefs"
    assert found["facts"][decided] >= 2
    whole, rng = tables_of(fresh.folder / "runs"), Random(7)
    segments = sorted((fresh.folder / "runs" / RUN / "journal").iterdir())
    text = b"".join(segment.read_bytes() for segment in segments)
    audited = text.index(
        b'{"kind":"%b",' % decided.encode()
    )  # its analyzer must not see how its edit did
    for number, length in enumerate((audited, int(len(text) * rng.uniform(0.2, 0.9)))):
        cut = copied(fresh.folder, tmp_path / str(number))
        for segment in segments:
            left, length = length, length - segment.stat().st_size
            copy = cut.folder / segment.relative_to(fresh.folder)
            if left <= 0:
                copy.unlink()
            elif length < 0:
                os.truncate(copy, left)
        good(cut(*words))
        if search == "race":
            assert tables_of(cut.folder / "runs") == whole
        else:  # edits may enter at another look
            assert "equal, all of it" in good(cut("replay", RUN)).out


@pytest.mark.thorough
def test_equal_edits_side_by_side_are_replayed_too(fresh: Place) -> None:
    edit_texts(fresh)
    settings = ("--set=optimize.proposer=llm", "--set=optimize.parallel=8", "--iterations=8")
    few = ("--set=optimize.minibatch=2", "--set=optimize.episodes=500")
    good(fresh("optimize", "--run", RUN, *settings, *few, *TINY[:3]))
    query = "select candidate_id, reason from iterations where decision = 'refused'"
    refusals = good(fresh("sql", query, "--format=json")).json
    assert {"candidate_id": None, "reason": "this harness was tried before"} in refusals
    assert "equal, all of it" in good(fresh("replay", RUN)).out
