import asyncio
import datetime
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autodata.errors import CorruptJournal, StoreError
from autodata.store import tables
from autodata.store.dump import json_line
from autodata.store.facts import read_facts
from autodata.store.journal import Journal
from autodata.store.kinds import RECORDS
from autodata.store.records import BeliefsRecord, EditBelief, EditRecord, IterationRecord
from autodata.store.rows import rows
from autodata.store.schema import SCHEMA, TABLES
from tests.support.journals import call, small_run, write


def ask(runs: Path, sql: str, **options: Any) -> list[tuple[Any, ...]]:
    with tables.connect(runs, **options) as connection:
        return tables.query(connection, sql).rows


def counts(runs: Path, **options: Any) -> dict[str, int]:
    with tables.connect(runs, **options) as connection:
        return {
            table: tables.query(connection, f"SELECT count(*) FROM {table}").rows[0][0]
            for table in SCHEMA
        }


def everything(runs: Path) -> dict[str, list[tuple[Any, ...]]]:
    with tables.connect(runs) as connection:
        return {
            table: tables.query(connection, f"FROM {table} ORDER BY ALL").rows for table in SCHEMA
        }


ALL = {
    "runs": 1,
    "documents": 6,
    "candidates": 2,
    "edits": 1,
    "looks": 1,
    "beliefs": 1,
    "episodes": 9,
    "rounds": 6,
    "attempts": 18,
    "findings": 3,
    "gaps": 3,
    "calls": 4,
    "iterations": 1,
    "certifications": 1,
    "calibrations": 1,
    "promotions": 1,
}


@pytest.mark.parametrize("there", [False, True])
def test_no_runs_are_empty_tables(tmp_path: Path, there: bool) -> None:
    runs = tmp_path / "runs"
    if there:
        runs.mkdir()
    assert set(counts(runs).values()) == {0}


def test_a_finished_run_is_sealed_by_the_first_who_asks(tmp_path: Path) -> None:
    write(tmp_path / "r", small_run())
    assert counts(tmp_path) == ALL
    assert list((tmp_path / "r").glob("tables/*/000001-*/episodes.parquet"))
    assert counts(tmp_path) == ALL


async def test_a_running_run_is_answered_from_its_journal(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "r", linger=0)
    for n, fact in enumerate(small_run(), 1):
        await journal.append(*fact)
        found = await asyncio.to_thread(counts, tmp_path)
        assert found["calls"] <= n
    assert found == ALL
    assert not (tmp_path / "r" / "tables").exists()
    await journal.close()


async def test_sealed_and_live_rows_are_the_same(tmp_path: Path) -> None:
    run = tmp_path / "r"
    await asyncio.to_thread(write, run, small_run())
    sealed = await asyncio.to_thread(everything, tmp_path)
    shutil.rmtree(run / "tables")
    journal = Journal.open(run)
    live = await asyncio.to_thread(everything, tmp_path)
    assert live == sealed
    assert not (run / "tables").exists()
    await journal.close()


def test_what_no_table_can_hold_is_an_error_with_a_fix(tmp_path: Path) -> None:
    key, record = call(1)
    write(tmp_path / "r", [(key, replace(record, prompt_tokens=2**70))])
    with pytest.raises(OSError, match=str(2**70)):
        tables.seal(tmp_path / "r")
    with pytest.raises(StoreError, match=str(2**70)):
        tables.connect(tmp_path)


def test_full_segments_are_sealed_and_nothing_is_counted_twice(tmp_path: Path) -> None:
    facts = [call(n) for n in range(60)]
    for start in range(0, 60, 20):
        write(tmp_path / "r", facts[start : start + 20], segment_bytes=5000)
        rows = ask(tmp_path, "SELECT ordinal FROM calls")
        assert [row[0] for row in rows] == [f"r{n}.weak.0" for n in range(start + 20)]
    assert len(list((tmp_path / "r" / "tables").glob("*/*"))) == len(
        list((tmp_path / "r" / "journal").iterdir())
    )


async def test_a_growing_segment_adds_to_what_was_sealed_of_it(tmp_path: Path) -> None:
    await asyncio.to_thread(write, tmp_path / "r", [call(1)])
    assert len(await asyncio.to_thread(ask, tmp_path, "FROM calls")) == 1
    journal = Journal.open(tmp_path / "r", linger=0)
    await journal.append(*call(2))
    assert len(await asyncio.to_thread(ask, tmp_path, "FROM calls")) == 2
    await journal.close()


