"""The project's record of sealed tests: which candidate was tested on which documents, ever.

Certification corrects for every candidate that met the same test documents, in whatever run;
deleting a run's folder does not delete this. A test counts for a split when at least half of the
split's documents were in it, so that one more document in the corpus is no fresh start. Simulated
tests tell nothing about real ones and are counted apart.
"""

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from autodata.errors import CorruptJournal, StoreError
from autodata.store import lines
from autodata.store.format import Record


@dataclass(frozen=True, slots=True)
class SplitRecord(Record):
    """The documents of a test split, under the hash of their names."""

    KIND = "split"

    documents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TestedRecord(Record):
    """A candidate, named by its tree, that met a test split."""

    KIND = "tested"

    split: str
    run: str
    candidate: str
    simulated: bool


def tested(runs_folder: Path, documents: Iterable[str], simulated: bool) -> list[tuple[str, str]]:
    """Return run and candidate of every test that counts for these documents, in their order.

    Raises:
        CorruptJournal: a line of the record of tests is damaged.
    """
    notes, now = _read(place(runs_folder)), set(documents)
    same = {
        key
        for key, note in notes
        if isinstance(note, SplitRecord) and 2 * len(now.intersection(note.documents)) >= len(now)
    }
    return [
        (note.run, note.candidate)
        for _, note in notes
        if isinstance(note, TestedRecord) and note.split in same and note.simulated == simulated
    ]


def before(
    tests: Sequence[tuple[str, str]], run: str, candidates: Iterable[str]
) -> list[int] | None:
    """Return how many of these tests came before each of a run's; None where one is not noted.

    The order in the file decides and never changes, whenever and however often it is asked.
    """
    places = [tests.index(test) if test in tests else -1 for test in ((run, c) for c in candidates)]
    return None if -1 in places else places


def note(
    runs_folder: Path,
    documents: Iterable[str],
    run: str,
    candidates: Iterable[str],
    clock: Callable[[], float],
    simulated: bool,
) -> int:
    """Note that candidates are about to be tested, and return how many ever were on these.

    Call it before the first test episode: a test that was begun has been a look. Noting the same
    candidate of the same run again is a no-op, so a resumed certification counts once. On disk
    when it returns; several runs may do it at once.

    Raises:
        StoreError: the record of tests cannot be written; then nothing may be tested.
    """
    path, names = place(runs_folder), sorted(documents)
    split = hashlib.sha256("\n".join(names).encode()).hexdigest()[:32]
    try:
        runs_folder.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            lines.repair_tail(path)
            existing = {(note.KIND, key) for key, note in _read(path)}

            def write(key: str, note: Record) -> None:
                if (note.KIND, key) not in existing:
                    entry = lines.Entry(note.KIND, key, clock(), note.to_json())
                    file.write(lines.encode(entry))

            write(split, SplitRecord(tuple(names)))
            for candidate in dict.fromkeys(candidates):
                tested_now = TestedRecord(split, run, candidate, simulated)
                write(f"{split}:{run}:{candidate}", tested_now)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written: {error.strerror}", "make room or check its owner"
        ) from error
    return len(tested(runs_folder, names, simulated))


def runs(runs_folder: Path) -> set[str]:
    """Return the names of all runs that were ever tested."""
    return {note.run for _, note in _read(place(runs_folder)) if isinstance(note, TestedRecord)}


def place(runs_folder: Path) -> Path:
    """Return where a project keeps it."""
    return runs_folder / "test-ledger.jsonl"


def _read(path: Path) -> list[tuple[str, Record]]:
    if not path.exists():
        return []
    kinds = {kind.KIND: kind for kind in (SplitRecord, TestedRecord)}
    try:
        entries = [line.entry() for line in lines.scan(path, last=True)]
    except CorruptJournal as error:
        raise CorruptJournal(
            error.problem,
            "restore it from a backup; do not drop the line: it may be a test that the next "
            "certificate is corrected for",
        ) from error
    return [(entry.key, kinds[entry.kind].from_json(entry.body)) for entry in entries]
