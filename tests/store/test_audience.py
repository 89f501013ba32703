"""Rows of test documents are kept back until their run has ended, however they are asked for."""

from pathlib import Path

import duckdb
import pytest

from autodata.errors import StoreError
from autodata.store import audience, tables
from autodata.store.facts import read_facts
from autodata.store.journal import Journal
from autodata.store.kinds import RECORDS
from autodata.store.records import SessionRecord
from autodata.store.schema import SCHEMA
from tests.support.journals import Kept, call, small_run, write

FINISHED: Kept = ("finished", SessionRecord("finished"))
ROWS = 3 + 2 + 6 + 1 + 1 + 1
"""Of test documents: episodes, rounds, attempts, a finding, a gap and a call."""


def going_on(name: str = "r") -> list[Kept]:
    """A run's records before it has ended."""
    return [fact for fact in small_run(name) if fact != FINISHED]


def splits(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """The splits of all rows of what happened, by whatever name the tables have."""
    selects = [
        f"SELECT DISTINCT split FROM {schema}{table}"
        for table in audience.HELD
        for schema in ("", "live.")
    ]
    found = tables.query(connection, " UNION ".join(selects)).rows
    return {row[0] for row in found if row[0]}


@pytest.mark.parametrize("sealed", [True, False])
def test_test_rows_are_kept_back_until_the_run_has_ended(tmp_path: Path, sealed: bool) -> None:
    write(tmp_path / "r", going_on())
    if not sealed:
        (tmp_path / "r" / "tables").write_text("no folder: nothing can be sealed")
    with tables.connect(tmp_path) as connection:
        assert splits(connection) == {"train", "validation"}
        assert audience.notice_of(audience.counts(connection)) == (
            f"{ROWS} rows on test documents kept back until the search of run r has ended"
        )
    write(tmp_path / "r", [FINISHED])
    with tables.connect(tmp_path) as connection:
        assert splits(connection) == {"train", "validation", "test"}
        assert audience.notice_of(audience.counts(connection)) == ""


@pytest.mark.parametrize("segment_bytes", [1, 8_000_000])
async def test_a_run_that_is_written_keeps_them_back_too(
    tmp_path: Path, segment_bytes: int
) -> None:
    journal = Journal.open(tmp_path / "r", linger=0, segment_bytes=segment_bytes)
    for fact in going_on():
        await journal.append(*fact)
    with tables.connect(tmp_path, "r") as connection:
        assert "test" not in splits(connection)
        assert [kept.rows for kept in audience.counts(connection)] == [ROWS]
    await journal.append(*FINISHED)
    await journal.append(*call(7, "test"))  # of a later `certify`
    with tables.connect(tmp_path, "r") as connection:
        assert "test" in splits(connection)
        assert audience.counts(connection) == []
    await journal.close()


def test_of_several_runs_only_those_that_ended_are_shown(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        write(tmp_path / name, going_on(name))
    write(tmp_path / "b", [FINISHED])
    with tables.connect(tmp_path) as connection:
        query = "SELECT DISTINCT run_id FROM calls WHERE split = 'test'"
        assert tables.query(connection, query).rows == [("b",)]
        told = audience.notice_of(audience.counts(connection))
    assert told == (
        f"{2 * ROWS} rows on test documents kept back until the searches of runs a, c have ended"
    )


def test_everything_else_is_there(tmp_path: Path) -> None:
    write(tmp_path / "r", going_on())
    with tables.connect(tmp_path) as connection:
        for table in SCHEMA:
            assert tables.query(connection, f"FROM {table}").rows
        query = "SELECT count(*) FROM documents WHERE split = 'test'"
        assert tables.query(connection, query).rows == [(2,)]
        assert tables.query(connection, "SELECT count(*) FROM calls").rows == [(3,)]


def test_the_files_with_test_rows_cannot_be_read_before(tmp_path: Path) -> None:
    write(tmp_path / "r", going_on())
    with tables.connect(tmp_path) as connection:
        (file,) = (tmp_path / "r").glob("tables/*/*/test/episodes.parquet")
        with pytest.raises(StoreError):
            tables.query(connection, f"FROM read_parquet('{file.resolve()}')")
    write(tmp_path / "r", [FINISHED])
    with tables.connect(tmp_path) as connection:
        (file,) = (tmp_path / "r").glob("tables/*/*/test/episodes.parquet")
        assert tables.query(connection, f"FROM read_parquet('{file.resolve()}')").rows


def test_what_was_spent_on_test_documents_is_told(tmp_path: Path) -> None:
    write(tmp_path / "r", going_on())
    with tables.connect(tmp_path) as connection:
        (kept,) = audience.counts(connection)
    assert (kept.episodes, kept.calls, kept.prompt_tokens, kept.cost_usd) == (3, 1, 10, 0.001)


def test_an_analyzer_sees_train_scores_of_validation_and_nothing_of_test(tmp_path: Path) -> None:
    write(tmp_path / "r", small_run())
    found = list(audience.for_analyzer(read_facts(tmp_path / "r", *RECORDS), "r"))
    assert {table for table, _ in found} == {
        "candidates",
        "episodes",
        "rounds",
        "attempts",
        "iterations",
        "edits",
        "looks",
        "beliefs",
    }
    split = {"train": set(), "validation": set()}  # type: dict[str, set[str]]
    for _, row in found:
        assert not [name for name, value in row.items() if "second" in name and value is not None]
        if row.get("split"):
            split[row["split"]] |= {name for name, value in row.items() if value is not None}
    assert split["validation"] == {
        *("run_id", "candidate_id", "document_id", "split", "repeat", "status", "score")
    }
    assert {"reason", "question", "answer", "commit"} <= split["train"]
