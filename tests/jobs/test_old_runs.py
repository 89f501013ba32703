"""What version 0.1.0 left behind is shown and asked, and finished by the version that began it."""

import json
import tarfile
from pathlib import Path

import pytest

from autodata.episode.acceptance import RULES
from autodata.store.kinds import KINDS
from autodata.store.lines import Entry, read_entries
from tests.support.command_line import RUN, Place, copied, good, pretend_real, refused
from tests.support.journals import changed, write_entries

ARCHIVE = Path(__file__).parents[1] / "data" / "project-0.1.0.tar.xz"
Words = tuple[str, ...]
RUNS = ("search", "measured", "stopped", "closed")


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The project as it was left; not to be changed, but for tables that are made."""
    folder = tmp_path_factory.mktemp("old")
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
    return Place(folder / "project")


@pytest.fixture
def mine(old: Place, tmp_path: Path) -> Place:
    """A copy of it, to be changed."""
    return copied(old.folder, tmp_path / "copy")


def entries(place: Place, run: str) -> list[Entry]:
    return list(read_entries(place.folder / "runs" / run))


@pytest.mark.parametrize("run", RUNS)
def test_every_record_says_what_it_said(old: Place, run: str) -> None:
    """What has its default is left out by now, and a run says which version began it."""
    for entry in entries(old, run):
        now = json.loads(json.dumps(KINDS[entry.kind].from_json(entry.body).to_json()))
        if entry.kind == "run":
            upgraded = [now.pop(name) for name in ("format", "autodata", "rules")]
            assert upgraded == [3, "0.1.0", 1]
        if entry.kind == "episode":
            assert now.pop("format") == 2
        for given in now.get("certificates", ()):  # null rates are younger, and None
            for name in [name for name, value in given.items() if value in (None, [], "")]:
                del given[name]
        left_out = {name: value for name, value in entry.body.items() if name not in now}
        assert {**now, **left_out} == entry.body
        assert all(value in (None, "", []) for value in left_out.values())


def test_the_project_has_every_kind_that_there_was(old: Place) -> None:
    kinds = {entry.kind for run in RUNS for entry in entries(old, run)}
    younger = {
        "trouble",
        "execution",
        "finding",
        "gap",
        "calibration",
        "edit",
        "look",
        "beliefs",
        "command",
    }
    assert kinds == set(KINDS) - younger
    assert not any("format" in entry.body for run in RUNS for entry in entries(old, run))


def test_old_runs_are_listed_and_shown(old: Place) -> None:
    states = {line["run_id"]: line["state"] for line in good(old("runs", "--json")).json}
    assert states == {
        "search": "finished",
        "measured": "finished",
        "stopped": "out of budget",
        "closed": "closed",
    }
    shown = good(old("show", "search")).out
    assert "3 iterations  90 episodes (0 void)  579 calls  27,501 tokens" in shown
    assert "c3 .90 [.64, 1.00]  difference +.70 [+.50, +.90] certified" in shown
    assert "pass rate" in good(old("show", "measured")).out
    assert "admitted" in good(old("show", "search", "c3")).out
    assert "forced, and recorded" in good(old("show", "v1")).out
    assert good(old("trace", "measured")).out


def test_old_runs_are_asked_by_sql(old: Place) -> None:
    query = "select run_id, count(*) n, count(distinct role) roles from calls group by 1 order by 1"
    rows = good(old("sql", query, "--format=json")).json
    assert {row["run_id"]: row["n"] for row in rows} == {
        "closed": 46,
        "measured": 64,
        "search": 579,
        "stopped": 100,  # others are of test documents
    }
    query = "select version, forced, evidence->>'$.evidence.candidate' candidate from promotions"
    [row] = good(old("sql", query, "--format=json")).json
    assert row == {"version": "v1", "forced": True, "candidate": "c1"}


@pytest.mark.parametrize(
    "words",
    [
        ("replay", "search"),
        ("replay", "closed"),
        ("certify", "search", "c2"),
        ("optimize", "--run=search", "--iterations=4"),
        ("optimize", "--run=stopped", "--set=budget.calls=0"),
        ("optimize", "--run=closed", "--set=budget.calls=0"),
        ("evaluate", "cs-research", "-c", "research.yaml", "--run=measured", "--split=train"),
    ],
)
def test_an_old_run_is_finished_by_the_version_that_began_it(mine: Place, words: Words) -> None:
    """What it accepted was accepted by other rules: a rate of both would be of neither."""
    before = mine.files()
    told = (
        f"was begun under version 1 of the acceptance rules, and this autodata has version {RULES}"
    )
    refused(mine(*words), told, "finish it with autodata 0.1.0, or begin a new run")
    assert mine.files().keys() <= before.keys() | {f"runs/{run}/lock" for run in RUNS}


def test_a_certificate_of_an_old_run_is_no_evidence_here(mine: Place) -> None:
    pretend_real(mine, "search")
    told = "was begun under version 1 of the acceptance rules"
    refused(mine("promote", "search", "c3"), told, "finish it with autodata 0.1.0")


def test_a_version_of_an_old_run_can_be_forced_and_says_under_which_rules(mine: Place) -> None:
    forced = good(mine("promote", "search", "c3", "--force"))
    assert "forced, and recorded: run search was begun under version 1" in forced.out
    rows = good(mine("versions", "--json")).json
    assert [(row["candidate"], row["rules"]) for row in rows[1:]] == [("c1", 1), ("c3", 1)]
    assert rows[-1]["certified"] is False


def test_rates_of_other_rules_are_marked_wherever_they_stand(old: Place) -> None:
    mark = f"accepted under version 1 of the acceptance rules, this autodata has {RULES}"
    for words in (("show", "search"), ("show", "measured"), ("show", "v1")):
        assert mark in good(old(*words)).out
    assert good(old("runs")).out.count("1, other rates") == len(RUNS)
    assert {line["rules"] for line in good(old("runs", "--json")).json} == {1}
    assert good(old("sql", "select distinct rules from runs", "--format=json")).json == [
        {"rules": 1}
    ]


def test_runs_of_these_rules_are_not_marked(finished: Place) -> None:
    assert "other rates" not in good(finished("runs")).out
    assert "acceptance rules" not in good(finished("show", RUN)).out
    assert {line["rules"] for line in good(finished("runs", "--json")).json} == {RULES}


def test_a_bundle_of_an_old_run_is_made(mine: Place) -> None:
    good(mine("bundle", "search", "--out=b.zip"))


@pytest.mark.parametrize("command", ["show", "replay", "sql", "optimize"])
def test_a_run_of_a_later_version_is_refused_with_its_name(mine: Place, command: str) -> None:
    """Nothing of it is changed; `status` and `runs` say that it cannot be read."""
    later = [
        changed(e, format=9) if e.kind in ("run", "call") else e for e in entries(mine, "search")
    ]
    session = Entry("session", "9", later[-1].at, {"format": 1, "begun_at": 1.0, "autodata": "7.1"})
    write_entries(mine.folder / "runs/search", [*later, session])
    before = mine.files()
    words = {
        "show": ("show", "search"),
        "replay": ("replay", "search"),
        "sql": ("sql", "select 1"),
        "optimize": ("optimize", "--run=search"),
    }[command]
    told = "run search is of version 9, which autodata 7.1 wrote"
    refused(mine(*words), told, "use autodata 7.1, or a newer one")
    assert mine.files().keys() <= before.keys() | {"runs/search/lock"}
    states = {line["run_id"]: line["state"] for line in good(mine("runs", "--json")).json}
    assert states["search"] == "unreadable"
