"""The job `compare`: several harnesses on the same documents, both solvers asked on every example.

A measurement like any other: journaled, resumable, and no part of a search. `evaluate --full` is
one of a single harness.
"""

from collections.abc import Sequence

from autodata.concurrency import all_of
from autodata.engine.engine import check_workflow, load_splits, task_protocol
from autodata.episode.evaluator import episode_key
from autodata.episode.gaps import Gaps
from autodata.errors import ConfigurationError, DocumentError
from autodata.harness.spec import Harness
from autodata.jobs.evaluate import Measured, measured
from autodata.project import Project
from autodata.report.display import Display
from autodata.search.measures import Told
from autodata.search.null import null_cells
from autodata.store.episodes import EpisodeRecord
from autodata.types import Candidate, Cell, Document, Outcome, Sample

FEWEST_DOCUMENTS = 2
"""An interval over documents needs as many."""


async def compare(
    project: Project, run_id: str, harnesses: Sequence[Harness], sample: Sample, display: Display
) -> list[list[Told]]:
    """Measure harnesses on the same episodes; return what is told of each one's.

    Raises:
        ConfigurationError: two of them are the same, or the run compares others.
        DocumentError: there are too few documents.
    """
    trees = [harness.tree for harness in harnesses]
    if len({*trees}) < len(trees):
        raise ConfigurationError(
            "two of these harnesses are the same: their files are equal",
            "name each once; --repeats N measures one again",
        )
    documents = load_splits(project.config, project.root, display.line)
    chosen = documents[sample.split][: sample.most or None]
    if len(chosen) < FEWEST_DOCUMENTS:
        raise DocumentError(
            f"{len(chosen)} document: there is no interval over fewer than {FEWEST_DOCUMENTS}",
            f"allow more of the split {sample.split}: --most 0",
        )
    names = [document.id for document in chosen]
    cells = [Cell(name, sample.split, n) for n in range(sample.repeats) for name in names]
    cells += null_cells(names, sample.split, sample.null)
    for harness in harnesses[1:]:
        await check_workflow(harness)
    tasks = [(harness, cells) for harness in harnesses]
    async with measured(project, run_id, tasks, documents, display) as measurement:
        _check_same(measurement)
        gaps = Gaps(
            measurement.engine.team, task_protocol(project.config), measurement.engine.journal
        )
        known = {document.id: document for document in chosen}
        return await all_of(
            _told(measurement, gaps, known, candidate, outcomes)
            for candidate, outcomes in zip(
                measurement.candidates, measurement.outcomes, strict=True
            )
        )


def _check_same(measurement: Measured) -> None:
    """Refuse a run that has compared other harnesses under these numbers.

    Raises:
        ConfigurationError: it has.
    """
    trees = {candidate.id: candidate.tree for candidate in measurement.candidates}
    for fact in measurement.engine.journal.records(EpisodeRecord):
        if fact.record.tree != trees.get(fact.record.candidate_id):
            name = measurement.engine.journal.folder.name
            raise ConfigurationError(
                f"run {name} compares other harnesses, or in another order",
                "name them as before, or choose another name: --run NAME",
            )


async def _told(
    measurement: Measured,
    gaps: Gaps,
    documents: dict[str, Document],
    candidate: Candidate,
    outcomes: Sequence[Outcome],
) -> list[Told]:
    async def one(outcome: Outcome) -> Told:
        key = episode_key(candidate.tree, outcome.cell)
        episode = measurement.engine.journal.find(EpisodeRecord, key)
        assert episode is not None
        if outcome.cell.null:
            return Told(episode, outcome, None)
        found = await gaps.of(key, documents[outcome.cell.document_id], episode)
        return Told(episode, outcome, found)

    return await all_of(one(outcome) for outcome in outcomes)
