"""Rendering of a query's result as text: an aligned table, or a stream of CSV or JSON lines.

Cells hold what models wrote, so a table shows no control characters.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time
from itertools import chain
from typing import Any, Protocol

from autodata.store.dump import finite

_CELL = 60  # characters of a cell that a table shows


class Rows(Protocol):
    """The rows to render: see `tables.Stream`."""

    @property
    def columns(self) -> tuple[str, ...]: ...
    @property
    def types(self) -> tuple[str, ...]: ...
    @property
    def rows(self) -> Iterable[tuple[Any, ...]]: ...


class AllRows(Rows, Protocol):
    """The same, all of it there: see `tables.Result`."""

    @property
    def rows(self) -> list[tuple[Any, ...]]: ...
    @property
    def cut(self) -> bool: ...


def csv_lines(result: Rows) -> Iterator[str]:
    """Yield the rows as CSV with a line of names, each line with its end."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for row in chain([result.columns], result.rows):
        writer.writerow([_flat(value) for value in row])
        yield out.getvalue()
        out.seek(0)
        out.truncate()


def json_lines(result: Rows) -> Iterator[str]:
    """Yield the rows as the lines of one JSON array, an object a line, with real types."""
    names = _distinct(result.columns)
    is_json = [kind == "JSON" for kind in result.types]
    end = "["
    for row in result.rows:
        item = {
            name: json.loads(value) if parse and value is not None else value
            for name, value, parse in zip(names, row, is_json, strict=True)
        }
        yield f"{end}\n{json.dumps(finite(_named(item)), default=_plain)}"
        end = ","
    yield "[]\n" if end == "[" else "\n]\n"


def table(result: AllRows) -> str:
    """Return the rows as an aligned table, which says when there are more rows than these."""
    cells = [[cell(value) for value in row] for row in result.rows]
    lines = [list(result.columns), *cells]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    numeric = [
        all(isinstance(row[i], int | float | None) for row in result.rows)
        for i in range(len(widths))
    ]
    text = [_line(line, widths, numeric) for line in lines]
    text.insert(1, "  ".join("-" * width for width in widths))
    count = len(result.rows)
    more = ", and there are more: see --limit, or --format csv" if result.cut else ""
    return "\n".join([*text, f"({count} row{'' if count == 1 else 's'}{more})"])


def _line(cells: list[str], widths: list[int], numeric: list[bool]) -> str:
    placed = [
        cell.rjust(width) if right else cell.ljust(width)
        for cell, width, right in zip(cells, widths, numeric, strict=True)
    ]
    return "  ".join(placed).rstrip()


def cell(value: Any) -> str:
    """Return a value as text in one line, cut where it is long, without control characters."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4f}".rstrip("0").rstrip(".") if abs(value) < 1e15 else str(value)
    text = str(value)[: 4 * _CELL]
    text = "".join(
        c if c.isprintable() else " " if c.isspace() else "\N{REPLACEMENT CHARACTER}" for c in text
    )
    return text if len(text) <= _CELL else text[: _CELL - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _flat(value: Any) -> Any:
    nested = isinstance(value, dict | list)
    return json.dumps(_named(value), default=_plain) if nested else value


def _named(value: Any) -> Any:
    """Make the keys of maps text, as JSON has them."""
    if isinstance(value, dict):
        return {str(key): _named(inner) for key, inner in value.items()}
    return [_named(inner) for inner in value] if isinstance(value, list | tuple) else value


def _distinct(names: tuple[str, ...]) -> list[str]:
    """Number columns of the same name, so that a JSON object keeps them all."""
    return [f"{name}_{i}" if name in names[:i] else name for i, name in enumerate(names)]


def _plain(value: object) -> object:
    """Return types that JSON does not have as text; decimals as numbers."""
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return float(value) if type(value).__name__ == "Decimal" else str(value)  # type: ignore[arg-type]
