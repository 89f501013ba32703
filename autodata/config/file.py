"""Loading autodata.yaml: one error with file, line, field and fix for everything that is wrong."""

import copy
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeGuard

import yaml
from pydantic import BaseModel, ValidationError

from autodata.config import plugins
from autodata.config.checks import mistakes
from autodata.config.providers.base import ModelConfig
from autodata.config.providers.table import PROVIDERS, takers
from autodata.config.schema import Config, Protocol
from autodata.config.upgrade import MOVED
from autodata.errors import ConfigurationError

PROPOSER = ("optimize", "proposer")
"""A name or a section."""
_UNSHOWN = {"api_key_env", "base_url", "args", "headers", "extra_body"}
"""Fields in which a key may stand by mistake; what they hold is never printed."""


@dataclass(frozen=True, slots=True)
class Source:
    """The origin of settings: a YAML file, and `--set` switches on top of it.

    `asked` are the sections for which the user named the file in this very command.
    """

    file: str
    node: yaml.Node | None
    switches: tuple[str, ...] = ()
    asked: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls, text: str, file: str, settings: Sequence[str], asked: Iterable[str] = ()
    ) -> "Source":
        """Return the source of a configuration's settings, read by `load_config`."""
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        return cls(file, node, _switches(settings), frozenset(asked))

    def typed(self, *path: str) -> bool:
        """Whether this setting was given on the command line of this very command."""
        field = ".".join(path)
        if any(f"{field}.".startswith(f"{switch}.") for switch in self.switches):
            return True
        node = self.node if path[0] in self.asked else None
        for part in path:
            nodes = [v for k, v in node.value if k.value == part] if _is_map(node) else []
            node = nodes[-1] if nodes else None
        return node is not None

    def place(self, *path: str) -> str:
        """Return the switch that set `path`, else file and line of its deepest part there is."""
        field = ".".join(path)
        for switch in self.switches:
            if f"{field}.".startswith(f"{switch}."):
                return f"--set {switch}"
        node, line = self.node, self.node.start_mark.line if self.node else 0
        for part in path:
            if isinstance(node, yaml.MappingNode):
                nodes = [(key, value) for key, value in node.value if key.value == part]
                if not nodes:
                    break
                line, node = nodes[-1][0].start_mark.line, nodes[-1][1]
            elif isinstance(node, yaml.SequenceNode) and part.isdigit():
                node = node.value[int(part)]
                line = node.start_mark.line
        return f"{self.file}, line {line + 1}"


def load_config(
    text: str, file: str, settings: list[str], environment: Mapping[str, str] | None = None
) -> Config:
    """Read a configuration, apply `--set key=value` settings, and check it as a whole.

    Raises:
        ConfigurationError: names file, line, field and fix of the first thing that is wrong.
    """
    reading = check_config(text, file, settings, environment)
    if reading.config is None or reading.faults:
        raise reading.faults[0]
    return reading.config


@dataclass(frozen=True, slots=True)
class Reading:
    """A configuration as far as it can be read, and all that is wrong with it.

    What is wrong is left out of `config`; None where the rest is none. `damaged` are the sections
    from which something is missing: what else they say may not be what was meant.
    """

    config: Config | None
    faults: list[ConfigurationError]
    damaged: frozenset[str] = frozenset()


def check_config(
    text: str, file: str, settings: Sequence[str], environment: Mapping[str, str] | None = None
) -> Reading:
    """Read a configuration with `--set key=value` settings; see `Reading`."""
    try:
        node, data = _parse(text, file)
    except ConfigurationError as error:
        return Reading(None, [error])
    faults = [*_doubles(node, file, "")]
    for setting in settings:
        try:
            _apply(data, setting)
        except ConfigurationError as error:
            faults.append(error)
    source = Source(file, node, _switches(settings))
    config, wrong = _readable(data)
    first: dict[tuple[str, ...], Any] = {}
    for item in wrong:  # one for each alternative that did not fit
        missing = item["type"] == "missing"
        first.setdefault(tuple(_path(item) if missing else _there(data, _path(item))), item)
    faults += [_explain(item, data, source) for item in first.values()]
    damaged = frozenset(_section(_path(item)) for item in wrong)
    for path, problem, fix in (
        mistakes(config, os.environ if environment is None else environment) if config else ()
    ):
        if path[0] != "roles" or not damaged - {"documents", "budget", "harness"}:
            faults.append(ConfigurationError(f"{source.place(*path)}: {problem}", fix))
    return Reading(config, faults, damaged)


