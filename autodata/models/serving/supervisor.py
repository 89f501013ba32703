"""Supervision of one server process: reserved port, log, health check, restarts, and a sure end.

A `ServerSpec` says how to start the server.
"""

import asyncio
import os
import re
import socket
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from autodata.errors import ConfigurationError
from autodata.models import plain_http

GUARD = Path(__file__).with_name("guard.py")
END_S = 15.0
_SECRET = re.compile(r"API_?KEY|SECRET|PASSW|CREDENTIAL|(KEY|TOKEN)S?(_?\d+)?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Pace:
    """Intervals of health checks and time limits of a server, in seconds."""

    health_every: float = 0.25  # while starting
    answer: float = 10.0  # for one health answer
    tell_every: float = 30.0  # that it is not ready yet
    watch_every: float = 5.0  # while running
    hung_after: float = 120.0  # without any health answer from a living process
    first_backoff: float = 1.0
    last_backoff: float = 60.0
    stable_after: float = 60.0  # of life after which the back-off starts again


PACE = Pace()


@dataclass(frozen=True, slots=True)
class ServerSpec:
    """How to start a server: `command` gets the port; `environment` is all the server gets.

    What is relative in its command is so to `folder`.
    """

    name: str
    command: Callable[[int], list[str]]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    health: str = "/health"
    ready_s: float = 120.0
    folder: Path = Path()


def without_keys(
    environment: Mapping[str, str], also: Iterable[str] = (), keep: Iterable[str] = ()
) -> dict[str, str]:
    """Copy an environment without what looks like a key and without the names in `also`."""
    dropped, allowed = set(also), set(keep)
    return {
        name: value
        for name, value in environment.items()
        if name not in dropped and (name in allowed or not _SECRET.search(name))
    }


@dataclass(frozen=True, slots=True)
class Workplace:
    """Where servers are started: logs are written to `logs`, and relative paths begin at `root`.

    `key_names` are variables of the environment with keys, which no server gets to see.
    """

    logs: Path
    root: Path = Path()
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    key_names: tuple[str, ...] = ()

    def clean(self, keep: Iterable[str] = ()) -> dict[str, str]:
        """Return the environment without keys but those that a server needs itself."""
        return without_keys(self.environment, self.key_names, keep)


class Server:
    """A server process that is kept alive on one port of 127.0.0.1 until `stop`.

    Its guard ends the whole process tree even when this process is killed.
    """

    def __init__(self, spec: ServerSpec, report: Callable[[str], None], pace: Pace = PACE) -> None:
        self._spec = spec
        self._report = report
        self._pace = pace
        self._reserved: socket.socket | None = None
        self._guard: asyncio.subprocess.Process | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._said_from = 0
        self.port = 0

    @property
    def url(self) -> str:
        """The root address of the server."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Start the process and wait until it is healthy.

        Raises:
            ConfigurationError: it cannot be started, died, or did not get healthy in time; shows
                the log's end.
        """
        self._reserved = _reserve_port()
        self.port = self._reserved.getsockname()[1]
        self._tell(f"starting {self._spec.name} (log: {self._spec.log})")
        try:
            await self._launch()
            await self._until_healthy()
        except BaseException:
            await self.stop()
            raise
        self._watcher = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """End the process tree and give the port back."""
        if self._watcher is not None:
            self._watcher.cancel()
            await asyncio.gather(self._watcher, return_exceptions=True)
            self._watcher = None
        await self._end()
        if self._reserved is not None:
            self._reserved.close()
            self._reserved = None

    async def _launch(self) -> None:
        """Start the guard with the server's environment, none of ours (-I ignores PYTHONPATH)."""
        command = self._spec.command(self.port)
        try:
            self._spec.log.parent.mkdir(parents=True, exist_ok=True)
            with self._spec.log.open("ab") as log:
                log.write(f"--- {time.strftime('%F %T')} {' '.join(command)}\n".encode())
                log.flush()
                self._said_from = log.tell()
                self._guard = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-I", "-S", str(GUARD), *command),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=log,
                    env=dict(self._spec.environment),
                    cwd=self._spec.folder,
                    start_new_session=True,
                )
        except OSError as error:
            raise ConfigurationError(
                f"server {self._spec.name} cannot be started: {error.strerror or error}",
                f"see that its log can be written: {self._spec.log}",
            ) from error

    async def _until_healthy(self) -> None:
        guard = self._guard
        assert guard is not None
        began = reported = time.monotonic()
        while guard.returncode is None:
            if await self._healthy():
                return
            now = time.monotonic()
            if now - began > self._spec.ready_s:
                raise self._failure(f"was not ready within ready_s, {self._spec.ready_s:g} s")
            if now - reported > self._pace.tell_every:
                reported = now
                self._tell(f"{self._spec.name} is not ready after {now - began:.0f} s")
            with suppress(TimeoutError):
                await asyncio.wait_for(guard.wait(), self._pace.health_every)
        raise self._failure(f"{_how_ended(guard)} before it was ready")

    async def _healthy(self) -> bool:
        try:
            status, _ = await plain_http.get(self.url + self._spec.health, self._pace.answer)
        except OSError:
            return False
        return status == 200

    async def _watch(self) -> None:
        backoff = self._pace.first_backoff
        while True:
            born = time.monotonic()
            problem = f"server {self._spec.name} {await self._until_broken()}"
            if time.monotonic() - born > self._pace.stable_after:
                backoff = self._pace.first_backoff
            while problem:
                self._tell(f"{problem}; starting it again in {backoff:g} s")
                await self._end()
                await asyncio.sleep(backoff)
                backoff = min(self._pace.last_backoff, 2 * backoff)
                try:
                    await self._launch()
                    await self._until_healthy()
                    problem = ""
                except ConfigurationError as error:
                    problem = error.problem
            self._tell(f"server {self._spec.name} is back")

    async def _until_broken(self) -> str:
        guard = self._guard
        assert guard is not None
        answered = time.monotonic()
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(guard.wait(), self._pace.watch_every)
                return _how_ended(guard)
            if await self._healthy():
                answered = time.monotonic()
            elif time.monotonic() - answered > self._pace.hung_after:
                return f"has not answered for {self._pace.hung_after:g} s"

    async def _end(self) -> None:
        """End the guard and wait for its output to close: then everything it started is gone."""
        guard, self._guard = self._guard, None
        if guard is None:
            return
        assert guard.stdin
        assert guard.stdout
        guard.stdin.close()
        try:
            async with asyncio.timeout(END_S):
                await guard.stdout.read()
                await guard.wait()
        except TimeoutError:
            guard.kill()  # what the server started dies with its guard
            await guard.wait()

    def _tell(self, text: str) -> None:
        """Report, or let it be: a full disk under our output must not end supervision."""
        with suppress(OSError):
            self._report(text)

    def _failure(self, what: str) -> ConfigurationError:
        tail = _tail(self._spec.log, self._said_from)
        return ConfigurationError(
            f"server {self._spec.name} {what}: {tail}", f"read its log: {self._spec.log}"
        )


def _reserve_port() -> socket.socket:
    """Bind a free port of 127.0.0.1 in a way that only a server that shares it on purpose can have.

    The socket never listens; while it is open nobody else is given the port.
    """
    reserved = socket.socket()
    reserved.bind(("127.0.0.1", 0))
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if hasattr(socket, "SO_REUSEPORT"):
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    return reserved


def _how_ended(guard: asyncio.subprocess.Process) -> str:
    code = guard.returncode
    assert code is not None
    return f"ended with exit code {code}" if code >= 0 else "lost its guard"


def _tail(log: Path, start: int, characters: int = 600) -> str:
    """Return the last lines of what has been logged since byte `start`, in one line."""
    try:
        with log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(start if start <= size else 0, size - 4 * characters))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return "no log"
    whole = " | ".join(line.strip() for line in text.splitlines() if line.strip())
    end = whole[-characters:]
    return end if end == whole else end.partition(" | ")[2] or end
