"""Disk use of runs: their size, what of it is left over, and the removal of a run's folder.

What a run was tested on is kept beside the runs and stays, whatever goes.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from autodata.errors import StoreError
from autodata.store import lock
from autodata.store.parts import parts

REMOVED = "removed"  # what a run's journal is called once it is no run any more
OLD_S = 7 * 24 * 3600.0
"""Logs of `autodata serve` count as left over after this many seconds without a word."""
STALE_S = 600.0
"""Sealing a segment takes seconds; what is older than this was killed."""


@dataclass(frozen=True, slots=True)
class Leftover:
    """A file or folder that nothing needs: left behind, or made again on demand."""

    path: Path
    size: int
    why: str


def size(place: Path) -> int:
    """Return the bytes of a file, or of all files in a folder; what vanishes meanwhile is 0."""
    total, folders = 0, [place]
    while folders:
        with suppress(OSError):
            folder = folders.pop()
            if not folder.is_dir():
                total += folder.lstat().st_size
                continue
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(Path(entry.path))
                    else:
                        total += entry.stat(follow_symlinks=False).st_size
    return total


def remains(folder: Path) -> bool:
    """Whether a folder holds what is left of a run."""
    return any((folder / name).exists() for name in (REMOVED, "lock", "tables", "optuna.db"))


def leftovers(runs_folder: Path, schema: str, now: float) -> list[Leftover]:
    """Return what may go at any time; tables of another version of `schema` among them."""
    return [Leftover(p, size(p), why) for p, why in _places(runs_folder, schema, now)]


def _places(runs_folder: Path, schema: str, now: float) -> Iterator[tuple[Path, str]]:
    for folder in sorted(path for path in runs_folder.glob("*") if path.is_dir()):
        if folder.name == "serve":
            for logs in sorted(folder.glob("*")):
                if _last_change(logs) < now - OLD_S:
                    yield logs, "logs of servers, silent for a week"
        elif (folder / "journal").exists():
            yield from _of_run(folder, schema, now)
        elif remains(folder) and lock.holder(folder) is None:
            yield folder, "of a run that was removed or never began"


def _of_run(run: Path, schema: str, now: float) -> Iterator[tuple[Path, str]]:
    if (run / REMOVED).exists():
        yield run / REMOVED, "of an earlier run of this name, that was removed"
    for version in sorted(run.glob("tables/*")):
        if version.name != schema:
            yield version, "tables of another version"
    try:
        used = {part.folder for part in parts(run, schema) if part.size}
    except StoreError:  # who reads its journal says what is wrong
        return
    for made in sorted(run.glob(f"tables/{schema}/*")):
        if made.name.startswith("making-"):
            if _last_change(made) < now - STALE_S:
                yield made, "tables that were not finished"
        elif made not in used:
            yield made, "tables of a part that was sealed anew"


def _last_change(folder: Path) -> float:
    times = [path.lstat().st_mtime for path in (folder, *folder.rglob("*"))]
    return max(times, default=0.0)


def remove(path: Path) -> None:
    """Remove a file or a folder with all that is in it.

    Raises:
        StoreError: it cannot be removed; what is left of it can be removed later.
    """
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be removed: {error.strerror or error}", "check its owner, then again"
        ) from error


def retire(run: Path) -> None:
    """Turn a run's folder into no run, in one step; the caller holds its lock.

    Raises:
        StoreError: it cannot be changed.
    """
    remove(run / REMOVED)
    try:
        (run / "journal").rename(run / REMOVED)
    except FileNotFoundError:
        pass  # an earlier removal came this far
    except OSError as error:
        raise StoreError(
            f"{run} cannot be removed: {error.strerror or error}", "check its owner, then again"
        ) from error


def clear(run: Path) -> None:
    """Remove a retired run's folder, the lock at last, which the caller holds."""
    for path in sorted(run.iterdir()):
        if path.name != "lock":
            remove(path)
    remove(run)