def _switches(settings: Sequence[str]) -> tuple[str, ...]:
    return tuple(setting.partition("=")[0].strip() for setting in settings)


def _is_map(node: yaml.Node | None) -> TypeGuard[yaml.MappingNode]:
    return isinstance(node, yaml.MappingNode)


def _readable(data: Any) -> tuple[Config | None, list[Any]]:
    """Return what is left of a configuration without what does not fit, and pydantic's errors."""
    wrong: list[Any] = []
    data = copy.deepcopy(data)
    while True:
        try:
            return Config.model_validate(data), wrong
        except ValidationError as error:
            details = [_plain(item) for item in error.errors() if _meant(item)]
        wrong = wrong or details
        for path in {tuple(_there(data, _path(item))) for item in details}:
            if not path:
                return None, wrong
            place = data
            for part in path[:-1]:
                place = place[int(part) if isinstance(place, list) else part]
            if isinstance(place, list):
                place.clear()
            else:
                place.pop(path[-1], None)


def _meant(item: Any) -> bool:
    """Whether an error is of what the user meant: a section is no name of a proposer."""
    return item["loc"] != (*PROPOSER, "str") or not isinstance(item["input"], dict)


def _plain(item: Any) -> Any:
    """Return an error of pydantic as it would be if a setting had one type, a model's also."""
    loc = item["loc"]
    if loc[:2] == PROPOSER:
        return {**item, "loc": (*loc[:2], *loc[3:])}
    if loc[:1] != ("models",) or len(loc) < 2:
        return item
    if item["type"] == "union_tag_not_found":
        return {**item, "type": "missing", "loc": (*loc, "provider")}
    if item["type"] == "union_tag_invalid":
        *some, last = (repr(name) for name in PROVIDERS)
        expected = f"{', '.join(some)} or {last}"
        return {
            **item,
            "type": "literal_error",
            "loc": (*loc, "provider"),
            "input": item["input"]["provider"],
            "msg": f"Input should be {expected}",
            "ctx": {"expected": expected},
        }
    return {**item, "loc": (*loc[:2], *loc[3:])}  # without the provider, which is no key there


def _path(item: Any) -> list[str]:
    return [str(part) for part in item["loc"]]


def _section(path: list[str]) -> str:
    """Return which section a fault belongs to; one that is misspelled is that which was meant."""
    first = path[0] if path else ""
    near = get_close_matches(first, Config.model_fields, 1)
    return near[0] if near else first


def _parse(text: str, file: str) -> tuple[yaml.Node | None, dict[str, Any]]:
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{file}, line {mark.line + 1}" if mark else file
        problem = getattr(error, "problem", None) or "not YAML"
        raise ConfigurationError(f"{place}: {problem}", "mend the YAML there") from error
    if not isinstance(data, dict):
        raise ConfigurationError(
            f"{file}, line 1: holds no settings",
            "write `key: value` lines, as `autodata init` does",
        )
    return node, data


def _doubles(node: yaml.Node | None, file: str, path: str) -> Iterator[ConfigurationError]:
    """YAML lets a later key of the same name replace an earlier one without a word."""
    if not isinstance(node, yaml.MappingNode):
        return
    keys: set[str] = set()
    for key, value in node.value:
        name = str(key.value)
        if name in keys:
            place = f"{file}, line {key.start_mark.line + 1}"
            yield ConfigurationError(f"{place}: {path}{name} is there twice", "keep one of the two")
        keys.add(name)
        yield from _doubles(value, file, f"{path}{name}.")


