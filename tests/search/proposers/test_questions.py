"""What an analyzer's SQL reaches: rows of its run, a bounded part of memory and time, no more."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from autodata.errors import StoreError
from autodata.search.proposers.questions import Questions
from autodata.store import tables
from autodata.store.answers import Bounds
from autodata.store.journal import Journal
from autodata.store.schema import SCHEMA
from tests.support.journals import Kept, episode, small_run, write
from tests.support.serving import children


@asynccontextmanager
async def asked(
    run: Path, facts: Iterable[Kept] = (), iteration: int = 1, **bounds: Any
) -> AsyncIterator[Questions]:
    """Give an iteration's questions about a run with these facts, all of which it may know."""
    journal = Journal.open(run, linger=0)
    for fact in facts:
        await journal.append(*fact)
    questions = Questions(journal, iteration, lambda record: True, Bounds(**bounds))
    async with aclosing(questions):
        yield questions
    await journal.close()


def processes() -> list[int]:
    """The processes that answer SQL for this one."""
    return [
        pid
        for pid in children(os.getpid())
        if b"autodata.store.answers" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]


def peak(pid: int) -> int:
    """The most bytes that a process had."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) << 10


def files(run: Path) -> list[Path]:
    return list(run.glob("tables/*/*/episodes.parquet"))


async def test_a_question_has_one_answer_also_after_a_kill(tmp_path: Path) -> None:
    answers = []
    for _ in range(2):
        async with asked(tmp_path) as questions:
            answers += [await questions.answer("select random() as luck") for _ in range(2)]
    assert answers[0].startswith("luck\n")
    assert len(set(answers)) == 1
    async with asked(tmp_path, iteration=2) as questions:
        assert await questions.answer("select random() as luck") not in answers
    assert processes() == []


async def test_rows_are_the_same_whenever_and_in_whatever_order_they_came(tmp_path: Path) -> None:
    answers = []
    for seconds, order in ((1.0, ("a", "b")), (2.0, ("b", "a"))):
        folder = tmp_path / order[0]
        folder.mkdir()
        journal = Journal.open(folder, clock=partial(float, 1e9 + seconds))
        for document in order:
            key, record = episode(document, "train")
            await journal.append(key, replace(record, seconds=seconds))
        await journal.close()
        async with asked(folder) as questions:
            answers.append(await questions.answer("select * exclude run_id from episodes"))
    assert answers[0].count(",train,") == 2
    assert answers[0] == answers[1]


async def test_answers_are_cut_where_they_are_made_and_say_so(tmp_path: Path) -> None:
    async with asked(tmp_path, rows=3, characters=100) as questions:
        assert await questions.answer("from range(3)") == "range\n0\n1\n2"
        assert await questions.answer("from range(4)") == (
            "range\n0\n1\n2\n[cut, more than 3 rows; ask for fewer rows or columns]"
        )
        long = await questions.answer("select repeat('x', 10000000) as x")
        assert long.startswith("x\nxxxxx")
        assert len(long) < 200
        assert len(await questions.answer("select repeat('x', 1000000)::int")) < 400


async def test_values_that_python_or_json_has_not_are_answered_too(tmp_path: Path) -> None:
    async with asked(tmp_path) as questions:
        assert "::VARCHAR" in await questions.answer("select interval '1000000000 days'")
        assert "2020-01-01" in await questions.answer("select map {date '2020-01-01': 1} as m")
        assert "Decimal" not in await questions.answer("select 1.50, uuid(), [now()], time '1:00'")


async def test_what_is_not_an_analyzers_to_know_is_not_in_its_tables(tmp_path: Path) -> None:
    await asyncio.to_thread(write, tmp_path / "other", small_run("other"))
    async with asked(tmp_path / "r", small_run(), characters=100_000) as questions:
        seen = [
            await questions.answer(sql.format(table))
            for table in SCHEMA
            for sql in ("FROM {}", "SELECT COLUMNS(*)::VARCHAR FROM {}", "SUMMARIZE {}")
        ]
        scores = await questions.answer(
            "SELECT document_id, score, reason FROM episodes "
            "WHERE split = 'validation' AND status = 'accepted'"
        )
    assert "secret of train" in str(seen)
    for hidden in ("secret of validation", "secret of test", "doc-test", "other", "lambada"):
        assert hidden not in str(seen)
    assert scores == "document_id,score,reason\ndoc-validation-1,1,"


HOSTILE = """
    select
    -- nothing
    SELECT '\ud800'
    DROP TABLE runs
    DELETE FROM calls
    WITH x AS (DELETE FROM calls RETURNING *) FROM x
    CREATE TABLE x AS SELECT 1
    CREATE MACRO x() AS 1
    BEGIN
    SELECT 1; SELECT 2
    SELECT 1; COPY (SELECT 1) TO '{folder}/escaped'
    EXPLAIN ANALYZE COPY (SELECT 1) TO '{folder}/escaped'
    COPY (SELECT 1) TO '{folder}/escaped'
    COPY (SELECT 1) TO '/dev/stdout'
    EXPORT DATABASE '{folder}/escaped'
    ATTACH '{folder}/escaped'
    ATTACH ':memory:' AS escaped
    FROM '/etc/passwd'
    FROM read_text('/etc/passwd')
    SELECT read_text('/etc/passwd')
    FROM read_text('/proc/self/environ')
    FROM read_blob('/proc/self/mem')
    FROM read_csv('/dev/stdin')
    FROM read_csv('/dev/fd/0', header = false)
    FROM sniff_csv('/etc/passwd')
    FROM glob('/**')
    FROM glob('{folder}/*')
    FROM '{journal}'
    FROM read_json_objects('{journal}')
    FROM read_parquet('{parquet}')
    FROM read_parquet('{folder}/*/tables/*/*/test/*.parquet')
    FROM parquet_metadata('{parquet}')
    FROM read_duckdb('{folder}/optuna.db')
    FROM sqlite_scan('{folder}/optuna.db', 'x')
    FROM read_csv('https://example.com/x.csv')
    FROM 'https://example.com/x.parquet'
    FROM 's3://bucket/x.parquet'
    INSTALL httpfs
    LOAD httpfs
    INSTALL x FROM community
    SET enable_external_access = true
    SET memory_limit = '100GB'
    SET temp_directory = '{folder}'
    RESET lock_configuration
    PRAGMA threads = 64
    PRAGMA enable_profiling
    CALL pragma_version()
    CALL enable_logging(storage = 'stdout')
    CREATE SECRET (TYPE s3, KEY_ID 'x')
    SELECT getenv('HOME')
    SELECT * FROM query('DROP TABLE runs')
    SELECT * FROM query('FROM read_text(''/etc/passwd'')')
    FROM bounds
    FROM sys
    FROM live.kept_back
    PREPARE x AS SELECT 1
    VACUUM
    CHECKPOINT
