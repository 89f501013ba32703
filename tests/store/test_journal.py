import asyncio
import json
import os
import resource
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from autodata.errors import CorruptJournal, ReplayMismatch, RunLocked, StoreError
from autodata.store import lock
from autodata.store.journal import Journal
from autodata.store.lines import read_entries
from autodata.store.records import GrowthRecord, PromotionRecord, QueryRecord

HOSTILE = '\ud800 \x00 \n \u2028 \U0001f600 "}\\ ,"crc":"00000000"}'


def note(number: int, text: str = "") -> QueryRecord:
    return QueryRecord(text, str(number))


def promotion(**evidence: Any) -> PromotionRecord:
    return PromotionRecord("c1", "commit", "h", "v1", False, evidence)


async def write(run: Path, count: int, first: int = 0, **options: Any) -> None:
    journal = Journal.open(run, **options)
    for i in range(first, first + count):
        await journal.append(f"k{i}", note(i, "x" * (i % 50)))
    await journal.close()


def numbers(run: Path) -> list[int]:
    return [int(entry.body["answer"]) for entry in read_entries(run)]


def shell(*command: str) -> str:
    line = command[0] if len(command) == 1 else command
    done = subprocess.run(line, shell=len(command) == 1, check=True, capture_output=True, text=True)
    return done.stdout


def last_segment(run: Path) -> Path:
    return max((run / "journal").iterdir())


async def test_what_was_appended_is_found_in_this_session_and_the_next(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "r", clock=lambda: 12.3456)
    growth = GrowthRecord(20, 0, 3, 4)
    await journal.append(HOSTILE, note(1, HOSTILE))
    await journal.append("1", growth)
    for _ in range(2):
        assert journal.find(QueryRecord, HOSTILE) == note(1, HOSTILE)
        assert journal.find(GrowthRecord, "1") == growth
        assert journal.find(QueryRecord, "1") is None
        assert journal.find(GrowthRecord, "2") is None
        found = list(journal.records(QueryRecord, GrowthRecord))
        assert [(f.kind, f.at) for f in found] == [("query", 12.346), ("growth", 12.346)]
        assert [f.kind for f in journal.records(QueryRecord)] == ["query"]
        assert [f.key for f in journal.records(GrowthRecord)] == ["1"]
        await journal.close()
        journal = Journal.open(tmp_path / "r")
    await journal.close()


