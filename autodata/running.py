"""Runs that need models: optimizing and evaluating, from an open project to a finished journal.

Knows how a run is put together, not how it is shown; everything the user sees goes through `Reports`.
"""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from autodata.episode.roles import Asking
from autodata.errors import ConfigurationError, Interrupted, RepositoryError, StoreError
from autodata.harness.knobs import nearest
from autodata.harness.repository import Repository
from autodata.harness.spec import Harness, load_files, load_folder
from autodata.lifecycle import open_journal
from autodata.models.base import Site
from autodata.optimize.base import Iteration
from autodata.optimize.certify import Ledger
from autodata.optimize.editor import TextEditor
from autodata.optimize.events import Progress
from autodata.optimize.proposer import Edit, HarnessProposer
from autodata.optimize.search import SearchResult
from autodata.optimize.session import (
    GitWorkshop,
    RunStart,
    Watch,
    recorded_session,
    run_session,
    train_episodes,
)
from autodata.optimize.study import KnobStudy
from autodata.project import Project, harness_names
from autodata.store import ledger as test_ledger
from autodata.store.journal import Journal, Record
from autodata.store.render import render
from autodata.store.runs import FINISHED
from autodata.store.tables import snapshot
from autodata.types import Candidate, Cell, Document, Json, Outcome, Spend, Split
from autodata.wiring import (
    Engine,
    Reports,
    check_documents_fit,
    engine,
    identity,
    load_splits,
    search_plan,
    task_protocol,
)


@dataclass(slots=True)
class Running:
    """A run while it goes on, for whoever draws it."""

    run_id: str
    project: Project
    engine: Engine


async def optimize(
    project: Project,
    run_id: str,
    seed: int,
    reports: Reports,
    progress: Progress,
    started: Callable[[Running], None],
) -> SearchResult:
    """Run or resume one optimization session.

    Raises:
        AutodataError: see `run_session`; whatever was paid for is in the journal.
    """
    config = project.config
    documents = load_splits(config, project.root)
    harness = load_folder(project.harness_folder)
    task_protocol(config)
    check_documents_fit(documents, harness)
    plan = search_plan(config, seed)
    ids = {split: [document.id for document in found] for split, found in documents.items()}
    plan.check(ids)
    with Repository(project.root) as repository:
        async with open_journal(project, run_id) as journal:
            known = journal.find("run", run_id) or {}
            start = RunStart(
                run_id,
                known.get("created_at", int(time.time())),
                seed,
                harness.name,
                known["base_commit"] if known else repository.head(),
                identity(config, documents),
                config.simulated,
            )
            workshop = GitWorkshop(repository, start)
            async with engine(project, journal, documents, workshop.load, reports) as running:
                await running.sandbox.check(harness.workflow)
                started(Running(run_id, project, running))
                baseline = workshop.baseline(harness)
                study = KnobStudy(journal.folder, run_id, harness.knobs, seed)
                proposer = HarnessProposer(
                    harness,
                    workshop,
                    study,
                    text_editor(running, harness, plan.parallel)
                    if config.optimize.proposer != "knobs"
                    else None,
                    config.optimize.proposer != "llm",
                    config.optimize.max_prompt_chars,
                )
                tested = earlier_tests(project, run_id, ids["test"])
                watch = Watch(
                    progress,
                    lambda rate: study.baseline(baseline.knobs, rate, baseline.commit),
                    lambda finalists: claim(project, run_id, tested.split, finalists, journal),
                )
                return await run_session(
                    start,
                    plan,
                    baseline,
                    ids,
                    running.evaluator,
                    proposer,
                    journal,
                    tested,
                    watch,
                )


def earlier_tests(project: Project, run_id: str, test_documents: Sequence[str]) -> Ledger:
    """Return which candidates (by tree) other runs have tested on this test split."""
    fresh = Ledger.fresh(test_documents)
    if project.config.simulated:  # looks at a simulated world tell nothing about real test results
        fresh = replace(fresh, split=f"simulated-{fresh.split}")
    noted = test_ledger.tested(project.runs, fresh.split)
    trees = [tree for run, tree in noted if run != run_id]
    return replace(fresh, tested=tuple(dict.fromkeys(trees)))


def claim(
    project: Project, run_id: str, split: str, finalists: Sequence[str], journal: Journal
) -> None:
    """Write down who is about to be tested, before anything is seen of the test split."""
    bodies = [journal.find("candidate", finalist) for finalist in finalists]
    trees = [body["tree"] for body in bodies if body is not None]
    test_ledger.note(project.runs, split, run_id, trees, time.time)


