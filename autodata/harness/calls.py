"""Binding of a workflow's host calls to parameters.

Arguments are hostile values until they are bound and copied to plain JSON.
"""

import inspect
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import FunctionType
from typing import Any

from autodata.harness import host
from autodata.types import Json

MAX_VALUES = 5_000
MAX_CHARS = 400_000
MAX_DEPTH = 8


@cache
def host_functions() -> dict[str, Callable[..., Any]]:
    """The functions a workflow can call, by name."""
    members = vars(host).values()
    return {member.__name__: member for member in members if isinstance(member, FunctionType)}


@cache
def stubs() -> str:
    """The source that workflows are type-checked against."""
    # It is in the prompt of an implementer: with another word in it no earlier search goes on.
    return Path(host.__file__).read_text(encoding="utf-8")


def bind(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Json:
    """Return a call's arguments by parameter name, copied into plain JSON values.

    Raises:
        TypeError: the arguments do not fit the function's signature. What is an example or a role
            is for the host to say.
        ValueError: a value is no plain JSON, or all together are too large.
    """
    signature = inspect.signature(host_functions()[name])
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError as error:
        raise TypeError(f"{name}(): {error}") from None
    for key, value in bound.arguments.items():
        kind = signature.parameters[key].annotation
        if kind in (str, int) and type(value) is not kind:
            given = type(value).__name__
            raise TypeError(f"{name}(): {key} must be {kind.__name__}, not {given}")
        if kind == list[str] and not _are_texts(value):
            raise TypeError(f"{name}(): {key} must be a list of str")
    return {key: _Copy(name).of(value, 0) for key, value in bound.arguments.items()}


def _are_texts(value: Any) -> bool:
    return type(value) is list and all(type(item) is str for item in value)


class _Copy:
    """Copies one argument within a budget: a small graph can stand for an endless tree."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._values = MAX_VALUES
        self._chars = MAX_CHARS

    def of(self, value: Any, depth: int) -> Any:
        """Return a plain copy of `value`."""
        self._values -= 1
        if self._values < 0 or depth > MAX_DEPTH:
            raise ValueError(
                f"{self._name}(): an argument has too many or too deeply nested values"
            )
        kind = type(value)
        if value is None or kind is bool:
            return value
        if kind is str:
            return self._text(value)
        if kind is int and abs(value) < 2**53:
            return value
        if kind is float and abs(value) < float("inf"):
            return value
        if kind is list or kind is tuple:
            return [self.of(item, depth + 1) for item in value]
        if kind is dict and all(type(key) is str for key in value):
            return {self._text(key): self.of(item, depth + 1) for key, item in value.items()}
        raise ValueError(f"{self._name}(): an argument holds a {kind.__name__}, not plain JSON")

    def _text(self, text: str) -> str:
        self._chars -= len(text)
        if self._chars < 0:
            raise ValueError(f"{self._name}(): an argument is longer than {MAX_CHARS} characters")
        return text
