"""The job `optimize`: run or resume one search, from an open project to a finished journal."""

import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial

from autodata.config.schema import Command
from autodata.documents.splits import dealt_record
from autodata.engine.assembly import SearchTask, carry_out
from autodata.engine.claims import check_room_left, claim, noted
from autodata.engine.doubts import doubts
from autodata.engine.engine import (
    check_documents_fit,
    check_workflow,
    engine,
    identity,
    load_splits,
    search_plan,
    task_protocol,
)
from autodata.engine.lifecycle import open_journal
from autodata.engine.outside import program_of
from autodata.engine.recorded import check_kind
from autodata.errors import (
    AutodataError,
    ConfigurationError,
    RepositoryError,
    StoreError,
)
from autodata.harness.repository import Repository
from autodata.harness.spec import Harness, load_files, load_folder
from autodata.models.calls.budget import is_larger
from autodata.project import Project
from autodata.report.display import Display
from autodata.search.certify import check_room
from autodata.search.course import course_so_far, growth_of
from autodata.search.phases import SearchResult
from autodata.search.plan import SearchPlan
from autodata.search.session import (
    GitWorkshop,
    RunStart,
    edit_prefix,
)
from autodata.store import looks
from autodata.store.facts import JournalReader
from autodata.store.journal import Journal
from autodata.store.records import CandidateRecord, GrowthRecord, RunRecord
from autodata.types import Origin, Split


@dataclass(frozen=True, slots=True)
class Wish:
    """What a search is to do beyond its settings.

    `more` are the iterations and episodes that a run grows to; `origin` is the candidate that a
    new one begins from, as RUN/CANDIDATE.
    """

    seed: int = 0
    more: tuple[int, int] | None = None
    origin: str = ""


@dataclass(frozen=True, slots=True)
class _Begun:
    """The beginning of a run, as far as it is needed to go on."""

    run_id: str
    created_at: int
    base_commit: str | None
    baseline_commit: str
    origin: Origin | None = None


async def optimize(project: Project, run_id: str, wish: Wish, display: Display) -> SearchResult:
    """Run or resume one optimization session.

    Raises:
        AutodataError: see `run_session`; whatever was paid for is in the journal.
    """
    config = project.config
    documents = load_splits(config, project.root, display.line)
    task_protocol(config)
    for doubt in doubts(config):
        display.line(doubt)
    plan = search_plan(config, wish.seed)
    ids = {split: [document.id for document in dealt] for split, dealt in documents.items()}
    plan.check(ids)
    if not (project.runs / run_id).exists():
        check_room(ids["test"], len(noted(project, ids["test"])), plan.finalists)
    with Repository(project.root) as repository:
        _check_not_used(project, run_id, repository)
        async with open_journal(project, run_id) as journal:
            begun = _begun(journal, repository)
            harness, origin = _begin_with(project, repository, begun, wish.origin, display)
            check_documents_fit(documents, harness)
            config = config.model_copy(update={"harness": harness.name})
            await check_workflow(harness)
            if begun is None and isinstance(config.optimize.proposer, Command):
                program_of(config.optimize.proposer, project.root, os.environ)
            start = RunStart(
                run_id,
                begun.created_at if begun else int(time.time()),
                wish.seed,
                harness.name,
                begun.base_commit if begun else repository.head(),
                identity(config, documents),
                config.simulated,
                dealt_record(documents),
                origin,
                project.asked,
            )
            if wish.more and begun:
                await _grow(journal, plan, wish.more, ids)
            course = course_so_far(
                journal, lambda closing: is_larger(config.budget, closing.bound, closing.limit)
            )
            if course.more:
                check_room_left(project, journal, ids["test"], plan)
            task = SearchTask(start, plan, harness, ids, config.optimize, course)
            workshop = GitWorkshop(repository, start, edit_prefix(plan))
            async with (
                _forgotten_unless_begun(journal, repository),
                engine(project, journal, documents, workshop.load, display) as running,
            ):
                claiming = partial(claim, project, run_id, ids["test"])
                result = await carry_out(task, running, workshop, claiming, display.progress)
                if result.closed:  # what was in flight then is paid for
                    await running.caller.answered()
                return result


