"""Journals that were torn, damaged, killed or ran out of disk: nothing acknowledged is lost."""

import asyncio
import resource
import sys
from pathlib import Path

import pytest

from autodata.errors import CorruptJournal, StoreError
from autodata.store.journal import Journal
from tests.support.writers import (
    FULL,
    WRITE,
    last_segment,
    note,
    numbers,
    python,
    shell,
    write,
)


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


def test_a_folder_that_cannot_be_written_is_an_error_with_a_fix(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written") as caught:
        Journal.open(tmp_path / "file" / "run")
    assert caught.value.fix
