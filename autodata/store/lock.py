"""The lock of a run's folder: one process writes it, and everybody may know which.

The kernel releases it when its process dies, however it dies.
"""

import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path

from autodata.errors import RunLocked, StoreError

_PATIENCE = 0.5  # seconds; whoever only looks (`holder`) has the lock for some microseconds


def acquire(run: Path) -> int:
    """Lock the run's folder for this process and return the descriptor to `release`.

    Raises:
        RunLocked: another process has it.
        StoreError: the folder cannot be written, or the disk is full.
    """
    lock = _open(run)
    deadline = time.monotonic() + _PATIENCE
    while not (_try(lock, fcntl.LOCK_EX) and _is_there(run, lock)):
        pid = _read_pid(lock)
        os.close(lock)
        if time.monotonic() > deadline:
            raise RunLocked(run.name, pid)
        time.sleep(0.01)
        lock = _open(run)
    try:
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    except OSError as error:
        os.close(lock)
        raise _unwritable(run, error) from error
    return lock


def discard(run: Path) -> None:
    """Remove the lock that is held, and the run's folder if nothing else is in it."""
    (run / "lock").unlink()
    with suppress(OSError):
        run.rmdir()


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


def _open(run: Path) -> int:
    try:
        run.mkdir(parents=True, exist_ok=True)
        return os.open(run / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise _unwritable(run, error) from error


def _is_there(run: Path, lock: int) -> bool:
    """Whether this is still the run's lock: whoever held it may have removed it at its end."""
    try:
        return (run / "lock").stat().st_ino == os.fstat(lock).st_ino
    except FileNotFoundError:
        return False


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
