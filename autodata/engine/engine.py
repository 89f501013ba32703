"""The composition root: the only place that builds collaborators and puts them together.

Everything above it (jobs) asks for a finished whole; everything below it is handed its parts.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from autodata.config import plugins
from autodata.config.roles import RoleConfig
from autodata.config.schema import Config
from autodata.config.shaping import Shaped, Shaping
from autodata.documents.corpus import read_corpus
from autodata.documents.splits import deal, split_digest
from autodata.domains.base import RoleSettings
from autodata.domains.hosted import hosted
from autodata.domains.isolated import Executions
from autodata.engine.endings import telling
from autodata.engine.endpoints import deadlines_of, headers_of, silent, start
from autodata.engine.good_answers import first_answers
from autodata.episode.acceptance import policy_from
from autodata.episode.auditor import Auditor
from autodata.episode.dry_run import DryRuns
from autodata.episode.evaluator import HarnessEvaluator
from autodata.episode.protocol import TaskProtocol, Team
from autodata.episode.rules import acceptance_rules
from autodata.episode.run import Conditions
from autodata.episode.seeds import secret_of
from autodata.episode.strangers import Strangers
from autodata.errors import (
    AuthenticationFailed,
    BudgetSpent,
    ConfigurationError,
    RequestRejected,
)
from autodata.harness.spec import Harness
from autodata.models.base import Deadlines
from autodata.models.calls.budget import Accounts
from autodata.models.calls.caller import RecallingCaller, RecordedCaller
from autodata.models.calls.earlier import charge_earlier
from autodata.models.calls.seat import Seat
from autodata.models.endpoint.endpoint import Endpoint
from autodata.models.endpoint.watchdog import Watchdog
from autodata.models.serving.gpus import busy
from autodata.project import Project
from autodata.report.display import Display
from autodata.search.bounds import TokenBound
from autodata.search.plan import SearchPlan
from autodata.store.facts import JournalWriter
from autodata.types import SPLITS, Candidate, Document, Json, Split

MOST_WORKERS = 4


@dataclass(slots=True)
class Engine:
    """Everything that runs episodes, up and running."""

    journal: JournalWriter
    caller: RecordedCaller
    watchdog: Watchdog
    accounts: Accounts
    team: Team
    sandbox: Any
    evaluator: HarnessEvaluator
    dry_runs: DryRuns
    root: Path = Path()
    replayed: bool = False
    documents: dict[Split, list[Document]] = field(default_factory=dict)


def load_splits(
    config: Config, root: Path, report: Callable[[str], None] = lambda text: None
) -> dict[Split, list[Document]]:
    """Read the corpus, report in one line what is left out or cut, and deal it into splits.

    Raises:
        DocumentError: it is empty or too small, or not faultless where that is asked for.
    """
    settings = config.documents
    corpus = read_corpus(settings, root)
    if corpus.summary:
        report(corpus.summary)
    corpus.check(settings.strict)
    sizes: dict[Split, int] = {split: getattr(settings.splits, split) for split in SPLITS}
    return deal(corpus.documents, sizes, settings.seed)


def search_plan(config: Config, seed: int) -> SearchPlan:
    """Return the search that the configuration describes."""
    settings = config.optimize
    proposer = plugins.find("proposer", settings.proposer_name).made
    return SearchPlan(
        search=settings.search,
        seed=seed,
        iterations=settings.iterations,
        parallel=settings.parallel,
        episodes=settings.episodes,
        minibatch=settings.minibatch if proposer.wants_minibatch else 0,
        selection=settings.selection,
        temperature=settings.temperature,
        objective=settings.objective,
        finalists=settings.finalists,
        test_repeats=settings.test_repeats,
        alpha=settings.alpha,
        audited="auditor" in config.roles,
        cost_bound=settings.cost_bound,
    )


def task_protocol(config: Config) -> TaskProtocol:
    """Return the frozen side of every episode.

    Raises:
        ConfigurationError: the acceptance rule is unknown or does not fit the roles.
    """
    protocol = config.protocol
    plugin = plugins.find("domain", protocol.domain)
    policy = policy_from(protocol.acceptance, dict(protocol.numbers))
    domain = hosted(plugin, config.domain)
    return TaskProtocol(domain, policy, protocol.max_rounds, protocol.max_calls)


def role_settings(config: Config) -> dict[str, RoleSettings]:
    """Return the settings of each role: temperature, token limit and the like."""
    return {
        role: RoleSettings(
            settings.mode == "privileged",
            settings.majority if settings.mode == "majority" else 1,
            settings.fixed_temperature,
            settings.max_tokens,
            config.models[settings.players[0]].api,
        )
        for role, settings in config.roles.items()
    }


def identity(config: Config, documents: Mapping[Split, Sequence[Document]]) -> Json:
    """Return what makes a run this run: all settings but budgets, addresses and deadlines.

    A run may be resumed with another of these, another key or other headers, and with nothing else
    changed. What shapes requests is in it where it is set: earlier versions had none.
    """
    digests = {split: split_digest(documents[split]) for split in SPLITS}
    code = code_of(config)
    return {**settings_of(config), "split_digests": digests, **({"code": code} if code else {})}


def code_of(config: Config) -> Json:
    """Return the versions of what the user has written: of the domain, and of the proposer."""
    names: dict[plugins.Kind, str] = {
        "domain": config.protocol.domain,
        "proposer": config.optimize.proposer_name,
    }
    found = {kind: plugins.find(kind, name).version for kind, name in names.items()}
    return {kind: version for kind, version in found.items() if version}


def settings_of(config: Config) -> Json:
    """Return the settings that belong to a run's identity."""
    names = ("provider", "model", "api", "structured", "max_tokens")
    waits = {field.name for field in fields(Deadlines)} | {*Shaping.model_fields}
    dump = config.model_dump(
        mode="json",
        exclude={
            "budget": True,
            "models": True,
            "roles": {"__all__": waits},
            "documents": {"strict"},  # what is left out shows in the digests
        },
    )
    dump["models"] = {
        name: {field: getattr(model, field) for field in names} | _shape(model)
        for name, model in config.models.items()
    }
    for name, role in config.roles.items():
        for unused in ("model",) if role.models else ("models", "pick"):
            del dump["roles"][name][unused]  # one model: as it was before there could be several
        dump["roles"][name] |= _shape(role)
    if not dump["domain"]:
        del dump["domain"]
    return dump


