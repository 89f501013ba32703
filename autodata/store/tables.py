"""SQL over journals: seals their segments into Parquet and opens those, with live tails, in DuckDB.

Knows nothing of what columns mean (`rows`) or who writes (`journal`); everything here can be
deleted and is made again.
"""

import contextlib
import json
import os
import shutil
import tempfile
import zlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from typing import Any

import duckdb

from autodata.errors import StoreError
from autodata.store import lines, lock
from autodata.store.audience import HELD, ends_search, kept_back, make_counts, note
from autodata.store.dump import Dump, quote
from autodata.store.facts import fact_of
from autodata.store.lines import sync
from autodata.store.parts import ENDED, TEST, Part, parts, sealed_name
from autodata.store.rows import Row, rows
from autodata.store.runs import check_name_kept, find_run, run_folders
from autodata.store.schema import EDITS, SCHEMA, suggestion
from autodata.store.scratch import scratch_folder

VERSION = f"{zlib.crc32(json.dumps([SCHEMA, HELD]).encode()):08x}"
_ROWS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Result:
    """Rows of a query with the names and DuckDB types of their columns; `cut`: there are more."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    cut: bool


@dataclass(frozen=True, slots=True)
class Stream:
    """The same with rows that are read once, as they come; there may be any number of them."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: Iterator[tuple[Any, ...]]


def seal(run: Path) -> None:
    """Project a run's full segments to Parquet; also the last one if nobody writes the run.

    Cheap when there is nothing to do. May be killed at any moment and run by several processes.

    Raises:
        OSError: the tables cannot be written; what they would hold is still read from the journal.
        CorruptJournal: a line is damaged.
    """
    writer = lock.holder(run)
    for part in parts(run, VERSION):
        if part.grown and not (part.last and writer is not None):
            _seal_segment(run, part)


def connect(runs_folder: Path, run: str | None = None) -> duckdb.DuckDBPyConnection:
    """Open all tables of all runs, or of one, as they are now.

    The connection reads nothing but these tables and cannot be reconfigured. It has no rows of test
    documents before their run has ended, and counts those that are kept back (`audience`).
    Blocks; call it in a thread.

    Raises:
        StoreError: there is no such run, it was renamed or copied, its journal is damaged, or
            there is no room for temporary files.
    """
    folders = run_folders(runs_folder) if run is None else [find_run(runs_folder, run)]
    for folder in folders:
        check_name_kept(folder)
        with contextlib.suppress(OSError):  # not ours to write: everything is read from the journal
            seal(folder)
    connection = duckdb.connect(config={"threads": min(4, os.cpu_count() or 1)})
    try:
        segments = [(folder.name, part) for folder in folders for part in parts(folder, VERSION)]
        ended = {run_id for run_id, part in segments if part.ended}
        _load(connection, _live_rows(segments), ended)
        sealed = [(run_id, part.folder) for run_id, part in segments if part.size]
        hidden = [folder / TEST for run_id, folder in sealed if run_id not in ended]
        for table, path in ((t, path) for t in HELD for path in _files(t, hidden)):
            note(connection, table, f"read_parquet({quote(path)})", "true")
        shown = [folder for _, folder in sealed]
        shown += [folder / TEST for run_id, folder in sealed if run_id in ended]
        _lock_down(connection, _create_views(connection, shown))
    except duckdb.Error as error:
        connection.close()
        raise StoreError(f"the tables cannot be read: {_first_line(error)}", "try again") from error
    return connection