def _apply(data: dict[str, Any], setting: str) -> None:
    key, equals, value = setting.partition("=")
    if not equals:
        raise ConfigurationError(f"--set {setting}: no value", "write --set key=value")
    *parents, last = key.strip().split(".")
    target = data
    for part in parents:
        target = target.setdefault(part, {})
        if not isinstance(target, dict):
            raise ConfigurationError(f"--set {key}: {part} is no section", "check the key")
    try:
        target[last] = yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise ConfigurationError(f"--set {key}: not a YAML value", "quote it") from error


def _explain(first: Any, data: Any, source: Source) -> ConfigurationError:
    path = _path(first)
    if first["type"] == "extra_forbidden":
        if path[0] == "models" and len(path) == 3 and (others := takers(path[2])):
            problem = f": provider {data['models'][path[1]]['provider']} has no use for it"
            fix = f"take it out, or set provider: {' or '.join(others)}"
            return ConfigurationError(f"{source.place(*path)}: {'.'.join(path)}{problem}", fix)
        known = _known_keys(path[:-1], data)
        near = get_close_matches(path[-1], known, 1)
        fix = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(known) or 'none'}"
        if tuple(path) in MOVED:
            fix = f"it is called {'.'.join(MOVED[tuple(path)])} now"
        return ConfigurationError(f"{source.place(*path)}: unknown key {'.'.join(path)!r}", fix)
    if first["type"] == "missing":
        field = ".".join(path)
        return ConfigurationError(f"{source.place(*path)}: {field} is missing", f"add {field}")
    path = _there(data, path)
    field = ".".join(path)
    value = repr(first["input"]) if not isinstance(first["input"], dict) else "a section"
    if _UNSHOWN & {*path}:
        value = "what is there"
    message = first["msg"][0].lower() + first["msg"][1:]
    fix = f"change {field}"
    if first["type"] == "literal_error":
        words = re.findall(r"'([^']*)'", str(first["ctx"]["expected"]))
        near = get_close_matches(str(first["input"]), words, 1)
        fix = f"did you mean {near[0]!r}?" if near else fix
    if "headers" in path:
        fix = f"write {field}: {{env: VARIABLE}}, and export VARIABLE with the value"
    return ConfigurationError(f"{source.place(*path)}: {field}: {value}: {message}", fix)


def _there(data: Any, path: list[str]) -> list[str]:
    """Leave out what pydantic adds to a field's path, such as the type that did not fit."""
    present: list[str] = []
    for part in path:
        if isinstance(data, dict) and part in data:
            data = data[part]
        elif isinstance(data, list) and part.isdigit() and int(part) < len(data):
            data = data[int(part)]
        else:
            break
        present.append(part)
    return present


def _known_keys(path: list[str], data: Any) -> list[str]:
    """Field names of the section at `path`, walking through dictionaries of sections."""
    section: Any = Config
    if path[:1] == ["domain"]:
        name = (data.get("protocol") or {}).get("domain", Protocol().domain)
        section, path = plugins.find("domain", name).made.settings_type, path[1:]
    elif path[:1] == ["models"] and len(path) > 1:
        section = PROVIDERS.get(data["models"][path[1]].get("provider"), ModelConfig)
        path = path[2:]
    for part in path:
        if isinstance(section, type) and issubclass(section, BaseModel):
            annotation = section.model_fields[part].annotation
            inner = [a for a in getattr(annotation, "__args__", ()) if a is not type(None)]
            section = annotation
            if inner:
                section = inner[-1]
                if getattr(annotation, "__origin__", None) is dict:
                    section = {"*": inner[-1]}
        elif isinstance(section, dict):
            section = section["*"]
    if isinstance(section, type) and issubclass(section, BaseModel):
        return list(section.model_fields)
    return []


def read_config_file(path: Path) -> str:
    """Return a configuration file's text.

    Raises:
        ConfigurationError: it is not there or cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or str(error)
        near = get_close_matches(path.name, _yaml_files(path.parent), 1)
        raise ConfigurationError(
            f"{path} cannot be read: {why[0].lower()}{why[1:]}",
            f"did you mean {path.with_name(near[0])}?"
            if near
            else "name a YAML file that is there",
        ) from error


def _yaml_files(folder: Path) -> list[str]:
    return [file.name for file in folder.glob("*.yaml")]
