"""Promotion through the commands, on real git: evidence, refusals, versions and the way back."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from autodata.store.journal import Journal
from autodata.store.lines import Entry
from autodata.store.records import BeliefsRecord, EditBelief, EditRecord
from tests.support.command_line import (
    RUN,
    TINY,
    Place,
    copied,
    good,
    pretend_real,
    refused,
    rewritten,
)
from tests.support.journals import Kept, changed, write

TAG = "harness/lambada/v1"
MANIFEST = "harnesses/lambada/harness.yaml"


@pytest.fixture
def real(finished: Place, tmp_path: Path) -> Place:
    """A copy of the finished project whose run says that its models were real."""
    place = copied(finished.folder, tmp_path / "real")
    pretend_real(place, RUN)
    return place


def unchanged(place: Place) -> tuple[str, str, str, bytes]:
    """What a refused promotion must leave alone."""
    return (
        place.git("for-each-ref"),
        place.git("rev-parse", "HEAD"),
        place.git("status", "--porcelain"),
        (place.folder / MANIFEST).read_bytes(),
    )


def test_a_certified_candidate_becomes_a_version_with_its_evidence_in_git(real: Place) -> None:
    promoted = real("promote", RUN)
    assert (promoted.code, promoted.err) == (0, "")
    commit = real.git("rev-parse", "HEAD")
    assert promoted.out == f"promoted: {TAG} is commit {commit[:10]}\nsee it: git show {TAG}\n"
    shown = real.git("show", TAG)
    certificate = real("show", RUN, "--json").json["certificates"][0]["evidence"]
    for fact in (
        f"run: {RUN}",
        "candidate: c3",
        "simulated: false",
        "certified: true",
        f"mean: {certificate['difference']['mean']}",
        "forced: false",
        "overridden: []",
        f"+++ b/{MANIFEST}",
    ):
        assert fact in shown
    assert f"Promote c3 of run {RUN}" in real.git("log", "-1", "--format=%B")
    assert real.git("status", "--porcelain") == ""
    assert real("diff", "lambada", f"{RUN}/c3").out == "no difference\n"
    rows = real("sql", "select candidate_id, version, forced from promotions", "--format=json")
    assert rows.json == [{"candidate_id": "c3", "version": "v1", "forced": False}]


def test_a_promoted_merge_says_which_of_its_edits_carried_it(real: Place) -> None:
    def merged(entry: Entry) -> Entry:
        ours = (entry.kind, entry.key) == ("candidate", "c3")
        return changed(entry, edits=[1, 2, 5]) if ours else entry

    rewritten(real, RUN, merged)
    first = EditBelief(1, 0.01, -0.04, 0.06, 0.66, None, 30, "undecided")
    later = replace(first, effect=0.02, good=0.7, episodes=60)
    second = EditBelief(2, 0.06, 0.01, 0.11, 0.99, -120.5, 60, "admitted")
    made = EditRecord("edit1", "tree1", "c0", "text", "Ask for less\n\nIt passes.", "+less", 0)
    facts: list[Kept] = [
        ("e1", made),
        ("e2", replace(made, commit="edit2", message="Name the \x1b trap")),
        ("1", BeliefsRecord((first,))),
        ("2", BeliefsRecord((later, second))),
    ]
    write(real.folder / "runs" / RUN, facts)
    good(real("promote", RUN))
    told = real.git("log", "-1", "--format=%B").splitlines()
    assert told[-3:] == [
        "e2  +.06 [+.01, +.11]  P(good) 0.99  Name the \N{REPLACEMENT CHARACTER} trap",
        "e1  +.02 [-.04, +.06]  P(good) 0.70  Ask for less",
        "e5  -  P(good) -",
    ]
    assert told[:3] == [
        f"Promote c3 of run {RUN}",
        "",
        "Its edits, the likeliest to be good first. Effects on the pass rate with 95 % intervals",
    ]
    assert "are beliefs of the search and no test" in told[3]
    version = good(real("show", "v1", "--json")).json
    assert [edit["edit"] for edit in version["edits"]] == [2, 1, 5]
    assert version["edits"][1] == {
        "edit": 1,
        "commit": "edit1",
        "message": "Ask for less",
        "effect": 0.02,
        "low": -0.04,
        "high": 0.06,
        "good": 0.7,
        "tokens": None,
        "episodes": 60,
    }
    shown = good(real("show", "v1")).out
    assert "effect [95 % belief]" in shown
    assert "only the certificate and `autodata ablate` are tests" in shown


def test_promoting_twice_makes_one_version(real: Place) -> None:
    assert real("promote", RUN).code == 0
    before = unchanged(real)
    again = real("promote", RUN)
    assert again.code == 0
    assert again.out.startswith("nothing to do, this is the current version")
    assert real("promote", RUN, "--force").code == 0
    assert unchanged(real) == before


def test_versions_are_listed_compared_and_returned_to(real: Place) -> None:
    real("promote", RUN)
    real("promote", RUN, "c1", "--force")
    back = real("rollback", "v1")
    assert back.out.startswith("rolled back to v1: harness/lambada/v3 is commit ")
    found = real("versions", "--json").json
    assert sorted(found[1]) == [
        "candidate",
        "certified",
        "commit",
        "forced",
        "rolled_back_to",
        "rules",
        "run",
        "simulated",
        "version",
    ]
    assert [(x["version"], x["candidate"], x["forced"], x["rolled_back_to"]) for x in found] == [
        ("v0", "", False, ""),
        ("v1", "c3", False, ""),
        ("v2", "c1", True, ""),
        ("v3", "c3", False, "v1"),
    ]
    assert "v3" in real("versions").out
    assert real("diff", TAG, "harness/lambada/v3").out == "no difference\n"
    assert real("diff", TAG, "harness/lambada/v2").out.startswith("--- a/harness.yaml")
    assert len(real.git("log", "--format=%s", "--", MANIFEST).splitlines()) == 4


def test_a_run_of_simulated_models_is_promoted_by_force_only_and_says_so(mine: Place) -> None:
    before = unchanged(mine)
    refused(mine("promote", RUN), "simulated models were used", "--force (it is recorded)")
    assert unchanged(mine) == before
    done = mine("promote", RUN, "--force")
    assert "SIMULATED MODELS" in done.out
    assert "forced, and recorded: simulated models were used" in done.out
    evidence = mine.git("tag", "-l", "--format=%(contents)", TAG)
    assert "simulated: true" in evidence
    assert "forced: true" in evidence
    assert "overridden:\n- 'simulated models were used" in evidence
    assert mine("versions", "--json").json[1]["simulated"] is True


def test_a_candidate_without_certificate_is_refused_unless_forced(real: Place) -> None:
    before = unchanged(real)
    refused(
        real("promote", RUN, "c1"),
        "c1 was not tested on the sealed test documents",
        f"test it: autodata certify {RUN} c1; or promote with --force (it is recorded)",
    )
    assert unchanged(real) == before
    assert "forced, and recorded: c1 was not tested" in real("promote", RUN, "c1", "--force").out


def test_a_run_without_test_result_is_refused(fresh: Place) -> None:
    fresh("optimize", "--run=part", "--set=budget.calls=30", *TINY)
    refused(fresh("promote", "part"), "run part has no test result yet", "autodata optimize --run")
    assert fresh("versions", "--json").json == []


def test_a_measurement_is_not_promoted(fresh: Place) -> None:
    assert fresh("evaluate", "lambada", "--most=1", "--run=e").code == 0
    refused(fresh("promote", "e", "--force"), "run e only measured a harness", "autodata runs")


@pytest.mark.parametrize("path", ["autodata.yaml", MANIFEST])
def test_a_dirty_tree_is_refused_and_kept(real: Place, path: str) -> None:
    text = (real.folder / path).read_text()
    real.write(path, f"{text}# mine\n")
    before = unchanged(real)
    refused(real("promote", RUN), "changes that are not committed", "commit or stash")
    assert unchanged(real) == before
    assert (real.folder / path).read_text() == f"{text}# mine\n"


def test_a_moved_incumbent_is_refused_unless_forced(real: Place) -> None:
    real.edit(MANIFEST, "value: any", "value: last")
    real.git("commit", "-qam", "By hand")
    before = unchanged(real)
    refused(real("promote", RUN), "lambada has changed since", "optimize again")
    assert unchanged(real) == before
    assert "forced, and recorded: lambada has changed" in real("promote", RUN, "--force").out


def test_without_a_git_identity_nothing_is_promoted(
    real: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("GIT_COMMITTER_EMAIL", raising=False)
    monkeypatch.delenv("EMAIL", raising=False)
    real.git("config", "--unset", "user.name")
    real.git("config", "--unset", "user.email")
    before = unchanged(real)
    refused(real("promote", RUN), "git does not know who you are", "git config --global user.name")
    assert unchanged(real) == before
    begun = tmp_path / "new"
    begun.mkdir()
    made = Place(begun)("init", "simulated")
    assert made.code == 0
    assert "committed them" not in made.out


async def test_nothing_is_promoted_while_the_run_goes_on(real: Place) -> None:
    journal = Journal.open(real.folder / "runs" / RUN)
    before = unchanged(real)
    done = await asyncio.to_thread(real, "promote", RUN)
    refused(done, f"{RUN} is locked by process", f"autodata stop {RUN}")
    assert unchanged(real) == before
    await journal.close()
    assert (await asyncio.to_thread(real, "promote", RUN)).code == 0


def test_a_stopped_run_goes_on_from_its_baseline_when_another_version_was_promoted(
    real: Place,
) -> None:
    words = ("optimize", "--run=part", *TINY)
    refused(real(*words, "--set=budget.calls=30"), "budget", "larger budget.calls", code=3)
    baseline = real.git("rev-parse", "refs/autodata/part/c0")
    assert real("promote", RUN).code == 0
    done = good(real(*words, "--set=budget.calls=0"))
    assert "lambada have changed since the run began: it goes on from those" in done.out
    assert real.git("rev-parse", "refs/autodata/part/c0") == baseline
    assert "equal" in good(real("replay", "part")).out


def test_a_crash_between_tag_and_journal_is_made_good_by_the_same_command(real: Place) -> None:
    real("promote", RUN)
    *_, journal = sorted((real.folder / "runs" / RUN / "journal").glob("*.jsonl"))
    lines = journal.read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if json.loads(line)["kind"] != "promotion"]
    assert len(kept) == len(lines) - 1
    journal.write_bytes(b"".join(kept))
    assert real("promote", RUN).out.startswith("nothing to do")
    assert real("sql", "select version from promotions", "--format=csv").out == "version\nv1\n"


def test_the_first_promotion_is_rolled_back(real: Place) -> None:
    before = (real.folder / MANIFEST).read_bytes()
    real("promote", RUN)
    assert (real.folder / MANIFEST).read_bytes() != before
    back = good(real("rollback", "v0"))
    assert back.out.startswith("rolled back to v0: harness/lambada/v2 is commit ")
    assert (real.folder / MANIFEST).read_bytes() == before
    assert good(real("rollback", "v0")).out == back.out
    assert [x["version"] for x in good(real("versions", "--json")).json] == ["v0", "v1", "v2"]
    assert good(real("diff", "v0", "v2")).out == "no difference\n"
    assert good(real("rollback", "v1")).out.startswith("rolled back to v1: harness/lambada/v3")


def test_a_crash_in_a_rollback_to_v0_is_made_good_by_the_same_command(real: Place) -> None:
    real("promote", RUN)
    good(real("rollback", "v0"))
    head = real.git("rev-parse", "HEAD")
    real.git("tag", "-d", "harness/lambada/v2")
    assert "harness/lambada/v2 is commit" in good(real("rollback", "v0")).out
    assert real.git("rev-parse", "HEAD") == head


def test_before_the_first_promotion_of_a_shipped_harness_was_the_shipped_one(fresh: Place) -> None:
    fresh.git("rm", "-rq", "harnesses")
    fresh.git("commit", "-qm", "Use the shipped one")
    good(fresh("optimize", "--run=s", *TINY))
    good(fresh("promote", "s", "c1", "--force"))
    assert (fresh.folder / MANIFEST).is_file()
    done = good(fresh("rollback", "v0"))
    assert "harnesses/lambada is gone, as before the first version: the shipped" in done.out
    assert not (fresh.folder / "harnesses").exists()
    assert fresh.git("status", "--porcelain") == ""
    assert good(fresh("rollback", "v0")).out == done.out
    assert good(fresh("diff", "lambada", "v0")).out == "no difference\n"
    assert good(fresh("diff", "v2", "s/c0")).out == "no difference\n"
    assert good(fresh("diff", "v1", "s/c1")).out == "no difference\n"
    assert good(fresh("evaluate", "v0", "--most=1", "--json")).json["episodes"] == 1
    assert good(fresh("rollback", "v1")).out.startswith("rolled back to v1")
    assert (fresh.folder / MANIFEST).is_file()


@pytest.mark.parametrize("name", ["v1", "1", TAG])
def test_every_command_takes_every_spelling_of_a_version(real: Place, name: str) -> None:
    real("promote", RUN)
    real("promote", RUN, "c1", "--force")
    assert good(real("diff", name, f"{RUN}/c3")).out == "no difference\n"
    data = good(real("evaluate", name, "--most=1", "--json")).json
    assert (data["harness"], data["episodes"]) == (name, 1)
    shown = good(real("show", name))
    assert shown.out.startswith(f"{TAG}  commit ")
    assert f"candidate c3 of run {RUN}" in shown.out
    assert "compare: autodata diff harness/lambada/v0 harness/lambada/v1" in shown.out
    assert good(real("show", name, "--json")).json["certified"] is True
    assert good(real("rollback", name, "--harness=lambada")).out.startswith("rolled back to ")
    assert good(real("diff", name, "lambada")).out == "no difference\n"


def test_a_version_that_is_not_there_is_named_with_those_that_are(real: Place) -> None:
    refused(real("rollback", "v0"), "lambada has no version v0", "nothing is promoted yet")
    real("promote", RUN)
    for words in (("rollback", "v7"), ("diff", "v7", "lambada"), ("evaluate", f"{TAG}7")):
        refused(real(*words), "lambada has no version v", "there are: v0, v1")
    refused(real("rollback", "two"), "'two' is no version", "write it like v2")
    refused(real("rollback", "harness/other/v1"), "there is no harness 'other'", "")
    wrong = real("rollback", TAG, "--harness=other")
    refused(wrong, f"{TAG} is a version of lambada", "leave out --harness other")
    refused(real("show", "v7"), "there is no run v7", "")


def test_a_tag_of_the_project_with_the_name_of_no_version_is_a_revision(real: Place) -> None:
    real.git("tag", "v7")
    assert good(real("diff", "v7", "lambada")).out == "no difference\n"


def test_a_version_of_another_harness_has_that_harness_files(real: Place) -> None:
    for path in (real.folder / "harnesses/lambada").iterdir():
        text = path.read_text().replace("name: lambada", "name: other")
        real.write(f"harnesses/other/{path.name}", text)
    real.git("add", "harnesses")
    real.git("commit", "-qm", "Another")
    words = ("--set=harness=other", "--run=o", *TINY)
    good(real("optimize", *words))
    good(real("promote", "o", "c1", "--force"))
    assert good(real("diff", "harness/other/v1", "o/c1")).out == "no difference\n"
    assert "harness/other/v2" in good(real("rollback", "harness/other/v0")).out
    assert good(real("diff", "harness/other/v0", "o/c0")).out == "no difference\n"
