"""How a record of a journal is written as JSON and read back, whichever version wrote it.

To change a kind: raise its `VERSION`, and give `UPGRADES` a function that makes the body of the
version before into one of the new. A body says under `format` which version it is of, and nothing
where that is 1. An earlier one is read through these functions for ever; a later one is refused.
"""

import json
from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Self

from autodata.errors import StoreError
from autodata.store import strict
from autodata.types import Json

FORMAT = "format"
# What a bundle for a bug report may tell of a record, beside its numbers; see `jobs.bundle`.
OWN_WORDS, QUOTING, INSIDE = "own words", "may quote anything", "looked into"
Word = Annotated[str, OWN_WORDS]
Quote = Annotated[str, QUOTING]


class Record:
    """A fact of a run as its journal keeps it."""

    __slots__ = ()
    KIND: ClassVar[str]
    VERSION: ClassVar[int] = 1
    UPGRADES: ClassVar[Mapping[int, Callable[[Json], Json]]] = {}

    def to_json(self) -> Json:
        """Return the body under which it is journaled."""
        body = strict.write(self)
        return body if self.VERSION == 1 else {FORMAT: self.VERSION, **body}

    @classmethod
    def from_json(cls, body: Json) -> Self:
        """Read a body, upgraded where an earlier version wrote it.

        Raises:
            StoreError: a later version wrote it, or it is none of its version; says which.
        """
        version = cls.VERSION
        try:
            if FORMAT in body or version != 1:
                version = body.get(FORMAT, 1)
                body = _upgraded(cls, version, body)
            return strict.read(cls, body)
        except strict.NotOfThisClass as error:
            raise cls.none_of(error, version) from error

    @classmethod
    def none_of(cls, error: strict.NotOfThisClass, version: int | None = None) -> StoreError:
        """Return the error that something is no record of this kind and version."""
        return StoreError(
            f"no record of kind {cls.KIND}, version {version or cls.VERSION}: {error}",
            "was it changed by hand? restore the journal from a backup",
        )


def _upgraded(cls: type[Record], version: Any, body: Json) -> Json:
    if type(version) is not int or not 1 <= version <= cls.VERSION:
        raise StoreError(
            f"a record of kind {cls.KIND}, version {version}; "
            f"this autodata reads versions up to {cls.VERSION}",
            "use the autodata that wrote it, or a newer one",
        )
    body = {name: value for name, value in body.items() if name != FORMAT}
    for number in range(version, cls.VERSION):
        body = cls.UPGRADES[number](body)
    return body


def difference(new: Record, journaled: Record) -> str:
    """Say where a record differs from the journaled one apart from times, or return nothing."""
    return difference_of(new.to_json(), journaled.to_json())


def difference_of(new: Json, old: Json) -> str:
    """Say where JSON differs apart from times, or return nothing."""
    found = _difference(json.loads(json.dumps(new)), json.loads(json.dumps(old)))
    return f"its body{found}" if found.startswith(" ") else found.removeprefix(".")


def _difference(new: Any, old: Any) -> str:
    """Return the first place that differs with what stands there, or nothing."""
    if isinstance(new, dict) and isinstance(old, dict):
        for name in {**new, **old}:
            if not _is_time(name) and (inner := _difference(new.get(name), old.get(name))):
                return f".{name}{inner}"
        return ""
    if isinstance(new, list) and isinstance(old, list) and len(new) == len(old):
        for i, (a, b) in enumerate(zip(new, old, strict=True)):
            if inner := _difference(a, b):
                return f"[{i}]{inner}"
        return ""
    if isinstance(new, str) and isinstance(old, str) and new == old:
        return ""
    told, was = json.dumps(new), json.dumps(old)
    return "" if told == was else f" is {told:.200}, was {was:.200}"


def _is_time(name: str) -> bool:
    return name in ("at", "seconds") or name.endswith(("_at", "_seconds"))
