"""What calls models: optimizing, evaluating, certifying, estimating, and serving them.

Functions without `_async` wait, also where a loop is running already, as in a notebook; Ctrl-C
ends the work in order, and giving the same name again goes on. Nothing is printed: what a job tells
goes to its `display`.
"""

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random
from typing import Any, Generic, TypeVar

from autodata.api.loops import wait
from autodata.api.project import Project, Settings, Where, project_at
from autodata.api.run import Run, run_at
from autodata.api.splits import split_named
from autodata.errors import AutodataError
from autodata.harness.spec import Harness
from autodata.jobs import certify as certifying
from autodata.jobs import compare as comparing
from autodata.jobs import estimate as estimating
from autodata.jobs import evaluate as evaluating
from autodata.jobs import optimize as optimizing
from autodata.jobs import replay as replaying
from autodata.jobs import serve as serving
from autodata.jobs.find import harness_at
from autodata.jobs.resume import Opened, Typed
from autodata.jobs.resume import open_run as open_for
from autodata.models.serving.weights import KNOWN, cache_folder, cached, pull
from autodata.project import Project as InForce
from autodata.report import queries
from autodata.report.display import Display, Job
from autodata.search.forecast import Forecast
from autodata.search.measures import Measures, measures_of
from autodata.store import runs as run_store
from autodata.store.records import Certificate
from autodata.types import Json, Outcome, Sample, Spend

T = TypeVar("T")


def optimize(
    project: Where = None,
    run: str | None = None,
    settings: Settings = (),
    seed: int | None = None,
    origin: str = "",
    display: Display | None = None,
) -> Run:
    """Search for a better harness and certify it on sealed test documents; return the run.

    `run` names it; one that is there already goes on, with its own settings. `origin` is a
    candidate whose files a new run begins with, as RUN/CANDIDATE. Where a budget ends the search,
    that is a result: `run.result.closed` names it.

    Raises:
        AutodataError: what is wrong and how to mend it; whatever was paid for is in the journal.
        BudgetSpent: a budget ended it before there was anything to say.
        Interrupted: Ctrl-C; the same call with the run's name goes on.
    """
    return _search(project_at(project, settings), run, seed, origin, display).waited()


async def optimize_async(
    project: Where = None,
    run: str | None = None,
    settings: Settings = (),
    seed: int | None = None,
    origin: str = "",
    display: Display | None = None,
) -> Run:
    """Do as `optimize`, in the loop that is running; being cancelled ends it in order."""
    at = project_at(project, settings)
    return await (await asyncio.to_thread(_search, at, run, seed, origin, display)).awaited()


@dataclass(frozen=True, slots=True)
class Measurement:
    """The pass rate of a harness with its 95 % interval, and what measuring it took.

    `first` is one of its episodes, for `run.trace`; `measures` are there with `sample.full`: what
    `compare` tells of a harness.
    """

    run: Run
    harness: str
    sample: Sample
    episodes: int
    accepted: int
    low: float
    high: float
    spend: Spend
    reasoning_tokens: int
    unusable: tuple[Json, ...]
    simulated: bool
    first: str
    measures: Measures | None = None

    @property
    def pass_rate(self) -> float:
        """The part of the episodes that came to an accepted example."""
        return self.accepted / self.episodes


def evaluate(
    harness: str | Harness,
    project: Where = None,
    run: str | None = None,
    sample: Sample = Sample(),  # noqa: B008 - it is frozen
    settings: Settings = (),
    display: Display | None = None,
) -> Measurement:
    """Measure the pass rate of a harness: a value, or a folder, name, version or RUN/CANDIDATE.

    Raises:
        AutodataError: what is wrong and how to mend it; whatever was paid for is in the journal.
        BudgetSpent: a budget ended it; the same call goes on with a larger one.
        Interrupted: Ctrl-C; the same call with the run's name goes on.
    """
    return _measurement(project_at(project, settings), harness, run, sample, display).waited()


async def evaluate_async(
    harness: str | Harness,
    project: Where = None,
    run: str | None = None,
    sample: Sample = Sample(),  # noqa: B008 - it is frozen
    settings: Settings = (),
    display: Display | None = None,
) -> Measurement:
    """Do as `evaluate`, in the loop that is running; being cancelled ends it in order."""
    at = project_at(project, settings)
    work = await asyncio.to_thread(_measurement, at, harness, run, sample, display)
    return await work.awaited()


def certify(
    run: str | Run, candidate: str, project: Where = None, display: Display | None = None
) -> Certificate:
    """Let a candidate meet the baseline on the sealed test documents; return its certificate.

    Every look counts, and makes the next certificate harder to get; a candidate that this run has
    tested already keeps the one it has.

    Raises:
        AutodataError: what is wrong and how to mend it; whatever was paid for is in the journal.
    """
    return _certification(run, candidate, project, display).waited()


async def certify_async(
    run: str | Run, candidate: str, project: Where = None, display: Display | None = None
) -> Certificate:
    """Do as `certify`, in the loop that is running; being cancelled ends it in order."""
    work = await asyncio.to_thread(_certification, run, candidate, project, display)
    return await work.awaited()


def estimate(
    project: Where = None,
    run: str | None = None,
    episodes: int = 8,
    settings: Settings = (),
    display: Display | None = None,
) -> Forecast:
    """Predict tokens, dollars and hours of a search from a pilot of a few episodes."""
    at, shown = project_at(project, settings), display or Display()
    chosen, opened = begin(at, run, "pilot-", Typed(*typed(at), kind="evaluation"), shown)
    again = f"autodata.estimate(run={chosen.name!r}, episodes={episodes})"
    return Work(
        Job("estimate", chosen.name, opened.project),
        chosen,
        lambda: estimating.estimate(opened.project, chosen.name, episodes, shown),
        shown,
        again,
    ).waited()


