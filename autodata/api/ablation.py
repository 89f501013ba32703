"""What each edit of a candidate is worth, measured: the candidate with and without it."""

import asyncio
from dataclasses import dataclass

from autodata.api.project import Project, Where
from autodata.api.run import Run, run_at
from autodata.api.splits import split_named
from autodata.api.work import Work, begin, typed
from autodata.jobs import ablate as ablating
from autodata.jobs.resume import Typed
from autodata.report.display import Display, Job
from autodata.search.certify import difference_of, interval_of
from autodata.types import Interval, Json, Sample, Spend


@dataclass(frozen=True, slots=True)
class Ablation:
    """What one edit adds to a candidate's pass rate, with a 95 % interval of its own.

    `also` are edits that were made on top of it and had to leave with it; `gain` is the difference
    with and without all of them, paired by document, and None where what is left does not merge.
    """

    edit: str
    change: str
    also: tuple[str, ...]
    without: Interval | None
    gain: Interval | None
    prompt_chars: int


@dataclass(frozen=True, slots=True)
class Ablations:
    """A candidate measured whole and without each of its edits; `run` is the measurement."""

    run: Run
    candidate: str
    sample: Sample
    episodes: int
    rate: Interval
    edits: tuple[Ablation, ...]
    spend: Spend
    reasoning_tokens: int
    unusable: tuple[Json, ...]
    simulated: bool


def ablate(
    run: str | Run,
    candidate: str,
    project: Where = None,
    kept_as: str | None = None,
    sample: Sample = Sample(),  # noqa: B008 - it is frozen
    display: Display | None = None,
) -> Ablations:
    """Measure a candidate without each of its edits, paired by document.

    A measurement as `evaluate` makes one, of `kept_as` for a name: for each edit as many episodes
    as for the candidate.

    Raises:
        AutodataError: what is wrong and how to mend it; whatever was paid for is in the journal.
        BudgetSpent: a budget ended it; the same call goes on with a larger one.
        Interrupted: Ctrl-C; the same call with the name goes on.
    """
    return _ablation(run, candidate, project, kept_as, sample, display).waited()


async def ablate_async(
    run: str | Run,
    candidate: str,
    project: Where = None,
    kept_as: str | None = None,
    sample: Sample = Sample(),  # noqa: B008 - it is frozen
    display: Display | None = None,
) -> Ablations:
    """Do as `ablate`, in the loop that is running; being cancelled ends it in order."""
    words = (run, candidate, project, kept_as, sample, display)
    return await (await asyncio.to_thread(_ablation, *words)).awaited()


def _ablation(
    run: str | Run,
    candidate: str,
    project: Where,
    kept_as: str | None,
    sample: Sample,
    display: Display | None,
) -> Work[Ablations]:
    split_named(sample.split)
    chosen, shown = run_at(run, project), display or Display()
    at: Project = chosen.project
    kept, opened = begin(at, kept_as, "ablate-", Typed(*typed(at), kind="evaluation"), shown)
    of = (chosen.name, candidate)

    async def work() -> Ablations:
        found = await ablating.ablate(opened.project, kept.name, of, sample, shown)
        return _told(kept, f"{chosen.name}/{candidate}", sample, found)

    again = (
        f"autodata.ablate({chosen.name!r}, {candidate!r}, kept_as={kept.name!r}, sample={sample!r})"
    )
    job = Job(f"ablate {chosen.name} {candidate}", kept.name, opened.project)
    return Work(job, kept, work, shown, again)


def _told(run: Run, candidate: str, sample: Sample, found: ablating.Ablated) -> Ablations:
    edits = []
    for rest, outcomes in found.rests:
        without = interval_of(outcomes) if outcomes else None
        gain = difference_of(found.outcomes, outcomes) if outcomes else None
        grown = found.whole.prompt_chars - (rest.harness or found.whole).prompt_chars
        change = rest.edit.message.partition("\n")[0]
        edits.append(Ablation(rest.edit.id, change, rest.also, without, gain, grown))
    report = run.show().data
    return Ablations(
        run,
        candidate,
        sample,
        len(found.outcomes),
        interval_of(found.outcomes),
        tuple(edits),
        Spend.total(
            outcome.spend
            for outcomes in (found.outcomes, *(o for _, o in found.rests))
            for outcome in outcomes
        ),
        report["totals"]["reasoning_tokens"],
        tuple(report["unusable"]),
        report["run"]["simulated"],
    )
