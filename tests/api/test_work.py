"""Searches and measurements from Python: as the commands do, without printing, and resumable."""

import asyncio
import os
import signal
from typing import Any

import pytest

import autodata
from autodata.report.display import Job
from autodata.store.episodes import EpisodeRecord
from tests.support.command_line import RUN, SMALL, TINY, Place

FEW = {
    "documents.splits.train": 2,
    "documents.splits.validation": 8,
    "documents.splits.test": 10,
    "optimize.episodes": 150,
    "optimize.iterations": 1,
}
"""The same as `TINY`, as a mapping."""


class Steps(autodata.Display):
    """A display that remembers in which order it was told of things."""

    def __init__(self, interrupt_at: int = 0) -> None:
        self.steps: list[str] = []
        self.episodes = 0
        self.interrupt_at = interrupt_at

    def begins(self, job: Job) -> None:
        self.steps.append(f"begins {job.what} {job.run_id} {job.iterations}")

    def started(self, status: Any, troubles: Any) -> None:
        self.steps.append("started")

    def line(self, text: str) -> None:
        self.steps.append(text)

    def episode(self, record: EpisodeRecord) -> None:
        self.episodes += 1
        if self.episodes == self.interrupt_at:
            os.kill(os.getpid(), signal.SIGINT)

    def ends(self) -> None:
        self.steps.append("ends")


async def test_a_search_goes_on_in_a_notebook_and_prints_nothing(
    finished: Place, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = [word.removeprefix("--set=") for word in SMALL]
    run = autodata.optimize(finished.folder, RUN, settings, seed=19)
    assert (run.name, run.state, run.best) == (RUN, "finished", "c3")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("way", ["merge", "race"])
def test_a_display_is_told_what_a_search_comes_to(fresh: Place, way: str) -> None:
    steps = Steps()
    run = autodata.optimize(fresh.folder, "shown", FEW | {"optimize.search": way}, display=steps)
    told = [step for step in steps.steps if not step.startswith(("documents", "137"))]
    assert told[:2] == ["begins optimize shown 1", "started"] or "started" in told[:3]
    assert any(step.startswith("baseline c0: first look .") for step in told)
    decided = "iteration 1: c0 -> c1 " if way == "race" else "sealed test split: c0 "
    assert any(step.startswith(decided) for step in told)
    assert told[-1] == "ends"
    assert steps.episodes == run.status.counts["episode"]


async def test_an_interrupted_search_goes_on_by_the_same_call_to_the_same_end(
    fresh: Place,
) -> None:
    with pytest.raises(autodata.Interrupted, match="SIGINT") as caught:
        autodata.optimize(fresh.folder, "one", FEW, display=Steps(interrupt_at=12))
    assert "go on with: autodata.optimize(run='one')" in caught.value._render_traceback_()
    run = autodata.open_run("one", fresh.folder)
    assert (run.state, run.result, run.best) == ("interrupted", None, None)
    assert autodata.optimize(fresh.folder, "one").state == "finished"
    other = await autodata.optimize_async(fresh.folder, "other", FEW)
    assert run.result is not None
    assert other.result is not None
    assert (run.result.finalists, run.best) == (other.result.finalists, other.best)
    assert [c.rate.mean for c in run.result.certificates] == [
        c.rate.mean
        for c in other.result.certificates  # its interval is that of a second test
    ]
    assert autodata.replay(run).best == run.best


async def test_a_cancelled_search_is_interrupted_in_order(fresh: Place) -> None:
    begun = asyncio.Event()

    class Begun(Steps):
        def episode(self, record: EpisodeRecord) -> None:
            begun.set()

    steps = Begun()
    search = asyncio.create_task(autodata.optimize_async(fresh.folder, "one", FEW, display=steps))
    first = asyncio.create_task(begun.wait())
    await asyncio.wait((first, search), return_when=asyncio.FIRST_COMPLETED)
    assert begun.is_set(), await search
    search.cancel()
    with pytest.raises(asyncio.CancelledError):
        await search
    assert autodata.open_run("one", fresh.folder).state == "interrupted"
    assert steps.steps[-1] == "ends"


def test_settings_as_a_mapping_are_those_that_are_typed(fresh: Place) -> None:
    run = autodata.optimize(autodata.open_project(fresh.folder, settings=FEW), "python")
    fresh("optimize", "--run=typed", *TINY)
    one, other = (
        autodata.open_run(name, fresh.folder).show().data["run"]["config"]
        for name in (run.name, "typed")
    )
    assert one == other


def test_a_budget_that_ends_a_search_is_a_result(fresh: Place) -> None:
    run = autodata.optimize(fresh.folder, "bounded", {**FEW, "budget.calls": 150})
    assert run.result is not None
    assert run.result.closed is not None
    assert run.result.closed.bound == "budget.calls"
    assert run.state == "closed"


def test_a_budget_that_leaves_nothing_to_say_is_an_error_that_says_how_to_go_on(
    fresh: Place,
) -> None:
    with pytest.raises(autodata.BudgetSpent) as caught:
        autodata.evaluate("lambada", fresh.folder, "e", settings={"budget.calls": 3, **FEW})
    (again,) = [note for note in caught.value.__notes__ if note.startswith("go on with: ")]
    sample = "Sample(split='validation', repeats=1, most=0, null=0, full=False)"
    assert again == f"go on with: autodata.evaluate('lambada', run='e', sample={sample})"


async def test_harnesses_are_measured_side_by_side_in_one_loop(fresh: Place) -> None:
    harness = autodata.Harness.load(fresh.folder / "harnesses/lambada")
    sample = autodata.Sample("train", most=2)
    one, other = await asyncio.gather(
        autodata.evaluate_async(harness, fresh.folder, "a", sample, FEW),
        autodata.evaluate_async("lambada", fresh.folder, "b", sample, FEW),
    )
    assert (one.run.name, other.run.name) == ("a", "b")
    assert (one.accepted, one.episodes, one.spend.calls) == (
        other.accepted,
        2,
        other.spend.calls,
    )
    assert one.low <= one.pass_rate <= one.high
    assert one.simulated
    assert one.run.trace(one.first).data[0]["candidate_id"] == "c0"


def test_the_sealed_split_is_not_measured(fresh: Place) -> None:
    with pytest.raises(autodata.ConfigurationError, match="the test split is sealed"):
        autodata.evaluate("lambada", fresh.folder, sample=autodata.Sample("test"))
    assert not (fresh.folder / "runs").exists()


async def test_a_candidate_is_certified_and_promoted_from_a_notebook(mine: Place) -> None:
    run = autodata.open_run(RUN, mine.folder)
    found = autodata.certify(run, "c2")
    assert found == await autodata.certify_async(RUN, "c2", mine.folder)
    assert found.tested_before == 1
    version, new = autodata.promote(RUN, force=True, project=mine.folder)
    assert (version.tag, new) == ("harness/lambada/v1", True)


async def test_a_project_is_begun_and_its_search_estimated(
    tmp_path: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    project = autodata.init_project(tmp_path / "new", "simulated")
    assert project.harness_names()
    found = autodata.estimate(project, episodes=2, settings=FEW)
    assert found.usd.low <= found.usd.mean <= found.usd.high
    assert capfd.readouterr() == ("", "")
