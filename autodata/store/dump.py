"""Rows as files of JSON lines, which DuckDB reads far faster than Python values."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

from autodata.store.rows import Row
from autodata.store.schema import SCHEMA

_LONGEST_LINE = 1 << 24  # DuckDB's default, in bytes


class Dump:
    """One file per table in `folder`; `close` before its `sources` are read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, BinaryIO] = {}
        self._longest = 0

    def add(self, rows: Iterable[tuple[str, Row]]) -> None:
        """Write rows as `rows.rows` yields them."""
        for table, row in rows:
            text = json_line(row)
            self._longest = max(self._longest, len(text))
            if table not in self._files:
                self._files[table] = (self._folder / f"{table}.jsonl").open("wb")
            self._files[table].write(text)

    def close(self) -> None:
        """Finish the files."""
        for file in self._files.values():
            file.close()

    def sources(self) -> dict[str, str]:
        """Return an SQL table expression for each table that has rows."""
        size = max(self._longest + 1, _LONGEST_LINE)
        return {
            table: f"read_json({quote(self._folder / f'{table}.jsonl')}, "
            f"format = 'newline_delimited', maximum_object_size = {size}, columns = {{"
            + ", ".join(f"{quote(name)}: '{kind}'" for name, kind, _ in SCHEMA[table])
            + "})"
            for table in self._files
        }


def json_line(row: Row) -> bytes:
    """Encode a row, whatever a model wrote: lone surrogates are replaced, NaN becomes null."""
    try:
        text = json.dumps(row, ensure_ascii=False, allow_nan=False)
    except ValueError:
        text = json.dumps(finite(row), ensure_ascii=False)
    try:
        return text.encode() + b"\n"
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode() + b"\n"


def finite(value: Any) -> Any:
    """Return JSON data with null for NaN and infinities, which JSON does not have."""
    if isinstance(value, dict):
        return {name: finite(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    if isinstance(value, float) and (value != value or abs(value) == float("inf")):
        return None
    return value


def quote(value: object) -> str:
    """Return an SQL text literal."""
    return "'" + str(value).replace("'", "''") + "'"
