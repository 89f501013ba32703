"""Writers of journals, some in processes of their own, and what they left."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from autodata.store.episodes import QueryRecord
from autodata.store.journal import Journal
from autodata.store.lines import read_entries


def note(number: int, text: str = "") -> QueryRecord:
    """A small record."""
    return QueryRecord(text, str(number))


async def write(run: Path, count: int, first: int = 0, **options: Any) -> None:
    """Append numbered records to a run in a session of its own."""
    journal = Journal.open(run, **options)
    for i in range(first, first + count):
        await journal.append(f"k{i}", note(i, "x" * (i % 50)))
    await journal.close()


def numbers(run: Path) -> list[int]:
    """The numbers that `write` left."""
    return [int(entry.body["answer"]) for entry in read_entries(run)]


def shell(*command: str) -> str:
    """Run a command, or a line of a shell; return what it printed."""
    line = command[0] if len(command) == 1 else command
    done = subprocess.run(line, shell=len(command) == 1, check=True, capture_output=True, text=True)
    return done.stdout


def last_segment(run: Path) -> Path:
    """The segment that a run is written to."""
    return max((run / "journal").iterdir())


def python(code: str, run: Path) -> "subprocess.Popen[str]":
    """Start a program on a run, with pipes."""
    return subprocess.Popen(
        [sys.executable, "-c", code, str(run)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


HOLD = """
import sys; from pathlib import Path; from autodata.store.journal import Journal
journal = Journal.open(Path(sys.argv[1])); print("ready", flush=True); sys.stdin.read()
"""


WRITE = """
import asyncio, sys; from pathlib import Path; from autodata.store.journal import Journal
from autodata.store.episodes import QueryRecord
async def main():
    journal = Journal.open(Path(sys.argv[1]), segment_bytes=20_000)
    have = sum(1 for _ in journal.records(QueryRecord))
    async def one(i):
        await journal.append(f"k{i}", QueryRecord("x" * (i % 400), str(i)))
        print(i, flush=True)
    for i in range(have, have + 100_000, 8):
        await asyncio.gather(*map(one, range(i, i + 8)))
asyncio.run(main())
"""


FULL = """
import asyncio, resource, sys; from pathlib import Path
from autodata.errors import StoreError
from autodata.store.journal import Journal
from autodata.store.episodes import QueryRecord
async def main():
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
    journal = Journal.open(Path(sys.argv[1]))
    done = 0
    try:
        while True:
            await journal.append(f"k{done}", QueryRecord("x" * 700, str(done)))
            done += 1
    except StoreError as error:
        print(done, error.problem, "/", error.fix)
    try:
        await journal.append("after", QueryRecord("", "-1"))
    except StoreError:
        print("refused")
    await journal.close()
asyncio.run(main())
"""


COUNT = """
import asyncio, os, sys; from pathlib import Path; from autodata.store.journal import Journal
from autodata.store.episodes import QueryRecord
fsync, count = os.fsync, 0
def counted(file):
    global count
    fsync(file); count += 1
os.fsync = counted
async def main():
    journal = Journal.open(Path(sys.argv[1])); print(count)
    notes = (journal.append(str(i), QueryRecord("", str(i))) for i in range(500))
    await asyncio.gather(*notes)
    print(count)
    await journal.append("last", QueryRecord("", "500")); print(count)
asyncio.run(main())
"""
