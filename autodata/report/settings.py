"""The reference of settings: type, default, unit and meaning of each, read from the schema.

`autodata config` and docs/configuration.md show it.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from autodata.config import plugins
from autodata.config.providers.base import ModelConfig
from autodata.config.providers.table import PROVIDERS, AnyModel, takers
from autodata.config.roles import RoleConfig
from autodata.config.schema import ROLES, Config, Protocol
from autodata.config.shaping import Shaping
from autodata.episode.acceptance import LUCK, NUMBERS, PRESETS, Policy, by_luck
from autodata.errors import ConfigurationError
from autodata.types import Json

NAMES = {"models": "<name>", "roles": "<role>", "headers": "<header>"}
"""What stands in a path for keys that the user chooses; `budget.roles` has roles, too."""

UNITS = {
    "train": "documents",
    "validation": "documents",
    "test": "documents",
    "minibatch": "documents",
    "chars": "characters",
    "s": "seconds",
    "seconds": "seconds",
    "megabytes": "megabytes",
    "mb": "megabytes",
    "answer": "characters",
    "question": "characters",
    "solutions": "solutions",
    "mutants": "mutants",
    "tests": "tests",
    "hours": "hours",
    "gpu_seconds": "seconds x GPUs",
    "tokens": "tokens",
    "context": "tokens",
    "input": "$ per million",
    "output": "$ per million",
    "cached_input": "$ per million",
    "usd": "$",
    "calls": "calls",
    "concurrency": "calls",
    "slots": "sequences",
    "threads": "threads",
    "replicas": "servers",
    "tensor_parallel": "GPUs",
    "majority": "answers",
    "rounds": "rounds",
    "iterations": "iterations",
    "parallel": "iterations",
    "episodes": "episodes",
    "finalists": "candidates",
    "test_repeats": "runs",
}
"""The unit of a number, by its name or the last word of it."""
_WORDS = {"integer": "whole number", "number": "number", "boolean": "true or false"}
_WORDS |= {"string": "text", "array": "list", "object": "mapping"}
_BOUNDS = {"ge": "from", "minimum": "from", "gt": "above", "exclusiveMinimum": "above"}
_BOUNDS |= {"le": "to", "maximum": "to", "lt": "below", "exclusiveMaximum": "below"}


@dataclass(frozen=True, slots=True)
class Setting:
    """One key: `path` as it is written, with `<name>` and the like for what the user chooses."""

    path: str
    kind: str
    default: str
    unit: str
    meaning: str
    providers: tuple[str, ...] = ()

    @property
    def section(self) -> str:
        """The part of the path before the key's own name."""
        return self.path.rpartition(".")[0]

    def fits(self, path: str) -> bool:
        """Whether `path` is this setting's, with names of the user's own."""
        ours, theirs = self.path.split("."), path.split(".")
        return len(ours) == len(theirs) and all(
            own.startswith("<") or own == other for own, other in zip(ours, theirs, strict=True)
        )


def all_settings(domain: str = "") -> list[Setting]:
    """Return every setting, section by section in the order of the file.

    Those of the section `domain` are of the shipped domains, and of this one.
    """
    known = list(_settings(Config, ""))
    for name in dict.fromkeys([*plugins.SHIPPED["domain"], domain or Protocol().domain]):
        with suppress(ConfigurationError):  # told by whoever reads the configuration
            section = plugins.find("domain", name).made.settings_type
            found = _settings(section, "domain")
            known += [replace(setting, meaning=f"{name}: {setting.meaning}") for setting in found]
    return known


def own_first(section: type[BaseModel]) -> list[str]:
    """Return a section's keys, its own before those that it shares with others."""
    own = [name for name in section.__annotations__ if name in section.model_fields]
    return own + [name for name in section.model_fields if name not in own]


