"""A search with an auditor: what is certified is the rate of examples that hold, and it replays."""

from dataclasses import replace
from itertools import takewhile
from pathlib import Path

import pytest

from autodata.jobs.estimate import with_audits
from autodata.store.lines import Entry, read_entries
from autodata.types import Cell, Outcome, Spend
from tests.support.command_line import RACE, RUN, Place, copied, good, new_place, refused
from tests.support.journals import call, write_entries

SEARCH = (
    RACE,
    "--set=documents.splits.train=2",
    "--set=documents.splits.validation=8",
    "--set=documents.splits.test=10",
    "--set=optimize.episodes=120",
    "--set=optimize.alpha=0.5",
    "--iterations=1",
)


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A project with a finished search, an auditor seated, and a certificate of c1."""
    place = new_place(tmp_path_factory.mktemp("audited") / "project")
    config = (place.folder / "autodata.yaml").read_text()
    for old, new in (
        ("harness: lambada", "harness: cs-research"),
        ("domain: cloze", "domain: research"),
        ("acceptance: verifiable", "acceptance: paper-prose"),
        ("weak: {model: small}", "weak: {model: weak-chat}"),
        ("strong: {model: small, mode: privileged}", "strong: {model: chat}"),
        ("  judge:", "  auditor: {model: weak-chat}\n  judge:"),
    ):
        assert old in config
        config = config.replace(old, new)
    place.write("autodata.yaml", config)
    place.git("commit", "-qam", "Seat an auditor")
    good(place("optimize", "--run", RUN, "--seed=7", *SEARCH))
    good(place("certify", RUN, "c1"))
    return place


def kept(place: Place, kind: str) -> list[Entry]:
    return [e for e in read_entries(place.folder / "runs" / RUN) if e.kind == kind]


def without(place: Place, kind: str, key: str = "") -> None:
    """Take records of a kind out of the journal, all or that of a key."""
    folder = place.folder / "runs" / RUN
    entries = [e for e in read_entries(folder) if e.kind != kind or (key and e.key != key)]
    write_entries(folder, entries)


def test_every_accepted_example_but_those_of_null_episodes_is_audited_once(audited: Place) -> None:
    episodes = [e for e in kept(audited, "episode") if e.body["status"] == "accepted"]
    counted = {e.key for e in episodes if e.body["repeat"] >= 0}
    findings = [e.key for e in kept(audited, "finding")]
    assert sorted(findings) == sorted(counted)
    assert {e.body["split"] for e in kept(audited, "finding")} == {"validation", "test"}


def test_a_certificate_is_on_the_rate_of_examples_that_hold(audited: Place) -> None:
    for entry in kept(audited, "certification"):
        for side, name in (("audited", "rate"), ("baseline_audited", "baseline_rate")):
            found = entry.body[side]
            assert 0 < found["holds"] <= found["accepted"]
            episodes = entry.body["documents"] * entry.body["repeats"]
            assert entry.body[name]["mean"] == pytest.approx(found["holds"] / episodes)
    assert kept(audited, "certification")


def test_show_says_how_many_hold(audited: Place) -> None:
    shown = " ".join(good(audited("show", RUN)).out.split())
    assert "accepted validation examples hold" in shown
    assert "accepted hold)" in shown
    lines = {
        line["candidate_id"]: line
        for line in good(audited("show", RUN, "--json")).json["candidates"]
    }
    kinds = [e.body for e in kept(audited, "finding") if e.body["split"] == "validation"]
    first = [body for body in kinds if body["candidate_id"] == "c0"]
    held = sum(body["holds"] for body in first)
    assert (lines["c0"]["audited"], lines["c0"]["holds"]) == (len(first), held)
    assert f" {held}/{len(first)} " in shown


def test_a_replay_comes_to_the_same_findings(audited: Place) -> None:
    done = good(audited("replay", RUN, "--json")).json
    entries = read_entries(audited.folder / "runs" / RUN)
    searched = takewhile(lambda e: (e.kind, e.key) != ("session", "finished"), entries)
    by_the_search = sum(e.kind == "finding" for e in searched)  # `certify` came after it
    assert done["facts"]["finding"] == done["rows"]["findings"] == by_the_search > 0


def test_an_estimate_counts_what_the_auditor_takes_after_an_episode() -> None:
    cell = Cell("d", "train", 0)
    outcomes = [[Outcome(cell, True, Spend(2, 20, 4, 0.5, 1.0))], [Outcome(cell, False)]]
    asked = replace(call(1)[1], tree="tree0", document_id="d", repeat=0)
    calls = [replace(asked, role=role) for role in ("auditor", "weak")]
    first, second = with_audits(["tree0", "tree1"], outcomes, calls)
    assert first.spend == outcomes[0][0].spend + calls[0].spend
    assert second.spend == Spend()


def test_an_analyzer_sees_no_finding_and_people_none_of_test_documents_before_the_end(
    audited: Place, tmp_path: Path
) -> None:
    mine = copied(audited.folder, tmp_path / "copy")
    without(mine, "session", "finished")
    query = "select distinct split from findings order by 1"
    assert good(mine("sql", query, "--format=csv")).out.split() == ["split", "validation"]


def test_a_certificate_whose_findings_are_gone_promotes_nobody(
    audited: Place, tmp_path: Path
) -> None:
    mine = copied(audited.folder, tmp_path / "copy")
    (certificate,) = kept(mine, "certification")
    without(mine, "finding")
    refused(mine("promote", RUN, certificate.key), "simulated", "--force")
    forced = good(mine("promote", RUN, certificate.key, "--force")).out
    assert "no finding of the auditor" in forced