async def test_what_was_sealed_of_a_journal_that_was_mended_since_is_not_used(
    tmp_path: Path,
) -> None:
    run = tmp_path / "r"
    await asyncio.to_thread(write, run, [call(n) for n in range(3)])
    tables.seal(run)
    path = run / "journal" / "000001.jsonl"
    rows = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(rows[0] + rows[2])
    journal = Journal.open(run, linger=0)
    await journal.append(*call(5))
    await journal.append(*call(6))
    sql = "SELECT ordinal FROM calls ORDER BY 1"
    mended = [(f"r{n}.weak.0",) for n in (0, 2, 5, 6)]
    assert await asyncio.to_thread(ask, tmp_path, sql) == mended
    await journal.close()
    assert await asyncio.to_thread(ask, tmp_path, sql) == mended


def test_a_seal_that_was_killed_leaves_no_trace_in_the_tables(tmp_path: Path) -> None:
    write(tmp_path / "r", small_run())
    sealing = (
        "import os, signal, sys; from pathlib import Path; from autodata.store import tables\n"
        "tables.sync = lambda path: os.kill(os.getpid(), signal.SIGKILL)\n"
        "tables.seal(Path(sys.argv[1]))"
    )
    done = subprocess.run([sys.executable, "-c", sealing, str(tmp_path / "r")], check=False)
    assert done.returncode == -9
    assert list((tmp_path / "r").glob("tables/*/making-*"))
    assert counts(tmp_path) == ALL


def test_a_folder_that_cannot_be_written_is_read_from_the_journal(tmp_path: Path) -> None:
    write(tmp_path / "r", small_run())
    (tmp_path / "r" / "tables").write_text("in the way")
    assert counts(tmp_path) == ALL


def test_several_runs_are_one_table_and_one_can_be_chosen(tmp_path: Path) -> None:
    for name in ("monday", "tuesday"):
        write(tmp_path / name, small_run(name))
    by_run = "SELECT run_id, count(*) FROM episodes GROUP BY 1 ORDER BY 1"
    assert ask(tmp_path, by_run) == [("monday", 9), ("tuesday", 9)]
    assert ask(tmp_path, by_run, run="monday") == [("monday", 9)]
    with pytest.raises(StoreError, match="no run mondy") as caught:
        tables.connect(tmp_path, "mondy")
    assert caught.value.fix == "did you mean monday?"


def test_a_corrupt_journal_is_reported_not_left_out(tmp_path: Path) -> None:
    write(tmp_path / "r", small_run())
    path = tmp_path / "r" / "journal" / "000001.jsonl"
    path.write_bytes(path.read_bytes().replace(b"lambada", b"lambado"))
    with pytest.raises(CorruptJournal, match="byte 0"):
        tables.connect(tmp_path)


def test_columns_hold_what_was_journaled(tmp_path: Path) -> None:
    write(tmp_path / "r", small_run())
    [run] = ask(tmp_path, "SELECT created_at, seed, simulated, config.models.small FROM runs")
    assert run == (
        datetime.datetime(2026, 1, 2, 1, 4, 5),  # noqa: DTZ001 - DuckDB's TIMESTAMP has no zone
        7,
        True,
        '{"provider":"scripted"}',
    )
    assert ask(tmp_path, "SELECT avg(score) FROM episodes WHERE split = 'test'") == [(0.5,)]
    assert ask(tmp_path, "SELECT DISTINCT weak_mean, strong_mean, gap, verified FROM rounds") == [
        (0.25, 1.0, 0.75, True)
    ]
    assert ask(tmp_path, "SELECT DISTINCT skills, rubric[0].weight::INT, reasons FROM rounds") == [
        (["reading", "logic"], 3, ["gap"])
    ]
    assert ask(tmp_path, "SELECT split, repeat FROM calls WHERE role = 'analyzer'") == [
        (None, None)
    ]
    assert ask(tmp_path, "SELECT evidence, seconds FROM iterations") == [('{"e_value":null}', 9.0)]
    assert ask(tmp_path, "SELECT version, forced FROM promotions") == [("v3", False)]


