"""The settings in force, each with the file, line or switch that set it.

What may be secret is left out.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel
from rich.console import Group, RenderableType
from rich.text import Text

from autodata.config import plugins
from autodata.config.checks import VARIABLE
from autodata.config.request_checks import PRIVATE
from autodata.config.roles import RoleConfig
from autodata.config.schema import Config
from autodata.episode.acceptance import NUMBERS, policy_from
from autodata.report.settings import Setting, own_first
from autodata.report.views import rows_view
from autodata.types import Json

DEFAULT = "default"
HIDDEN = "***"
_PLAIN_PATH = re.compile(r"(/v\d+)?/?")


@dataclass(frozen=True, slots=True)
class ValueInForce:
    """A setting with the value that counts; `shown` and `origin` are for people.

    It is `idle` when nobody has set it and it does nothing: it is empty, or a role leaves it
    to its model.
    """

    path: str
    shown: str
    origin: str
    idle: bool = False


def in_force(config: Config, place: Callable[..., str]) -> list[ValueInForce]:
    """Return every setting in the order of the reference; `place` says where one was set.

    Raises:
        ConfigurationError: the acceptance preset or one of its numbers makes no sense.
    """
    lines = list(_lines(config, (), place))
    at = next(i for i, line in enumerate(lines) if line.path == "protocol.numbers")
    lines[at : at + 1] = _numbers(config, place)
    return lines


def explanation(setting: Setting, lines: Iterable[ValueInForce]) -> Json:
    """Return the explanation of a setting, with the values that it has in force."""
    now = [line for line in lines if setting.fits(line.path)]
    return {
        "key": setting.path,
        "meaning": setting.meaning,
        "type": setting.kind,
        "default": setting.default,
        "unit": setting.unit,
        "providers": list(setting.providers),
        "now": [{"key": line.path, "value": line.shown, "from": line.origin} for line in now],
    }


def _lines(
    section: BaseModel, at: tuple[str, ...], place: Callable[..., str]
) -> Iterator[ValueInForce]:
    for name in own_first(type(section)):
        value, path = getattr(section, name), (*at, name)
        if isinstance(value, BaseModel):
            yield from _lines(value, path, place)
        elif isinstance(value, dict) and any(isinstance(v, BaseModel) for v in value.values()):
            for chosen, inner in value.items():
                yield from _lines(inner, (*path, chosen), place)
        else:
            is_set = name in section.model_fields_set
            idle = not is_set and (value in (None, "", [], {}) or isinstance(section, RoleConfig))
            origin = place(*path) if is_set else DEFAULT
            yield ValueInForce(".".join(path), _shown(name, value), origin, idle)


def _numbers(config: Config, place: Callable[..., str]) -> Iterator[ValueInForce]:
    """Return the numbers that decide what is accepted, of the preset or replaced."""
    protocol = config.protocol
    policy = policy_from(
        protocol.acceptance, dict(protocol.numbers), plugins.refused_rules(protocol.domain)
    )
    for name in NUMBERS:
        path = ("protocol", "numbers", name)
        origin = place(*path) if name in protocol.numbers else f"preset {protocol.acceptance}"
        yield ValueInForce(".".join(path), _text(getattr(policy, name)), origin)


def _shown(name: str, value: Any) -> str:
    """Return a value as YAML would have it; a key or a password may stand in some by mistake."""
    if name in ("api_key_env", "env") and value and not VARIABLE.fullmatch(value):
        return HIDDEN
    if name == "base_url":
        value = [_host(url) for url in value] if isinstance(value, list) else _host(value)
    if name == "args":
        value = _arguments(value)
    return _text(_without_keys(value))


def _host(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return HIDDEN
    plain = not (parts.query or parts.fragment) and _PLAIN_PATH.fullmatch(parts.path)
    where = f"{parts.scheme}://{parts.hostname or ''}{port}"
    return (where + (parts.path if plain else f"/{HIDDEN}")) if url else ""


def _arguments(args: list[str]) -> list[str]:
    arguments, hide = [], False
    for arg in args:
        flag, equals, _ = arg.partition("=")
        private = arg.startswith("-") and bool(PRIVATE.search(flag.replace("-", "_")))
        arguments.append(HIDDEN if hide else f"{flag}={HIDDEN}" if private and equals else arg)
        hide = private and not equals
    return arguments


def _without_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: HIDDEN if PRIVATE.search(str(name)) else _without_keys(inner)
            for name, inner in value.items()
        }
    return [_without_keys(inner) for inner in value] if isinstance(value, list) else value


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else json.dumps(value, ensure_ascii=False)


def settings_view(settings: Sequence[Json]) -> RenderableType:
    """Draw what settings mean: a section as a table, some of one name one after the other."""
    if len({one["key"].rpartition(".")[0] for one in settings}) < len(settings):
        rows = [[one["key"], one["default"].strip("`"), one["meaning"]] for one in settings]
        return rows_view(("setting", "default", "meaning"), rows)
    parts: list[RenderableType] = []
    for one in settings:
        parts.append(Text(one["key"], style="bold"))
        parts.append(Text(f"  {one['meaning']}"))
        facts = {
            "type": one["type"].replace("`", ""),
            "unit": one["unit"],
            "default": one["default"].strip("`"),
            "providers": ", ".join(one["providers"]),
        }
        parts += [Text(f"  {name:<10} {fact}") for name, fact in facts.items() if fact]
        for number, line in enumerate(one["now"]):
            label = "" if number else "now"
            parts.append(Text(f"  {label:<10} {line['key']}: {line['value']}  ({line['from']})"))
    return Group(*parts)
