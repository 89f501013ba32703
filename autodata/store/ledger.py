"""The project's memory of its sealed test documents: who was tested on which, ever.

Knows nothing of statistics. Certification corrects for every candidate that met the same test
split, in whatever run; deleting a run's folder does not delete this.
"""

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from autodata.errors import StoreError
from autodata.store import lines
from autodata.store.lines import Record

_KIND = "tested"


def digest(document_ids: Iterable[str]) -> str:
    """Return what names a test split: a hash of its sorted document ids."""
    return hashlib.sha256("\n".join(sorted(document_ids)).encode()).hexdigest()[:32]


def tested(runs_folder: Path, split: str) -> list[tuple[str, str]]:
    """Return run and candidate of every certification on the test split with this digest.

    Raises:
        CorruptJournal: a line of the ledger is damaged.
    """
    return [
        (record.body["run"], record.body["candidate"])
        for record in _read(_path(runs_folder))
        if record.body["split"] == split
    ]


def note(
    runs_folder: Path, split: str, run: str, candidates: Iterable[str], clock: Callable[[], float]
) -> int:
    """Note that candidates are about to be tested, and return how many ever were on this split.

    Call it before the first test episode: a test that was begun has been a look. Noting the same
    candidate of the same run again is a no-op, so a resumed certification counts once. On disk
    when it returns; several runs may do it at once.

    Raises:
        StoreError: the ledger cannot be written; then nothing may be tested.
    """
    path = _path(runs_folder)
    try:
        runs_folder.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            lines.repair_tail(path)
            known = {record.key for record in _read(path)}
            for candidate in dict.fromkeys(candidates):
                key = f"{split}:{run}:{candidate}"
                if key not in known:
                    body = {"split": split, "run": run, "candidate": candidate}
                    file.write(lines.encode(Record(_KIND, key, clock(), body)))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written: {error.strerror}", "make room or check its owner"
        ) from error
    return len(tested(runs_folder, split))


def _path(runs_folder: Path) -> Path:
    return runs_folder / "test-ledger.jsonl"


def _read(path: Path) -> list[Record]:
    if not path.exists():
        return []
    return [line.record() for line in lines.scan(path, last=True)]