def replay(run: str | Run, project: Where = None, display: Display | None = None) -> Any:
    """Carry a finished run out again from its journal, without any model, and compare.

    Raises:
        ReplayMismatch: names the first difference.
    """
    chosen = run_at(run, project)
    return wait(replaying.replay(chosen.project.folder, chosen.folder), display or Display())


def serve(
    project: Where = None,
    models: Sequence[str] = (),
    ready: Callable[[str, list[str]], None] = lambda name, urls: None,
    display: Display | None = None,
) -> None:
    """Serve the configured vLLM and local models until Ctrl-C; `ready` is told their addresses."""
    shown, settings = display or Display(), project_at(project).in_force()
    pull_weights(settings, shown)
    wait(serving.serve(settings, new_run_id(), models, shown, ready), shown)


@dataclass(frozen=True, slots=True)
class Work(Generic[T]):
    """Something that is ready to be done, under the name of a run."""

    job: Job
    run: Run
    carry_out: Callable[[], Coroutine[Any, Any, T]]
    display: Display
    again: str = ""

    def waited(self) -> T:
        with self._shown():
            return wait(self.carry_out(), self.display)

    async def awaited(self) -> T:
        with self._shown():
            return await self.carry_out()

    @contextmanager
    def _shown(self) -> Iterator[None]:
        self.display.begins(self.job)
        try:
            yield
        except AutodataError as error:
            if self.again and (self.job.project.runs / self.run.name / "journal").exists():
                error.add_note(f"go on with: {self.again}")
            raise
        finally:
            self.display.ends()


def _search(
    at: Project, run: str | None, seed: int | None, origin: str, display: Display | None
) -> Work[Run]:
    shown = display or Display()
    chosen, opened = begin(at, run, "", Typed(*typed(at), seed), shown)
    project, wish = opened.project, optimizing.Wish(opened.seed, opened.more, origin)

    async def work() -> Run:
        await optimizing.optimize(project, chosen.name, wish, shown)
        return chosen

    iterations = opened.more[0] if opened.more else project.config.optimize.iterations
    job = Job("optimize", chosen.name, project, iterations, wish.seed)
    return Work(job, chosen, work, shown, f"autodata.optimize(run={chosen.name!r})")


def _measurement(
    at: Project,
    harness: str | Harness,
    run: str | None,
    sample: Sample,
    display: Display | None,
) -> Work[Measurement]:
    split_named(sample.split)
    shown = display or Display()
    chosen, opened = begin(at, run, "eval-", Typed(*typed(at), kind="evaluation"), shown)
    project = opened.project
    name = harness if isinstance(harness, str) else harness.name
    files = harness_at(project, harness) if isinstance(harness, str) else harness

    async def work() -> Measurement:
        if not sample.full:
            outcomes = await evaluating.evaluate(project, chosen.name, files, sample, shown)
            return await asyncio.to_thread(_measured, chosen, name, sample, outcomes)
        (told,) = await comparing.compare(project, chosen.name, [files], sample, shown)
        outcomes = [episode.outcome for episode in told if not episode.null]
        found = await asyncio.to_thread(_measured, chosen, name, sample, outcomes)
        return replace(found, measures=measures_of(told))

    again = f"autodata.evaluate({name!r}, run={chosen.name!r}, sample={sample!r})"
    return Work(Job(f"evaluate {name}", chosen.name, project), chosen, work, shown, again)


def _measured(run: Run, harness: str, sample: Sample, outcomes: list[Outcome]) -> Measurement:
    accepted = sum(outcome.accepted for outcome in outcomes)
    low, high = queries.wilson(accepted, len(outcomes))
    report = run.show().data
    return Measurement(
        run,
        harness,
        sample,
        len(outcomes),
        accepted,
        low,
        high,
        Spend.total(outcome.spend for outcome in outcomes),
        report["totals"]["reasoning_tokens"],
        tuple(report["unusable"]),
        report["run"]["simulated"],
        f"c0:{outcomes[0].cell.document_id[:8]}",
    )


def _certification(
    run: str | Run, candidate: str, project: Where, display: Display | None
) -> Work[Certificate]:
    chosen, shown = run_at(run, project), display or Display()
    settings = certifying.project_of_run(chosen.project.in_force(), chosen.folder)
    pull_weights(settings, shown)
    return Work(
        Job(f"certify {candidate}", chosen.name, settings),
        chosen,
        lambda: certifying.certify_candidate(settings, chosen.name, candidate, shown),
        shown,
    )


def begin(
    at: Project, run: str | None, prefix: str, typed: Typed, display: Display
) -> tuple[Run, Opened]:
    """Open a project for a run that is begun or goes on; its name is the user's or a new one."""
    name = run_store.check_name(prefix + new_run_id() if run is None else run)
    opened = open_for(at.folder, name, typed)
    if opened.notice:
        display.line(opened.notice)
    pull_weights(opened.project, display)
    return Run(name, at), opened


def typed(at: Project) -> tuple[Any, Sequence[str], str | None]:
    """Return what a project's value says of files and settings, for `resume.Typed`."""
    return at.config, at.settings, at.models


def new_run_id() -> str:
    """Return a new name for a run, which says when it began."""
    return run_store.new_run_id(datetime.now().astimezone(), Random())


def pull_weights(project: InForce, display: Display) -> None:
    """Fetch weights that a local model needs, before anything is drawn."""
    for settings in project.config.used.values():
        cache = cache_folder(os.environ)
        if settings.weights in KNOWN and cached(settings.weights, cache) is None:
            display.line(f"fetching {settings.weights} into {cache} (once)")
            pull(settings.weights, cache)