def explain(key: str, domain: str = "") -> list[Setting]:
    """Return the settings that a key means: a path, the end of one, or a section.

    Raises:
        ConfigurationError: there is none; names the nearest.
    """
    reference = all_settings(domain)
    path = key.strip(".")
    matches = [setting for setting in reference if setting.fits(path)]
    inside = [setting for setting in reference if _within(setting, path)]
    ends = [setting for setting in reference if f".{setting.path}".endswith(f".{path}")]
    if path.startswith("protocol.numbers."):
        matches = [number for number in numbers() if number.path == path]
    if matches and not inside:
        return matches
    if inside or ends:
        return [*matches, *inside] if inside else ends
    words = {
        part for setting in [*reference, *numbers()] for part in (setting.path, _last(setting))
    }
    near = get_close_matches(path, words, 1) or get_close_matches(path.split(".")[-1], words, 1)
    raise ConfigurationError(
        f"no setting is called {key!r}",
        f"did you mean {near[0]}?" if near else "autodata config lists those in force",
    )


def numbers() -> list[Setting]:
    """Return the numbers of acceptance presets, as settings under `protocol.numbers`."""
    settings = []
    for field in fields(Policy):
        kinds = {int: "whole number", bool: "true or false", float: "number"}
        kind = next(word for held, word in kinds.items() if held in _members(field.type))
        default = f"the preset's; else {_text(field.default)}"
        path = f"protocol.numbers.{field.name}"
        settings.append(Setting(path, kind, default, "", NUMBERS[field.name]))
    return settings


def presets() -> list[list[str]]:
    """Return the confirmed presets as a table: a row for each number, a column for each preset."""
    shown = {name: policy for name, policy in PRESETS.items() if policy.confirm}
    rows = [["number", "meaning", *shown]]
    for name, meaning in NUMBERS.items():
        held = [getattr(policy, name) for policy in shown.values()]
        cells = ["-" if value is None or value is False else _text(value) for value in held]
        rows.append([name, meaning, *cells])
    return rows


def lucky() -> list[list[str]]:
    """Return what luck makes of the paper's rules as a table."""
    rounds = (1, 4, 8, 15)
    rows = [["accepted by luck with rounds", *map(str, rounds)]]
    for name in LUCK:
        shares = [f"{by_luck(f'paper-{name}', number):.2f}" for number in rounds]
        rows.append([f"paper-{name}", *shares])
    return rows


def document() -> str:
    """Return the whole reference as Markdown: a table for each section, then roles and presets."""
    reference, shared = all_settings(), {*Shaping.model_fields}
    parts = []
    for section in dict.fromkeys(setting.section for setting in reference):
        inside = [setting for setting in reference if setting.section == section]
        if section == "roles.<role>":
            inside = [setting for setting in inside if _last(setting) not in shared]
        if section.startswith(("roles.<role>.thinking", "roles.<role>.headers")):
            continue
        parts.append(f"### {f'`{section}`' if section else 'Top level'}\n\n{_table(inside)}")
        if section == "roles.<role>":
            same = ", ".join(f"`{name}`" for name in Shaping.model_fields)
            parts.append(f"And, as for models and going before theirs: {same}.")
            rows = [
                ["role", "what it does"],
                *([f"`{n}`", purpose] for n, purpose in ROLES.items()),
            ]
            parts.append(markdown(rows))
    rows = presets()
    quoted = [[f"`{name}`", *rest] for name, *rest in rows[1:]]
    parts.append(
        "### Acceptance presets\n\n`protocol.acceptance` names a column, `protocol.numbers` "
        "replaces single numbers of it. Scores are from 0 to 1; an answer is right above 0.5; "
        f'"-": not checked.\n\n{markdown([rows[0], *quoted])}\n\n'
        "Each is there as `paper-deployed`, `paper-prose` ... too: the rules of the paper, without "
        "`confirm`. They decide by the samples that an example was chosen by. Where both solvers "
        "are the same model, so many episodes are accepted by luck, with the question that suits "
        f"it best:\n\n{markdown(lucky())}"
    )
    return "\n\n".join(parts)


def markdown(rows: list[list[str]]) -> str:
    """Return rows as a Markdown table; the first is its head."""
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])


