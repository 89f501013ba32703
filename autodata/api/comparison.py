"""Harnesses side by side on the same documents: the paper's table 1, for any models."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from autodata.api.project import Where, project_at
from autodata.api.run import Run
from autodata.api.splits import split_named
from autodata.api.work import Work, begin, typed
from autodata.harness.spec import Harness
from autodata.jobs import compare as comparing
from autodata.jobs.find import harness_at
from autodata.jobs.resume import Typed
from autodata.report.display import Display, Job
from autodata.search.measures import Measures, Told, differences_of, measures_of
from autodata.types import Json, Sample

NULL_EPISODES = 8
SAMPLE = Sample(null=NULL_EPISODES)


@dataclass(frozen=True, slots=True)
class Compared:
    """One harness of a comparison; `against` is what it has above the first, paired by document.

    Of `examples` that its episodes came to, `unscored` could not be scored by both solvers.
    """

    harness: str
    candidate: str
    episodes: int
    accepted: int
    examples: int
    unscored: int
    measures: Measures
    against: Measures


@dataclass(frozen=True, slots=True)
class Comparison:
    """Harnesses on the same documents; `run` is the measurement, `totals` what all of it took."""

    run: Run
    sample: Sample
    documents: int
    harnesses: tuple[Compared, ...]
    totals: Json
    unusable: tuple[Json, ...]
    simulated: bool


def compare(
    harnesses: Sequence[str | Harness],
    project: Where = None,
    run: str | None = None,
    sample: Sample = SAMPLE,
    display: Display | None = None,
) -> Comparison:
    """Measure harnesses on the same documents, each against the first.

    Both solvers are asked afresh on the example that every episode came to, accepted or not.

    Raises:
        AutodataError: what is wrong and how to mend it; whatever was paid for is in the journal.
        BudgetSpent: a budget ended it; the same call goes on with a larger one.
        Interrupted: Ctrl-C; the same call with the run's name goes on.
    """
    return comparison(harnesses, project, run, sample, display).waited()


async def compare_async(
    harnesses: Sequence[str | Harness],
    project: Where = None,
    run: str | None = None,
    sample: Sample = SAMPLE,
    display: Display | None = None,
) -> Comparison:
    """Do as `compare`, in the loop that is running; being cancelled ends it in order."""
    words = (harnesses, project, run, sample, display)
    return await (await asyncio.to_thread(comparison, *words)).awaited()


def comparison(
    harnesses: Sequence[str | Harness],
    project: Where,
    run: str | None,
    sample: Sample,
    display: Display | None,
) -> Work[Comparison]:
    """Return a comparison that is ready to be carried out."""
    split_named(sample.split)
    sample = replace(sample, full=True)
    at, shown = project_at(project), display or Display()
    chosen, opened = begin(at, run, "compare-", Typed(*typed(at), kind="evaluation"), shown)
    names = [harness if isinstance(harness, str) else harness.name for harness in harnesses]
    files = [
        harness_at(opened.project, harness) if isinstance(harness, str) else harness
        for harness in harnesses
    ]

    async def work() -> Comparison:
        told = await comparing.compare(opened.project, chosen.name, files, sample, shown)
        return await asyncio.to_thread(_compared, chosen, names, sample, told)

    again = f"autodata.compare({names!r}, run={chosen.name!r}, sample={sample!r})"
    job = Job(f"compare {' '.join(names)}", chosen.name, opened.project)
    return Work(job, chosen, work, shown, again)


def _compared(
    run: Run, names: Sequence[str], sample: Sample, told: Sequence[Sequence[Told]]
) -> Comparison:
    report = run.show().data
    return Comparison(
        run,
        sample,
        len({episode.document for episode in told[0]}),
        tuple(
            one(name, f"c{number}", episodes, told[0])
            for number, (name, episodes) in enumerate(zip(names, told, strict=True))
        ),
        report["totals"],
        tuple(report["unusable"]),
        report["run"]["simulated"],
    )


def one(name: str, candidate: str, episodes: Sequence[Told], first: Sequence[Told]) -> Compared:
    """Return what is known of one harness, beside the first."""
    counted = [told for told in episodes if not told.null]
    made = [told for told in counted if told.came_to]
    return Compared(
        name,
        candidate,
        len(counted),
        sum(told.accepted for told in counted),
        len(made),
        sum(told.gap is None for told in made),
        measures_of(episodes),
        differences_of(episodes, first),
    )
