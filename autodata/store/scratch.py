"""Temporary folders outside of the project; what is worth keeping is never there alone."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autodata.errors import StoreError


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Give an empty folder that is gone at the end.

    Raises:
        StoreError: it cannot be made or written, by whatever file error the body ends with.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="autodata-") as name:
            yield Path(name)
    except OSError as error:
        raise StoreError(
            f"temporary files cannot be written: {error.strerror or error}",
            "make room in /tmp, or set TMPDIR to a folder that has some",
        ) from error
