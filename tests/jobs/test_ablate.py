"""A candidate measured without each of its edits: what leaves with what, and what is told."""

from dataclasses import dataclass

import pytest

import autodata
from autodata.harness.repository import Repository
from autodata.harness.spec import Harness, load_folder, with_edits, with_knobs
from autodata.harness.workflow import Sandbox
from autodata.search.merger import GitMerger, MergeBounds
from autodata.search.session import GitWorkshop, RunStart
from autodata.store.journal import Journal
from autodata.store.records import CandidateRecord, DocumentsRecord, EditRecord
from autodata.types import Candidate
from tests.support.command_line import RUN, TINY, Place, good, keys, refused

FEW = "--most=8"


@dataclass
class Made:
    """Edits of a run that was made by hand, where no search takes part."""

    workshop: GitWorkshop
    journal: Journal
    number: int = 0

    async def edit(self, harness: Harness, on: Candidate) -> Candidate:
        self.number += 1
        edit = await self.workshop.make(self.number, on, harness, f"Edit {self.number}\n\nwhy")
        await self.journal.append(
            edit.id, EditRecord(edit.commit, edit.tree, on.id, "llm", edit.message, "", 0)
        )
        return edit

    async def candidate(self, made: Candidate, *edits: int) -> None:
        record = CandidateRecord(
            made.commit,
            made.tree,
            made.parent_id,
            made.knobs,
            made.prompt_chars,
            made.message,
            made.id,
            max(edits, default=0),
            "merge" if edits else "baseline",
            edits,
        )
        await self.journal.append(made.id, record)


@pytest.fixture
async def merged(fresh: Place) -> Place:
    """A run `sets` whose c1 is the baseline with e1 (a knob), e2 (text), e3 (upon e2)."""
    base = load_folder(fresh.folder / "harnesses/lambada")
    dealt = DocumentsRecord((), (), ())
    journal = Journal.open(fresh.folder / "runs/sets")
    with Repository(fresh.folder) as repository:
        start = RunStart("sets", 1_790_000_000, 0, base.name, repository.head(), {}, True, dealt)
        made = Made(GitWorkshop(repository, start, "e"), journal)
        baseline = made.workshop.baseline(base)
        await journal.append("sets", start.record(baseline, ""))
        await made.candidate(baseline)
        first = await made.edit(with_knobs(base, {"rounds": 4}), baseline)
        longer = with_edits(base, {"workflow.py": base.workflow.replace("5, 60", "4, 60")})
        second = await made.edit(longer, baseline)
        longest = with_edits(longer, {"workflow.py": base.workflow.replace("5, 60", "4, 70")})
        third = await made.edit(longest, second)
        async with Sandbox(workers=1) as sandbox:
            merger = GitMerger(made.workshop, base, MergeBounds(sandbox.check))
            whole = await merger.merge("c1", [first, second, third])
        assert whole is not None
        await made.candidate(whole, 1, 2, 3)
    await journal.close()
    return fresh


def test_each_edit_is_taken_out_and_what_was_made_on_it_leaves_too(merged: Place) -> None:
    data = good(merged("ablate", "sets", "c1", FEW, "--run=without", "--json")).json
    assert keys(data) == [
        "calls",
        "candidate",
        "completion_tokens",
        "cost_usd",
        "edits",
        "episodes",
        "prompt_tokens",
        "rate",
        "reasoning_tokens",
        "run_id",
        "simulated",
        "split",
        "unusable",
    ]
    assert (data["candidate"], data["run_id"], data["episodes"]) == ("sets/c1", "without", 8)
    assert [(edit["edit"], edit["also"]) for edit in data["edits"]] == [
        ("e1", []),
        ("e2", ["e3"]),
        ("e3", []),
    ]
    for edit in data["edits"]:
        assert edit["change"] == f"Edit {edit['edit'][1]}"
        gain = data["rate"]["mean"] - edit["without"]["mean"]
        assert edit["gain"]["mean"] == pytest.approx(gain)
        assert edit["gain"]["low"] < gain < edit["gain"]["high"]
    query = "select count(distinct tree) n, count(*) k from episodes where run_id = 'without'"
    assert good(merged("sql", query, "--format=json")).json == [{"n": 4, "k": 32}]


def test_the_same_name_goes_on_and_pays_for_nothing_twice(merged: Place) -> None:
    shown = good(merged("ablate", "sets", "c1", FEW, "--run=without"))
    assert "sets/c1 whole: pass rate " in shown.out
    assert "e3" in shown.out
    before = good(merged("sql", "select count(*) n from calls", "--format=json")).json
    again = good(merged("ablate", "sets", "c1", FEW, "--run=without"))
    assert good(merged("sql", "select count(*) n from calls", "--format=json")).json == before
    assert again.out.splitlines()[-4:] == shown.out.splitlines()[-4:]


def test_in_a_race_a_candidate_is_ablated_by_its_ancestors(fresh: Place) -> None:
    good(fresh("optimize", "--run=races", "--set=optimize.search=race", *TINY))
    found = autodata.ablate("races", "c1", fresh.folder, "without", autodata.Sample(most=4))
    assert [edit.edit for edit in found.edits] == ["c1"]
    assert (found.run.name, found.episodes, found.simulated) == ("without", 4, True)


def test_what_has_no_edits_is_not_ablated(mine: Place) -> None:
    refused(mine("ablate", RUN, "c0"), "c0 is the baseline, which has no edits", "name a candidate")
    refused(mine("ablate", RUN, "c99"), "the run has no candidate 'c99'", "c")
    refused(mine("ablate", RUN), "which candidate of run", "autodata ablate first CANDIDATE")
    refused(mine("ablate", RUN, "c3", "--split=test"), "the test split is sealed", "certify")
