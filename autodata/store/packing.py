"""Compression of a journal's full segments: the same lines in a sixth of the room.

A packed segment is lines like any other: scanned, checked and dropped alike. Only the first is
added, of kind `texts`: what its records have in common, such as the documents asked about. A line
of a bulky kind has, in place of its `body`, the same compressed against these texts, as `zstd`.
"""

import base64
import binascii
import os
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

import zstandard

from autodata.errors import AutodataError
from autodata.store import lines
from autodata.store.lines import sync

_LEVEL = 9  # 12 packs 3 % more in twice the time, 6 a tenth less in half of it
_SHORTEST = 32  # bytes of a text that is worth a reference
_SHORTEST_QUOTED = 64
_SAMPLE = 20  # every so many lines are known to the dictionary whole: they show what lines are like
_WORTH = 0.7  # of the room, or less, is what packing must come to


class Unpacker:
    """Decompresses what was compressed against these texts."""

    def __init__(self, texts: bytes) -> None:
        kind = zstandard.DICT_TYPE_RAWCONTENT
        dictionary = zstandard.ZstdCompressionDict(texts, dict_type=kind)
        self._engine = zstandard.ZstdDecompressor(dict_data=dictionary)

    @classmethod
    def of(cls, packed: str) -> "Unpacker":
        """Read the texts as a segment keeps them."""
        return cls(zstandard.ZstdDecompressor().decompress(base64.b64decode(packed)))

    def unpack(self, packed: str) -> bytes:
        """Return the JSON of a body.

        Raises:
            ValueError: it is not what was compressed against these texts.
        """
        try:
            return self._engine.decompress(binascii.a2b_base64(packed))
        except zstandard.ZstdError as error:
            raise ValueError(str(error)) from error


def pack(path: Path, kinds: Collection[str]) -> bool:
    """Pack a segment that nobody writes any more; return whether that was done.

    The packed file takes the place of the first in one step, once it is on disk and was read back.
    Whoever has the first open goes on reading that. Nothing is done where it would not help.

    Raises:
        OSError: the disk is full or failed; the segment is as it was.
        StoreError: it cannot be read.
    """
    if lines.is_packed(path):
        return False
    segment = list(lines.scan(path, last=False))
    bulky = [line.raw for line in segment if line.kind in kinds]
    packer = _Packer(_in_common(bulky))
    packed = [packer.line(line.raw) if line.kind in kinds else line.raw for line in segment]
    text = b"".join([packer.head(), *packed])
    if len(text) > _WORTH * path.stat().st_size:
        return False
    making = path.with_suffix(".packing")
    try:
        with making.open("wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        again = zip(segment, lines.scan(making, last=False), strict=True)
        if any(one.entry() != other.entry() for one, other in again):
            return False
        making.rename(path)
        sync(path.parent)
    finally:
        making.unlink(missing_ok=True)
    return True


def pack_quietly(path: Path, kinds: Collection[str]) -> bool:
    """Pack a segment if that can be done; it is as good as it was where it cannot."""
    with suppress(OSError, ValueError, AutodataError, MemoryError, zstandard.ZstdError):
        return pack(path, kinds)
    return False


class _Packer:
    def __init__(self, texts: bytes) -> None:
        self._texts = texts
        dictionary = zstandard.ZstdCompressionDict(texts, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
        dictionary.precompute_compress(level=_LEVEL)
        self._engine = zstandard.ZstdCompressor(
            level=_LEVEL, dict_data=dictionary, write_checksum=True, write_dict_id=False
        )

    def head(self) -> bytes:
        """Return the line with the texts."""
        engine = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True)
        packed = base64.b64encode(engine.compress(self._texts)).decode()
        return lines.encode(lines.Entry(lines.TEXTS, "", 0.0, {"zstd": packed}))

    def line(self, raw: bytes) -> bytes:
        """Return a line with its body packed, or as it is if that is shorter."""
        head, body = lines.parted(raw)
        packed = base64.b64encode(self._engine.compress(body))
        line = lines.signed(b'%b"zstd":"%b"' % (head, packed))
        return min(raw, line, key=len)


def _in_common(bodies: list[bytes]) -> bytes:
    """Return the texts that occur in more than one of these lines, and all those of some lines."""
    seen: dict[bytes, bool] = {}
    for number, raw in enumerate(bodies):
        for text in raw.split(rb"\n"):
            if len(text) >= _SHORTEST:
                seen[text] = text in seen or number % _SAMPLE == 0
            if b'"' in text:
                for quoted in text.split(b'"'):
                    if len(quoted) >= _SHORTEST_QUOTED:
                        seen[quoted] = quoted in seen
    return rb"\n".join(text for text, common in seen.items() if common)
