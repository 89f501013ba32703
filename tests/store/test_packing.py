import os
import random
import resource
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from autodata.errors import CorruptJournal
from autodata.store import lines, tables
from autodata.store.episodes import CallRecord
from autodata.store.journal import Journal
from autodata.store.lines import read_entries
from autodata.store.packing import pack
from autodata.store.records import GrowthRecord, SessionRecord
from autodata.store.runs import read_state
from autodata.types import Json
from tests.support.journals import Kept, call, write

Fact = tuple[str, str, Json]

SEGMENT = 60_000
RNG = random.Random(0)
DOCUMENTS = [
    "\n".join(" ".join(f"w{RNG.randrange(500)}" for _ in range(20)) for _ in range(20))
    for _ in range(3)
]


def asked(number: int) -> tuple[str, CallRecord]:
    """A call about one of three documents, with a long answer of its own."""
    rng = random.Random(number)
    key, record = call(number, text=" ".join(f"a{rng.randrange(900)}" for _ in range(60)))
    content = f"<document>\n{DOCUMENTS[number % 3]}\n</document>\nQuestion {number}\ud800\0?"
    return key, replace(record, request={"messages": [{"role": "user", "content": content}]})


def facts(count: int) -> list[Kept]:
    found: list[Kept] = [("1", SessionRecord(begun_at=1.0))]
    for number in range(count):
        found.append(asked(number))
        if number % 20 == 0:
            found.append((str(number), GrowthRecord(number, 0, 0, 0)))
    return found


def bodies(known: list[Kept]) -> list[Fact]:
    return [(record.KIND, key, record.to_json()) for key, record in known]


def plain(run: Path, count: int = 120) -> list[Path]:
    """Write a run as the versions before wrote it; return its full segments."""
    made = [lines.encode(lines.Entry(k, key, 1e6, b)) for k, key, b in bodies(facts(count))]
    (run / "journal").mkdir(parents=True)
    number, size = 1, 0
    for raw in made:
        if size > SEGMENT:
            number, size = number + 1, 0
        with lines.segment(run / "journal", number).open("ab") as file:
            file.write(raw)
        size += len(raw)
    return lines.segments(run / "journal")[:-1]


def contents(run: Path) -> list[Fact]:
    return [(entry.kind, entry.key, entry.body) for entry in read_entries(run)]


def python(*words: str) -> int:
    return subprocess.run([sys.executable, "-c", *words], check=False).returncode


def shell(line: str) -> None:
    subprocess.run(line, shell=True, check=True)


def test_full_segments_are_packed_and_say_what_they_said(tmp_path: Path) -> None:
    write(tmp_path / "r", facts(120), segment_bytes=SEGMENT)
    plain(tmp_path / "before")
    assert contents(tmp_path / "r") == contents(tmp_path / "before") == bodies(facts(120))
    *full, _ = lines.segments(tmp_path / "r" / "journal")
    *unpacked, _ = lines.segments(tmp_path / "before" / "journal")
    assert len(full) == len(unpacked) > 3
    for one, other in zip(full, unpacked, strict=True):
        assert one.stat().st_size < other.stat().st_size / 3
    assert read_state(tmp_path / "r").counts == read_state(tmp_path / "before").counts


async def test_records_are_found_at_their_places_before_and_after_packing(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, linger=0, segment_bytes=SEGMENT)
    known = facts(200)
    for number, fact in enumerate(known):
        await journal.append(*fact)
        for key, record in known[max(0, number - 30) : number + 1]:
            assert journal.find(type(record), key) == record
    await journal.close()
    again = Journal.open(tmp_path)
    for key, record in random.Random(1).sample(known, len(known)):
        assert again.find(type(record), key) == record
    await again.close()


async def test_a_later_record_stands_for_a_packed_one(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, linger=0, segment_bytes=SEGMENT)
    for number in range(100):
        await journal.append(*asked(number))
        await journal.append("same", asked(number)[1])
    await journal.close()
    again = Journal.open(tmp_path)
    assert again.find(CallRecord, "same") == asked(99)[1]
    await again.close()


async def test_segments_of_an_earlier_version_are_packed_when_the_run_goes_on(
    tmp_path: Path,
) -> None:
    full = plain(tmp_path)
    before = contents(tmp_path)
    journal = Journal.open(tmp_path, linger=0)
    assert contents(tmp_path) == before
    await journal.append("2", SessionRecord())
    await journal.close()
    assert all(lines.is_packed(path) for path in full)
    assert contents(tmp_path) == [*before, ("session", "2", {})]


KILLED = """
import os, signal, sys
from pathlib import Path
from autodata.store import packing
def killed(*_): os.kill(os.getpid(), signal.SIGKILL)
if sys.argv[2] == "written":
    os.fsync = killed
elif sys.argv[2] == "compared":
    Path.rename = killed
else:
    packing.sync = killed
packing.pack(Path(sys.argv[1]), {"call"})
"""