"""


async def test_sql_of_an_analyzer_reaches_nothing_but_its_tables(tmp_path: Path) -> None:
    run = tmp_path / "r"
    await asyncio.to_thread(write, tmp_path / "other", small_run("other"))
    await asyncio.to_thread(tables.seal, tmp_path / "other")
    [parquet] = await asyncio.to_thread(files, tmp_path / "other")
    async with asked(run, small_run()) as questions:
        for line in HOSTILE.strip().splitlines():
            sql = line.strip().format(
                folder=tmp_path, journal=run / "journal" / "000001.jsonl", parquet=parquet
            )
            answer = await questions.answer(sql)
            assert answer.startswith("error: "), (sql, answer)
            assert "secret of" not in answer
        assert await questions.answer("SELECT count(*) AS n FROM episodes") == "n\n6"
    assert not (tmp_path / "escaped").exists()


BOMBS = """
    SELECT repeat('x', 2000000000)
    SELECT length(repeat('x', 2000000000))
    SELECT format('{:1000000000}', 1)
    SELECT bit_count(repeat('1', 1000000000)::BIT)
    SELECT list(range) FROM range(10000000000)
    SELECT list_aggregate(range(1000000000), 'sum')
    SELECT list_resize([1], 2000000000)
    SELECT list(repeat('y', 1000000)) FROM range(1000)
    SELECT string_agg(range::VARCHAR, ',') FROM range(1000000000)
    SELECT json_group_array(repeat('x', 100000)) FROM range(1000000)
    SELECT count(DISTINCT range) FROM range(10000000000)
    SELECT * FROM range(100000) a, range(100000) b ORDER BY a.range + b.range
    SELECT regexp_replace(repeat('ab', 50000000), '(a|b)*', 'xxxxxxx', 'g')
    WITH RECURSIVE t(x) AS (SELECT 'x' UNION ALL SELECT x || x FROM t) SELECT max(length(x)) FROM t
    WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT max(n) FROM t
    SELECT repeat('9', 1000000)::DECIMAL(38, 0)
    SELECT 9e37::DECIMAL(38, 0) * 9e37::DECIMAL(38, 0)
