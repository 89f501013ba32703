"""Opening a run: a new one with today's settings, or an existing one with its own.

Recorded are all settings but keys, addresses and what may hold one. What was typed for budgets,
deadlines and concurrency stays until it is typed anew; the rest comes from the files of the run.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from autodata.config import plugins
from autodata.config.checks import mistakes
from autodata.config.schema import Config, Optimize
from autodata.engine.engine import settings_of
from autodata.engine.recorded import (
    check_code,
    check_kind,
    check_rules,
    differences,
    merged,
    recorded_config,
    shown,
)
from autodata.episode.acceptance import policy_from
from autodata.errors import ConfigurationError
from autodata.models.calls.budget import check_budget
from autodata.project import TEMPLATES, Project, find_root, open_project
from autodata.store.facts import read_facts
from autodata.store.records import GrowthRecord, RunRecord, SessionRecord
from autodata.store.runs import check_name_kept
from autodata.types import Asked, Json

_UNTOLD = {"base_url", "api_key_env", "args", "headers", "extra_body"}
"""Settings of a model in which a key may stand; they are never recorded."""
_GROWING = (("optimize", "iterations"), ("optimize", "episodes"))


@dataclass(frozen=True, slots=True)
class Typed:
    """The settings given on a command line."""

    config: Path | None = None
    settings: Sequence[str] = ()
    models: str | None = None
    seed: int | None = None
    kind: Literal["optimization", "evaluation"] = "optimization"


@dataclass(frozen=True, slots=True)
class Opened:
    """A project with the settings of a run, its seed, and the iterations and episodes it grows to.

    `notice` says in one line where the files differ from the run's own settings.
    """

    project: Project
    seed: int
    more: tuple[int, int] | None = None
    notice: str = ""


def open_run(start: Path, run_id: str, typed: Typed) -> Opened:
    """Open the project around `start` for a run to be begun, or for one that is there already.

    Raises:
        ConfigurationError: something typed contradicts what may not change, names it; or the run
            is of another kind.
    """
    root = find_root(start)
    check_name_kept(root / "runs" / run_id)
    run, asked, growths = _recorded(root / "runs" / run_id)
    if run is not None:
        check_kind(run, typed.kind)
        check_rules(run)
        plugins.look_in(root)
        check_code(run)
    config = typed.config or (root / asked.config if asked.config else None)
    models = typed.models or asked.models
    settings = [*asked.set, *typed.settings]
    project = open_project(start, config, settings, models)
    sections = _sections(root, asked, typed)
    switches = tuple(setting.partition("=")[0].strip() for setting in typed.settings)
    project = replace(
        project,
        source=replace(project.source, switches=switches, asked=sections),
        asked=Asked(
            config=_path(root, config) if config else None,
            models=models if models is None or models in TEMPLATES else _path(root, models),
            set=tuple(_kept(settings)),
        ),
    )
    if run is None:
        rules = project.config.protocol  # a run that is there may have what its domain refuses now
        policy_from(rules.acceptance, dict(rules.numbers), plugins.refused_rules(rules.domain))
        return Opened(_with_models_told(project), typed.seed or 0)
    return _resumed(project, run, asked, growths, typed)


def _recorded(folder: Path) -> tuple[RunRecord | None, Asked, list[GrowthRecord]]:
    """Return a run's record, what was asked for in its last session, and its growths."""
    run: RunRecord | None = None
    asked = Asked()
    growths: list[GrowthRecord] = []
    if (folder / "journal").exists():
        for fact in read_facts(folder, RunRecord, SessionRecord, GrowthRecord):
            record = fact.record
            if isinstance(record, RunRecord):
                run = record
            elif isinstance(record, GrowthRecord):
                growths.append(record)
            elif isinstance(record, SessionRecord):
                asked = record.asked or asked
    return run, asked, growths


def _sections(root: Path, asked: Asked, typed: Typed) -> frozenset[str]:
    """The sections that a file was named for just now, other than the run's own."""
    if typed.config and _path(root, typed.config) != asked.config:
        return frozenset(Config.model_fields)
    words = (typed.models, _path(root, typed.models)) if typed.models else ()
    if typed.models and asked.models not in words:
        return frozenset({"models", "roles"})
    return frozenset()


