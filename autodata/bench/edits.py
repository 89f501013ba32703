"""The edits of a simulated landscape, and what a harness is that has some of them.

All of an edit follows from shape, seed and number. Knows nothing of documents or episodes.
"""

from dataclasses import dataclass, replace
from random import Random

import numpy as np

from autodata.bench.shapes import Shape
from autodata.search.effects import Numbers

FEATURES = 6


@dataclass(frozen=True, slots=True)
class SimulatedEdit:
    """One edit: what it adds, where it stands, and its content (below zero: a good idea)."""

    shift: float
    tilt: Numbers
    train: float
    hack: float
    site: int
    content: int


@dataclass(frozen=True, slots=True)
class SimulatedHarness:
    """What a harness is: sums over its edits, the contents in it, and the edit at each site."""

    shift: float
    tilt: Numbers
    train: float
    hack: float
    contents: frozenset[int] = frozenset()
    sites: tuple[tuple[int, SimulatedEdit], ...] = ()


EMPTY = SimulatedHarness(0.0, np.zeros(FEATURES), 0.0, 0.0)


class Edits:
    """The stream of edits of one seed, and their effects on each other."""

    def __init__(self, shape: Shape, seed: int) -> None:
        self._shape = shape
        self._seed = seed
        self._drawn: dict[int, SimulatedEdit] = {}
        self._clashes: dict[tuple[int, int], bool] = {}
        self._first: dict[int, int] = {}

    def __getitem__(self, number: int) -> SimulatedEdit:
        if number not in self._drawn:
            self._drawn[number] = self._draw(number)
        return self._drawn[number]

    def rewrite(self, number: int, old: int) -> None:
        """Let edit `number` be edit `old` written anew: what it does and the lines it touches."""
        self._drawn[number] = self[old]
        self._first[number] = self._first.get(old, old)

    def clash(self, one: int, other: int) -> bool:
        """Whether the diffs of two edits touch the same lines."""
        one, other = self._first.get(one, one), self._first.get(other, other)
        pair = (one, other) if one < other else (other, one)
        if pair not in self._clashes:
            first, second = self[one], self[other]
            same = one == other or (first.site >= 0 and first.site == second.site)
            drawn = Random(f"{self._seed}:clash:{pair}").random()
            self._clashes[pair] = same or drawn < self._shape.clashes
        return self._clashes[pair]

    def apply(self, state: SimulatedHarness, number: int) -> SimulatedHarness:
        """Return the harness with one more edit; an idea that it has already adds nothing."""
        edit = self[number]
        state = replace(state, train=state.train + edit.train, hack=state.hack + edit.hack)
        if edit.site < 0:
            if edit.content in state.contents:
                return state
            return replace(
                state,
                shift=state.shift + edit.shift + self._pairs(edit, state),
                tilt=state.tilt + edit.tilt,
                contents=state.contents | {edit.content},
            )
        sites = dict(state.sites)
        old = sites.get(edit.site)
        tilt = state.tilt + edit.tilt - (old.tilt if old else 0.0)
        sites[edit.site] = edit
        return replace(state, tilt=tilt, sites=tuple(sorted(sites.items())))

    def ability(self, state: SimulatedHarness) -> float:
        """The common logit of a harness: its sum of shifts, and what sites do to each other."""
        total = state.shift
        for place, (_, first) in enumerate(state.sites):
            total += first.shift
            for _, second in state.sites[:place]:
                pair = sorted((first.content, second.content))
                total += self._shape.interaction * Random(f"{self._seed}:{pair}").gauss(0.0, 1.0)
        return total

    def _pairs(self, edit: SimulatedEdit, state: SimulatedHarness) -> float:
        """What one more content does together with those that are in a harness already."""
        mean, sd = self._shape.pair_mean, self._shape.pair_sd
        if not (mean or sd):
            return 0.0
        pairs = (sorted((edit.content, other)) for other in sorted(state.contents))
        return sum(mean + sd * Random(f"{self._seed}:pair:{p}").gauss(0.0, 1.0) for p in pairs)

    def _draw(self, number: int) -> SimulatedEdit:
        """SimulatedEdit `number` of the stream: a good idea, a harmful one, or none."""
        shape, seed = self._shape, self._seed
        rng = Random(f"{seed}:edit:{number}")
        kind, content = rng.random(), number
        if kind < shape.good:
            content = -1 - rng.randrange(shape.ideas)
        trick, hack, memory = rng.random(), rng.expovariate(1.0), 0.0
        own = Random(f"{seed}:content:{content}")
        size = own.expovariate(1.0)
        if content < 0:
            shift = shape.good_size * size
        elif kind < shape.good + shape.harmful:
            shift = -shape.harmful_size * size
        else:
            shift = own.gauss(0.0, shape.neutral_size)
        tilt = np.array([own.gauss(0.0, shape.tilt) for _ in range(FEATURES)])
        if trick < shape.memorized:
            memory = shape.memorized_train - shape.memorized_rest
            shift += shape.memorized_rest
        hacked = shape.memorized <= trick < shape.memorized + shape.hacks
        site = own.randrange(shape.sites) if shape.sites else -1
        return SimulatedEdit(
            shift, tilt, memory, shape.hack_size * hack if hacked else 0.0, site, content
        )
