"""Working with what is already there: certifying a run's candidate, serving models.

Knows nothing of searching; whatever is paid for here is journaled like any run.
"""

import asyncio
import os
from collections.abc import Callable, Sequence

from autodata.errors import ConfigurationError, StoreError
from autodata.evaluation import outcome_of
from autodata.harness.knobs import nearest
from autodata.harness.repository import Repository
from autodata.harness.spec import Harness, load_files
from autodata.lifecycle import open_journal
from autodata.models.gpus import share_out
from autodata.models.servers import Servers
from autodata.optimize.certify import Ledger, certify
from autodata.optimize.estimate import Yardstick
from autodata.optimize.plan import SearchPlan
from autodata.optimize.session import recorded_session, same_run
from autodata.project import Project
from autodata.running import Running, claim, noted, tests_so_far
from autodata.store.journal import Journal
from autodata.types import Candidate, Cell, Json
from autodata.wiring import Reports, engine, identity, load_splits, search_plan

Started = Callable[[Running], None]


async def certify_candidate(
    project: Project, run_id: str, name: str, reports: Reports, started: Started
) -> Json:
    """Let one candidate of a run meet the baseline on the sealed test split.

    Counts as one more candidate tested there, whatever comes out; a candidate that this run has
    tested already keeps its certificate. Returns the certificate's record.

    Raises:
        StoreError: no such run or candidate.
        DocumentError: the test split is used up.
    """
    documents = load_splits(project.config, project.root)
    ids = [document.id for document in documents["test"]]
    async with open_journal(project, run_id) as journal:
        run = journal.find("run", run_id)
        if run is None:
            raise StoreError(f"there is no run {run_id}", "see `autodata runs`")
        baseline, candidate = _candidate(journal, "c0"), _candidate(journal, name)
        if run["test_split"] != Ledger.fresh(ids).split:
            raise ConfigurationError(
                f"run {run_id} was made with another test split", "use its configuration: -c FILE"
            )
        rules = identity(project.config, documents) | {"optimize": run["config"]["optimize"]}
        same_run(run, {"run_id": run_id, "config": rules})  # how it was searched does not matter
        if (known := journal.find("certification", name)) is not None:
            return known
        if (run_id, candidate.tree) not in noted(project, ids):
            tests_so_far(project, ids).check_room(1)
        ledger = await claim(project, run_id, ids, [candidate])
        _, rate = ledger.enter(candidate.tree, project.config.optimize.alpha)
        plan = search_plan(project.config, run["seed"])
        repeats = plan.repeats_on_test(len(ids))
        cells = [Cell(d, "test", repeat) for repeat in range(repeats) for d in ids]
        with Repository(project.root) as repository:

            async def load(wanted: Candidate) -> Harness:
                return load_files(repository.read_files(wanted.commit))

            async with engine(project, journal, documents, load, reports) as running:
                started(Running(run_id, project, running))
                async with recorded_session(journal):
                    ours = await running.evaluator.evaluate(candidate, cells)
                    base = await running.evaluator.evaluate(baseline, cells)
        yardstick = _yardstick(plan, baseline, journal)
        found = certify(name, ours, "c0", base, yardstick, rate, len(ledger.tested))
        await journal.append("certification", name, found.body())
        return found.body()


def _yardstick(plan: SearchPlan, baseline: Candidate, journal: Journal) -> Yardstick:
    """Return the objective's unit as the run fixed it: by the baseline's first look."""
    if plan.objective == "pass_rate":
        return Yardstick()
    first = [
        record.body
        for record in journal.records("episode")
        if record.body["tree"] == baseline.tree
        and record.body["split"] == "validation"
        and record.body["repeat"] == 0
        and record.body["status"] != "void"
    ]
    outcomes = [outcome_of(Cell(b["document_id"], "validation", 0), b) for b in first]
    return Yardstick.fit(plan.objective, outcomes)


def _candidate(journal: Journal, name: str) -> Candidate:
    body = journal.find("candidate", name)
    if body is None:
        names = [record.key for record in journal.records("candidate")]
        raise StoreError(f"the run has no candidate {name!r}", nearest(name, names))
    return Candidate(name, body["commit"], body["tree"], body["parent_id"], body["knobs"])


async def serve(
    project: Project,
    session: str,
    names: Sequence[str],
    reports: Reports,
    ready: Callable[[str, list[str]], None],
) -> None:
    """Serve the configured models until cancelled; tell each one's addresses when it is up.

    The logs lie in a folder named after the session, which nobody else writes to.

    Raises:
        ConfigurationError: no such model, nothing to serve, or a server does not start.
    """
    models = project.config.models
    for name in names:
        if name not in models:
            raise ConfigurationError(
                f"no model is named {name!r}", f"autodata.yaml has {', '.join(models)}"
            )
        if not models[name].served:
            raise ConfigurationError(
                f"models.{name} is served elsewhere",
                "leave it out, or give it `provider: vllm` or `local`, and no base_url",
            )
    wanted = {
        name: model
        for name, model in models.items()
        if model.served and (not names or name in names)
    }
    if not wanted:
        raise ConfigurationError(
            "there is nothing to serve", "give a model `provider: vllm` or `local`, and no base_url"
        )
    wanted = await asyncio.to_thread(share_out, wanted, os.environ)
    keys = [model.api_key_env for model in models.values() if model.api_key_env]
    logs = project.runs / "serve" / session
    async with Servers(logs, reports.line, root=project.root, key_names=keys) as servers:
        await servers.start_models(wanted, ready)
        await asyncio.Event().wait()