def in_memory(
    arrays: Iterable[tuple[str, str]], memory: int, names: Collection[str] = tuple(SCHEMA)
) -> duckdb.DuckDBPyConnection:
    """Return tables of these `names` and just these rows: a table's name, rows as a JSON array.

    No file is read or written, now or later. Of `memory` bytes half are DuckDB's, which does not
    count everything that it takes: who must hold to them bounds the process (`child`).

    Raises:
        StoreError: they take more than that.
    """
    # By default there are several threads that wait for files, each with megabytes of addresses.
    connection = duckdb.connect(config={"threads": 1, "async_threads": 0})
    try:
        connection.execute(f"SET memory_limit = '{memory // 2}B'")
        _lock_down(connection, [])
        _make_live(connection)
        _create_views(connection, [])
        for table in SCHEMA.keys() - {*names}:
            connection.execute(f"DROP VIEW {table}")
        for table, array in arrays:
            row = json.dumps([{name: kind for name, kind, _ in SCHEMA[table]}])
            into = f"INSERT INTO live.{table} SELECT row.* FROM "
            connection.execute(
                f"{into} (SELECT unnest(from_json_strict(?, ?)) AS row)", [array, row]
            )
    except (duckdb.OutOfMemoryException, MemoryError) as error:
        connection.close()
        raise StoreError("the rows take too much memory", "look at single trajectories") from error
    return connection


def query(
    connection: duckdb.DuckDBPyConnection, sql: str, limit: int = 10_000, seconds: float = 60.0
) -> Result:
    """Answer one SELECT with at most `limit` rows in at most `seconds`.

    Raises:
        StoreError: the SQL is wrong, is no query, or takes too long; the fix names what there is.
    """
    timer = Timer(seconds, connection.interrupt)
    timer.daemon = True
    timer.start()
    try:
        asked = stream(connection, sql, limit + 1)
        fetched = list(asked.rows)
    except duckdb.InterruptException as error:
        raise StoreError(
            f"the query took longer than {seconds:g} s", "filter by run_id or aggregate less"
        ) from error
    finally:
        timer.cancel()
        timer.join()  # a thread that is left at the program's end keeps the connection from closing
    return Result(asked.columns, asked.types, fetched[:limit], len(fetched) > limit)


def stream(connection: duckdb.DuckDBPyConnection, sql: str, limit: int | None = None) -> Stream:
    """Begin to answer one SELECT; its rows are read as they come, before any other query.

    Raises:
        StoreError: the SQL is wrong or is no query; or, while rows are read, what the next one is.
    """
    with named_errors():
        check_is_query(connection, sql)
        relation = connection.sql(sql)
        if relation is None:
            raise StoreError("the SQL returns no rows", "write a SELECT")
        types = tuple(str(kind) for kind in relation.types)
        # Python needs pytz, which is no dependency, for times with a zone.
        fields = [
            f"#{i}::VARCHAR" if "WITH TIME ZONE" in kind else f"#{i}"
            for i, kind in enumerate(types, 1)
        ]
        asked = relation.project(", ".join(fields))
        connection.execute((asked if limit is None else asked.limit(limit)).sql_query())
    return Stream(tuple(relation.columns), types, _rows(connection))


def _rows(connection: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    count = 0
    while True:
        with named_errors(f"after {count} rows: " if count else ""):
            batch = connection.fetchmany(_ROWS_AT_ONCE)
        if not batch:
            return
        yield from batch
        count += len(batch)


def _seal_segment(run: Path, part: Part) -> None:
    tables = run / "tables" / VERSION
    tables.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(prefix="making-", dir=tables))
    try:
        line = None
        with contextlib.closing(Dump(making)) as dump:
            for line in lines.scan(part.path, last=part.last):
                dump.add(rows(fact_of(line.entry(), run), run.name))
                if ends_search(line):
                    (making / ENDED).touch()
        if line is None:
            return
        _write_parquet(dump, making)
        target = tables / sealed_name(part.path, line)
        with contextlib.suppress(OSError):  # another process has sealed the same
            making.rename(target)
            sync(tables)
        for old in set(tables.glob(f"{part.path.stem}-*")) - {target}:
            shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _write_parquet(dump: Dump, folder: Path) -> None:
    (folder / TEST).mkdir()
    with duckdb.connect(config={"threads": 1}) as connection:
        for table, source in dump.sources().items():
            held = kept_back(table, ())
            _copy(connection, f"FROM {source} WHERE NOT {held}", folder / f"{table}.parquet")
            if table in HELD:
                _copy(connection, f"FROM {source} WHERE {held}", folder / TEST / f"{table}.parquet")
            (folder / f"{table}.jsonl").unlink()
    sync(folder / TEST)
    sync(folder)