def test_whatever_a_model_wrote_can_be_read(tmp_path: Path) -> None:
    texts = [
        "\ud800",
        "a\x00b",
        "\U0001f600 \ud83d\ude00 \udc00",
        "'; DROP TABLE calls; --",
        "\n\r\u2028",
    ]
    facts = [call(n, text=text) for n, text in enumerate(texts)]
    facts[:2] = [(key, replace(r, ordinal=texts[n])) for n, (key, r) in enumerate(facts[:2])]
    facts[1][1].reply["tool_calls"] = [{"arguments": {"x": float("nan"), "y": [1e999]}}]
    facts.append(call(99, text="x" * 40_000_000))
    write(tmp_path / "r", facts)
    rows = ask(tmp_path, "SELECT ordinal, reply->>'text', length(reply) FROM calls")
    assert [row[0] for row in rows[:2]] == ["\ufffd", "a\x00b"]
    assert [row[1] for row in rows[2:5]] == ["\U0001f600 \U0001f600 \ufffd", *texts[3:]]
    assert rows[5][2] > 40_000_000


def test_tables_in_memory_hold_the_same_rows(tmp_path: Path) -> None:
    write(tmp_path / "r", small_run())
    arrays = [
        (table, f"[{json_line(row).decode()}]")
        for fact in read_facts(tmp_path / "r", *RECORDS)
        for table, row in rows(fact, "r")
    ]
    with tables.in_memory(arrays, 1 << 30) as connection:
        for table, found in everything(tmp_path).items():
            assert tables.query(connection, f"FROM {table} ORDER BY ALL").rows == found


HOSTILE = [
    "FROM read_text('/etc/passwd')",
    "FROM read_parquet('{test}')",
    "FROM read_parquet(['{episodes}', '{test}'])",
    "FROM read_blob('{folder}/../{folder.name}/test/episodes.parquet')",
    "FROM '{journal}'",
    "FROM read_json_objects('{journal}')",
    "FROM glob('/**')",
    "FROM parquet_metadata('{test}')",
    "FROM sniff_csv('/etc/passwd')",
    "FROM python_variable",
    "COPY (SELECT 1) TO '/tmp/autodata-escaped'",
    "COPY (SELECT 1 AS run_id) TO '{episodes}' (USE_TMP_FILE false)",
    "ATTACH '/tmp/autodata-escaped.db'",
    "EXPORT DATABASE '/tmp/autodata-escaped'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET enable_external_access = true",
    "SET memory_limit = '100GB'",
    "PRAGMA threads = 64",
    "CALL pragma_version()",
    "DROP VIEW calls",
    "DELETE FROM live.calls",
    "CREATE TABLE x AS SELECT 1",
    "SELECT 1; SELECT 2",
    "BEGIN",
    "",
    "SELECT getenv('HOME')",
    "SELECT read_text('/etc/passwd')",
]


def test_hostile_sql_reaches_nothing(tmp_path: Path) -> None:
    write(tmp_path / "r", [fact for fact in small_run() if fact[1].KIND != "session"])
    tables.seal(tmp_path / "r")
    [folder] = (tmp_path / "r").glob("tables/*/000001-*")
    episodes, test = folder / "episodes.parquet", folder / "test" / "episodes.parquet"
    before = episodes.read_bytes(), test.read_bytes()
    python_variable = {"a": [1]}
    with tables.connect(tmp_path, "r") as connection:
        for template in HOSTILE:
            sql = template.format(
                episodes=episodes,
                folder=folder,
                test=test,
                journal=tmp_path / "r" / "journal" / "000001.jsonl",
            )
            with pytest.raises(StoreError) as caught:
                print(sql, tables.query(connection, sql))  # noqa: T201 - shown if it is answered
            assert caught.value.fix
    assert python_variable
    assert (episodes.read_bytes(), test.read_bytes()) == before


def test_a_data_changing_select_changes_nothing_on_disk(tmp_path: Path) -> None:
    write(tmp_path / "r", small_run())
    with tables.connect(tmp_path) as connection, pytest.raises(StoreError):
        tables.query(connection, "WITH x AS (DELETE FROM calls RETURNING *) FROM x")
    assert counts(tmp_path) == ALL