@pytest.mark.parametrize("when", ["written", "compared", "renamed"])
async def test_packing_that_was_killed_loses_nothing(tmp_path: Path, when: str) -> None:
    full = plain(tmp_path)
    before = contents(tmp_path)
    assert python(KILLED, str(full[1]), when) == -signal.SIGKILL
    assert contents(tmp_path) == before
    journal = Journal.open(tmp_path, linger=0)
    assert journal.find(CallRecord, asked(70)[0]) == asked(70)[1]
    await journal.append("2", SessionRecord())
    await journal.close()
    assert all(lines.is_packed(path) for path in full)
    assert contents(tmp_path)[:-1] == before
    assert {path.suffix for path in (tmp_path / "journal").iterdir()} == {".jsonl"}


def test_a_full_disk_leaves_a_segment_as_it_was(tmp_path: Path) -> None:
    [path, *_] = plain(tmp_path)
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(OSError, match="too large"):
            pack(path, {"call"})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == before
    assert not path.with_suffix(".packing").exists()


def test_what_gains_little_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "000001.jsonl"
    path.write_bytes(lines.encode(lines.Entry("call", "k", 1.0, {"n": os.urandom(4000).hex()})))
    before = path.read_bytes()
    assert not pack(path, {"call"})
    assert path.read_bytes() == before


def test_a_damaged_packed_line_is_named_and_dropped_alone(tmp_path: Path) -> None:
    path = plain(tmp_path)[0]
    pack(path, {"call"})
    rows = path.read_bytes().splitlines(keepends=True)
    rows[4] = rows[4].replace(b'"zstd":"', b'"zstd":"A', 1)
    path.write_bytes(b"".join(rows))
    with pytest.raises(CorruptJournal, match=f"at byte {sum(map(len, rows[:4]))} .line 5.") as told:
        contents(tmp_path)
    shell(told.value.fix.split(": ")[-1])
    assert len(contents(tmp_path)) == len(facts(120)) - 1


@pytest.mark.parametrize("how", ["changed", "beheaded", "dropped"])
def test_damaged_texts_cost_the_records_that_need_them_and_no_others(
    tmp_path: Path, how: str
) -> None:
    path, *others = plain(tmp_path)
    kept = [fact for fact in contents(tmp_path) if fact[0] != "call"]
    inside = sum(line.kind == "call" for line in lines.scan(path, last=False))
    pack(path, {"call"})
    first, *rows = path.read_bytes().splitlines(keepends=True)
    change = {"changed": (b'"zstd":"', b'"zstd":"A'), "beheaded": (b'"kind"', b"kind")}
    damaged = [first.replace(*change[how], 1)] if how in change else []
    path.write_bytes(b"".join([*damaged, *rows]))
    with pytest.raises(CorruptJournal, match=r"at byte 0 \(line 1\)") as told:
        contents(tmp_path)
    shell(told.value.fix.split("done again: ")[-1])
    left = contents(tmp_path)
    assert [fact for fact in left if fact[0] != "call"] == kept
    assert len(left) == len(facts(120)) - inside
    assert others


def test_tables_of_packed_segments_have_the_same_rows(tmp_path: Path) -> None:
    plain(tmp_path / "plain" / "r")
    packed = plain(tmp_path / "packed" / "r")
    sql = "SELECT * FROM calls ORDER BY ALL"

    def rows(folder: Path) -> list[object]:
        with tables.connect(folder) as connection:
            return list(tables.query(connection, sql).rows)

    before = rows(tmp_path / "plain")
    assert rows(tmp_path / "packed") == before
    for path in packed:
        assert pack(path, {"call"})
        assert rows(tmp_path / "packed") == before
    sealed = (tmp_path / "packed" / "r" / "tables").glob("*/*")
    assert len(list(sealed)) == len(packed) + 1


def test_a_segment_that_was_sealed_in_part_and_then_packed_is_counted_once(
    tmp_path: Path,
) -> None:
    def count() -> int:
        with tables.connect(tmp_path) as connection:
            return int(tables.query(connection, "SELECT count(*) FROM calls").rows[0][0])

    write(tmp_path / "r", [asked(number) for number in range(5)], segment_bytes=SEGMENT)
    assert count() == 5
    write(tmp_path / "r", [asked(number) for number in range(5, 60)], segment_bytes=SEGMENT)
    assert lines.is_packed(lines.segment(tmp_path / "r" / "journal", 1))
    assert count() == 60
    sealed = list((tmp_path / "r" / "tables").glob("*/*"))
    assert len(sealed) == len(lines.segments(tmp_path / "r" / "journal"))
