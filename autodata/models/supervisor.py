"""One supervised server process: a reserved port, a log, a health check, restarts, a sure end.

Knows nothing of what is served; a `ServerSpec` says how to start it.
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

HEALTH_EVERY = 0.25  # seconds, while starting
WATCH_EVERY = 5.0  # seconds, while running
HUNG_AFTER = 120.0  # seconds without any health answer from a living process
STABLE_AFTER = 60.0  # seconds of life after which the back-off starts again
LAST_BACKOFF = 60.0
END_S = 15.0
_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ServerSpec:
    """How to start a server. `command` gets the port; `environment` is all the server gets."""

    name: str
    command: Callable[[int], list[str]]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    health: str = "/health"
    ready_s: float = 120.0


def without_keys(
    environment: Mapping[str, str], also: Iterable[str] = (), keep: Iterable[str] = ()
) -> dict[str, str]:
    """Copy an environment without what looks like a key and without the names in `also`."""
    dropped, kept = set(also), set(keep)
    return {
        name: value
        for name, value in environment.items()
        if name not in dropped and (name in kept or not _SECRET.search(name))
    }


class Server:
    """A server process that is kept alive on one port of 127.0.0.1 until `stop`.

    Its guard ends the whole process tree even when this process is killed.
    """

    def __init__(self, spec: ServerSpec, report: Callable[[str], None]) -> None:
        self._spec = spec
        self._report = report
        self._reserved: socket.socket | None = None
        self._guard: asyncio.subprocess.Process | None = None
        self._watcher: asyncio.Task[None] | None = None
        self.port = 0
        self.restarts = 0

    @property
    def url(self) -> str:
        """The root address of the server."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Start the process and wait until it is healthy.

        Raises:
            ConfigurationError: it died, or did not get healthy in time; shows the log's end.
        """
        self._reserved = _reserve_port()
        self.port = self._reserved.getsockname()[1]
        self._spec.log.parent.mkdir(parents=True, exist_ok=True)
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
        command = self._spec.command(self.port)
        with self._spec.log.open("ab") as log:
            log.write(f"--- {time.strftime('%F %T')} {' '.join(command)}\n".encode())
            log.flush()
            self._guard = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "autodata.models.guard", *command),
                stdin=asyncio.subprocess.PIPE,
                stdout=log,
                stderr=log,
                env={**self._spec.environment, "PYTHONPATH": _import_path(self._spec.environment)},
                start_new_session=True,
            )

    async def _until_healthy(self) -> None:
        guard = self._guard
        assert guard is not None
        deadline = time.monotonic() + self._spec.ready_s
        while guard.returncode is None:
            if await self._healthy():
                return
            if time.monotonic() > deadline:
                raise self._failure(f"was not ready within {self._spec.ready_s:g} s")
            with suppress(TimeoutError):
                await asyncio.wait_for(guard.wait(), HEALTH_EVERY)
        raise self._failure(f"ended with exit code {guard.returncode} before it was ready")

    async def _healthy(self) -> bool:
        try:
            status, _ = await plain_http.get(self.url + self._spec.health, 10.0)
        except OSError:
            return False
        return status == 200

    async def _watch(self) -> None:
        backoff = 1.0
        while True:
            born = time.monotonic()
            reason = await self._until_broken()
            if time.monotonic() - born > STABLE_AFTER:
                backoff = 1.0
            self._report(f"server {self._spec.name} {reason}; starting it again")
            await self._end()
            while True:
                await asyncio.sleep(backoff)
                backoff = min(LAST_BACKOFF, 2 * backoff)
                self.restarts += 1
                try:
                    await self._launch()
                    await self._until_healthy()
                    break
                except ConfigurationError as error:
                    self._report(error.problem)
                    await self._end()
            self._report(f"server {self._spec.name} is back")

    async def _until_broken(self) -> str:
        guard = self._guard
        assert guard is not None
        answered = time.monotonic()
        while True:
            with suppress(TimeoutError):
                code = await asyncio.wait_for(guard.wait(), WATCH_EVERY)
                return f"ended with exit code {code}"
            if await self._healthy():
                answered = time.monotonic()
            elif time.monotonic() - answered > HUNG_AFTER:
                return f"has not answered for {HUNG_AFTER:g} s"

    async def _end(self) -> None:
        guard, self._guard = self._guard, None
        if guard is None:
            return
        if guard.stdin is not None:
            guard.stdin.close()
        try:
            await asyncio.wait_for(guard.wait(), END_S)
        except TimeoutError:
            guard.kill()  # the server dies with its guard
            await guard.wait()

    def _failure(self, what: str) -> ConfigurationError:
        tail = _tail(self._spec.log)
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


def _import_path(environment: Mapping[str, str]) -> str:
    """Where the guard finds this package, also when it is not installed."""
    ours = str(Path(__file__).parents[2])
    theirs = environment.get("PYTHONPATH", "")
    return f"{theirs}{os.pathsep}{ours}" if theirs else ours


def _tail(log: Path, characters: int = 600) -> str:
    try:
        text = log.read_bytes()[-characters * 4 :].decode("utf-8", "replace")
    except OSError:
        return "no log"
    return " | ".join(line.strip() for line in text.splitlines() if line.strip())[-characters:]
