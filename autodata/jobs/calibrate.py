"""The job `calibrate-judge`: hold a run's judge against people's labels, and against itself."""

from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from autodata.concurrency import all_of
from autodata.engine.engine import engine, load_splits, task_protocol
from autodata.engine.lifecycle import open_journal
from autodata.engine.recorded import as_recorded
from autodata.episode.roles import Asking, Panel
from autodata.errors import BAD_OUTPUT, ConfigurationError, StoreError
from autodata.jobs.labels import (
    Judged,
    LabelledAnswer,
    compared,
    counted,
    digest,
    judged_of,
    matched,
)
from autodata.models.base import Place
from autodata.project import Project
from autodata.report.display import Display
from autodata.search.session import recorded_session
from autodata.store.facts import read_facts
from autodata.store.quality import LABELS, CalibrationRecord
from autodata.store.records import RunRecord
from autodata.store.runs import check_name_kept
from autodata.types import Candidate, Document


def project_for_judge(project: Project, folder: Path) -> Project:
    """Return the project with the settings of a run, in which nobody but the judge plays.

    Raises:
        StoreError: the run has not begun.
        ConfigurationError: nobody plays the judge in it, or today's judge is another model.
    """
    check_name_kept(folder)
    run = next((fact.record for fact in read_facts(folder, RunRecord)), None)
    if run is None:
        raise StoreError(f"run {folder.name} has not begun", "see `autodata runs`")
    known = as_recorded(project, run, lambda path: path[:2] == ("roles", "judge"))
    judge = known.config.roles.get("judge")
    if judge is None:
        raise ConfigurationError(
            f"nobody plays the judge in run {folder.name}", "name a run with a judge"
        )
    return replace(known, config=known.config.model_copy(update={"roles": {"judge": judge}}))


async def calibrate(
    project: Project, labels: list[LabelledAnswer], by: str, display: Display
) -> CalibrationRecord:
    """Ask the judge again about every labelled answer, compare, and keep the result with the run.

    The same labels are not asked about twice.

    Raises:
        ConfigurationError: a label is about no answer that the run's judge has graded.
    """
    documents = load_splits(project.config, project.root)
    texts = {document.id: document for dealt in documents.values() for document in dealt}
    async with open_journal(project, labels[0].run) as journal:
        name = digest(labels)
        if (known := journal.find(CalibrationRecord, name)) is not None:
            return known
        pairs = matched(labels, judged_of(journal))
        async with (
            engine(project, journal, documents, _load, display) as running,
            recorded_session(journal),
        ):
            domain = task_protocol(project.config).domain

            async def again(judged: Judged) -> tuple[bool, ...]:
                asking = Asking(running.team, Place(), lambda spend: None)
                panel = Panel(asking, f"{LABELS}.{judged.key}")
                document = texts.get(judged.document_id, Document(judged.document_id, "", ""))
                answer = judged.attempt.answer
                score = await domain.score(document, judged.example, answer, panel)
                return score.satisfied

            said = await all_of((again(judged) for _, judged in pairs), BAD_OUTPUT)
            everything = [
                one
                for (labelled, judged), later in zip(pairs, said, strict=True)
                for one in compared(labelled, judged, later)
            ]
            whole, agreement, by_criterion = counted(everything)
            players = project.config.roles["judge"].players
            model = ", ".join(project.config.models[player].model for player in players)
            record = CalibrationRecord(
                labelled_by=by,
                judge=model,
                answers=len(pairs),
                criteria=whole.labelled,
                agreement=agreement,
                negatives=whole.negatives,
                false_positives=whole.false_positives,
                positives=whole.positives,
                false_negatives=whole.false_negatives,
                same=whole.same,
                by_criterion=by_criterion,
            )
            return await journal.once(name, record)


async def _load(candidate: Candidate) -> NoReturn:
    raise AssertionError(f"no episode is run here, of {candidate.id}")
