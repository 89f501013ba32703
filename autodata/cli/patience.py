"""Interruptible blocking work: done in another thread so that Ctrl-C is answered in this one.

DuckDB may not look up for minutes, but ends when it is told to.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from typing import Self, TypeVar

from autodata.errors import AutodataError

T = TypeVar("T")

_AT_ONCE = 500


class Patience:
    """Waits for work, and calls `interrupt`, which ends it, when the wait is interrupted."""

    def __init__(self, interrupt: Callable[[], None]) -> None:
        self._interrupt = interrupt
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="work")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        ended = False
        while not ended:
            with suppress(KeyboardInterrupt):  # a second one: the work has been told to end
                self._thread.shutdown()
                ended = True

    def wait(self, work: Callable[[], T]) -> T:
        """Return what the work comes to, or raise what it does."""
        done = self._thread.submit(work)
        try:
            return done.result()
        except KeyboardInterrupt:
            self._interrupt()
            raise

    def each(self, items: Iterator[T]) -> Iterator[T]:
        """Yield the items, which come about in the other thread, some at a time.

        Those before an error come before it.
        """
        failed: list[AutodataError] = []

        def some() -> list[T]:
            batch: list[T] = []
            try:
                batch.extend(islice(items, _AT_ONCE))
            except AutodataError as error:
                failed.append(error)
            return batch

        while batch := self.wait(some):
            yield from batch
        if failed:
            raise failed[0]
