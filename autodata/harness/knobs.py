"""Parsing of harness.yaml: the harness's name, and its knobs with the range of each."""

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from autodata.errors import HarnessError
from autodata.types import KnobValue

KnobType = Literal["int", "float", "bool", "choice"]

MANIFEST = "harness.yaml"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
KNOB_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
PLAIN_TEXT = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
LARGEST = 10**12
DEEPEST = 6


@dataclass(frozen=True, slots=True)
class Knob:
    """A number, switch or choice of the harness, with the range a search stays in.

    `low` and `high` are inclusive and None for `bool` and `choice`; `log` asks for steps in
    proportion to the value. `choices` all have one type.
    """

    name: str
    type: KnobType
    value: KnobValue
    low: float | None = None
    high: float | None = None
    choices: tuple[KnobValue, ...] = ()
    log: bool = False
    help: str = ""

    def problem_with(self, value: object) -> str:
        """Return why `value` is invalid for this knob, or an empty string."""
        if self.type == "bool":
            return "" if isinstance(value, bool) else f"{value!r} is not true or false"
        if self.type == "choice":
            choices = [repr(choice) for choice in self.choices]
            return "" if repr(value) in choices else f"{value!r} is none of {', '.join(choices)}"
        if isinstance(value, bool) or not isinstance(value, int | float):
            return f"{value!r} is not a number"
        if self.type == "int" and not isinstance(value, int):
            return f"{value!r} is not a whole number"
        assert self.low is not None
        assert self.high is not None
        if not self.low <= value <= self.high:
            return f"{value} is outside of {self.low} to {self.high}"
        return ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The content of harness.yaml."""

    name: str
    description: str
    knobs: Mapping[str, Knob]


class _Entry(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)

    help: str = Field("", max_length=300)

    def knob(self, name: str) -> Knob:
        """This entry as a knob called `name`."""
        return Knob(name, **self.model_dump())

    @model_validator(mode="after")
    def _value_is_inside(self) -> "_Entry":
        if problem := self.knob("").problem_with(getattr(self, "value")):  # noqa: B009
            raise ValueError(f"value {problem}")
        return self


class _Range(_Entry):
    log: bool = False

    @model_validator(mode="before")
    @classmethod
    def _range_is_not_empty(cls, data: Any) -> Any:
        if not isinstance(data, dict) or not (
            _number(data.get("low")) and _number(data.get("high"))
        ):
            return data
        low, high = data["low"], data["high"]
        if low > high:
            raise ValueError(f"the range is empty: low {low} is above high {high}")
        if max(abs(low), abs(high)) > LARGEST:
            raise ValueError(f"low and high must lie between -{LARGEST} and {LARGEST}")
        if data.get("log") is True and low <= 0:
            raise ValueError(f"log needs low above 0, not {low}")
        return data


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


class _Int(_Range):
    type: Literal["int"]
    value: int
    low: int
    high: int


class _Float(_Range):
    type: Literal["float"]
    value: float
    low: float
    high: float


class _Bool(_Entry):
    type: Literal["bool"]
    value: bool


class _Choice(_Entry):
    type: Literal["choice"]
    value: str | int | float | bool
    choices: tuple[str | int | float | bool, ...] = Field(strict=False, min_length=2, max_length=50)

    @model_validator(mode="before")
    @classmethod
    def _choices_are_alike(cls, data: Any) -> Any:
        choices = data.get("choices") if isinstance(data, dict) else None
        if not isinstance(choices, list):
            return data
        if len({type(choice) for choice in choices}) > 1:
            raise ValueError(f"choices are of mixed types: {', '.join(map(repr, choices))}")
        if len({repr(choice) for choice in choices}) < len(choices):
            raise ValueError(f"choices repeat: {', '.join(map(repr, choices))}")
        return data


class _Manifest(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    name: str
    description: str = Field("", max_length=2000)
    knobs: dict[str, Annotated[_Int | _Float | _Bool | _Choice, Field(discriminator="type")]] = {}


_KEYS = {
    (): ("name", "description", "knobs"),
    "int": tuple(_Int.model_fields),
    "float": tuple(_Float.model_fields),
    "bool": tuple(_Bool.model_fields),
    "choice": tuple(_Choice.model_fields),
}


def nearest(word: str, names: list[str]) -> str:
    """Return a hint such as ` (did you mean 'rounds'?)`, or which words are known."""
    close = get_close_matches(word, names, 1)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(names) or 'none'}"


@lru_cache(maxsize=256)
def read_manifest(text: str, file: str = MANIFEST) -> Manifest:
    """Read and check harness.yaml; `file` is what errors call it.

    Reading takes milliseconds and a search that merges edits reads few of them hundreds of times,
    so the last ones are kept: nobody changes what comes back.

    Raises:
        HarnessError: names file, line, field and fix.
    """
    root = _compose(text, file)
    try:
        data = yaml.safe_load(text)
        parsed = _Manifest.model_validate(data)
    except ValidationError as error:
        raise _explain(error.errors(), root, file) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _unreadable(error, file) from None
    if not _NAME.fullmatch(parsed.name):
        raise HarnessError(
            f"{file}, line {_line(root, ['name'])}: name {parsed.name!r} is not usable",
            "use lower-case letters, digits and dashes, at most 63",
        )
    for name in parsed.knobs:
        if not KNOB_NAME.fullmatch(name):
            raise HarnessError(
                f"{file}, line {_line(root, ['knobs', name])}: knob name {name!r} is not usable",
                "use lower-case letters, digits and underscores, at most 40, a letter first",
            )
    knobs = {name: entry.knob(name) for name, entry in parsed.knobs.items()}
    return Manifest(parsed.name, parsed.description, knobs)


def write_values(text: str, values: Mapping[str, KnobValue]) -> str:
    """Return the text of harness.yaml with other knob values, all else as it was."""
    root = _compose(text, MANIFEST)
    spots = []
    for name, value in values.items():
        node = _find(root, ["knobs", name, "value"])
        spots.append((node.start_mark.index, node.end_mark.index, _scalar(value)))
    for start, end, new in sorted(spots, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _scalar(value: KnobValue) -> str:
    if isinstance(value, str):
        plain = PLAIN_TEXT.fullmatch(value) and yaml.safe_load(value) == value
        return value if plain else json.dumps(value, ensure_ascii=False)
    if isinstance(value, float) and not math.isfinite(value):
        raise HarnessError(f"{value} is no knob value", "use a finite number")
    return str(yaml.safe_dump(value).splitlines()[0])


def _compose(text: str, file: str) -> Any:
    """Parse into nodes that know their lines; refuse what YAML could blow up or hide with."""
    try:
        depth = 0
        for event in yaml.parse(text):
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if isinstance(event, yaml.AliasEvent) or depth > DEEPEST:
                line = event.start_mark.line + 1 if event.start_mark else 1
                raise HarnessError(
                    f"{file}, line {line}: aliases and deep nesting are not used here",
                    "write it as in the documentation of harness.yaml",
                )
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        for mapping in _mappings(root):
            anchors = set()
            for key, _ in mapping.value:
                where = f"{file}, line {key.start_mark.line + 1}"
                if str(key.value) in anchors:
                    raise HarnessError(f"{where}: {key.value!r} is there twice", "keep one")
                anchors.add(str(key.value))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _unreadable(error, file) from None
    return root


def _mappings(node: Any) -> Iterator[yaml.MappingNode]:
    if isinstance(node, yaml.MappingNode):
        yield node
        for _, value in node.value:
            yield from _mappings(value)


def _unreadable(error: Exception, file: str) -> HarnessError:
    mark = getattr(error, "problem_mark", None)
    line = f", line {mark.line + 1}" if mark else ""
    what = getattr(error, "problem", None) or (str(error).splitlines() or [type(error).__name__])[0]
    return HarnessError(f"{file}{line}: not readable as YAML: {what}", "correct the YAML there")


def _find(node: Any, path: list[str]) -> Any:
    """The node at `path`, or the deepest one on the way there."""
    for step in path:
        if not isinstance(node, yaml.MappingNode):
            break
        inner = [value for key, value in node.value if key.value == step]
        if not inner:
            break
        node = inner[0]
    return node


def _line(root: Any, path: list[str]) -> int:
    parent = _find(root, path[:-1])
    if isinstance(parent, yaml.MappingNode):
        for key, _ in parent.value:
            if path and key.value == path[-1]:
                return int(key.start_mark.line) + 1
    node = _find(root, path)
    return int(node.start_mark.line) + 1 if node is not None else 1


def _explain(errors: list[ErrorDetails], root: Any, file: str) -> HarnessError:
    """Turn pydantic's first complaint into file, line, field, problem and fix.

    A misspelled key also leaves its right one missing, so unknown keys go first.
    """
    error = min(errors, key=lambda error: error["type"] != "extra_forbidden")
    steps = [str(step) for step in error["loc"]]
    kind: Any = ()
    if len(steps) > 2 and steps[0] == "knobs" and steps[2] in _KEYS:
        kind = steps.pop(2)
    field = ".".join(steps) or "the file"
    problem, fix = error["msg"].removeprefix("Value error, "), f"correct {field}"
    if error["type"] == "extra_forbidden":
        problem, fix = "unknown key", nearest(steps[-1], list(_KEYS.get(kind, _KEYS[()])))
    elif error["type"] == "missing":
        problem, fix = "missing", f"add {field}"
    elif error["type"] == "union_tag_not_found":
        problem, fix = "no type", "add type: int, float, bool or choice"
    elif error["type"] == "union_tag_invalid":
        tag = str(error["input"].get("type"))
        problem, fix = f"unknown type {tag!r}", nearest(tag, ["int", "float", "bool", "choice"])
    elif isinstance(error["input"], str | int | float) and "Value error" not in error["msg"]:
        problem = f"{error['input']!r}: {problem[0].lower()}{problem[1:]}"
    more = f" ({len(errors) - 1} more after this)" if len(errors) > 1 else ""
    return HarnessError(f"{file}, line {_line(root, steps)}: {field}: {problem}{more}", fix)
