import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from autodata.errors import StoreError
from autodata.store import tables
from autodata.store.render import csv_lines, json_lines, table

SQL = """
SELECT 1 AS n, 0.25::DOUBLE AS rate, 1.5::DECIMAL(4, 2) AS price, NULL AS nothing, true AS yes,
    TIMESTAMP '2026-01-02 03:04:05' AS at, ['a', 'b'] AS list, '{"k": [1]}'::JSON AS data,
    'nan'::DOUBLE AS odd, {'x': DATE '2026-01-02'} AS struct, 'two
lines' AS text, 2 AS n
"""


@pytest.fixture
def result(tmp_path: Path) -> tables.Result:
    with tables.connect(tmp_path) as connection:
        return tables.query(connection, SQL)


def test_json_has_real_types(result: tables.Result) -> None:
    [row] = json.loads("".join(json_lines(result)), parse_constant=pytest.fail)
    assert row == {
        "n": 1,
        "rate": 0.25,
        "price": 1.5,
        "nothing": None,
        "yes": True,
        "at": "2026-01-02T03:04:05",
        "list": ["a", "b"],
        "data": {"k": [1]},
        "odd": None,
        "struct": {"x": "2026-01-02"},
        "text": "two\nlines",
        "n_11": 2,
    }


def test_csv_is_read_back(result: tables.Result) -> None:
    header, row = csv.reader(io.StringIO("".join(csv_lines(result))))
    assert header[:4] == ["n", "rate", "price", "nothing"]
    assert row[:4] == ["1", "0.25", "1.50", ""]
    assert row[6] == '["a", "b"]'
    assert row[10] == "two\nlines"


def test_a_table_is_aligned_and_shows_no_control_characters() -> None:
    rows = [("a\x1b[31m\nb", 1.5), ("x" * 200, 100.0), (None, None)]
    text = table(tables.Result(("name", "value"), ("VARCHAR", "DOUBLE"), rows, cut=True))
    assert text.splitlines() == [
        "name" + " " * 58 + "value",
        "-" * 60 + "  -----",
        "a\ufffd[31m b" + " " * 56 + "1.5",
        "x" * 59 + "\u2026    100",
        "",
        "(3 rows, and there are more: see --limit, or --format csv)",
    ]


def test_an_empty_result_keeps_its_columns() -> None:
    empty = tables.Result(("a", "b"), ("INTEGER", "JSON"), [], cut=False)
    assert table(empty) == "a  b\n-  -\n(0 rows)"
    assert list(csv_lines(empty)) == ["a,b\n"]
    assert list(json_lines(empty)) == ["[]\n"]


def test_rows_are_rendered_as_they_come() -> None:
    def rows() -> Iterator[tuple[int, str]]:
        yield 1, "a,b"
        yield 2, 'c"'
        raise StoreError("the third is broken")

    for lines, seen in (
        (csv_lines, ["n,text\n", '1,"a,b"\n', '2,"c"""\n']),
        (json_lines, ['[\n{"n": 1, "text": "a,b"}', ',\n{"n": 2, "text": "c\\""}']),
    ):
        got = lines(tables.Stream(("n", "text"), ("BIGINT", "VARCHAR"), rows()))
        assert [next(got) for _ in seen] == seen
        with pytest.raises(StoreError, match="third"):
            next(got)
