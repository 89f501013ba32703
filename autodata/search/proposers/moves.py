"""Moves of one knob each, as a merging search wants them: none is proposed twice.

A knob's value excludes its other values, so that each is an edit to be compared with them; sets of
edits combine the moves of several knobs.
"""

from collections.abc import Iterable, Iterator, Mapping
from random import Random

from autodata.harness.knobs import Knob
from autodata.harness.spec import Harness
from autodata.search.proposers.base import Sets
from autodata.types import Candidate, KnobValue

TRIES = 8
"""Suggestions before one of the values is taken that are left."""
FEW_VALUES = 1_000
"""Values of a knob up to which those that are left are looked through."""


class KnobMoves:
    """Draws moves; what it remembers is the same on every resume."""

    def __init__(self, baseline: Harness, sets: Sets) -> None:
        self._knobs = baseline.knobs
        self._sets = sets
        self._tried: set[tuple[str, KnobValue]] = set()
        self.note([baseline.values])

    def note(self, settings: Iterable[Mapping[str, KnobValue]]) -> None:
        """Take every value in these settings for tried."""
        self._tried.update(item for setting in settings for item in setting.items())

    def draw(self, parent: Candidate, rng: Random) -> dict[str, KnobValue] | None:
        """Return the parent's values with one that was never tried; None: no value is left."""
        for _ in range(TRIES):
            name = rng.choice(sorted(self._knobs))
            value = self._sets.move(name, rng.randrange(2**32))
            if (name, value) not in self._tried:
                break
        else:
            left = [move for move in self._all() if move not in self._tried]
            if not left:
                return None
            name, value = rng.choice(left)
        self._tried.add((name, value))
        return {**parent.knobs, name: value}

    def _all(self) -> Iterator[tuple[str, KnobValue]]:
        """Yield all moves of knobs that have few values."""
        for name, knob in sorted(self._knobs.items()):
            yield from ((name, value) for value in _values(knob))


def _values(knob: Knob) -> Iterable[KnobValue]:
    if knob.type == "bool":
        return (False, True)
    if knob.low is None or knob.high is None:
        return knob.choices
    few = knob.type == "int" and knob.high - knob.low <= FEW_VALUES
    return range(int(knob.low), int(knob.high) + 1) if few else ()