def _shape(settings: Shaped) -> Json:
    """Return the settings that shape a reply, those that are set, as they stand in the file."""
    names = {*settings.shape} - {"headers"}
    return settings.model_dump(mode="json", include=names, exclude_defaults=True)


def seats_of(config: Config, endpoints: Mapping[str, Endpoint]) -> dict[str, Seat]:
    """Return who plays each role, and what goes with its requests."""

    def seat(settings: RoleConfig, name: str, others: tuple[Seat, ...] = ()) -> Seat:
        return Seat(
            endpoints[name],
            settings.fixed_temperature,
            settings.max_tokens,
            deadlines_of(config.models[name], settings),
            config.models[name].body | settings.body,
            headers_of(config.models[name], settings),
            settings.temperature != "server",
            others,
            settings.pick,
        )

    def seated(settings: RoleConfig) -> Seat:
        first, *others = settings.players
        return seat(settings, first, tuple(seat(settings, name) for name in others))

    return {role: seated(settings) for role, settings in config.roles.items()}


def slots(config: Config) -> int:
    """Return how many episodes may be under way: two for every call that may be in flight."""
    return 2 * sum(model.concurrency for model in config.used.values())


@asynccontextmanager
async def engine(
    project: Project,
    journal: JournalWriter,
    documents: dict[Split, list[Document]],
    load: Callable[[Candidate], Any],
    display: Display,
    replayed: bool = False,
) -> AsyncIterator[Engine]:
    """Start servers, models and sandbox; give an engine that runs episodes; stop all at the end.

    When it is `replayed` there are no servers and no models: every call is in the journal.

    Raises:
        ConfigurationError, StoreError, ProviderError: something cannot be started; says the fix.
    """
    config = project.config
    protocol = task_protocol(config)
    async with AsyncExitStack() as stack:
        everything = [document for split in SPLITS for document in documents[split]]
        if replayed:
            endpoints = {name: silent(name, model) for name, model in config.used.items()}
        else:
            endpoints = await start(project, journal.folder, everything, display.line, stack)
        gpus = {
            role: busy({name: config.models[name] for name in settings.players})
            for role, settings in config.roles.items()
        }
        accounts = Accounts(config.budget, gpus=busy(config.used), role_gpus=gpus)
        if not replayed:
            for name in charge_earlier(accounts, journal) & set(endpoints):
                endpoints[name].breaker.contacted = True
        seats = seats_of(config, endpoints)
        caller = (RecallingCaller if replayed else RecordedCaller)(journal, seats, accounts)
        await stack.enter_async_context(closing(caller, display.line))
        watched = [] if replayed else endpoints.values()
        watchdog = Watchdog(watched, journal, display.line, display.still)
        await stack.enter_async_context(_while_running(watchdog.watch()))
        secret = secret_of(document.id for document in documents["test"])
        team = Team(caller, role_settings(config), Executions(journal, replayed), secret)
        sandbox = await stack.enter_async_context(
            _load("autodata.harness.workflow:Sandbox")(
                workers=min(MOST_WORKERS, os.cpu_count() or 1)
            )
        )

        answers = first_answers(journal, [d.id for d in documents["validation"]])
        auditor = Auditor(team, protocol.domain, journal) if "auditor" in team.roles else None
        evaluator = HarnessEvaluator(
            {document.id: document for document in everything},
            load,
            Conditions(
                team,
                protocol,
                sandbox,
                auditor,
                TokenBound(journal, protocol.max_rounds),
                Strangers(documents, answers),
                acceptance_rules(protocol, team),
            ),
            journal,
            slots(config),
            telling(accounts, display),
        )
        display.started(caller.status, lambda: watchdog.troubles)
        dry_runs = DryRuns(protocol, team, sandbox, Strangers(documents))
        parts = (journal, caller, watchdog, accounts, team, sandbox, evaluator, dry_runs)
        yield Engine(*parts, project.root, replayed, documents)


