"""A child process for work that may take too much memory or time, or may crash.

`Child` starts and ends one; the module that it runs calls `confine` before anything else.
"""

import asyncio
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

MEMORY = 1 << 30
"""Bytes that a child may have."""
LONGEST_LINE = 1 << 22
"""Bytes of a line that is read from a child."""
_PASSED_ON = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TZ")
"""What a child is told of the environment: keys are not among it."""
_LOOK_S = 0.05


class Child:
    """A process that runs a module of this package; both sides write lines to each other.

    It has no keys in its environment and none of our open files, and ends when this process does,
    however that ends. The module gets the process id of its parent as its argument.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, module: str) -> "Child":
        """Start a module with `python -m`.

        Raises:
            OSError: the system starts no more processes.
        """
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", module, str(os.getpid())),
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            env=_environment(),
            start_new_session=True,  # Ctrl-C in a terminal is ours to answer
            limit=LONGEST_LINE,
        )
        return cls(process)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    async def write(self, text: bytes) -> None:
        """Write whole lines; those that a child does not take any more are lost without a word."""
        assert self._process.stdin is not None
        with suppress(ConnectionError):
            self._process.stdin.write(text)
            await self._process.stdin.drain()

    async def read(self) -> bytes:
        """Return the next line.

        Raises:
            EOFError: the process has ended, or wrote more than `LONGEST_LINE`.
        """
        assert self._process.stdout is not None
        with suppress(ValueError):  # too long
            line = await self._process.stdout.readline()
            if line.endswith(b"\n"):
                return line
        raise EOFError

    async def end(self) -> str:
        """Kill the process, if it still runs, and return what it wrote to its standard error."""
        with suppress(ProcessLookupError):
            self._process.kill()
        _, said = await self._process.communicate()
        return said.decode("utf-8", "replace").strip()


def confine(parent: int, memory: int) -> tuple[BinaryIO, BinaryIO]:
    """Bound this process, a child of `parent`, and return where lines come from and go to.

    The kernel refuses memory beyond `memory` bytes and kills whoever writes to a file. Where it
    does not hold bounds on memory, as on macOS, the process looks at itself and ends when it is
    over. What else writes to standard output writes nowhere.
    """
    lines = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    for kind, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        with suppress(ValueError, OSError):
            resource.setrlimit(kind, (most, most))
    threading.Thread(
        target=watch,
        args=(lambda: os.getppid() == parent, peak_memory, memory, kill_self),
        daemon=True,
    ).start()
    return sys.stdin.buffer, lines


def open_no_more_files() -> None:
    """Let the kernel refuse to open anything from now on, be it a file or a connection."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))


def end_within(seconds: float) -> None:
    """Let the kernel kill this process when the time is up, whatever it does; 0: no more."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)


def watch(
    wanted: Callable[[], bool],
    used: Callable[[], int],
    memory: int,
    end: Callable[[], None],
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Call `end` once nobody wants this process any more, or it has used more than `memory`."""
    while wanted() and used() <= memory:
        pause(_LOOK_S)
    end()


def peak_memory() -> int:
    """Return the most bytes of memory this process has had; 0 where the kernel bounds them."""
    if sys.platform == "linux":
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes, on macOS


def kill_self() -> None:
    """End this process at once, without anything that it would do at its end."""
    os.kill(os.getpid(), signal.SIGKILL)


def _environment() -> dict[str, str]:
    """Return the environment of a child, which finds modules where this process does.

    Its memory comes from one arena: each takes 64 MB of the address space that is bounded.
    """
    known = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    path = os.pathsep.join(str(Path(place).absolute()) for place in sys.path)
    return {**known, "PYTHONPATH": path, "MALLOC_ARENA_MAX": "1"}
