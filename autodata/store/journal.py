"""The journal of a run: append-only records with one writer and group-committed fsync.

It is the run's one truth; tables, population and study are projections of it. What its records
mean is known elsewhere.
"""

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from autodata.errors import ReplayMismatch, StoreError
from autodata.store import lines, lock
from autodata.store.episodes import CallRecord, EpisodeRecord, QueryRecord
from autodata.store.facts import Fact, R, fact_of, read_facts
from autodata.store.format import Record, difference
from autodata.store.lines import Entry, Texts
from autodata.store.places import Places
from autodata.store.records import (
    BeliefsRecord,
    CandidateRecord,
    Certificate,
    ClosingRecord,
    EditRecord,
    GrowthRecord,
    IterationRecord,
    LookRecord,
    PromotionRecord,
    RunRecord,
    SessionRecord,
)

SEGMENT_BYTES = 8 * 1024 * 1024
LINGER = 0.01  # seconds a commit waits for company: little beside a model call; fsync is shared
# fmt: off
_FEW = (
    RunRecord, SessionRecord, CandidateRecord, IterationRecord, Certificate, PromotionRecord,
    GrowthRecord, ClosingRecord, EditRecord, LookRecord, BeliefsRecord,
)
# fmt: on
_KEPT = frozenset(kind.KIND for kind in _FEW)
BULKY = frozenset(kind.KIND for kind in (CallRecord, EpisodeRecord, QueryRecord))
"""What fills a journal; full segments pack it."""
TEXTS_KEPT = 16  # segments whose texts stay in memory, some 2 MB each
PACKED_AT_LEAST = 1024 * 1024  # bytes of a last segment that is packed at the end of a session
PACKING_S = 5.0  # most seconds that closing waits for packing; what is left is packed next time
_Pending = tuple[Entry, bytes, Fact[Any] | None, asyncio.Future[None]]