@pytest.mark.parametrize(
    ("sql", "problem", "fix"),
    [
        ("FROM call", "call", "did you mean calls? tables: runs"),
        ("SELECT sconds FROM calls", "sconds", "did you mean seconds (in episodes, calls"),
        ("SELECT c.docment_id FROM calls c", "docment_id", "did you mean document_id"),
        ("SELEC 1", "syntax error", "tables: runs, documents"),
        ("SELECT 'a'::INT", "Could not convert", "tables: runs"),
    ],
)
def test_wrong_sql_names_what_there_is(tmp_path: Path, sql: str, problem: str, fix: str) -> None:
    with tables.connect(tmp_path) as connection, pytest.raises(StoreError) as caught:
        tables.query(connection, sql)
    assert problem in caught.value.problem
    assert caught.value.fix.startswith(fix)


def test_an_endless_query_is_stopped(tmp_path: Path) -> None:
    endless = "SELECT sum(a.range + b.range) FROM range(10000000) a, range(10000000) b"
    with tables.connect(tmp_path) as connection:
        with pytest.raises(StoreError, match=r"took longer than 0\.2 s"):
            tables.query(connection, endless, seconds=0.2)
        assert tables.query(connection, "SELECT 1").rows == [(1,)]


def test_results_are_cut_at_the_limit_and_say_so(tmp_path: Path) -> None:
    with tables.connect(tmp_path) as connection:
        result = tables.query(connection, "FROM range(1000000000)", limit=3)
        assert result.rows == [(0,), (1,), (2,)]
        assert result.cut
        assert not tables.query(connection, "FROM range(3)", limit=3).cut


def test_other_query_forms_and_awkward_columns_are_answered(tmp_path: Path) -> None:
    with tables.connect(tmp_path) as connection:
        result = tables.query(connection, "SELECT now() AS a, 1 AS a, 'JSON'::VARCHAR AS \"x y\"")
        assert result.columns == ("a", "a", "x y")
        assert isinstance(result.rows[0][0], str)
        assert tables.query(connection, "DESCRIBE calls").rows
        assert tables.query(connection, "SHOW TABLES").rows
        assert tables.query(connection, "EXPLAIN SELECT 1").rows
        assert tables.query(connection, "SELECT commit, repeat, round FROM rounds;").rows == []


EDITS = "SELECT edit, decision, effect, low, high, good, tokens, episodes, reason, entered"


def believed(edit: int, effect: float, **other: Any) -> EditBelief:
    known = EditBelief(edit, effect, effect - 0.1, effect + 0.1, 0.5, None, 10, "undecided")
    return replace(known, **other)


def test_an_edit_has_what_was_believed_last_and_its_decision(tmp_path: Path) -> None:
    """Whether its facts are sealed or live, and whatever other runs know of one of its number."""
    later = BeliefsRecord((believed(2, 0.25, good=0.96, tokens=-20.5, episodes=90),))
    write(tmp_path / "r", small_run())
    assert ask(tmp_path, f"{EDITS} FROM edits") == [
        (2, "undecided", 0.04, -0.01, 0.09, 0.94, -350.5, 60, None, 1)
    ]
    decided = next(r for _, r in small_run() if isinstance(r, IterationRecord))
    decided = replace(decided, iteration=2, candidate_id="e2", reason="good enough")
    write(tmp_path / "r", [("2", later), ("2", decided)])
    other = EditRecord("commit3", "tree3", "c0", "text", "Another", "+other", 0)
    write(tmp_path / "s", [("e2", other), ("10", BeliefsRecord((believed(2, 0.5),)))])
    assert ask(tmp_path, f"{EDITS} FROM edits ORDER BY run_id") == [
        (2, "admitted", 0.25, 0.15, 0.35, 0.96, -20.5, 90, "good enough", 1),
        (2, "undecided", 0.5, 0.4, 0.6, 0.5, None, 10, None, None),
    ]
    assert ask(tmp_path, "SELECT count(*) FROM beliefs WHERE run_id = 'r'") == [(2,)]


def test_an_edit_has_exactly_the_columns_that_are_described(tmp_path: Path) -> None:
    write(tmp_path / "r", small_run())
    with tables.connect(tmp_path) as connection:
        asked = tables.query(connection, "FROM edits")
    assert list(asked.columns) == [name for name, _, _ in TABLES["edits"]]
    assert list(asked.types) == [kind for _, kind, _ in TABLES["edits"]]