def text_editor(running: Engine, baseline: Harness, parallel: int) -> Any:
    """Return the analyzer and implementer as one function of an iteration."""

    async def edit(
        number: int,
        parent: Candidate,
        harness: Harness,
        minibatch: Sequence[Outcome],
        history: Sequence[Iteration],
    ) -> Edit:
        spent: list[Spend] = []
        site = Site("", "", parent.tree, candidate_id=parent.id, commit=parent.commit)
        asking = Asking(running.team, site, spent.append)
        editor = TextEditor(asking, running.sandbox.check, baseline)
        episodes = train_episodes(running.journal.find, parent, minibatch)
        decided = {past.number for past in history} | {number}
        seen = (record for record in running.journal.records() if visible(record, decided))
        with snapshot(seen, running.journal.folder.name) as query:

            def answer(sql: str) -> str:
                try:
                    return render(query(sql), "csv")
                except StoreError as error:
                    return f"error: {error.problem}; {error.fix}"

            edited, analysis, predictions, summary = await editor.edit(
                number, harness, episodes, answer, history
            )
        return edited, analysis, predictions, summary, sum(spent, Spend())

    return edit


def visible(record: Record, decided: Collection[int]) -> bool:
    """Whether an analyzer may know a record: what these iterations left behind, and no more.

    Anything later depends on timing, and an answer that depends on timing could not be replayed.
    """
    if record.kind == "iteration":
        return int(record.key) in decided
    if record.kind == "candidate":
        return int(record.body["iteration"]) in {0, *decided}
    return record.kind == "episode" and record.body["repeat"] // 100 - 1 in decided


async def evaluate(
    project: Project,
    run_id: str,
    harness: Harness,
    split: Split,
    repeats: int,
    most: int,
    reports: Reports,
    started: Callable[[Running], None],
) -> list[Outcome]:
    """Measure one harness on the documents of a split, journaled and resumable like any run."""
    documents = load_splits(project.config, project.root)
    task_protocol(project.config)
    check_documents_fit(documents, harness)
    chosen = documents[split][: most or None]
    candidate = Candidate("c0", "", harness.tree, None, harness.values, harness.prompt_chars)

    async def load(_: Candidate) -> Harness:
        return harness

    async with open_journal(project, run_id) as journal:
        await _begin_evaluation(project, run_id, harness, documents, journal)
        async with engine(project, journal, documents, load, reports) as running:
            await running.sandbox.check(harness.workflow)
            started(Running(run_id, project, running))
            cells = [Cell(d.id, split, repeat) for repeat in range(repeats) for d in chosen]
            async with recorded_session(journal):
                outcomes = await running.evaluator.evaluate(candidate, cells)
        if journal.find("session", FINISHED) is None:
            await journal.append("session", FINISHED, {"ended": FINISHED})
        return outcomes


async def _begin_evaluation(
    project: Project,
    run_id: str,
    harness: Harness,
    documents: dict[Split, list[Document]],
    journal: Journal,
) -> None:
    body: Json = {
        "run_id": run_id,
        "created_at": int(time.time()),
        "harness": harness.name,
        "baseline_commit": "",
        "baseline_tree": harness.tree,
        "seed": 0,
        "config": identity(project.config, documents),
        "simulated": project.config.simulated,
        "kind": "evaluation",
    }
    known = journal.find("run", run_id)
    if known is None:
        await journal.append("run", run_id, body)
    elif known.get("kind") != "evaluation":
        raise ConfigurationError(
            f"run {run_id} is an optimization", "choose another name: --run NAME"
        )


def harness_at(project: Project, name: str) -> Harness:
    """Return a harness by folder, by `RUN/CANDIDATE`, or by git revision of the configured one.

    Raises:
        ConfigurationError, HarnessError, RepositoryError: nothing of that name, or not valid.
    """
    if (Path(name) / "harness.yaml").is_file():
        return load_folder(Path(name))
    if (project.root / "harnesses" / name).is_dir():
        return load_folder(project.root / "harnesses" / name)
    with Repository(project.root) as repository:
        run, _, candidate = name.partition("/")
        if candidate and not name.startswith("harness/"):
            return load_files(repository.read_files(repository.resolve(run, candidate)))
        try:
            return load_files(repository.read_files(name, project.config.harness))
        except RepositoryError as error:
            near = nearest(name, harness_names(project.root))
            raise RepositoryError(error.problem, f"{near}; or {error.fix}") from None
