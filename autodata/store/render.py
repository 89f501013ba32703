"""A query's result as text: an aligned table, CSV, or JSON with real types.

Knows nothing of DuckDB. Cells hold what models wrote, so a table shows no control characters.
"""

import csv
import io
import json
from datetime import date, datetime, time
from typing import Any, Literal, Protocol

from autodata.store.dump import finite

Format = Literal["table", "csv", "json"]

_CELL = 60  # characters of a cell that a table shows


class Result(Protocol):
    """What is rendered: see `tables.Result`."""

    @property
    def columns(self) -> tuple[str, ...]: ...
    @property
    def types(self) -> tuple[str, ...]: ...
    @property
    def rows(self) -> list[tuple[Any, ...]]: ...
    @property
    def cut(self) -> bool: ...


def render(result: Result, format: Format) -> str:
    """Return the rows as text; only a table says that there are more rows than these."""
    return {"table": _table, "csv": _csv, "json": _json}[format](result)


def _table(result: Result) -> str:
    cells = [[_cell(value) for value in row] for row in result.rows]
    lines = [list(result.columns), *cells]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    numeric = [
        all(isinstance(row[i], int | float | None) for row in result.rows)
        for i in range(len(widths))
    ]
    text = [_line(line, widths, numeric) for line in lines]
    text.insert(1, "  ".join("-" * width for width in widths))
    count = len(result.rows)
    more = ", and there are more" if result.cut else ""
    return "\n".join([*text, f"({count} row{'' if count == 1 else 's'}{more})"])


def _line(cells: list[str], widths: list[int], numeric: list[bool]) -> str:
    placed = [
        cell.rjust(width) if right else cell.ljust(width)
        for cell, width, right in zip(cells, widths, numeric, strict=True)
    ]
    return "  ".join(placed).rstrip()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4f}".rstrip("0").rstrip(".") if abs(value) < 1e15 else str(value)
    text = str(value)[: 4 * _CELL]
    text = "".join(
        c if c.isprintable() else " " if c.isspace() else "\N{REPLACEMENT CHARACTER}" for c in text
    )
    return text if len(text) <= _CELL else text[: _CELL - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _csv(result: Result) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(result.columns)
    for row in result.rows:
        writer.writerow([_flat(value) for value in row])
    return out.getvalue().rstrip("\n")


def _flat(value: Any) -> Any:
    nested = isinstance(value, dict | list)
    return json.dumps(_named(value), default=_plain) if nested else value


def _named(value: Any) -> Any:
    """Make the keys of maps text, as JSON has them."""
    if isinstance(value, dict):
        return {str(key): _named(inner) for key, inner in value.items()}
    return [_named(inner) for inner in value] if isinstance(value, list | tuple) else value


def _json(result: Result) -> str:
    names = _distinct(result.columns)
    is_json = [kind == "JSON" for kind in result.types]
    rows = [
        {
            name: json.loads(value) if parse and value is not None else value
            for name, value, parse in zip(names, row, is_json, strict=True)
        }
        for row in result.rows
    ]
    return json.dumps(finite(_named(rows)), indent=1, default=_plain)


def _distinct(names: tuple[str, ...]) -> list[str]:
    """Number columns of the same name, so that a JSON object keeps them all."""
    return [f"{name}_{i}" if name in names[:i] else name for i, name in enumerate(names)]


def _plain(value: object) -> object:
    """Return types that JSON does not have as text; decimals as numbers."""
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return float(value) if type(value).__name__ == "Decimal" else str(value)  # type: ignore[arg-type]
