"""Process guard between autodata and a model server: `python guard.py CMD ...`.

It ends the server with everything that the server started as soon as its standard input closes,
which happens even when autodata is killed with -9. It is two processes, each of which cleans up
when the other is killed; standard output stays open until both are gone. Imports nothing of ours,
so that it can be run by its path.
"""

import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

_NAME = b"model-guard"
GRACE = 5.0  # seconds between asking to end and killing
POLL = 0.2
MOST_LOG = 64 << 20  # bytes in the log (standard error), which then begins anew
_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
_PR_SET_CHILD_SUBREAPER = 36


def main(command: Sequence[str]) -> int:
    """Run `command` in a session of its own until it ends or standard input closes."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    _rename()
    reader, writer = os.pipe()
    second = os.fork()
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    if second:
        os.close(reader)
        return _watch(second, 0, lambda: os.close(writer), 2 * GRACE)
    os.setpgid(0, 0)
    os.close(writer)
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        start_new_session=True,
        preexec_fn=_die_with_parent,
    )
    return _watch(child.pid, reader, lambda: _signal_group(child.pid, signal.SIGTERM), GRACE)


def _watch(child: int, pipe: int, ask: Callable[[], None], grace: float) -> int:
    """Wait until the child ends or `told` closes, then end it and what it left behind.

    `ask` asks the child to end; after `grace` seconds its process group is killed.
    """
    code = None
    try:
        while code is None and not _closes(pipe):
            code = _ended(child)
            if os.fstat(2).st_size > MOST_LOG:
                os.ftruncate(2, 0)
    finally:
        ask()
        deadline = time.monotonic() + grace
        while code is None and time.monotonic() < deadline:
            time.sleep(0.05)
            code = _ended(child)
        _signal_group(child, signal.SIGKILL)
        if code is None:
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        _kill_orphans()
    return code if code >= 0 else 128 - code


def _closes(pipe: int) -> bool:
    return bool(select.select([pipe], [], [], POLL)[0]) and not os.read(pipe, 1024)


def _ended(child: int) -> int | None:
    pid, status = os.waitpid(child, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if pid else None


def _kill_orphans() -> None:
    """Kill whoever left the child's group, or outlived the other guard, and has us as parent."""
    while orphans := _children():
        for pid in orphans:
            with suppress(ProcessLookupError, ChildProcessError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)


def _signal_group(group: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _children() -> list[int]:
    if sys.platform != "linux":
        return []  # nobody becomes our child: the process group is all we know
    listed = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
    return [int(pid) for pid in listed.split()]


def _rename() -> None:
    """Take a name of our own, so that `pkill -9 -f autodata` and `pkill -9 python` miss us."""
    if sys.platform == "linux":
        _prctl(_PR_SET_NAME, _NAME)
        about = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        start, end = int(about[45]), int(about[46])  # of the command line, in our memory
        if start:
            ctypes.memset(start, 0, end - start)
            ctypes.memmove(start, _NAME, min(len(_NAME), end - start))


def _die_with_parent() -> None:
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _prctl(option: int, value: int | bytes) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
