"""The journal as those see it who record facts and read them back."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from autodata.store.journal import Record
from autodata.types import Json


class Facts(Protocol):
    """The part of a journal that running needs: `Journal`, or one that is only compared with."""

    folder: Path

    def find(self, kind: str, key: str) -> Json | None: ...

    async def append(self, kind: str, key: str, body: Json) -> None: ...

    async def once(self, kind: str, key: str, body: Json) -> Json: ...

    def records(self, *kinds: str) -> Iterator[Record]: ...