class Journal:
    """Append-only records of one run; `find` answers from everything ever written to it.

    Kinds of which a run has few (`KEPT`) stay in memory; of all others only the place on disk is
    known. A later record stands for an earlier one of the same kind and key.
    """

    def __init__(
        self,
        folder: Path,
        lock_fd: int,
        clock: Callable[[], float],
        segment_bytes: int,
        linger: float,
    ) -> None:
        self.folder = folder
        self._lock = lock_fd
        self._clock = clock
        self._segment_bytes = segment_bytes
        self._linger = linger
        self._kept: dict[tuple[str, str], Fact[Any]] = {}
        self._places = Places()
        self._files: list[int] = []
        self._size = 0
        self._pending: list[_Pending] = []
        self._committer: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._failure: StoreError | None = None
        self._texts: dict[int, Texts] = {}
        self._packer = ThreadPoolExecutor(1, thread_name_prefix="packing")
        self._packing: asyncio.Task[None] | None = None
        self._packed = 0  # segments, the first ones, that are packed or not worth it
        self._closing = False

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        clock: Callable[[], float] = time.time,
        segment_bytes: int = SEGMENT_BYTES,
        linger: float = LINGER,
    ) -> "Journal":
        """Lock the run in `folder`, repair a torn tail and index what is there.

        A commit waits `linger` seconds for company; simulated models, which answer at once, want 0.

        Raises:
            RunLocked: another process writes this run.
            CorruptJournal: a line in the middle is damaged; nothing has been changed.
        """
        journal = cls(folder, lock.acquire(folder), clock, segment_bytes, linger)
        try:
            journal._load()
        except OSError as error:
            journal._release()
            raise _unwritable(folder, error) from error
        except BaseException:
            journal._release()
            raise
        return journal

    def find(self, kind: type[R], key: str) -> R | None:
        """Return the latest record of this kind and key that is on disk, or None."""
        if kind.KIND in _KEPT:
            kept = self._kept.get((kind.KIND, key))
            return kept.record if kept else None
        place = self._places.get(kind.KIND, key)
        if place is None:
            return None
        number, offset = place
        raw = lines.read_line(self._files[number - 1], offset)
        entry = lines.decode(raw, self._texts_of(number))
        same = (entry.kind, entry.key) == (kind.KIND, key)
        return fact_of(entry, self.folder).record if same else None

    @property
    def empty(self) -> bool:
        """Whether the journal has no record."""
        return len(self._files) <= 1 and not self._size

    async def append(self, key: str, record: Record) -> None:
        """Write a record and return when it is safely on disk; many appends share one fsync.

        A cancelled append may still be written. After a failure nothing is written any more.

        Raises:
            StoreError: the disk is full or failed; what was written before stays valid.
        """
        if self._failure:
            raise self._failure
        entry = Entry(record.KIND, key, round(self._clock(), 3), record.to_json())
        raw = lines.encode(entry)
        kept = fact_of(lines.decode(raw), self.folder) if entry.kind in _KEPT else None
        done = asyncio.get_running_loop().create_future()
        self._pending.append((entry, raw, kept, done))
        if self._committer is None or self._committer.done():
            self._committer = asyncio.create_task(self._commit_all())
        await done

    async def once(self, key: str, record: R) -> R:
        """Append the record unless its key is there already, and return the journaled one.

        Raises:
            ReplayMismatch: it is there and says something else, apart from times.
        """
        stored = self.find(type(record), key)
        if stored is None:
            await self.append(key, record)
            return record
        mismatch = difference(record, stored)
        if mismatch:
            raise ReplayMismatch(
                f"{record.KIND} {key} of run {self.folder.name} is not what its journal says: "
                f"{mismatch}",
                "resume with the version, harness and configuration it was started with, "
                "or start a new run",
            )
        return stored

    def records(self, *kinds: type[R]) -> Iterator[Fact[R]]:
        """Yield what is on disk of these kinds in the order it was written."""
        names = {kind.KIND for kind in kinds}
        if _KEPT.issuperset(names):
            return iter([fact for fact in self._kept.values() if fact.kind in names])
        return read_facts(self.folder, *kinds)

    async def close(self) -> None:
        """Commit what is pending and give up the lock; an empty journal leaves nothing behind."""
        if self._committer:
            await self._committer
        whole = self._failure is None
        self._failure = StoreError(f"the journal of run {self.folder.name} is closed")
        if self.empty:
            self._discard()
        elif whole:
            await self._finish_packing()
        self._release()

    def _load(self) -> None:
        folder = self.folder / "journal"
        folder.mkdir(exist_ok=True)
        paths = lines.segments(folder)
        if paths:
            lines.repair_tail(paths[-1])
        for number, path in enumerate(paths, 1):
            self._files.append(_open(path))
            self._size = 0
            for line in lines.scan(path, last=False):
                self._learn(line, number)
                self._size = line.offset + len(line.raw)
        if not paths:
            self._start_segment()
        elif lines.is_packed(paths[-1]):
            self._size = self._segment_bytes  # nothing is added to it

    def _learn(self, line: lines.Line, number: int) -> None:
        if line.kind in _KEPT:
            self._kept[line.kind, line.key] = fact_of(line.entry(), self.folder)
        else:
            self._places.put(line.kind, line.key, number, line.offset)

    async def _commit_all(self) -> None:
        """Write batch after batch until nothing is pending; each in a thread, each one fsync."""
        loop = asyncio.get_running_loop()
        while self._pending:
            await asyncio.sleep(self._linger)
            batch, self._pending = self._pending, []
            try:
                start = await loop.run_in_executor(
                    self._thread, self._write, b"".join(raw for _, raw, _, _ in batch)
                )
            except OSError as error:
                self._fail(batch, error)
                return
            self._publish(batch, start)

    def _publish(self, batch: list[_Pending], offset: int) -> None:
        number = len(self._files)
        for entry, raw, kept, done in batch:
            if kept:
                self._kept[entry.kind, entry.key] = kept
            else:
                self._places.put(entry.kind, entry.key, number, offset)
            offset += len(raw)
            if not done.done():
                done.set_result(None)

        if number > self._packed + 1 and (self._packing is None or self._packing.done()):
            self._packing = asyncio.create_task(self._pack_all())

    async def _pack_all(self) -> None:
        """Pack one full segment after the other, beside everything else."""
        loop = asyncio.get_running_loop()
        while self._packed < len(self._files) - (not self._closing):
            number = self._packed + 1
            path = lines.segment(self.folder / "journal", number)
            places = await loop.run_in_executor(self._packer, _pack, path)
            if places is not None:
                os.close(self._files[number - 1])
                self._files[number - 1] = _open(path)
                self._texts.pop(number, None)
            for kind, key, offset in places or ():
                if (self._places.get(kind, key) or (0,))[0] == number:
                    self._places.put(kind, key, number, offset)
            self._packed = number

    async def _finish_packing(self) -> None:
        """Pack what is full for a few seconds, and the last segment if it is not small."""
        if self._size >= PACKED_AT_LEAST:
            self._closing = True
            if self._packing is None or self._packing.done():
                self._packing = asyncio.create_task(self._pack_all())
        if self._packing:
            await asyncio.wait([self._packing], timeout=PACKING_S)
            self._packing.cancel()

    def _texts_of(self, number: int) -> Texts:
        texts = self._texts.pop(number, None)
        if texts is None:
            path = lines.segment(self.folder / "journal", number)
            texts = Texts(path, partial(lines.read_line, self._files[number - 1], 0))
        self._texts[number] = texts
        if len(self._texts) > TEXTS_KEPT:
            del self._texts[next(iter(self._texts))]
        return texts

    def _fail(self, batch: list[_Pending], error: OSError) -> None:
        self._failure = _unwritable(self.folder, error)
        for *_, done in batch + self._pending:
            if not done.done():
                done.set_exception(self._failure)
        self._pending = []

    def _write(self, data: bytes) -> int:
        """Append and fsync `data`, all or nothing; return its offset in the newest segment."""
        if self._size >= self._segment_bytes:
            self._start_segment()
        file, start = self._files[-1], self._size
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(file, rest) :]
            os.fsync(file)
        except OSError:
            os.ftruncate(file, start)
            raise
        self._size += len(data)
        return start

    def _start_segment(self) -> None:
        folder = self.folder / "journal"
        path = lines.segment(folder, len(self._files) + 1)
        self._files.append(_open(path))
        self._size = 0
        lines.sync(folder)

    def _discard(self) -> None:
        """Remove journal and lock while the lock is held; other files, such as logs, stay."""
        with suppress(OSError):
            lines.segment(self.folder / "journal", 1).unlink()
            (self.folder / "journal").rmdir()
            lock.discard(self.folder)

    def _release(self) -> None:
        self._thread.shutdown()
        self._packer.shutdown()
        for file in self._files:
            os.close(file)
        self._files = []
        lock.release(self._lock)


def _pack(path: Path) -> list[tuple[str, str, int]] | None:
    """Pack a segment and return where its records are then; None: they are where they were."""
    from autodata.store.packing import pack_quietly

    if not pack_quietly(path, BULKY):
        return None
    scanned = lines.scan(path, last=False)
    return [(line.kind, line.key, line.offset) for line in scanned if line.kind not in _KEPT]


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)


def _unwritable(folder: Path, error: OSError) -> StoreError:
    return StoreError(
        f"the journal of run {folder.name} cannot be written: {error.strerror or error}",
        f"make room or fix the disk under {folder}, then give the same command again; "
        "nothing is lost",
    )
