"""A program of the user's own that is run once in a folder: limited in time and in what it writes.

It is trusted like a plug-in, and no sandbox is around it: it runs as the user does. What it leaves
in its folder is a proposal, and as hostile as any.
"""

import asyncio
import os
import re
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from autodata.errors import ConfigurationError
from autodata.models.serving.supervisor import END_S, GUARD

ALWAYS = re.compile(r"PATH|HOME|USER|LOGNAME|LANG(UAGE)?|LC_.*|TMPDIR|TZ|LD_LIBRARY_PATH")
"""The variables of the environment that every program gets; keys are not among them."""
WATCH_S = 0.2
LEAST_BYTES = 4096
"""What an empty file counts."""
SAID_CHARS = 1000
_NOT_STARTED = 127


@dataclass(frozen=True, slots=True)
class Program:
    """A command with what it may take: `megabytes` is what its folder and its log hold together."""

    command: tuple[str, ...]
    seconds: float
    megabytes: int
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ProgramEnd:
    """How a run of a program ended: what went wrong, if anything, and the end of what it said."""

    problem: str
    said: str
    seconds: float


def environment_of(known: Mapping[str, str], named: Iterable[str]) -> dict[str, str]:
    """Return the part of an environment that a program gets, with what is named for it."""
    also = set(named)
    return {n: value for n, value in known.items() if ALWAYS.fullmatch(n) or n in also}


def found_in(command: Sequence[str], root: Path) -> tuple[str, ...]:
    """Return a command with full paths for what names a file of the project.

    The program is started in another folder, where `propose.py` would not be.
    """
    return tuple(
        str((root / part).resolve()) if _is_file(root / part) else part for part in command
    )


def _is_file(path: Path) -> bool:
    with suppress(OSError, ValueError):
        return path.is_file()
    return False


async def run(program: Program, folder: Path, log: Path) -> ProgramEnd:
    """Run a program in a folder until it ends, or its time or room is up; nothing of it stays.

    Raises:
        ConfigurationError: there is no such program, or the system starts no more.
    """
    began = time.monotonic()
    try:
        with log.open("wb") as said:
            guard = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", str(GUARD), *program.command),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=said,
                env=dict(program.environment),
                cwd=folder,
                start_new_session=True,
            )
    except OSError as error:
        raise ConfigurationError(
            f"optimize.proposer: {program.command[0]} cannot be started: {error.strerror or error}",
            "make room, then give the same command again",
        ) from error
    try:
        problem = await _watched(guard, program, (folder, log), began)
    finally:
        await _end(guard)
    return ProgramEnd(problem, tail(log), time.monotonic() - began)


async def _watched(
    guard: asyncio.subprocess.Process, program: Program, places: Iterable[Path], began: float
) -> str:
    """Wait for the end of a program; return what is wrong with how it ended."""
    while guard.returncode is None:
        with suppress(TimeoutError):
            await asyncio.wait_for(guard.wait(), WATCH_S)
        if (
            sum([await asyncio.to_thread(_bytes, place) for place in places])
            > program.megabytes * 1e6
        ):
            return f"it wrote more than {program.megabytes} MB"
        if guard.returncode is None and time.monotonic() - began > program.seconds:
            return f"it took more than {program.seconds:g} s"
    return f"it ended with exit code {guard.returncode}" if guard.returncode else ""


async def _end(guard: asyncio.subprocess.Process) -> None:
    """End the guard and wait for its output to close: then everything it started is gone."""
    assert guard.stdin
    assert guard.stdout
    guard.stdin.close()
    try:
        async with asyncio.timeout(END_S):
            await guard.stdout.read()
            await guard.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            guard.kill()
        await guard.wait()


def _bytes(place: Path) -> int:
    """Return how much a file holds, or a folder with all below it, as far as it can be seen."""
    if not place.is_dir():
        return place.stat().st_size if place.exists() else 0
    total = 0
    for folder, _, names in os.walk(place):
        for name in names:
            with suppress(OSError):
                total += max(LEAST_BYTES, os.lstat(Path(folder) / name).st_size)
    return total


def tail(log: Path) -> str:
    """Return the end of what a program said, without what a terminal or a journal would mind."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 4 * SAID_CHARS))
        text = file.read().decode("utf-8", "replace")
    lines = ("".join(c for c in line if c.isprintable()).strip() for line in text.splitlines())
    whole = "\n".join(line for line in lines if line)
    return whole if len(whole) <= SAID_CHARS else f"[cut] {whole[-SAID_CHARS:]}"
