"""The program in a box: runs a module that a model wrote and tells what its calls return.

It gets calls and no expected values: what it does not know, the module cannot steal. Whatever the
module writes to the pipe can only claim that a call returned something.
"""

import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn

from autodata.box.filters import filter_calls
from autodata.box.view import enter, leave

MOST_TOLD = 1 << 20
"""Of all that a module's calls return."""
MOST_WRITTEN = 1 << 23
MOST_OPEN = 32
_PARENT_DIES = 1


def main() -> None:
    """Run what standard input asks for; tell of it on standard output, a line of JSON each."""
    task = json.loads(sys.stdin.buffer.readline())
    try:
        if task["boxed"]:
            leave()
        child = os.fork()
    except OSError as error:
        _tell(1, {"refused": str(error)})
        return
    if child == 0:
        _confine(task)
        _run(task)
    os.close(1)
    os.waitpid(child, 0)


def _confine(task: dict[str, Any]) -> None:
    """Take from this process whatever the module does not need, for good."""
    import ctypes

    os.setsid()
    with suppress(AttributeError):
        ctypes.CDLL(None).prctl(_PARENT_DIES, signal.SIGKILL, 0, 0, 0)
    try:
        if task["boxed"]:
            enter()
        os.dup2(os.open(os.devnull, os.O_RDWR), 0)
        seconds, memory = task["seconds"], task["memory"]
        for kind, soft, hard in (
            (resource.RLIMIT_CORE, 0, 0),
            (resource.RLIMIT_FSIZE, MOST_WRITTEN, MOST_WRITTEN),
            (resource.RLIMIT_NOFILE, MOST_OPEN, MOST_OPEN),
            (resource.RLIMIT_CPU, seconds, seconds),
            (resource.RLIMIT_AS, memory, memory),
        ):
            with suppress(ValueError):  # macOS, of the memory
                resource.setrlimit(kind, (soft, hard))
        _filter(task["boxed"])
    except OSError as error:
        _tell(1, {"refused": str(error)})
        os._exit(0)
    _tell(1, {"ready": True})


def _filter(boxed: bool) -> None:
    try:
        filter_calls()
    except (OSError, AttributeError):
        if boxed:
            raise


def _run(task: dict[str, Any]) -> NoReturn:
    """Load the module and make its calls; it may do to this process what it likes."""
    pipe = os.dup(1)
    for number in (1, 2):
        os.dup2(0, number)
    sys.path[:] = [place for place in sys.path if place != task["root"]]
    names: dict[str, Any] = {"__name__": "solution"}
    try:
        exec(compile(task["source"], "solution.py", "exec"), names)
        problem = ""
    except BaseException as error:  # noqa: BLE001 (also that it exits)
        problem = _named(error)[0]
    for call in () if problem else task["calls"]:
        try:
            told: dict[str, Any] = {"value": repr(_plain(eval(call, names)))}
        except BaseException as error:  # noqa: BLE001
            told = {"raised": _named(error)}
        _tell(pipe, told)
    _tell(pipe, {"done": problem})
    os._exit(0)


def _named(error: BaseException) -> list[str]:
    """Return the names of an exception's class and of those that it derives from."""
    return [str(each.__name__)[:100] for each in type(error).__mro__]


def _plain(value: Any) -> Any:
    """Return a value of plain types; what is none of theirs is told by its type."""
    if value is None or type(value) in (bool, int, float, complex, str, bytes):
        return value
    for kind in (int, float, str, bytes):
        if isinstance(value, kind):
            return _built(kind, value)
    if isinstance(value, dict):
        return {_plain(key): _plain(each) for key, each in value.items()}
    for group in (list, tuple, set, frozenset):
        if isinstance(value, group):
            return set(map(_plain, value)) if group is frozenset else group(map(_plain, value))
    return _Other(type(value).__name__)


def _built(kind: Callable[[Any], Any], value: Any) -> Any:
    return kind(value)


class _Other:
    """Stands for a value of no plain type: its text is no literal, so it equals nothing."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return f"<{self._name}>"


def _tell(pipe: int, line: dict[str, Any]) -> None:
    with suppress(OSError):
        data = json.dumps(line).encode() + b"\n"
        while data:
            data = data[os.write(pipe, data) :]
