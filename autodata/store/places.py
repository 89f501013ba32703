"""An in-memory index from record keys to places on disk, so that a million calls stay cheap.

A hash table of 16 bytes a slot; a place is a segment number and a byte offset.
"""

from array import array

_OFFSET_BITS = 40


class Places:
    """Maps a kind and key to the place of its latest record.

    Only a 64-bit hash of them is kept: whoever reads a place checks that it is the right record.
    """

    def __init__(self) -> None:
        self._resize(1 << 14)

    def put(self, kind: str, key: str, segment: int, offset: int) -> None:
        """Remember a place; it replaces an earlier one of the same kind and key."""
        if 2 * self._used >= len(self._hashes):
            self._grow()
        self._insert(_hash(kind, key), segment << _OFFSET_BITS | offset)

    def get(self, kind: str, key: str) -> tuple[int, int] | None:
        """Return segment number and offset, or None."""
        value = self._values[self._slot(_hash(kind, key))]
        return (value >> _OFFSET_BITS, value & (1 << _OFFSET_BITS) - 1) if value else None

    def _insert(self, key: int, value: int) -> None:
        slot = self._slot(key)
        self._used += not self._values[slot]
        self._hashes[slot] = key
        self._values[slot] = value

    def _slot(self, key: int) -> int:
        mask = len(self._hashes) - 1
        slot = key & mask
        while self._values[slot] and self._hashes[slot] != key:
            slot = slot + 1 & mask
        return slot

    def _resize(self, slots: int) -> None:
        self._hashes = array("Q", bytes(8 * slots))
        self._values = array("Q", bytes(8 * slots))
        self._used = 0

    def _grow(self) -> None:
        hashes, values = self._hashes, self._values
        self._resize(2 * len(hashes))
        for key, value in zip(hashes, values, strict=True):
            if value:
                self._insert(key, value)


def _hash(kind: str, key: str) -> int:
    return hash((kind, key)) & 0xFFFF_FFFF_FFFF_FFFF
