"""The lock of a run: one process writes it."""

import os
import resource
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from autodata.errors import RunLocked, StoreError
from autodata.store import lock
from autodata.store.journal import Journal
from tests.support.writers import HOLD, python


def test_a_run_that_another_process_writes_is_locked_and_says_by_whom(tmp_path: Path) -> None:
    run = tmp_path / "night"
    with python(HOLD, run) as other:
        assert other.stdout
        assert other.stdout.readline() == "ready\n"
        assert lock.holder(run) == other.pid
        with pytest.raises(RunLocked, match=f"night is locked by process {other.pid}") as caught:
            Journal.open(run)
        assert caught.value.pid == other.pid
        assert caught.value.fix == "autodata stop night"
        os.kill(other.pid, signal.SIGKILL)
    assert lock.holder(run) is None


async def test_a_killed_writer_leaves_the_run_unlocked(tmp_path: Path) -> None:
    with python(HOLD, tmp_path) as other:
        assert other.stdout
        other.stdout.readline()
        other.kill()
    assert lock.holder(tmp_path) is None
    journal = Journal.open(tmp_path)
    assert lock.holder(tmp_path) == os.getpid()
    await journal.close()
    assert lock.holder(tmp_path) is None


def test_a_lock_that_finds_no_room_is_an_error_with_a_fix(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        with pytest.raises(StoreError, match="cannot be written") as caught:
            Journal.open(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "make room" in caught.value.fix
    assert lock.holder(tmp_path) is None


def test_whoever_waited_for_a_lock_that_was_removed_gets_a_new_one(tmp_path: Path) -> None:
    held = lock.acquire(tmp_path / "r")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(lock.acquire, tmp_path / "r")
        lock.discard(tmp_path / "r")
        lock.release(held)
        other = waiting.result()
    assert lock.holder(tmp_path / "r") == os.getpid()
    lock.release(other)
