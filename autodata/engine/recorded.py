"""The settings of an existing run, from its record instead of today's configuration.

What the record leaves out comes from the configuration at hand: addresses, keys, headers,
deadlines, concurrency, prices and budgets.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields, replace
from typing import Any

from pydantic import ValidationError

from autodata.config import plugins
from autodata.config.checks import mistakes
from autodata.config.schema import Config
from autodata.config.upgrade import upgraded
from autodata.engine.engine import code_of, search_plan, settings_of
from autodata.episode.acceptance import RULES
from autodata.episode.auditor import recorded_outcome
from autodata.episode.counting import Originals
from autodata.errors import ConfigurationError, ReplayMismatch, StoreError
from autodata.models.base import Deadlines
from autodata.models.calls.budget import check_budget
from autodata.project import Project
from autodata.search.certify import Rules
from autodata.search.repeats import FIRST_SIGHT
from autodata.store.episodes import EpisodeRecord
from autodata.store.facts import JournalReader
from autodata.store.records import DEALT, DocumentsRecord, RunRecord
from autodata.types import Json

Path = tuple[str, ...]
_SEARCHING = (
    "harness",
    "optimize.proposer",
    "optimize.iterations",
    "optimize.parallel",
    "optimize.minibatch",
    "optimize.selection",
    "optimize.temperature",
    "optimize.max_prompt_chars",
    "optimize.cost_bound",
    "roles.analyzer",
    "roles.implementer",
)
"""Settings of a search that decide nothing about a certificate."""


def decides_certificate(path: Path) -> bool:
    """Whether a setting influences certificates."""
    return not any(f"{'.'.join(path)}.".startswith(f"{name}.") for name in _SEARCHING)


def recorded_config(recorded: Json) -> Config:
    """Return the configuration that a run was begun with, as far as it decides anything.

    Raises:
        ReplayMismatch: it is another version's.
    """
    try:
        known = {n: value for n, value in recorded.items() if n not in ("split_digests", "code")}
        return Config.model_validate(upgraded(known))
    except ValidationError as error:
        raise ReplayMismatch(
            f"the run's configuration is not understood: {error.errors()[0]['msg']}",
            "use the version of autodata that made it",
        ) from error


def check_search(run: RunRecord | None, name: str) -> RunRecord:
    """Return a run's record if it is one of a search.

    Raises:
        StoreError: it is not.
    """
    if run is None:
        raise StoreError(f"run {name} has not begun", "see `autodata runs`")
    if run.kind == "evaluation":
        raise StoreError(
            f"run {name} only measured a harness: there is nothing to certify or promote",
            "name an optimization; see `autodata runs`",
        )
    return run


def check_code(run: RunRecord, kinds: Iterable[plugins.Kind] = plugins.SETTINGS) -> None:
    """Refuse to go on with a run of other code of the user's own than it began with.

    Raises:
        ConfigurationError: the domain or the proposer is another one; names it.
    """
    config = recorded_config(run.config)
    then, now = run.config.get("code", {}), code_of(config)
    names = {"domain": config.protocol.domain, "proposer": config.optimize.proposer_name}
    for kind in kinds:
        if then.get(kind) != now.get(kind):
            raise ConfigurationError(
                f"the {kind} {names[kind]} is another one than run {run.run_id} began with: "
                f"its code was {then.get(kind)}, is {now.get(kind)}",
                f"bring the code back, or begin a new run: --run {run.run_id}-2",
            )


def check_rules(run: RunRecord) -> None:
    """Refuse to go on with a run that was begun under other acceptance rules than this code's.

    Raises:
        StoreError: it was; names the version of autodata that finishes it.
    """
    if run.rules != RULES:
        raise StoreError(
            f"run {run.run_id} was begun under version {run.rules} of the acceptance rules, and "
            f"this autodata has version {RULES}: what the two accept is not the same",
            f"finish it with autodata {run.autodata}, or begin a new run: --run {run.run_id}-2",
        )


def check_kind(run: RunRecord, kind: str) -> None:
    """Refuse to go on with a run of another kind than `optimization` or `evaluation`.

    Raises:
        ConfigurationError: it is of the other one.
    """
    if run.kind != kind:
        raise ConfigurationError(
            f"run {run.run_id} is an {run.kind}", "choose another name: --run NAME"
        )


def recorded_rules(run: RunRecord, journal: JournalReader, test_documents: Sequence[str]) -> Rules:
    """Return what decides the certificates of a run, from its record and journaled episodes.

    The baseline's first look fixes the objective's unit, as it did in the search.
    """
    plan = search_plan(recorded_config(run.config), run.seed)
    first = [
        (episode, recorded_outcome(journal, episode, fact.key, plan.audited))
        for fact in journal.records(EpisodeRecord)
        for episode in (fact.record,)
        if episode.tree == run.baseline_tree
        and (episode.split, episode.repeat) == ("validation", FIRST_SIGHT.number)
        and not episode.void
    ]
    dealt = journal.find(DocumentsRecord, DEALT)
    originals = Originals([document.id for document in dealt.validation] if dealt else ())
    return Rules.of(plan, test_documents, originals.counted(first))


def as_recorded(project: Project, run: RunRecord, decides: Callable[[Path], bool]) -> Project:
    """Return the project with the settings of a run's record in place of today's.

    Raises:
        ConfigurationError: a setting that `decides` was asked for in this command and contradicts
            the record, or a model that plays a role is another one today; names them all.
    """
    recorded, today = recorded_config(run.config), project.config
    check_code(run, ("domain",))
    old, new = settings_of(recorded), settings_of(today)
    roles = [role for name, role in recorded.roles.items() if decides(("roles", name))]
    players = {player for role in roles for player in role.players}
    notes = []
    for path, now, then in differences(new, old):
        model = path[0] == "models"
        if model and path[1] not in players:
            continue
        if decides(path) and (model or project.source.typed(*path)):
            notes.append(
                f"{project.source.place(*path)}: {'.'.join(path)} is {shown(now)}, "
                f"was {shown(then)}"
            )
    if notes:
        raise ConfigurationError(
            f"run {run.run_id} was made with other settings: {'; '.join(notes)}",
            "leave them out, or name a configuration that agrees: -c FILE; the run's own hold",
        )
    config = merged(recorded, today, today.model_dump()["models"])
    check_budget(config)
    for _, problem, fix in mistakes(config, os.environ):
        raise ConfigurationError(f"the settings of run {run.run_id}: {problem}", fix)
    return replace(project, config=config)


def merged(recorded: Config, today: Config, models: dict[str, Json]) -> Config:
    """Return a run's settings with these models, and with the budgets and deadlines of today."""
    free = [*(field.name for field in fields(Deadlines)), "headers"]
    data, now = recorded.model_dump(), today.model_dump()
    data["budget"], data["models"] = now["budget"], models
    data["documents"]["strict"] = now["documents"]["strict"]
    for role, settings in data["roles"].items():
        todays = now["roles"].get(role, settings)
        settings.update({name: todays[name] for name in free})
    return Config.model_validate(data)


def differences(new: Any, old: Any, path: Path = ()) -> Iterator[tuple[Path, Any, Any]]:
    """Yield where two settings differ, with what they are, down to single values."""
    if isinstance(new, dict) and isinstance(old, dict):
        for name in {**new, **old}:
            yield from differences(new.get(name), old.get(name), (*path, name))
    elif new != old:
        yield path, new, old


def shown(value: Any) -> str:
    """Return a setting's value as it is written, not too long."""
    return f"{json.dumps(value):.200}"
