"""The sealed parts of a run's journal: which bytes of it are in Parquet, and where.

Sealed rows lie in
`runs/<id>/tables/<schema>/<segment>-<bytes>-<crc>/<table>.parquet`, those of test documents beside
them in `test/`, and stand for exactly the first `bytes` bytes of that segment, which end in the
line with checksum `crc`. So nothing is counted twice, whoever seals and whenever, and a mended
journal is sealed anew.
"""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from autodata.store import lines
from autodata.store.audience import ends_search
from autodata.store.facts import Fact, fact_of
from autodata.store.format import Record

TEST = "test"  # a folder in a sealed folder: rows of test documents
ENDED = "ended"  # a file in a sealed folder: there the run's search ended
_CRC = slice(-11, -3)  # where a line has its checksum


@dataclass(frozen=True, slots=True)
class Part:
    """A segment: its first `size` bytes are sealed in `folder` (0: nothing is)."""

    path: Path
    last: bool
    folder: Path
    size: int

    @property
    def grown(self) -> bool:
        """There is something that is not sealed."""
        return self.path.stat().st_size > self.size

    @property
    def ended(self) -> bool:
        """The run's search ended in this segment, whether that is sealed or not."""
        if self.size and (self.folder / ENDED).exists():
            return True
        unsealed = lines.scan(self.path, last=self.last, start=self.size)
        return any(ends_search(line) for line in unsealed)

    def live(self) -> Iterator[Fact[Record]]:
        """Yield the facts that are not sealed."""
        run = self.path.parents[1]
        unsealed = lines.scan(self.path, last=self.last, start=self.size)
        return (fact_of(line.entry(), run) for line in unsealed)


def parts(run: Path, version: str) -> list[Part]:
    """Return a run's segments with what is sealed of each under this version of the schema."""
    paths = lines.segments(run / "journal")
    tables = run / "tables" / version
    folders = defaultdict(list)
    for folder in tables.glob("[0-9]*-*-*"):
        folders[folder.name.split("-")[0]].append(folder)
    segments = []
    for path in paths:
        best = Part(path, path == paths[-1], tables, 0)
        for folder in folders[path.stem]:
            _, size, crc = folder.name.split("-")
            if int(size) > best.size and _crc_at(path, int(size)) == crc.encode():
                best = Part(path, best.last, folder, int(size))
        segments.append(best)
    return segments


def _crc_at(path: Path, size: int) -> bytes:
    """Return the checksum in the line that ends at byte `size`: is this still what was sealed?"""
    with suppress(OSError), path.open("rb") as file:  # who reads its lines names what is wrong
        file.seek(size - len('00000000"}\n'))
        return file.read(8)
    return b""


def sealed_name(path: Path, last_line: lines.Line) -> str:
    """Return the folder name for a segment that is sealed up to and with this line."""
    size = last_line.offset + len(last_line.raw)
    return f"{path.stem}-{size}-{last_line.raw[_CRC].decode()}"