def _table(settings: list[Setting]) -> str:
    shown = [("key", "type", "default", "unit", "meaning")]
    wide = any(setting.providers for setting in settings)
    rows = [[*shown[0], *(["providers"] if wide else [])]]
    for setting in settings:
        row = [f"`{_last(setting)}`", setting.kind, setting.default, setting.unit, setting.meaning]
        who = ", ".join(setting.providers) if setting.providers else "all"
        rows.append([*row, *([who] if wide else [])])
    return markdown(rows)


def _settings(section: type[BaseModel], at: str) -> Iterator[Setting]:
    if section is ModelConfig:
        yield from _of_models(at)
        return
    schema = section.model_json_schema()
    inner: list[tuple[type[BaseModel], str]] = []
    shared = {*Shaping.model_fields}
    for name in own_first(section):
        field = section.model_fields[name]
        path = f"{at}.{name}" if at else name
        below = _section_in(field.annotation)
        if below is not None:
            chosen = get_origin(field.annotation) is dict
            inner.append((below, f"{path}.{NAMES[name]}" if chosen else path))
        yield Setting(
            path,
            _kind(schema["properties"][name]),
            _default(field),
            _unit(name, field),
            field.description or "",
            tuple(takers(name)) if issubclass(section, RoleConfig) and name in shared else (),
        )
    for below, path in inner:
        yield from _settings(below, path)


def _of_models(at: str) -> Iterator[Setting]:
    """Return the settings of all providers' models; what is the same for several comes once."""
    found: dict[Setting, list[str]] = {}
    who: dict[str, Setting] = {}
    for provider, kind in PROVIDERS.items():
        for setting in _settings(kind, at):
            if setting.path == f"{at}.provider":
                who[provider] = setting
            else:
                found.setdefault(setting, []).append(provider)
    kinds = ", ".join(f"`{provider}`" for provider in who)
    meaning = "; ".join(f"`{provider}`: {setting.meaning}" for provider, setting in who.items())
    yield Setting(f"{at}.provider", kinds, "required", "", meaning)
    for setting in sorted(found, key=lambda setting: setting.path.count(".")):
        some = found[setting] if setting.section == at else []
        yield replace(setting, providers=tuple(some) if len(some) < len(PROVIDERS) else ())


def _section_in(annotation: Any) -> type[BaseModel] | None:
    """Return the section that a field holds, alone, by name, or where it is not null."""
    for held in (annotation, *get_args(annotation)):
        if held == AnyModel:
            return ModelConfig
        if isinstance(held, type) and issubclass(held, BaseModel):
            return held
    return None


def _kind(schema: Json) -> str:
    choices = schema.get("anyOf", [schema])
    kinds = dict.fromkeys(_one_kind(choice) for choice in choices if choice.get("type") != "null")
    return " or ".join(kinds)


def _one_kind(schema: Json) -> str:
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    word = _WORDS.get(schema.get("type", "object"), "section")
    if "$ref" in schema:
        word = "section"
    bounds = [f"{word} {schema[name]:g}" for name, word in _BOUNDS.items() if name in schema]
    return " ".join([word, *bounds])


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    return "" if isinstance(value, BaseModel) else f"`{_text(value)}`"


def _text(value: Any) -> str:
    """Return a value as it would stand in YAML."""
    return f"{value:g}" if isinstance(value, float) else json.dumps(value, ensure_ascii=False)


def _unit(name: str, field: FieldInfo) -> str:
    numeric = {int, float} & {*_members(field.annotation)}
    return UNITS.get(name, UNITS.get(name.rpartition("_")[2], "")) if numeric else ""


def _members(annotation: Any) -> tuple[Any, ...]:
    """Return the types that a value may have, without what bounds them."""
    if get_origin(annotation) in (Union, UnionType):
        return tuple(held for one in get_args(annotation) for held in _members(one))
    return (getattr(annotation, "__origin__", annotation),)


def _within(setting: Setting, path: str) -> bool:
    parts = setting.path.split(".")
    count = len(path.split("."))
    above = Setting(".".join(parts[:count]), "", "", "", "")
    return len(parts) > count and above.fits(path)


def _last(setting: Setting) -> str:
    return setting.path.rpartition(".")[2]
