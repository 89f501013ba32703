"""A tiny program that calls one function for autodata: `python -I worker.py`, see `isolated`.

It is two processes: one calls the function, the other watches the time and the standard input,
whose end means that nobody waits any more. Whatever the function started is ended before anything
is told of it. Imports nothing of ours, and the function's module in the calling process alone.
"""

import ctypes
import json
import os
import resource
import select
import signal
import sys
import time
import traceback
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

MOST_BYTES = 1 << 20  # of what a function returns
MOST_FILE = 1 << 28  # bytes of a file that it writes
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def main() -> None:
    """Call the function that standard input names, and tell on standard output what came of it."""
    line = sys.stdin.buffer.readline()
    if not line:
        return
    task = json.loads(line)
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    told, tells = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(told)
        _call(task, tells)
    os.close(tells)
    answer = None
    try:
        answer = _watch(child, told, task["start_s"], task["seconds"])
    finally:
        _kill(child)
    if answer is not None:
        _tell(answer)


def _watch(child: int, told: int, start_s: float, seconds: float) -> Any:
    """Return what the calling process tells, or that it is late; None: nobody waits any more."""
    ready, text = False, b""
    deadline = time.monotonic() + start_s
    while True:
        left = deadline - time.monotonic()
        found = select.select([told, 0], [], [], max(0.0, left))[0]
        if told in found:
            piece = os.read(told, 1 << 16)
            text += piece
            if text.startswith(b"ready\n"):
                ready, text = True, text.removeprefix(b"ready\n")
                deadline = time.monotonic() + seconds
                _tell({"ready": True})
            if text.endswith(b"\n") or len(text) > MOST_BYTES:
                return _read(text)
            if not piece:
                problem = _ending(child)
                return {"problem": problem} if ready else {"failed": problem}
        elif 0 in found:
            if not os.read(0, 1024):
                return None
        elif left <= 0:
            return {"late": True} if ready else {}


def _read(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return {"problem": f"it returned more than {MOST_BYTES} bytes"}


def _ending(child: int) -> str:
    """Say how the calling process ended, which it does right after its end of the pipe is shut."""
    until = time.monotonic() + 1
    while time.monotonic() < until:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            code = os.waitstatus_to_exitcode(status)
            return f"it ended with code {code}" if code >= 0 else f"signal {-code} ended it"
        time.sleep(0.01)
    return "it shut its connection"


def _call(task: dict[str, Any], tells: int) -> NoReturn:
    """Call the function; it may do to this process what it likes."""
    step = "failed"
    try:
        os.setsid()
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        empty = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(empty, number)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_FILE, MOST_FILE))
        sys.path[:] = task["path"]
        function = getattr(import_module(task["module"]), task["function"])
        if sys.platform == "linux":
            resource.setrlimit(resource.RLIMIT_AS, (task["memory"], task["memory"]))
        os.write(tells, b"ready\n")
        step = "problem"
        told = {"value": function(*task["arguments"])}
        text = json.dumps(told, allow_nan=False)
    except BaseException as error:  # noqa: BLE001 (also that it exits)
        blamed = "failed" if getattr(error, "blames_machine", False) else step
        text = json.dumps({blamed: _words(error)})
    with suppress(OSError), os.fdopen(tells, "wb") as file:
        file.write(text.encode() + b"\n")
    os._exit(0)


def _words(error: BaseException) -> str:
    """Name an error, what it says and where it came up, in one line."""
    with suppress(Exception):
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(last.filename).name}, line {last.lineno}"
        return f"{type(error).__name__}: {str(error)[:200]} ({where})"
    return type(error).__name__


def _tell(answer: Any) -> None:
    with suppress(OSError):
        os.write(1, json.dumps(answer).encode() + b"\n")


def _kill(child: int) -> None:
    """Kill the calling process, its group, and on Linux whatever left that group."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)
    while True:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(child, 0)
        orphans = _children()
        if not orphans:
            return
        child = orphans[0]


def _children() -> list[int]:
    if sys.platform != "linux":
        return []
    listed = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
    return [int(pid) for pid in listed.split()]


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


if __name__ == "__main__":
    main()
