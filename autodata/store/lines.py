"""The journal's line format and its segment files: encode, check, scan and repair.

Knows nothing of writers, locks or what a record means.
"""

import json
import mmap
import os
import re
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from autodata.errors import CorruptJournal, StoreError
from autodata.types import Json

_STRING = rb'"(?:[^"\\]|\\.)*"'
_HEAD = re.compile(rb'\{"kind":(' + _STRING + rb'),"key":(' + _STRING + rb'),"at":[0-9.]+,"body":')
_CRC = re.compile(rb',"crc":"([0-9a-f]{8})"\}')
_CRC_LENGTH = len(',"crc":"00000000"}')
_SEGMENT = re.compile(r"(\d{6})\.jsonl")
_encode = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Record:
    """One journaled fact; `at` is when it was appended, in seconds since the epoch."""

    kind: str
    key: str
    at: float
    body: Json


@dataclass(frozen=True, slots=True)
class Line:
    """A checked, undecoded line of a segment, with its newline, at byte `offset`."""

    kind: str
    key: str
    offset: int
    raw: bytes

    def record(self) -> Record:
        """Decode the whole line."""
        return decode(self.raw)


def encode(record: Record) -> bytes:
    """Return the record as one line; its CRC-32 covers everything before the `crc` field.

    Text is escaped to ASCII, so nothing a model wrote can break a line or fail to encode.
    """
    head = f'{{"kind":{_encode(record.kind)},"key":{_encode(record.key)},"at":{record.at:.3f}'
    text = f'{head},"body":{_encode(record.body)}'.encode("ascii")
    return b'%b,"crc":"%08x"}\n' % (text, zlib.crc32(text))


def decode(raw: bytes) -> Record:
    """Read back a line that `scan` or `encode` produced."""
    data = json.loads(raw)
    return Record(data["kind"], data["key"], data["at"], data["body"])


def is_whole(raw: bytes) -> bool:
    """Tell whether `raw`, without its newline, is an undamaged line."""
    text, end = raw[:-_CRC_LENGTH], raw[-_CRC_LENGTH:]
    found = _CRC.fullmatch(end)
    return found is not None and int(found[1], 16) == zlib.crc32(text)


def segments(folder: Path) -> list[Path]:
    """Return the segment files of a journal folder in order.

    Raises:
        CorruptJournal: one in the middle is missing.
    """
    try:
        paths = sorted(path for path in folder.iterdir() if _SEGMENT.fullmatch(path.name))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _unreadable(folder, error) from error
    for number, path in enumerate(paths, 1):
        if path != segment(folder, number):
            raise CorruptJournal(
                f"{segment(folder, number)} is missing (byte 0), but {path.name} exists",
                "restore it from a backup, or start a new run",
            )
    return paths


def segment(folder: Path, number: int) -> Path:
    """Return the path of a segment; the first is number 1."""
    return folder / f"{number:06d}.jsonl"


def scan(path: Path, *, last: bool, start: int = 0) -> Iterator[Line]:
    """Yield the lines of a segment from byte `start` on; stop at a torn tail if it is the `last`.

    Raises:
        CorruptJournal: a complete line is damaged, or an earlier segment ends in the middle of one.
        StoreError: the file cannot be read.
    """
    offset = start
    try:
        with path.open("rb") as file:
            file.seek(start)
            for raw in file:
                if not raw.endswith(b"\n") and last:
                    return
                head = _HEAD.match(raw) if is_whole(raw[:-1]) else None
                if head is None or not raw.endswith(b"\n"):
                    raise _damaged(path, offset)
                yield Line(json.loads(head[1]), json.loads(head[2]), offset, raw)
                offset += len(raw)
    except OSError as error:
        raise _unreadable(path, error) from error


def read_records(folder: Path, kinds: Collection[str] | None = None) -> Iterator[Record]:
    """Yield a run's records in order without a lock, also while it is written.

    `folder` is the run's folder. Stops silently at a torn tail of the last segment; lines of
    other `kinds` are checked but not decoded.
    """
    paths = segments(folder / "journal")
    for path in paths:
        for line in scan(path, last=path == paths[-1]):
            if kinds is None or line.kind in kinds:
                yield line.record()


def read_line(file: int, offset: int) -> bytes:
    """Read the line at a known offset of an open segment."""
    raw = b""
    while not raw.endswith(b"\n"):
        part = os.pread(file, max(16_384, len(raw)), offset + len(raw))
        end = part.find(b"\n") + 1
        if not part:
            break
        raw += part[: end or None]
    return raw


def repair_tail(path: Path) -> None:
    """Cut off what a killed writer left of its last line; end it if only its newline is missing."""
    with path.open("r+b") as file:
        size = os.fstat(file.fileno()).st_size
        if not size:
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
            end = text.rfind(b"\n") + 1
            tail = text[end:]
        if not tail:
            return
        if is_whole(tail) and _HEAD.match(tail):
            file.seek(size)
            file.write(b"\n")
        else:
            file.truncate(end)
        file.flush()
        os.fsync(file.fileno())


def _unreadable(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"{path} cannot be read: {error.strerror or error}", "check its owner and permissions"
    )


def _damaged(path: Path, offset: int) -> CorruptJournal:
    with path.open("rb") as file:
        number = file.read(offset).count(b"\n") + 1
    return CorruptJournal(
        f"{path} is damaged at byte {offset} (line {number})",
        f"restore the file from a backup, or drop that one record, so that its work is done again: "
        f"sed -i.bak '{number}d' {path}",
    )