@asynccontextmanager
async def _while_running(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def closing(caller: RecordedCaller, report: Callable[[str], None]) -> AsyncIterator[None]:
    """Close the caller at the end: when all is answered where that may be waited for, else soon."""
    try:
        yield
    except (BudgetSpent, AuthenticationFailed, RequestRejected):
        if in_flight := caller.status().in_flight:
            report(
                f"stopping; waiting for answers to {in_flight} calls in flight (Ctrl-C: no longer)"
            )
        await caller.answered()
        raise
    finally:
        await caller.close()


def _load(path: str) -> Any:
    from importlib import import_module

    module, name = path.split(":")
    return getattr(import_module(module), name)


async def check_workflow(harness: Harness) -> None:
    """Refuse a workflow that does not load, in a sandbox of its own, before anything is started.

    Raises:
        HarnessError: names the lines and what is wrong with them.
    """
    async with _load("autodata.harness.workflow:Sandbox")(workers=1) as sandbox:
        await sandbox.check(harness.workflow)


def check_documents_fit(documents: Mapping[Split, Sequence[Document]], harness: Harness) -> None:
    """Refuse a harness whose prompts carry text of test documents."""
    text = " ".join(" ".join(harness.files.values()).split())
    for document in documents["test"]:
        flat = " ".join(document.text.split())
        if any(flat[i : i + 200] in text for i in range(0, max(1, len(flat) - 200), 200)):
            raise ConfigurationError(
                f"the harness's files contain text of test document {document.name}",
                "take it out: the test split must be unseen",
            )