def _begin_with(
    project: Project, repository: Repository, begun: _Begun | None, origin: str, display: Display
) -> tuple[Harness, Origin | None]:
    """Return the harness that a run begins with, and where it is from if it is a candidate.

    Raises:
        ConfigurationError: the run was begun from another one.
    """
    if begun is None and not origin:
        return load_folder(project.harness_folder), None
    if begun is None:
        run, _, candidate = origin.partition("/")
        commit = repository.resolve(run, candidate)
        return load_files(repository.read_files(commit)), Origin(run, candidate, commit)
    recorded = begun.origin
    if origin and (not recorded or origin != f"{recorded.run}/{recorded.candidate}"):
        raise ConfigurationError(
            f"--from {origin}: run {begun.run_id} was begun from other files",
            "leave it out to resume the run, or choose another name: --run NAME",
        )
    harness = load_files(repository.read_files(begun.baseline_commit))
    with suppress(AutodataError):
        if recorded is None and load_folder(project.harness_folder).tree != harness.tree:
            display.line(
                f"the files of harness {harness.name} have changed since the run began: "
                "it goes on from those it began with"
            )
    return harness, recorded


async def _grow(
    journal: Journal, plan: SearchPlan, more: tuple[int, int], ids: dict[Split, list[str]]
) -> None:
    """Journal that a run may do more than it could."""
    growths = [fact.record for fact in journal.records(GrowthRecord)]
    replace(plan, iterations=more[0], episodes=more[1]).check(ids)
    if growths:
        plan = replace(plan, iterations=growths[-1].iterations, episodes=growths[-1].episodes)
    await journal.append(str(len(growths) + 1), growth_of(journal, plan, *more))


@asynccontextmanager
async def _forgotten_unless_begun(journal: Journal, repository: Repository) -> AsyncIterator[None]:
    """Leave no candidate in git where the body fails before the run's first record."""
    try:
        yield
    except BaseException:
        if journal.empty:
            with suppress(RepositoryError):
                repository.forget(journal.folder.name)
        raise


def _check_not_used(project: Project, run_id: str, repository: Repository) -> None:
    """Check that a run which begins now would not take an earlier one's candidates or tests.

    One that was killed before its first record has a journal, and goes on.

    Raises:
        RepositoryError: the earlier run's folder was moved or deleted; git still keeps its search.
        StoreError: the earlier run is gone; a test of this one would pass for the same look.
    """
    folder = project.runs / run_id
    if (folder / "journal").exists():
        return
    if repository.candidates(run_id):
        raise RepositoryError(
            f"git keeps candidates of an earlier run {run_id}, whose folder is gone",
            f"choose another name: --run NAME; or move its folder back to {folder}; or forget "
            f"them: autodata rm {run_id}",
        )
    if run_id in looks.runs(project.runs):
        raise StoreError(
            f"the name {run_id} is that of an earlier run, whose tests go on counting",
            "choose another name: --run NAME",
        )


def _begun(journal: JournalReader, repository: Repository) -> _Begun | None:
    """Return what the run began with; None when it begins now.

    Where the `run` record was damaged and dropped, the commit of `c0` knows as much.

    Raises:
        ConfigurationError: the run is an evaluation.
    """
    name = journal.folder.name
    run, baseline = journal.find(RunRecord, name), journal.find(CandidateRecord, "c0")
    if run is not None:
        check_kind(run, "optimization")
        commits = (run.base_commit, run.baseline_commit)
        return _Begun(name, run.created_at, *commits, run.origin)
    if baseline is None:
        return None
    when, parent = repository.origin(baseline.commit)
    return _Begun(name, when, parent, baseline.commit)
