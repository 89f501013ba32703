"""The journal's line format and its segment files: encoding, checksums, scan and repair."""

import json
import mmap
import os
import re
import zlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from autodata.errors import CorruptJournal, StoreError
from autodata.types import Json

if TYPE_CHECKING:
    from autodata.store.packing import Unpacker

_STRING = rb'"(?:[^"\\]|\\.)*"'
_HEAD = re.compile(
    rb'\{"kind":(' + _STRING + rb'),"key":(' + _STRING + rb'),"at":[0-9.]+,"(?:body|zstd)":'
)
_CRC = re.compile(rb',"crc":"([0-9a-f]{8})"\}')
_CRC_LENGTH = len(',"crc":"00000000"}')
_SEGMENT = re.compile(r"(\d{6})\.jsonl")
TEXTS = "texts"  # the kind of a packed segment's first line, which is no record: see `packing`
_PACKED = re.compile(rb'","at":[0-9.]+,"zstd":"')
_encode = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Entry:
    """What a line says, whatever it means; `at` is when it was appended, in s since the epoch."""

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
    texts: "Texts | None" = None

    def entry(self) -> Entry:
        """Decode the whole line."""
        return decode(self.raw, self.texts)


class Texts:
    """The shared texts of a packed segment, read when they are first needed.

    `first` returns the first line of the segment at `path`.
    """

    def __init__(self, path: Path, first: Callable[[], bytes]) -> None:
        self._path = path
        self._first = first
        self._unpacker: Unpacker | None = None

    def body(self, packed: str) -> Any:
        """Return the body of a packed line.

        Raises:
            CorruptJournal: the texts are missing, or other ones.
        """
        try:
            if self._unpacker is None:
                from autodata.store.packing import Unpacker

                first = decode(self._first())
                if first.kind != TEXTS:
                    raise _without_texts(self._path)
                self._unpacker = Unpacker.of(first.body["zstd"])
            return _read(self._unpacker.unpack(packed))
        except ValueError as error:
            raise _without_texts(self._path) from error


def encode(entry: Entry) -> bytes:
    """Return the entry as one line; its CRC-32 covers everything before the `crc` field.

    Text is escaped to ASCII, so nothing a model wrote can break a line or fail to encode.
    """
    head = f'{{"kind":{_encode(entry.kind)},"key":{_encode(entry.key)},"at":{entry.at:.3f}'
    return signed(f'{head},"body":{_encode(entry.body)}'.encode("ascii"))


def signed(text: bytes) -> bytes:
    """Return a line from everything that its CRC covers."""
    return b'%b,"crc":"%08x"}\n' % (text, zlib.crc32(text))


def parted(raw: bytes) -> tuple[bytes, bytes]:
    """Return what stands before `"body":` in a whole line, and the body."""
    match = _HEAD.match(raw)
    assert match is not None
    return raw[: match.end() - len('"body":')], raw[match.end() : -_CRC_LENGTH - 1]


def decode(raw: bytes, texts: Texts | None = None) -> Entry:
    """Read back a line that `scan` or `encode` produced; a packed one needs its segment's texts."""
    data = _read(raw)
    body = texts.body(data["zstd"]) if texts and "zstd" in data else data["body"]
    return Entry(data["kind"], data["key"], data["at"], body)


def _read(text: bytes) -> Any:
    """Read JSON: two to three times as fast as `json`, which is left what only it takes."""
    try:
        return from_json(text, cache_strings="none")
    except ValueError:  # half a character, or nested more than 200 deep
        return json.loads(text)


def is_whole(raw: bytes) -> bool:
    """Whether `raw`, without its newline, is an undamaged line."""
    text, end = raw[:-_CRC_LENGTH], raw[-_CRC_LENGTH:]
    match = _CRC.fullmatch(end)
    return match is not None and int(match[1], 16) == zlib.crc32(text)


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

    Packed lines are decoded while this goes on. That of the texts they share is none of them.

    Raises:
        CorruptJournal: a complete line is damaged, or an earlier segment ends in the middle of one.
        StoreError: the file cannot be read.
    """
    offset = start
    try:
        with path.open("rb") as file:
            texts = Texts(path, lambda: read_line(file.fileno(), 0))
            if start and os.pread(file.fileno(), 1, start - 1) not in (b"\n", b""):
                raise _replaced(path)
            file.seek(start)
            for raw in file:
                if not raw.endswith(b"\n") and last:
                    return
                head = _HEAD.match(raw) if is_whole(raw[:-1]) else None
                if head is None or not raw.endswith(b"\n"):
                    raise _damaged(path, offset)
                kind = json.loads(head[1])
                if kind != TEXTS:
                    yield Line(kind, json.loads(head[2]), offset, raw, texts)
                offset += len(raw)
    except OSError as error:
        raise _unreadable(path, error) from error


def is_packed(path: Path) -> bool:
    """Whether a segment begins with the texts that its records share."""
    start = f'{{"kind":"{TEXTS}"'.encode()
    with path.open("rb") as file:
        return file.read(len(start)) == start


def read_entries(folder: Path, kinds: Collection[str] | None = None) -> Iterator[Entry]:
    """Yield a run's entries in order without a lock, also while it is written.

    `folder` is the run's folder. Stops silently at a torn tail of the last segment; lines of
    other `kinds` are checked but not decoded.
    """
    paths = segments(folder / "journal")
    for path in paths:
        for line in scan(path, last=path == paths[-1]):
            if kinds is None or line.kind in kinds:
                yield line.entry()


def check(folder: Path) -> None:
    """Check all lines of a run's journal, which are not decoded.

    Raises:
        CorruptJournal: one is damaged.
        StoreError: a file cannot be read.
    """
    for _ in read_entries(folder, kinds=()):
        pass


def read_line(file: int, offset: int) -> bytes:
    """Read the line at a known offset of an open segment."""
    raw = b""
    while not raw.endswith(b"\n"):
        part = os.pread(file, max(4096, 4 * len(raw)), offset + len(raw))
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


def sync(path: Path) -> None:
    """Flush a file or folder to disk."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _unreadable(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"{path} cannot be read: {error.strerror or error}", "check its owner and permissions"
    )


def _replaced(path: Path) -> StoreError:
    return StoreError(f"{path} was packed while it was read", "give the same command again")


def _damaged(path: Path, offset: int) -> CorruptJournal:
    with path.open("rb") as file:
        number = file.read(offset).count(b"\n") + 1
        file.seek(0)
        packed = number == 1 and any(_PACKED.search(raw) for raw in file)
    if packed:
        return _without_texts(path, "1d")
    return CorruptJournal(
        f"{path} is damaged at byte {offset} (line {number})",
        f"restore the file from a backup, or drop that one record, so that its work is done again: "
        f"sed -i.bak '{number}d' {path}",
    )


def _without_texts(path: Path, first: str = r'/^{"kind":"texts"/d') -> CorruptJournal:
    drop = first + r';/^{"kind":"[a-z]*","key":"[^"]*","at":[0-9.]*,"zstd":/d'
    return CorruptJournal(
        f"{path} is damaged at byte 0 (line 1): what its packed records have in common is lost",
        f"restore the file from a backup, or drop those records, so that their work is done again: "
        f"sed -i.bak '{drop}' {path}",
    )
