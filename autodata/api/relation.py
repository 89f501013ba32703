"""What SQL over runs gives: a DuckDB relation that is filtered, aggregated, shown and taken along.

What is kept back of sealed test documents is not in it, and it says how much that is.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autodata.errors import ConfigurationError
from autodata.report import html
from autodata.store import audience, render, tables
from autodata.types import Json

if TYPE_CHECKING:
    import duckdb
    import pandas
    import polars
    import pyarrow

SHOWN = 20
"""Rows that a relation shows of itself."""


class Relation:
    """Rows of a query, made when they are asked for.

    Every method of a `duckdb.DuckDBPyRelation`, such as `filter`, `aggregate` or `order`, is one
    of this, too; what is a relation there is one of these here. `kept_back` says how many rows on
    test documents no query sees until their run has ended.
    """

    def __init__(
        self, connection: "duckdb.DuckDBPyConnection", query: str, kept_back: str = ""
    ) -> None:
        self._connection = connection
        self._query = query
        self.kept_back = kept_back
        with tables.named_errors():
            tables.check_is_query(connection, query)
            self._relation = connection.sql(query)

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return list(self._relation.columns)

    def rows(self, limit: int | None = None) -> list[Json]:
        """Return the rows as dictionaries, with JSON read."""
        asked = tables.stream(self._connection, self._query, limit)
        reads = [kind == "JSON" for kind in asked.types]
        return [
            {
                name: json.loads(value) if read and value is not None else value
                for name, read, value in zip(asked.columns, reads, row, strict=True)
            }
            for row in asked.rows
        ]

    def text(self, most: int = SHOWN) -> str:
        """Return the first rows as an aligned table, without what a terminal would obey."""
        return render.table(self._head(most))

    def csv(self, limit: int | None = None) -> Iterator[str]:
        """Yield the rows as lines of CSV, with a line of names first; nested values are JSON."""
        return render.csv_lines(tables.stream(self._connection, self._query, limit))

    def json(self, limit: int | None = None) -> Iterator[str]:
        """Yield the rows as the lines of one JSON array, an object a line."""
        return render.json_lines(tables.stream(self._connection, self._query, limit))

    def df(self) -> "pandas.DataFrame":
        """Return the rows as a pandas data frame."""
        return self._as("pandas", "df")

    def pl(self) -> "polars.DataFrame":
        """Return the rows as a Polars data frame."""
        return self._as("polars", "pl", "pyarrow")

    def arrow(self) -> "pyarrow.Table":
        """Return the rows as an Arrow table."""
        return self._as("pyarrow", "to_arrow_table")

    def _as(self, package: str, method: str, *others: str) -> Any:
        """Call a method of DuckDB that needs packages which autodata does not bring along.

        Raises:
            ConfigurationError: one is missing.
        """
        missing = [name for name in (package, *others) if find_spec(name) is None]
        if missing:
            raise ConfigurationError(
                f"{package} is needed for this, and {' and '.join(missing)} is not installed",
                f"pip install {' '.join(missing)}; or take .rows(), which needs nothing",
            )
        with tables.named_errors():
            return getattr(self._relation, method)()

    def __getattr__(self, name: str) -> Any:
        """Return what DuckDB's relation has of that name, its relations as ours."""
        if name.startswith("_"):
            raise AttributeError(name)
        value = getattr(self._relation, name)
        return self._wrapped(value) if callable(value) else value

    def _wrapped(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            with tables.named_errors():
                found = method(*args, **kwargs)
            if type(found) is type(self._relation):
                return type(self)(self._connection, found.sql_query(), self.kept_back)
            return found

        return call

    def __len__(self) -> int:
        with tables.named_errors():
            return int(self._relation.count("*").fetchall()[0][0])

    def __iter__(self) -> Iterator[Json]:
        return iter(self.rows())

    def __repr__(self) -> str:
        shown = self.text()
        return f"{shown}\n{self.kept_back}" if self.kept_back else shown

    def _repr_html_(self) -> str:
        return html.table(self._head(SHOWN), self.kept_back)

    def _head(self, most: int) -> tables.Result:
        return tables.query(self._connection, self._query, most)


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of all runs, or of one, open as they are now; `kept_back` as of `Relation`."""

    connection: "duckdb.DuckDBPyConnection"
    kept_back: str

    def sql(self, query: str) -> Relation:
        """Ask one SELECT.

        Raises:
            StoreError: the SQL is wrong or no query; the fix names what there is.
        """
        return Relation(self.connection, query, self.kept_back)

    def interrupt(self) -> None:
        """End what is being asked, from another thread."""
        self.connection.interrupt()

    def __enter__(self) -> "Tables":
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()


def open_tables(runs_folder: Path, run: str | None) -> Tables:
    """Open the tables of all runs, or of one; what holds them closes them, or is forgotten.

    Raises:
        StoreError: there is no such run, or its journal is damaged.
    """
    connection = tables.connect(runs_folder, run)
    return Tables(connection, audience.notice_of(audience.counts(connection)))