async def test_a_later_record_stands_for_an_earlier_one(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    for number in (1, 2):
        await journal.append("t:d:0", note(number))
        await journal.append("1", GrowthRecord(number, 0, 0, 0))
    assert journal.find(QueryRecord, "t:d:0") == note(2)
    assert [f.record.iterations for f in journal.records(GrowthRecord)] == [2]
    assert [f.record for f in journal.records(QueryRecord)] == [note(1), note(2)]
    await journal.close()


async def test_long_lines_and_many_keys_are_found(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, segment_bytes=300_000)
    notes = [note(0, "y" * (i * 331 % 70_000)) for i in range(60)]
    notes += [note(n) for n in range(20_000)]
    keys = [f"key-{i}" for i in range(len(notes))]
    await asyncio.gather(*map(journal.append, keys, notes))
    assert [journal.find(QueryRecord, key) for key in keys] == notes
    await journal.close()


async def test_a_record_that_could_not_be_read_back_is_not_written(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    with pytest.raises(StoreError, match="'iterations' is 'many'"):
        await journal.append("1", GrowthRecord("many", 0, 0, 0))  # type: ignore[arg-type]
    await journal.append("1", GrowthRecord(1, 0, 0, 0))
    assert [entry.key for entry in read_entries(tmp_path)] == ["1"]
    await journal.close()


async def test_segments_rotate_and_are_read_in_order(tmp_path: Path) -> None:
    await write(tmp_path, 40, segment_bytes=500)
    await write(tmp_path, 5, first=40, segment_bytes=500)
    assert len(list((tmp_path / "journal").iterdir())) > 5
    assert numbers(tmp_path) == list(range(45))


def test_many_appends_share_one_fsync_and_none_returns_before_it(tmp_path: Path) -> None:
    opened, synced, *later = shell(sys.executable, "-c", COUNT, str(tmp_path)).split()
    assert numbers(tmp_path) == list(range(501))
    assert int(synced) == int(opened) + 1
    assert later == [str(int(synced) + 1)]


async def test_a_cancelled_append_disturbs_no_other(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    tasks = [asyncio.create_task(journal.append(str(i), note(i))) for i in range(10)]
    await asyncio.sleep(0)
    tasks[3].cancel()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result) for result in done].count(asyncio.CancelledError) == 1
    assert journal.find(QueryRecord, "9") == note(9)
    await journal.close()


async def test_an_append_after_close_is_refused(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    await journal.close()
    with pytest.raises(StoreError, match="closed"):
        await journal.append("k", note(0))


async def test_once_writes_once_and_ignores_times(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    said = {"n": 1, "seconds": 2.0, "created_at": "now", "spend": {"seconds": 1}, "on": (1, 2)}
    await journal.once("1", promotion(**said))
    again = {"n": 1, "seconds": 9.0, "created_at": "later", "spend": {"seconds": 4}, "on": [1, 2]}
    assert (await journal.once("1", promotion(**again))).evidence["seconds"] == 2.0
    assert len(list(read_entries(tmp_path))) == 1
    await journal.close()


@pytest.mark.parametrize(
    ("new", "told"),
    [
        ({"a": {"b": [1, 2]}}, r"a\.b\[1\] is 2, was 3"),
        ({"a": {"b": [1]}}, r"a\.b is \[1\], was \[1, 3\]"),
        ({"a": {"b": [1, 3]}, "c": 1}, "c is 1, was null"),
        ({}, "a is null"),
    ],
)
async def test_once_names_what_differs(tmp_path: Path, new: dict[str, Any], told: str) -> None:
    journal = Journal.open(tmp_path)
    await journal.once("7", promotion(a={"b": [1, 3]}))
    with pytest.raises(ReplayMismatch, match=rf"promotion 7 .*evidence\.{told}"):
        await journal.once("7", promotion(**new))
    await journal.close()


async def test_a_tail_torn_at_any_byte_is_repaired_and_nothing_else_lost(tmp_path: Path) -> None:
    await write(tmp_path, 3)
    path = last_segment(tmp_path)
    whole = path.read_bytes()
    start = whole.rstrip(b"\n").rfind(b"\n") + 1
    for end in range(start, len(whole)):
        path.write_bytes(whole[:end])
        assert numbers(tmp_path) == [0, 1]
        kept = [0, 1, 2] if end == len(whole) - 1 else [0, 1]
        await write(tmp_path, 1, first=9)
        assert numbers(tmp_path) == [*kept, 9]


async def test_a_tail_of_zeros_is_repaired(tmp_path: Path) -> None:
    await write(tmp_path, 2)
    with last_segment(tmp_path).open("ab") as file:
        file.write(bytes(5000))
    await write(tmp_path, 1, first=2)
    assert numbers(tmp_path) == [0, 1, 2]


@pytest.mark.parametrize("segment", [0, 1])
@pytest.mark.parametrize("line", [0, 2, -1])
async def test_a_damaged_line_is_named_with_file_offset_and_a_fix_that_works(
    tmp_path: Path, segment: int, line: int
) -> None:
    await write(tmp_path, 20, segment_bytes=700)
    path = sorted((tmp_path / "journal").iterdir())[segment]
    rows = path.read_bytes().splitlines(keepends=True)
    line %= len(rows)
    rows[line] = rows[line].replace(b'"sql":', b'"sqm":')
    path.write_bytes(b"".join(rows))
    offset = sum(map(len, rows[:line]))
    before = path.read_bytes()
    for read in (lambda: Journal.open(tmp_path), lambda: numbers(tmp_path)):
        with pytest.raises(CorruptJournal, match=f"{path} is damaged at byte {offset}") as caught:
            read()
    assert path.read_bytes() == before
    shell(caught.value.fix.split(": ")[-1])
    assert len(numbers(tmp_path)) == 19
    await Journal.open(tmp_path).close()


async def test_a_missing_segment_is_reported(tmp_path: Path) -> None:
    await write(tmp_path, 20, segment_bytes=500)
    (tmp_path / "journal" / "000002.jsonl").unlink()
    with pytest.raises(CorruptJournal, match=r"000002\.jsonl is missing"):
        Journal.open(tmp_path)


async def test_an_earlier_segment_that_ends_in_a_line_is_corrupt(tmp_path: Path) -> None:
    await write(tmp_path, 20, segment_bytes=500)
    first = tmp_path / "journal" / "000001.jsonl"
    first.write_bytes(first.read_bytes()[:-5])
    with pytest.raises(CorruptJournal, match=r"000001\.jsonl is damaged"):
        numbers(tmp_path)


HOLD = """
import sys; from pathlib import Path; from autodata.store.journal import Journal
journal = Journal.open(Path(sys.argv[1])); print("ready", flush=True); sys.stdin.read()
"""

WRITE = """
import asyncio, sys; from pathlib import Path; from autodata.store.journal import Journal
from autodata.store.records import QueryRecord
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
from autodata.store.records import QueryRecord
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
from autodata.store.records import QueryRecord
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


def python(code: str, run: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", code, str(run)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


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


def test_nothing_that_was_acknowledged_is_lost_by_kill_9(tmp_path: Path) -> None:
    told = -1
    for lines in (1, 40, 300, 700):
        with python(WRITE, tmp_path) as writer:
            assert writer.stdout
            for _ in range(lines):
                told = max(told, int(writer.stdout.readline()))
            writer.kill()
            told = max([told, *map(int, writer.stdout.read().split())])
        assert numbers(tmp_path) == list(range(len(numbers(tmp_path))))
        assert len(numbers(tmp_path)) > told


async def test_a_full_disk_stops_the_journal_and_leaves_it_valid(tmp_path: Path) -> None:
    output = shell(sys.executable, "-c", FULL, str(tmp_path / "r"))
    first, second = output.splitlines()
    count = int(first.split()[0])
    assert count > 20
    assert "journal of run r cannot be written: File too large" in first
    assert "give the same command again" in first
    assert second == "refused"
    assert numbers(tmp_path / "r") == list(range(count))
    assert last_segment(tmp_path / "r").read_bytes().endswith(b"}\n")
    await write(tmp_path / "r", 3, first=count)
    assert len(numbers(tmp_path / "r")) == count + 3


async def test_a_full_disk_fails_every_append_in_flight(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        appends = (journal.append(str(i), note(i)) for i in range(5))
        results = await asyncio.gather(*appends, return_exceptions=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [type(result) for result in results] == [StoreError] * 5
    await journal.close()
    assert numbers(tmp_path) == []


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


def test_a_folder_that_cannot_be_written_is_an_error_with_a_fix(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written") as caught:
        Journal.open(tmp_path / "file" / "run")
    assert caught.value.fix


async def test_lines_are_plain_json(tmp_path: Path) -> None:
    await write(tmp_path, 2)
    rows = [json.loads(text) for text in last_segment(tmp_path).read_text().splitlines()]
    assert [list(row) for row in rows] == [["kind", "key", "at", "body", "crc"]] * 2


def test_a_run_without_a_journal_has_no_records(tmp_path: Path) -> None:
    assert numbers(tmp_path) == []


def test_a_journal_that_nothing_was_written_to_leaves_nothing(tmp_path: Path) -> None:
    async def open_and_close() -> None:
        await Journal.open(tmp_path / "runs" / "r").close()

    asyncio.run(open_and_close())
    assert list((tmp_path / "runs").iterdir()) == []


def test_an_empty_journal_leaves_what_is_not_its_own(tmp_path: Path) -> None:
    (tmp_path / "r/servers").mkdir(parents=True)

    async def open_and_close() -> None:
        await Journal.open(tmp_path / "r").close()

    asyncio.run(open_and_close())
    assert [path.name for path in (tmp_path / "r").iterdir()] == ["servers"]


def test_whoever_waited_for_a_lock_that_was_removed_gets_a_new_one(tmp_path: Path) -> None:
    held = lock.acquire(tmp_path / "r")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(lock.acquire, tmp_path / "r")
        lock.discard(tmp_path / "r")
        lock.release(held)
        other = waiting.result()
    assert lock.holder(tmp_path / "r") == os.getpid()
    lock.release(other)
