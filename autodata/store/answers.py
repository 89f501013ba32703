"""The process that answers an analyzer's SQL: `python -m autodata.store.answers PARENT`.

Whatever a model asks, it costs this process at most, which has nothing but the rows that it is
given: no file, no key, no connection, and bounds on memory and time that the kernel keeps.

It reads lines: `Bounds` as JSON; then a table's name and rows of it as a JSON array each, up to an
empty line; then questions as JSON strings. It writes such strings: an empty one when it is up, what
is wrong with the rows, and the text of each answer.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, BinaryIO

from autodata.child import MEMORY, confine, end_within, open_no_more_files
from autodata.errors import StoreError
from autodata.store.audience import ANALYZED
from autodata.store.dump import json_line
from autodata.store.render import csv_lines
from autodata.store.rows import Row
from autodata.store.tables import in_memory, query

if TYPE_CHECKING:
    import duckdb

TOO_MUCH_MEMORY = "it takes too much memory; ask for less"
_FEWER = "; ask for fewer rows or columns]"
_OTHER_TYPES = "SELECT 1.5, uuid(), DATE '2000-01-01', [now()]"
"""What Python imports modules for when it is answered for the first time."""
_BATCH = 1 << 20  # bytes of rows in a line, but for a longer row


@dataclass(frozen=True, slots=True)
class Bounds:
    """What an answer may take, and how much of what is found it may hold.

    After `seconds` DuckDB is asked to stop; after `grace_s` more the process is killed.
    """

    seconds: float = 60.0
    grace_s: float = 2.0
    memory: int = MEMORY
    rows: int = 500
    characters: int = 11_900


def batches(rows: Iterable[tuple[str, Row]]) -> Iterator[bytes]:
    """Yield lines with these rows, as this process reads them, and the empty one at their end."""
    waiting: dict[str, list[bytes]] = defaultdict(list)
    sizes: dict[str, int] = defaultdict(int)
    for table, row in rows:
        line = json_line(row).rstrip(b"\n")
        waiting[table].append(line)
        sizes[table] += len(line)
        if sizes[table] > _BATCH:
            yield _batch(table, waiting.pop(table))
            del sizes[table]
    yield from (_batch(table, lines) for table, lines in waiting.items())
    yield b"\n"


def main(parent: int) -> None:
    """Answer until there are no more lines."""
    bounds = Bounds(**json.loads(sys.stdin.buffer.readline()))
    asked, answers = confine(parent, bounds.memory)
    _say(answers, "")
    try:
        connection = in_memory(_rows(asked), bounds.memory, ANALYZED)
    except StoreError as error:
        _say(answers, f"error: {error.problem}; {error.fix}")
        return
    _answer(connection, _OTHER_TYPES, bounds)
    open_no_more_files()
    _say(answers, "")
    for line in asked:
        end_within(bounds.seconds + 2 * bounds.grace_s)
        _say(answers, _answer(connection, json.loads(line), bounds))
        end_within(0)


def _answer(connection: "duckdb.DuckDBPyConnection", sql: str, bounds: Bounds) -> str:
    connection.execute("BEGIN TRANSACTION READ ONLY")  # a CTE may delete rows
    try:
        result = query(connection, sql, bounds.rows, bounds.seconds)
        text, left = _first(csv_lines(result), bounds.characters)
    except StoreError as error:
        return f"error: {error.problem[: bounds.characters]}; {error.fix}"
    except MemoryError:
        return f"error: {TOO_MUCH_MEMORY}"
    finally:
        connection.execute("ROLLBACK")
    text = text.rstrip("\n")
    if left:
        text += f"\n[cut, {left:,} characters left{_FEWER}"
    return text + (f"\n[cut, more than {bounds.rows} rows{_FEWER}" if result.cut else "")


def _first(lines: Iterable[str], most: int) -> tuple[str, int]:
    """Return the lines together, or their first `most` characters, and how many are left."""
    text, left = "", 0
    for line in lines:
        kept = line[: most - len(text)]
        text += kept
        left += len(line) - len(kept)
    return text, left


def _rows(lines: Iterable[bytes]) -> Iterator[tuple[str, str]]:
    """Read what `batches` wrote."""
    for line in takewhile(bytes.strip, lines):
        table, _, array = line.decode().partition(" ")
        yield table, array


def _batch(table: str, rows: list[bytes]) -> bytes:
    return table.encode() + b" [" + b",".join(rows) + b"]\n"


def _say(answers: BinaryIO, text: str) -> None:
    answers.write(json.dumps(text).encode() + b"\n")
    answers.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]))