"""


async def test_sql_of_an_analyzer_takes_no_more_than_its_share(tmp_path: Path) -> None:
    nested = [
        f"SELECT {open * 100_000}1{close * 100_000}" for open, close in ("()", "[]", ("-", ""))
    ]
    bombs = [*map(str.strip, BOMBS.strip().splitlines()), *nested]
    async with asked(tmp_path, seconds=0.3, grace_s=3.0) as questions:
        for sql in bombs:
            assert (await questions.answer(sql)).startswith("error: "), sql[:100]
            assert all(peak(pid) < 1 << 30 for pid in processes())
        assert await questions.answer("SELECT 1 AS n") == "n\n1"


@pytest.mark.parametrize(
    ("sql", "answer"),
    [
        ("SELECT max(range) FROM range(10000000000000)", "error: the query took longer than 0.1 s"),
        (
            "SELECT lpad('x', 2000000000, 'y')",  # DuckDB does not look up from it
            "error: it has not ended within 0.1 s; ask for less",
        ),
    ],
)
async def test_sql_that_takes_too_long_is_stopped(tmp_path: Path, sql: str, answer: str) -> None:
    async with asked(tmp_path, seconds=0.1, grace_s=0.3) as questions:
        assert (await questions.answer(sql)).startswith(answer)
        assert await questions.answer("SELECT 1 AS n") == "n\n1"


async def test_the_end_of_the_process_is_an_answer_like_any_other(tmp_path: Path) -> None:
    endless = "SELECT max(range) FROM range(10000000000000)"
    async with asked(tmp_path) as questions:
        assert await questions.answer("SELECT 1 AS n") == "n\n1"
        asking = asyncio.create_task(questions.answer(endless))
        await asyncio.sleep(0.01)
        [pid] = processes()
        os.kill(pid, signal.SIGKILL)
        died = await asking
        assert died == "error: it takes too much memory; ask for less"
        assert await questions.answer("SELECT 2 AS n") == "n\n2"
    async with asked(tmp_path) as questions:
        assert await questions.answer(endless) == died
        assert processes() == []


async def test_rows_that_do_not_fit_are_told_of(tmp_path: Path) -> None:
    key, record = episode("a", "train")
    long = replace(record, reason="x" * 10_000_000)
    async with asked(tmp_path, [(key, long)], memory=200_000_000) as questions:
        answer = await questions.answer("SELECT 1")
    assert answer == "error: the rows take too much memory; look at single trajectories"


async def test_a_system_without_a_process_for_it_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    async with asked(tmp_path) as questions:
        with pytest.raises(StoreError, match="/nowhere/python"):
            await questions.answer("SELECT 1")


async def test_a_long_question_holds_up_nothing_and_ends_when_its_run_stops(tmp_path: Path) -> None:
    endless = "SELECT max(range) FROM range(10000000000000)"
    async with asked(tmp_path) as questions:
        asking = asyncio.create_task(questions.answer(endless))
        for _ in range(20):
            await asyncio.sleep(0.01)
        assert not asking.done()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert processes() == []
