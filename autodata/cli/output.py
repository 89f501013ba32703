"""Handling of output that cannot be written, such as a closed pipe or a full disk."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from errno import EBADF
from pathlib import Path
from typing import Any, TextIO, TypeVar, cast

from autodata.errors import ConfigurationError, ReaderGone

T = TypeVar("T")


@contextmanager
def checked_output() -> Iterator[None]:
    """Make writing to stdout and stderr raise a ConfigurationError where it fails.

    So a run stops in order. What would go to a closed stderr is dropped; a closed stdout fails.
    """
    before = sys.stdout, sys.stderr
    with Path(os.devnull).open("w") as nothing:
        closed = None if sys.stdout else OSError(EBADF, "it is closed")
        checked = _Checked(sys.stdout or nothing, closed), _Checked(sys.stderr or nothing)
        sys.stdout, sys.stderr = (cast(TextIO, stream) for stream in checked)
        try:
            yield
        finally:
            sys.stdout, sys.stderr = before
            for stream in checked:
                stream.give_up(nothing)


class _Checked:
    """A stream that says why it cannot be written, once that is so."""

    def __init__(self, stream: TextIO, lost: OSError | None = None) -> None:
        self._stream = stream
        self._lost = lost

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        return self._try(lambda: self._stream.write(text))

    def flush(self) -> None:
        self._try(self._stream.flush)

    def give_up(self, nothing: TextIO) -> None:
        """Send what could not be written nowhere: Python would try, and complain, at its end."""
        if self._lost:
            os.dup2(nothing.fileno(), self._stream.fileno())

    def _try(self, work: Callable[[], T]) -> T:
        try:
            if self._lost:
                raise self._lost
            return work()
        except OSError as error:
            self._lost = error
            kind = ReaderGone if isinstance(error, BrokenPipeError) else ConfigurationError
            raise kind(
                f"the output cannot be written: {error.strerror or error}",
                "give the same command again with one that can, such as > FILE",
            ) from error