def _path(root: Path, path: Path | str) -> str:
    """Return a file's path as it is recorded: from the project's folder where it lies in it."""
    full = Path(path).resolve()
    return str(full.relative_to(root)) if full.is_relative_to(root) else str(full)


def _kept(settings: Sequence[str]) -> list[str]:
    """Return the settings that stay until they are typed anew, each as it was typed last."""
    kept: dict[str, str] = {}
    for setting in settings:
        key = setting.partition("=")[0].strip()
        parts = key.split(".")
        of_one = parts[0] in ("models", "roles") and len(parts) > 2 and parts[2] not in _UNTOLD
        if parts[0] == "budget" or of_one:
            kept.pop(key, None)
            kept[key] = setting
    return list(kept.values())


def _with_models_told(project: Project) -> Project:
    """Have the settings of models recorded that are neither the run's identity nor secret."""
    settings = {}
    for name, model in project.config.used.items():
        fields = model.model_dump(mode="json", exclude=_UNTOLD, exclude_defaults=True)
        settings[name] = {**fields, "addressed": any(model.urls)}
    return replace(project, asked=replace(project.asked, model_settings=settings))


def _resumed(
    project: Project,
    run: RunRecord,
    asked: Asked,
    growths: Sequence[GrowthRecord],
    typed: Typed,
) -> Opened:
    name, recorded = run.run_id, recorded_config(run.config)
    sizes: list[Optimize | GrowthRecord] = [recorded.optimize, *growths]
    conflicts, differing = [], []
    more: dict[str, int] = {path[1]: getattr(sizes[-1], path[1]) for path in _GROWING}
    old, new = settings_of(recorded), settings_of(project.config)
    for path, now, then in differences(new, old):
        key = ".".join(path)
        if path[0] == "models" and path[1] not in recorded.used:
            continue
        if not project.source.typed(*path):
            differing.append(key)
        elif path in _GROWING:
            before = [getattr(size, path[1]) for size in sizes]
            if before[-1] and (now == 0 or now > before[-1]) and now not in before:
                more[path[1]] = now
            elif now not in before:
                place = project.source.place(*path)
                conflicts.append(f"{place}: {key} is {now}, was {before[-1]}; it may only grow")
        else:
            place = project.source.place(*path)
            conflicts.append(f"{place}: {key} is {shown(now)}, was {shown(then)}")
    if typed.seed not in (None, run.seed):
        conflicts.append(f"--seed {typed.seed}, was {run.seed}")
    if conflicts:
        raise ConfigurationError(
            f"run {name} was begun with other settings: {'; '.join(conflicts)}",
            f"leave them out to resume it, or choose another name: --run {name}-2",
        )
    config = merged(recorded, project.config, _models(recorded, project.config, asked))
    _check(config, name, asked)
    grown = (more["iterations"], more["episodes"])
    last = (sizes[-1].iterations, sizes[-1].episodes)
    line = f"{project.config_file} differs from what run {name} was begun with ("
    line += f"{', '.join(differing[:5])}{' ...' if len(differing) > 5 else ''}): the run's own hold"
    return Opened(
        _with_models_told(replace(project, config=config)),
        run.seed,
        grown if grown != last else None,
        line if differing else "",
    )


def _models(recorded: Config, today: Config, asked: Asked) -> dict[str, Json]:
    """Return the run's models with today's address where it is the same one, else as recorded."""
    identity = settings_of(recorded)["models"]
    models: dict[str, Json] = {}
    for name, model in recorded.models.items():
        now = today.models.get(name)
        if now is not None and (now.provider, now.model) == (model.provider, model.model):
            models[name] = {**now.model_dump(), **identity[name]}
        else:
            settings = asked.model_settings.get(name, {})
            fields = {
                field: settings[field] for field in settings if field in type(model).model_fields
            }
            models[name] = {**fields, **identity[name]}
    return models


def _check(config: Config, run_id: str, asked: Asked) -> None:
    for name, settings in asked.model_settings.items():
        if settings.get("addressed") and name in config.used and not any(config.used[name].urls):
            raise ConfigurationError(
                f"the address of models.{name}, which run {run_id} was begun with, is not recorded",
                f"give it: --set models.{name}.base_url=..., or name the file that has it: -c FILE",
            )
    check_budget(config)
    for _, problem, fix in mistakes(config, os.environ):
        raise ConfigurationError(f"the settings of run {run_id}: {problem}", fix)
