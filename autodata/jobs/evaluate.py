"""The job `evaluate`: measure a harness on the documents of a split, journaled and resumable."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from autodata import __version__
from autodata.concurrency import all_of
from autodata.documents.splits import dealt_record
from autodata.engine.doubts import doubts
from autodata.engine.engine import (
    Engine,
    check_documents_fit,
    check_workflow,
    engine,
    identity,
    load_splits,
    task_protocol,
)
from autodata.engine.lifecycle import open_journal
from autodata.engine.recorded import check_kind
from autodata.episode.acceptance import RULES
from autodata.harness.spec import Harness
from autodata.project import Project
from autodata.report.display import Display
from autodata.search.session import note_documents, recorded_session, same_run
from autodata.store.facts import JournalReader
from autodata.store.records import FINISHED, RunRecord, SessionRecord
from autodata.types import Candidate, Cell, Document, Outcome, Sample, Split


async def evaluate(
    project: Project, run_id: str, harness: Harness, sample: Sample, display: Display
) -> list[Outcome]:
    """Measure one harness on a sample of documents, journaled and resumable like any run."""
    documents = load_splits(project.config, project.root, display.line)
    chosen, split = documents[sample.split][: sample.most or None], sample.split
    cells = [Cell(d.id, split, repeat) for repeat in range(sample.repeats) for d in chosen]
    tasks = [(harness, cells)]
    async with measured(project, run_id, tasks, documents, display) as measurement:
        return measurement.outcomes[0]


@dataclass(frozen=True, slots=True)
class Measured:
    """Harnesses as candidates, their outcomes, and the engine, which is still up."""

    engine: Engine
    candidates: list[Candidate]
    outcomes: list[list[Outcome]]


@asynccontextmanager
async def measured(
    project: Project,
    run_id: str,
    tasks: Sequence[tuple[Harness, Sequence[Cell]]],
    documents: dict[Split, list[Document]],
    display: Display,
) -> AsyncIterator[Measured]:
    """Run each harness (`c0`, `c1` ...) on its cells; the first is what the measurement is of.

    The workflows of the others are known to load. The run is finished when the body is.
    """
    harness, trees = tasks[0][0], {version.tree: version for version, _ in tasks}
    task_protocol(project.config)
    for doubt in doubts(project.config):
        display.line(doubt)
    for version in trees.values():
        check_documents_fit(documents, version)
    candidates = [
        Candidate(f"c{number}", "", version.tree, None, version.values, version.prompt_chars)
        for number, (version, _) in enumerate(tasks)
    ]

    async def load(candidate: Candidate) -> Harness:
        return trees[candidate.tree]

    async with open_journal(project, run_id) as journal:
        begun = _check_evaluation(project, harness, documents, journal)
        await check_workflow(harness)
        async with engine(project, journal, documents, load, display) as running:
            await journal.once(run_id, begun)
            await note_documents(journal, dealt_record(documents))
            async with recorded_session(journal, project.asked):
                outcomes = await all_of(
                    running.evaluator.evaluate(candidate, cells)
                    for candidate, (_, cells) in zip(candidates, tasks, strict=True)
                )
                yield Measured(running, candidates, outcomes)
        if journal.find(SessionRecord, FINISHED) is None:
            await journal.append(FINISHED, SessionRecord(FINISHED))


def _check_evaluation(
    project: Project,
    harness: Harness,
    documents: dict[Split, list[Document]],
    journal: JournalReader,
) -> RunRecord:
    """Return the `run` record of an evaluation, as it was begun or would begin now.

    Raises:
        ConfigurationError: it was begun as something else.
    """
    run_id = journal.folder.name
    now = RunRecord(
        run_id=run_id,
        created_at=int(time.time()),
        harness=harness.name,
        baseline_commit="",
        baseline_tree=harness.tree,
        seed=0,
        config=identity(project.config, documents),
        simulated=project.config.simulated,
        autodata=__version__,
        rules=RULES,
        kind="evaluation",
    )
    recorded = journal.find(RunRecord, run_id)
    if recorded is None:
        return now
    check_kind(recorded, "evaluation")
    same_run(recorded, now)
    return recorded
