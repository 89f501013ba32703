"""What version 0.1.0 left behind is shown, asked, replayed, resumed and promoted as ever."""

import json
import tarfile
from pathlib import Path

import pytest

from autodata import __version__
from autodata.store.kinds import KINDS
from autodata.store.lines import Entry, read_entries
from tests.support.command_line import Place, copied, good, refused
from tests.support.journals import changed, write_entries

ARCHIVE = Path(__file__).parents[1] / "data" / "project-0.1.0.tar.xz"
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
            assert (now.pop("format"), now.pop("autodata")) == (2, "0.1.0")
        left_out = {name: value for name, value in entry.body.items() if name not in now}
        assert {**now, **left_out} == entry.body
        assert all(value in (None, "", []) for value in left_out.values())


def test_the_project_has_every_kind_that_there_was(old: Place) -> None:
    kinds = {entry.kind for run in RUNS for entry in entries(old, run)}
    assert kinds == set(KINDS) - {"trouble", "execution"}
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


@pytest.mark.parametrize("run", ["search", "closed"])
def test_an_old_search_is_replayed_to_the_same(old: Place, run: str) -> None:
    assert "equal, all of it, up to times" in good(old("replay", run)).out


def test_an_old_search_that_was_stopped_goes_on_with_what_it_paid_for(mine: Place) -> None:
    good(mine("optimize", "--run=stopped", "--set=budget.calls=0"))
    known = {entry.key for entry in entries(mine, "stopped") if entry.kind == "call"}
    assert len(known) > 150
    begun = [e.body for e in entries(mine, "stopped") if (e.kind, e.key) == ("session", "2")]
    assert [body["autodata"] for body in begun] == [__version__]
    assert "equal, all of it" in good(mine("replay", "stopped")).out


def test_an_old_search_that_was_closed_goes_on(mine: Place) -> None:
    good(mine("optimize", "--run=closed", "--set=budget.calls=0"))
    assert "3 iterations" in good(mine("show", "closed")).out


def test_an_old_measurement_says_the_same_again(mine: Place) -> None:
    before = len(entries(mine, "measured"))
    words = ("evaluate", "cs-research", "-c", "research.yaml", "--run=measured", "--split=train")
    assert "of 2" in good(mine(*words)).out
    assert len(entries(mine, "measured")) <= before + 2  # the beginning and end of a session


def test_an_old_certificate_follows_from_its_run_and_is_promoted(mine: Place) -> None:
    good(mine("promote", "search", "c3", "--force"))
    rows = good(mine("versions", "--json")).json
    assert [(row["candidate"], row["certified"]) for row in rows[1:]] == [
        ("c1", True),
        ("c3", True),
    ]
    promoted = [entry.key for entry in entries(mine, "search") if entry.kind == "promotion"]
    assert promoted == ["harness/lambada/v1", "harness/lambada/v2"]


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
