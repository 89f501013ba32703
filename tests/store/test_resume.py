"""A writer that is killed at random and started again must leave what an undisturbed one leaves."""

import asyncio
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from autodata.store import tables
from autodata.store.facts import read_facts
from autodata.store.journal import Journal
from autodata.store.kinds import RECORDS
from autodata.store.records import IterationRecord
from autodata.store.rows import rows
from autodata.types import Spend
from tests.support.journals import call, episode, small_run, tables_of

WORK = """
import asyncio, sys; from pathlib import Path; from tests.store import test_resume
asyncio.run(test_resume.work(Path(sys.argv[1])))
"""
EPISODES = 40


async def work(run: Path) -> None:
    """Do what a session does: look everything up, make only what is not there."""
    journal = Journal.open(run, segment_bytes=30_000, linger=0)

    async def one(number: int) -> None:
        for fact in (
            call(2 * number),
            call(2 * number + 1, "test"),
            episode(f"d{number}", "train"),
        ):
            key, record = fact
            if journal.find(type(record), key) is None:
                await journal.append(key, record)
                print(record.KIND, key, flush=True)  # noqa: T201 - tells the test how far this is

    iteration = next(r for _, r in small_run() if isinstance(r, IterationRecord))
    for start in range(0, EPISODES, 5):
        facts = (one(number) for number in range(start, start + 5))
        await asyncio.gather(*facts)
        spend = Spend(seconds=time.time())
        await journal.once(str(start // 5), replace(iteration, spend=spend))
    await journal.close()


@pytest.mark.parametrize("seed", range(3))
def test_a_run_that_was_killed_again_and_again_has_the_same_tables(
    tmp_path: Path, seed: int
) -> None:
    rng = Random(seed)
    told: list[str] = []
    kills = 0
    while True:
        with subprocess.Popen(
            [sys.executable, "-c", WORK, str(tmp_path / "killed" / "r")],
            stdout=subprocess.PIPE,
            text=True,
        ) as worker:
            assert worker.stdout
            for _, line in zip(range(rng.randrange(5, 60)), worker.stdout, strict=False):
                told.append(line)
            if kills < 4:
                worker.kill()
                kills += 1
            told += worker.stdout.read().splitlines(keepends=True)
        if worker.returncode == 0:
            break
        if rng.random() < 0.5:
            tables.seal(tmp_path / "killed" / "r")
    assert len(told) == len(set(told)), "something that was on disk was made again"
    asyncio.run(work(tmp_path / "whole" / "r"))
    assert tables_of(tmp_path / "killed") == tables_of(tmp_path / "whole")
    assert projected(tmp_path / "killed" / "r") == projected(tmp_path / "whole" / "r")


def projected(run: Path) -> list[str]:
    times = ("recorded_at", "seconds")
    return sorted(
        str((table, {name: value for name, value in row.items() if name not in times}))
        for fact in read_facts(run, *RECORDS)
        for table, row in rows(fact, "r")
    )
