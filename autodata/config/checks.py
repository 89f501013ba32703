"""Cross-field validation of a configuration: what settings must satisfy together."""

import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from itertools import chain
from typing import Any

from autodata.config import plugins
from autodata.config.providers.base import ModelConfig
from autodata.config.request_checks import Mistake, mistakes_together, request_mistakes
from autodata.config.roles import RoleConfig
from autodata.config.schema import ROLES, Command, Config
from autodata.errors import ConfigurationError

VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")  # others may name variables, too, but could be keys


def mistakes(config: Config, environment: Mapping[str, str]) -> Iterator[Mistake]:
    """Find what is wrong, the most telling first."""
    found, wrong = _found(config)
    raw = "domain" in found and found["domain"].raw_prompts
    models = (_model(name, model) for name, model in config.models.items())
    asked = (
        chain(
            request_mistakes(("roles", name), role, config.models[player]),
            mistakes_together(config, (name, player), raw),
        )
        for name, role in config.roles.items()
        for player in role.players
        if player in config.models
    )
    needed = ["weak", "strong", *(role for made in found.values() for role in made.roles)]
    told = (_roles(config, needed), *models, *asked, _program(config, environment))
    return chain(wrong, *told, _keys(config, environment))


def _roles(config: Config, needed: Iterable[str]) -> Iterator[Mistake]:
    for role, settings in config.roles.items():
        if role not in ROLES:
            yield Mistake(("roles", role), f"unknown role 'roles.{role}'", _nearest_role(role))
        yield from _players(config, role, settings)
    for role in needed:
        if role not in config.roles:
            fix = f"add `{role}: {{model: ...}}` under roles"
            yield Mistake(("roles",), f"roles.{role} is missing", fix)
    for role in config.budget.roles:
        if role not in ROLES:
            path = ("budget", "roles", role)
            yield Mistake(path, f"unknown role 'budget.roles.{role}'", _nearest_role(role))


def _players(config: Config, role: str, settings: RoleConfig) -> Iterator[Mistake]:
    """Look whether somebody plays a role, and whether several can play the same one."""
    field = "models" if settings.models else "model"
    path = ("roles", role, field)
    if not settings.players:
        yield Mistake(path, f"roles.{role}.model is missing", "name one under `models`")
    if settings.model and settings.models:
        problem = f"roles.{role} has both `model` and `models`"
        yield Mistake(path, problem, "keep one of them")
    for player in settings.players:
        if player not in config.models:
            near = get_close_matches(player, config.models, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"add models.{player}"
            yield Mistake(path, f"{'.'.join(path)}: no model is named {player!r}", hint)
    if len({*settings.models}) < len(settings.models):
        yield Mistake(path, f"roles.{role}.models names a model twice", "name each once")
    found = [config.models[name] for name in settings.players if name in config.models]
    if len({model.api for model in found}) > 1:
        problem = f"roles.{role}.models: some have `api: chat`, some `api: completions`"
        yield Mistake(path, problem, "seat models of one kind, as a role is asked in one way")


def _nearest_role(role: str) -> str:
    near = get_close_matches(role, ROLES, 1)
    return f"did you mean {near[0]!r}?" if near else f"roles: {', '.join(ROLES)}"


def _found(config: Config) -> tuple[dict[plugins.Kind, Any], list[Mistake]]:
    """Return the domain and the proposer that are configured, and what is wrong with them."""
    names: dict[plugins.Kind, str] = {
        "domain": config.protocol.domain,
        "proposer": config.optimize.proposer_name,
    }
    found, wrong = dict[plugins.Kind, Any](), list[Mistake]()
    for kind, name in names.items():
        try:
            found[kind] = plugins.find(kind, name).made
        except ConfigurationError as error:
            path = tuple(plugins.SETTINGS[kind].split("."))
            wrong.append(Mistake(path, error.problem, error.fix))
    return found, wrong


def _program(config: Config, environment: Mapping[str, str]) -> Iterator[Mistake]:
    """Look whether the program that proposes is named, and what it needs is there."""
    path: tuple[str, ...] = ("optimize", "proposer")
    proposer = config.optimize.proposer
    if proposer == plugins.COMMAND:
        fix = "write proposer: {command: [PROGRAM, ARGUMENT, ...]}"
        yield Mistake(path, "optimize.proposer: which program is not said", fix)
    if isinstance(proposer, Command):
        path = (*path, "environment")
        for variable in proposer.environment:
            yield from _variable(path, variable, "value", environment)


def _model(name: str, model: ModelConfig) -> Iterator[Mistake]:
    yield from request_mistakes(("models", name), model, model)
    for field, problem, fix in model.faults(name):
        yield Mistake(("models", name, field), f"models.{name}.{field}{problem}", fix)


def _keys(config: Config, environment: Mapping[str, str]) -> Iterator[Mistake]:
    """Look at keys and headers; quote neither them nor what could be one in the wrong place."""
    for name, model in config.used.items():
        path: tuple[str, ...] = ("models", name, "api_key_env")
        if variable := model.api_key_env:
            yield from _variable(path, variable, "key", environment)
    for section, asked in (("models", config.used), ("roles", config.roles)):
        for name, settings in asked.items():
            for header, variable in settings.header_variables.items():
                path = (section, name, "headers", header, "env")
                yield from _variable(path, variable, "header", environment)


def _variable(
    path: tuple[str, ...], variable: str, kind: str, environment: Mapping[str, str]
) -> Iterator[Mistake]:
    example, thing = ("OPENAI_API_KEY", "key") if kind == "key" else ("TEAM", "value")
    value = environment.get(variable, "").strip()
    if not value and not VARIABLE.fullmatch(variable):
        problem = f" names no environment variable (is it the {thing} itself?)"
        fix = f"export the {thing}, as in {example}=..., and write {example} here"
    elif not value:
        problem, fix = f": the environment has no {variable}", f"export {variable}=..."
    elif not (value.isascii() and value.isprintable()):
        problem = f": the value of {variable} has characters that no {kind} has"
        fix = f"export {variable}=... again, in plain letters"
    else:
        return
    yield Mistake(path, f"{'.'.join(path)}{problem}", fix)
