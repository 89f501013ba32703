"""The journal as those see it who read a run's facts, or record them as well."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from autodata.errors import AutodataError, StoreError
from autodata.store.format import FORMAT, Record
from autodata.store.kinds import KINDS
from autodata.store.lines import Entry, read_entries
from autodata.store.records import RunRecord, SessionRecord

R = TypeVar("R", bound=Record)
R_co = TypeVar("R_co", bound=Record, covariant=True)


@dataclass(frozen=True, slots=True)
class Fact(Generic[R_co]):
    """A record with its key; `at` is when it was journaled, in seconds since the epoch."""

    key: str
    at: float
    record: R_co

    @property
    def kind(self) -> str:
        """The kind of the record."""
        return self.record.KIND


class JournalReader(Protocol):
    """Reads the facts of a run.

    `find` returns the latest record of a kind and key, `records` those of some kinds, or all, in
    the order they were written.

    Raises:
        StoreError: a record cannot be read; says which version wrote it.
    """

    @property
    def folder(self) -> Path: ...

    def find(self, kind: type[R], key: str) -> R | None: ...

    def records(self, *kinds: type[R]) -> Iterator[Fact[R]]: ...


class JournalWriter(JournalReader, Protocol):
    """Records facts as well.

    `append` returns when a record is on disk. `once` writes it unless it is there already, and
    returns what the journal then says; another record under this key is an error.
    """

    async def append(self, key: str, record: Record) -> None: ...

    async def once(self, key: str, record: R) -> R: ...


def read_facts(folder: Path, *kinds: type[R]) -> Iterator[Fact[R]]:
    """Yield facts of some kinds, or all, without a lock, also while the run is written.

    Raises:
        StoreError: a record cannot be read; says which version wrote it.
    """
    names = {kind.KIND for kind in kinds} or None
    return (fact_of(entry, folder) for entry in read_entries(folder, names))


def fact_of(entry: Entry, folder: Path) -> Fact[Any]:
    """Return the fact that an entry of the journal in `folder` stands for.

    Raises:
        StoreError: it stands for none that this version knows.
    """
    try:
        return Fact(entry.key, entry.at, KINDS[entry.kind].from_json(entry.body))
    except (KeyError, StoreError) as error:
        raise _unreadable(entry, folder, error) from error


def _unreadable(entry: Entry, folder: Path, error: Exception) -> StoreError:
    """Say which record it is, and which version of autodata wrote it if that is not this one."""
    kind, name = KINDS.get(entry.kind), f"{entry.kind} {entry.key}"[:80]
    if entry.kind != RunRecord.KIND:
        name += f" of run {folder.name}"
    version = entry.body.get(FORMAT, 1) if isinstance(entry.body, dict) else 1
    usual = type(version) is int and kind and version in range(1, kind.VERSION + 1)
    if isinstance(error, StoreError) and usual:
        return StoreError(f"{name} is {error.problem}", error.fix)
    writer = _writer(folder)
    ours = f"versions up to {kind.VERSION}" if kind else "no such kind"
    return StoreError(
        f"{name} is of version {version!r:.20}, which {writer} wrote; this one knows {ours}",
        f"use {writer}, or a newer one",
    )


def _writer(folder: Path) -> str:
    """Return the version of autodata that wrote last to a run."""
    name = ""
    try:
        for entry in read_entries(folder, {RunRecord.KIND, SessionRecord.KIND}):
            name = str(entry.body.get("autodata") or name)
    except AutodataError:  # what is damaged there is somebody else's trouble
        pass
    return f"autodata {name}" if name else "another version of autodata"
