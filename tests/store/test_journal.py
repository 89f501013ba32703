"""The journal: what was appended is found, in order, in this session and the next."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from autodata.errors import ReplayMismatch, StoreError
from autodata.store.episodes import QueryRecord
from autodata.store.journal import Journal
from autodata.store.lines import read_entries
from autodata.store.records import GrowthRecord, PromotionRecord
from tests.support.writers import (
    COUNT,
    last_segment,
    note,
    numbers,
    shell,
    write,
)

HOSTILE = '\ud800 \x00 \n \u2028 \U0001f600 "}\\ ,"crc":"00000000"}'


def promotion(**evidence: Any) -> PromotionRecord:
    return PromotionRecord("c1", "commit", "h", "v1", False, evidence)


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
