"""The lock of a run: one process writes it, and everybody may know which.

Knows nothing of journals. The kernel releases it when its process dies, however it dies.
"""

import fcntl
import os
import time
from pathlib import Path

from autodata.errors import RunLocked, StoreError

_PATIENCE = 0.5  # seconds; whoever only looks (`holder`) has the lock for some microseconds


def acquire(run: Path) -> int:
    """Lock the run's folder for this process and return the descriptor to `release`.

    Raises:
        RunLocked: another process has it.
        StoreError: the folder cannot be written, or the disk is full.
    """
    try:
        run.mkdir(parents=True, exist_ok=True)
        lock = os.open(run / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise _unwritable(run, error) from error
    deadline = time.monotonic() + _PATIENCE
    while not _try(lock, fcntl.LOCK_EX):
        if time.monotonic() > deadline:
            pid = _read_pid(lock)
            os.close(lock)
            raise RunLocked(run.name, pid)
        time.sleep(0.01)
    try:
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    except OSError as error:
        os.close(lock)
        raise _unwritable(run, error) from error
    return lock


def release(lock: int) -> None:
    """Give the lock back."""
    os.ftruncate(lock, 0)
    os.close(lock)


def holder(run: Path) -> int | None:
    """Return the process id of the run's writer, or None if nobody writes it."""
    try:
        lock = os.open(run / "lock", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return None if _try(lock, fcntl.LOCK_SH) else _read_pid(lock)
    finally:
        os.close(lock)


def _try(lock: int, how: int) -> bool:
    try:
        fcntl.flock(lock, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read_pid(lock: int) -> int:
    text = os.pread(lock, 32, 0).strip()
    return int(text) if text.isdigit() else 0


def _unwritable(run: Path, error: OSError) -> StoreError:
    return StoreError(
        f"{run} cannot be written: {error.strerror}",
        "make room, or choose a folder you may write to",
    )
