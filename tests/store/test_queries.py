import re
from pathlib import Path

import pytest

from autodata.store import tables
from tests.support.journals import merging_run, small_run, write

TEXT = (Path(__file__).parents[2] / "docs" / "queries.md").read_text()
QUERIES = re.findall(r"```sql\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.parametrize("sql", QUERIES)
def test_every_documented_query_is_answered(tmp_path: Path, sql: str) -> None:
    write(tmp_path / "r", small_run())
    with tables.connect(tmp_path) as connection:
        assert tables.query(connection, sql).rows or "HAVING" in sql


def test_eight_queries_are_documented() -> None:
    assert len(QUERIES) == 8


def test_the_documented_effects_stand_beside_rates_with_and_without_the_edit(
    tmp_path: Path,
) -> None:
    write(tmp_path / "r", merging_run())
    (sql,) = [sql for sql in QUERIES if "FROM edits" in sql]
    with tables.connect(tmp_path) as connection:
        found = tables.query(connection, sql)
    told = [dict(zip(found.columns, row, strict=True)) for row in found.rows]
    assert [row["edit"] for row in told] == [2, 1, 3]
    assert [(row["with_it"], row["without_it"]) for row in told] == [
        (0.5, 0.0),
        (0.5, 0.0),
        (None, 0.25),
    ]


@pytest.mark.parametrize("sql", QUERIES)
def test_no_documented_query_looks_at_test_documents(tmp_path: Path, sql: str) -> None:
    found = []
    for name, hidden in (("with", "none"), ("without", "test")):
        kept = [fact for fact in small_run() if getattr(fact[1], "split", "") != hidden]
        write(tmp_path / name / "r", kept)
        with tables.connect(tmp_path / name) as connection:
            found.append(tables.query(connection, sql).rows)
    assert found[0] == found[1]


def test_the_documented_cost_counts_the_calls_of_a_void_once(tmp_path: Path) -> None:
    write(tmp_path / "r", small_run())
    with tables.connect(tmp_path) as connection:
        found = tables.query(connection, QUERIES[0])
    assert {row[found.columns.index("tokens_per_accepted")] for row in found.rows} == {240}
