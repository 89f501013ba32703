"""A user's own function in a process of its own: unit tests, an SQL engine, a proof checker.

Its input is hostile. It gets a folder that is gone afterwards, no keys, so much memory and so much
time; whatever it started ends with it. That bounds accidents and is no sandbox: a function that
runs code which a model wrote should do so in a container or a virtual machine.
"""

import asyncio
import hashlib
import json
import os
import re
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autodata.errors import PluginFailed, ReplayMismatch, Unavailable
from autodata.models.base import Site, whole
from autodata.store.episodes import ExecutionRecord
from autodata.store.facts import JournalWriter
from autodata.types import Json

WORKER = Path(__file__).with_name("worker.py")
_GRACE_S = 10.0
_NEEDED = re.compile(r"PATH|HOME|USER|LOGNAME|LANG(UAGE)?|LC_.*|TMPDIR|TZ|LD_LIBRARY_PATH")
"""The variables of the environment that a function gets."""
NOTE_CHARS = 300
"""The kind of record that keeps what a function said."""


@dataclass(frozen=True, slots=True)
class Execution:
    """What a function returned; `problem` says why it returned nothing."""

    value: Any = None
    problem: str = ""


class Isolated:
    """A function that is called in a process of its own, by `Graders.run`.

    It is found there by its module and name, gets plain JSON and returns some. It may take
    `seconds`, and each process of it `memory_mb`. That it raises, hangs or dies is the answer's
    doing and told as the problem of an `Execution`; that it does not start is not, nor an exception
    with a true `blames_machine`.
    """

    def __init__(
        self, function: Callable[..., Any], seconds: float = 10.0, memory_mb: int = 2048
    ) -> None:
        self._set(function.__module__, function.__qualname__, seconds, memory_mb)

    @classmethod
    def at(cls, name: str, seconds: float = 10.0, memory_mb: int = 2048) -> "Isolated":
        """The function of a name, `module:function`, whose module only its own process imports."""
        made = cls.__new__(cls)
        module, _, qualname = name.partition(":")
        made._set(module, qualname, seconds, memory_mb)
        return made

    def _set(self, module: str, qualname: str, seconds: float, memory_mb: int) -> None:
        self.module = module
        self.qualname = qualname
        if self.module == "__main__" or not self.qualname.isidentifier():
            raise PluginFailed(
                f"{self.name} cannot be called in a process of its own",
                "define it at the top of a module that can be imported",
            )
        self.python = sys.executable
        self.start_s = 60.0  # for the process and the import of the module
        self.seconds = seconds
        self.memory_mb = memory_mb

    @property
    def name(self) -> str:
        """`module:function`."""
        return f"{self.module}:{self.qualname}"

    async def run(self, *arguments: Any) -> Execution:
        """Call the function once.

        Raises:
            PluginFailed: it cannot be imported, or the arguments are no JSON.
            Unavailable: no process could be started, or not in time; says nothing about the answer.
        """
        task = self._task(arguments)
        with tempfile.TemporaryDirectory(prefix="autodata-", ignore_cleanup_errors=True) as folder:
            try:
                process = await asyncio.create_subprocess_exec(
                    *(self.python, "-I", str(WORKER)),
                    stdin=PIPE,
                    stdout=PIPE,
                    stderr=DEVNULL,
                    cwd=folder,
                    env={n: value for n, value in os.environ.items() if _NEEDED.fullmatch(n)},
                    start_new_session=True,
                )
            except OSError as error:
                raise Unavailable(
                    f"no process for {self.name}: {error.strerror or error}", "make room for one"
                ) from error
            try:
                lines = await asyncio.wait_for(
                    _exchange(process, task), self.start_s + self.seconds + _GRACE_S
                )
            except TimeoutError:
                lines = []
            finally:
                await _end(process)
        return self._told(lines)

    def _task(self, arguments: tuple[Any, ...]) -> bytes:
        task = {
            "path": [str(Path(place).resolve()) for place in sys.path],
            "module": self.module,
            "function": self.qualname,
            "arguments": whole(list(arguments)),
            "start_s": self.start_s,
            "seconds": self.seconds,
            "memory": self.memory_mb << 20,
        }
        try:
            return json.dumps(task).encode() + b"\n"
        except (TypeError, ValueError) as error:
            fix = "pass texts, numbers, lists and dictionaries of them"
            raise PluginFailed(f"{self.name}: its arguments are no JSON: {error}", fix) from error

    def _told(self, lines: list[Json]) -> Execution:
        told: Json = {name: value for line in lines for name, value in line.items()}
        if "value" in told:
            return Execution(told["value"])
        if "failed" in told:
            fix = "mend it; try it alone in the Python that runs autodata"
            raise PluginFailed(f"{self.name} cannot be started: {told['failed']}", fix)
        if "ready" not in told:
            raise Unavailable(f"{self.name} was not started in time", "see what else runs here")
        if "late" in told:
            return Execution(None, f"it took more than {self.seconds:g} s")
        return Execution(None, printable(str(told.get("problem", "its process was killed"))))


async def _exchange(process: Process, task: bytes) -> list[Json]:
    """Send the task and read what is told until the worker is gone; its input stays open."""
    assert process.stdin is not None
    assert process.stdout is not None
    with suppress(ConnectionError):
        process.stdin.write(task)
        await process.stdin.drain()
    told = list[Json]()
    for line in (await process.stdout.read()).splitlines():
        with suppress(ValueError):  # it was killed while it wrote
            told.append(json.loads(line))
    return told


async def _end(process: Process) -> None:
    """Let the worker end whatever is left, which it does once its input closes."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), _GRACE_S)
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def printable(text: str) -> str:
    """Return the beginning of a text without what a terminal or a journal would stumble on."""
    return "".join(letter for letter in text if letter.isprintable())[:NOTE_CHARS]


class Executions:
    """Runs functions, as many side by side as there are cores; each is journaled, and run once.

    What a function says may depend on how busy the machine is: a replay takes it as it stands.
    """

    def __init__(self, journal: JournalWriter | None = None, replayed: bool = False) -> None:
        self._journal = journal
        self._replayed = replayed
        self._room = asyncio.Semaphore(os.cpu_count() or 1)

    async def run(self, site: Site, function: Isolated, arguments: tuple[Any, ...]) -> Execution:
        """Return what the function said here before, or run it.

        Raises:
            PluginFailed, Unavailable: see `Isolated.run`.
            ReplayMismatch: a replay came to one that is not in the journal.
        """
        place = [site.tree, site.document_id, site.repeat, site.ordinal]
        digest = hashlib.sha256(json.dumps([place, function.name, *arguments]).encode())
        key = digest.hexdigest()[:32]
        known = self._journal.find(ExecutionRecord, key) if self._journal else None
        if known is not None:
            return Execution(known.value, known.problem)
        if self._replayed:
            raise ReplayMismatch(f"{function.name} at {site.ordinal} is not in the journal")
        async with self._room:
            found = await function.run(*arguments)
        if self._journal:
            await self._journal.append(key, execution_record(site, function, found))
        return found


def execution_record(site: Site, function: Isolated, found: Execution) -> ExecutionRecord:
    """Return an execution as the journal keeps it."""
    return ExecutionRecord(
        function=function.name,
        tree=site.tree,
        commit=site.commit,
        candidate_id=site.candidate_id,
        document_id=site.document_id,
        split=site.split,
        repeat=site.repeat,
        ordinal=site.ordinal,
        value=found.value,
        problem=found.problem,
    )
