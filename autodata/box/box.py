"""A box: a process that runs a module which a model wrote, and tells what calls of it return.

It has a wall clock, bounds on processor time, memory and files, and on Linux namespaces of its own:
no network, no other process, no file but Python's own library (`view`, `filters`). Without them it
is no sandbox, so a kernel that refuses them makes it refuse, unless it is asked to be unsafe.
"""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autodata.box.inside import MOST_TOLD

_ROOT = str(Path(__file__).parents[2])
_ENVIRONMENT = {"MALLOC_ARENA_MAX": "1", "LC_ALL": "C.UTF-8"}
PROGRAM = "import sys; sys.path.insert(0, {root!r}); from autodata.box.inside import main; main()"
"""What an interpreter runs."""
START_S = 60.0
"""For the interpreter and its namespaces."""
WAITING = 10
"""Seconds of the wall clock for each second of processor time: the machine is busy, too."""


class BoxRefused(Exception):
    """No box can be had here; says nothing about what was to run in it."""

    blames_machine = True


@dataclass(frozen=True, slots=True)
class Returned:
    """What one call returned, as a literal; or the exception it raised, with those it is a kind of.

    Neither: the box ended before.
    """

    value: str | None = None
    raised: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ran:
    """What the calls of a module came to, in order; `problem` says why there are no more."""

    returned: tuple[Returned, ...]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Box:
    """Bounds of a process: processor seconds, and megabytes of memory; `unsafe`: no namespaces."""

    seconds: int = 2
    memory_mb: int = 256
    unsafe: bool = False
    program: str = PROGRAM

    def run(self, source: str, calls: Sequence[str], hash_seed: int = 0) -> Ran:
        """Run a module and then its calls, which are expressions.

        Sets are ordered by `hash_seed`: what depends on their order shows with another one.

        Raises:
            BoxRefused: the system lets no such process be.
        """
        task = {
            "source": source,
            "calls": list(calls),
            "boxed": not self.unsafe,
            "root": _ROOT,
            "seconds": self.seconds,
            "memory": self.memory_mb << 20,
        }
        return _told(list(self._lines(task, hash_seed)), self.seconds)

    def _lines(self, task: dict[str, Any], hash_seed: int) -> Iterator[dict[str, Any]]:
        """Yield what a process tells until it ends or its time is up."""
        program = self.program.format(root=_ROOT)
        command = [sys.executable, "-s", "-P", "-S", "-B", "-c", program]
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={
                    "PYTHONHASHSEED": str(hash_seed),
                    "MALLOC_ARENA_MAX": "1",
                    "LC_ALL": "C.UTF-8",
                },
                start_new_session=True,
            )
        except OSError as error:
            raise BoxRefused(f"no process: {error.strerror or error}") from error
        try:
            yield from _exchange(process, task, self.seconds)
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe:
                    with suppress(OSError):
                        pipe.close()


def _exchange(
    process: "subprocess.Popen[bytes]", task: dict[str, Any], seconds: int
) -> Iterator[dict[str, Any]]:
    assert process.stdin is not None
    assert process.stdout is not None
    with suppress(OSError):
        process.stdin.write(json.dumps(task).encode() + b"\n")
        process.stdin.flush()
    deadline, text, size = time.monotonic() + START_S, b"", 0
    while (left := deadline - time.monotonic()) > 0:
        if not select.select([process.stdout], [], [], left)[0]:
            break
        piece = os.read(process.stdout.fileno(), 1 << 16)
        size += len(piece)
        if not piece or size > MOST_TOLD:
            yield {"ended": size <= MOST_TOLD}
            return
        *lines, text = (text + piece).split(b"\n")
        for line in lines:
            told = _line(line)
            if "ready" in told:
                deadline = time.monotonic() + WAITING * seconds
            yield told
            if "done" in told:
                return
    yield {"late": True}


def _line(text: bytes) -> dict[str, Any]:
    with suppress(ValueError, RecursionError):
        told = json.loads(text)
        if isinstance(told, dict):
            return told
    return {}


def _told(lines: list[dict[str, Any]], seconds: int) -> Ran:
    """Read what a process told; the module may have written any of it but the first line.

    Raises:
        BoxRefused: it never came to the module.
    """
    if not lines or "ready" not in lines[0]:
        first = lines[0] if lines else {}
        raise BoxRefused(str(first.get("refused", "its process ended before it was ready")))
    returned = tuple(_returned(line) for line in lines[1:] if "value" in line or "raised" in line)
    problem = "it ended early"
    for line in lines[1:]:
        if "late" in line:
            problem = f"it took more than {seconds} s"
        elif line.get("ended") is False:
            problem = f"it returned more than {MOST_TOLD} bytes"
        elif "done" in line:
            problem = f"it does not load: {line['done']}"[:200] if line["done"] else ""
    return Ran(returned, problem)


def _returned(line: dict[str, Any]) -> Returned:
    value, raised = line.get("value"), line.get("raised")
    names = raised if isinstance(raised, list) else []
    return Returned(
        value if isinstance(value, str) else None, tuple(str(name)[:100] for name in names)
    )