def _copy(connection: duckdb.DuckDBPyConnection, rows: str, path: Path) -> None:
    how = "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 9"
    try:
        connection.execute(f"COPY ({rows}) TO {quote(path)} ({how})")
    except duckdb.Error as error:
        raise OSError(_first_line(error)) from error
    sync(path)


def _live_rows(segments: list[tuple[str, Part]]) -> Iterator[tuple[str, Row]]:
    for run_id, part in segments:
        for fact in part.live():
            yield from rows(fact, run_id)


def _make_live(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("CREATE SCHEMA live")
    for table in SCHEMA:
        connection.execute(f"CREATE TABLE live.{table} ({_fields(table)})")


def _load(
    connection: duckdb.DuckDBPyConnection, live: Iterable[tuple[str, Row]], ended: Collection[str]
) -> None:
    """Put rows that are not sealed into tables of the schema `live`."""
    _make_live(connection)
    make_counts(connection)
    with scratch_folder() as place:
        with contextlib.closing(Dump(place)) as dump:
            dump.add(live)
        for table, source in dump.sources().items():
            hidden = kept_back(table, ended)
            note(connection, table, source, hidden)
            connection.execute(f"INSERT INTO live.{table} FROM {source} WHERE NOT {hidden}")


def _fields(table: str) -> str:
    return ", ".join(f'"{name}" {kind}' for name, kind, _ in SCHEMA[table])


def _create_views(connection: duckdb.DuckDBPyConnection, folders: list[Path]) -> list[Path]:
    """Make a view per table over sealed files in these folders and live rows; return the files."""
    used = []
    for table in sorted(SCHEMA, key=lambda table: table == "edits"):  # made of others
        names = ", ".join(f'"{name}"' for name, _, _ in SCHEMA[table])
        files = _files(table, folders)
        sealed = f"SELECT {names} FROM read_parquet([{', '.join(map(quote, files))}]) UNION ALL "
        rows = f"{sealed if files else ''}SELECT {names} FROM live.{table}"
        query = EDITS.replace("$stored", rows) if table == "edits" else rows
        connection.execute(f"CREATE VIEW {table} AS {query}")
        used += files
    return used


def _files(table: str, folders: Iterable[Path]) -> list[Path]:
    paths = [folder / f"{table}.parquet" for folder in folders]
    return [path.resolve() for path in paths if path.exists()]


def _lock_down(connection: duckdb.DuckDBPyConnection, files: list[Path]) -> None:
    """Let SQL reach these files and nothing else, and change no setting."""
    bar = connection.execute("SELECT current_setting('enable_progress_bar')").fetchone()
    if bar and bar[0]:  # without widgets Jupyter has none, and DuckDB none that it could turn off
        connection.execute("SET enable_progress_bar = false")  # it would go to stdout
    connection.execute("SET python_enable_replacements = false")
    connection.execute("SET temp_directory = ''")
    connection.execute(f"SET allowed_paths = [{', '.join(map(quote, files))}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


@contextlib.contextmanager
def named_errors(place: str = "") -> Iterator[None]:
    """Say what is wrong with SQL in the user's words; an interruption is the asker's affair."""
    try:
        yield
    except duckdb.InterruptException:
        raise
    except duckdb.OutOfMemoryException as error:
        problem = f"{place}it takes more memory than there is for it: {_first_line(error)}"
        raise StoreError(problem, "filter more or aggregate less") from error
    except duckdb.Error as error:
        raise StoreError(place + _first_line(error), suggestion(str(error))) from error
    except (OverflowError, TypeError, ValueError) as error:
        raise StoreError(
            f"{place}a value of the result is none that Python has: {error}",
            "cast it: value::VARCHAR",
        ) from error


def check_is_query(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Refuse SQL that is no single SELECT."""
    if any(0xD800 <= ord(letter) <= 0xDFFF for letter in sql):
        raise StoreError("the SQL holds half a character", "take the lone surrogate out")
    kinds = [statement.type for statement in connection.extract_statements(sql)]
    if kinds not in ([duckdb.StatementType.SELECT], [duckdb.StatementType.EXPLAIN]):
        raise StoreError("this is not one query", "write one SELECT; tables are never changed")


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
