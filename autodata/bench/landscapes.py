"""Simulated landscapes for the search, with known truth: documents, edits and their real effects.

A world answers as `Evaluator`, `Proposer` and `Merger`, and alone knows `truth`.

An episode of harness h on document d is accepted with probability sigmoid(ability(h) +
tilt(h)·z(d) + hardness * e(d)); z and e are the document's own, standard normal. The numbers of
each landscape are in `bench.shapes`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import combinations
from math import sqrt
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from autodata.bench.edits import EMPTY, FEATURES, Edits, SimulatedHarness
from autodata.bench.shapes import SHAPES, Shape
from autodata.search.base import Brief, Iteration, Proposal
from autodata.search.effects import Numbers
from autodata.types import Candidate, Cell, Outcome, Split

POINTS, WEIGHTS = np.polynomial.hermite_e.hermegauss(40)
"""Of the mean over documents: their difficulty is normal, and 40 points are exact to 1e-6."""


class World(Protocol):
    """One seeded instance of a landscape: evaluator, proposer, merger, documents and the truth."""

    wants_minibatch: bool
    audited: bool
    documents: Mapping[Split, Sequence[str]]
    baseline: Candidate
    spent: int

    async def evaluate(self, candidate: Candidate, cells: Sequence[Cell]) -> list[Outcome]: ...

    async def propose(self, brief: Brief) -> Proposal: ...

    def observe(self, iteration: Iteration) -> None: ...

    def measured(
        self, candidate: Candidate, edits: tuple[int, ...], outcomes: Sequence[Outcome]
    ) -> None: ...

    async def merge(self, name: str, edits: Sequence[Candidate]) -> Candidate | None: ...

    async def tree(self, edits: Sequence[Candidate]) -> str | None: ...

    def truth(self, candidate: Candidate) -> float:
        """The pass rate on all documents there could be, honestly judged."""
        ...


@dataclass(frozen=True, slots=True)
class Landscape:
    """A name and how to make its world from a seed."""

    name: str
    world: Callable[[int], World]


class SimulatedWorld:
    """A world of one `Shape`: all follows from the seed, whoever asks and in whatever order."""

    wants_minibatch = True

    def __init__(self, shape: Shape, seed: int) -> None:
        self._shape = shape
        self._seed = seed
        self.audited = shape.auditor is not None
        self.spent = 0
        self.documents: Mapping[Split, Sequence[str]] = {
            "train": [f"train-{i}" for i in range(shape.train)],
            "validation": [f"validation-{i}" for i in range(shape.validation)],
            "test": [f"test-{i}" for i in range(shape.test)],
        }
        draw = np.random.default_rng([seed, 1])
        total = shape.train + shape.validation + shape.test
        self._features = draw.standard_normal((total, FEATURES)) / np.sqrt(FEATURES)
        self._easiness = shape.hardness * draw.standard_normal(total)
        names = [name for split in self.documents.values() for name in split]
        self._row = {name: row for row, name in enumerate(names)}
        self._is_train = np.arange(total) < shape.train
        self._start = _solve(shape.start, shape.hardness)
        self.baseline = Candidate("c0", "c0", "baseline")
        self._edits = Edits(shape, seed)
        self._parts: dict[str, tuple[int, ...]] = {"baseline": ()}
        self._states: dict[tuple[int, ...], SimulatedHarness] = {(): EMPTY}
        self._rates: dict[str, tuple[Numbers, Numbers]] = {}
        self._paid: set[tuple[str, Cell]] = set()
        self._written_on: dict[int, frozenset[int]] = {}

    async def evaluate(self, candidate: Candidate, cells: Sequence[Cell]) -> list[Outcome]:
        """Draw outcomes; the same tree and cell always have the same one.

        There is no luck in this world: a null episode is paid for and never accepted.
        """
        rates = self._rates.get(candidate.tree)
        if rates is None:
            rates = self._rates[candidate.tree] = self._measured(self._state(candidate))
        self._paid.update((candidate.tree, cell) for cell in cells)
        self.spent = len(self._paid)
        rows = np.fromiter((self._row[c.document_id] for c in cells), np.uint64, len(cells))
        repeats = np.fromiter((abs(c.repeat) for c in cells), np.uint64, len(cells))
        null = np.fromiter((c.null for c in cells), np.bool_, len(cells))
        key = int(sha256(f"{self._seed}:{candidate.tree}".encode()).hexdigest()[:16], 16)
        luck = _uniform(key, rows, repeats)
        accepted, held = ((luck < found[rows]) & ~null for found in rates)
        if self._shape.alarms:
            held &= _uniform(key + 1, rows, repeats) >= self._shape.alarms
        return [
            Outcome(cell, bool(a), held=bool(h) if a and self.audited else None)
            for cell, a, h in zip(cells, accepted, held, strict=True)
        ]

    async def propose(self, brief: Brief) -> Proposal:
        """Apply the stream's edit `number` to whatever parent: the same stream for every policy.

        An edit that is written anew keeps its effect; where its site is taken it only replaces what
        is there, and is refused.
        """
        number, parent = brief.number, brief.parent
        parts = self._parts[parent.tree]
        if brief.rewrite:
            old = brief.rewrite.number
            site = self._edits[old].site
            if site >= 0 and site in (self._edits[part].site for part in parts):
                return Proposal("simulated", None, refused="its place is taken by another edit")
            self._edits.rewrite(number, old)
        self._written_on[number] = self._written_on.get(number, frozenset()) | frozenset(parts)
        tree = f"{parent.tree}+{number}"
        self._parts[tree] = (*parts, number)
        candidate = Candidate(f"c{number}", f"c{number}", tree, parent.id)
        return Proposal("simulated", candidate, edit=f"edit {number}")

    def observe(self, iteration: Iteration) -> None:
        """Nothing is learnt: the stream is fixed."""

    def measured(
        self, candidate: Candidate, edits: tuple[int, ...], outcomes: Sequence[Outcome]
    ) -> None:
        """Nothing is learnt here either."""

    async def merge(self, name: str, edits: Sequence[Candidate]) -> Candidate | None:
        """The baseline with these edits in order of their numbers; None where they do not fit."""
        tree = await self.tree(edits)
        return Candidate(name, name, tree, self.baseline.id) if tree else None

    async def tree(self, edits: Sequence[Candidate]) -> str | None:
        """Return the tree of that."""
        numbers = self._numbers(edits)
        if not self._fit(numbers):
            return None
        tree = "+".join(("baseline", *map(str, numbers)))
        self._parts[tree] = numbers
        return tree

    def truth(self, candidate: Candidate) -> float:
        """The exact pass rate over all documents, without the judge's gifts."""
        state = self._state(candidate)
        logit = self._start + self._edits.ability(state)
        spread = sqrt(self._shape.hardness**2 + float(state.tilt @ state.tilt) / FEATURES)
        return _pass_rate(logit, spread)

    def _numbers(self, edits: Sequence[Candidate]) -> tuple[int, ...]:
        """The number of each edit, which is the last part of the harness that it was made as."""
        return tuple(sorted(self._parts[edit.tree][-1] for edit in edits))

    def _fit(self, numbers: tuple[int, ...]) -> bool:
        """No two touch the same lines, unless one was written on top of the other; all is there
        that one was written on top of and touches."""
        chosen = frozenset(numbers)
        missing = ((n, on) for n in numbers for on in self._written_on[n] - chosen)
        return not any(self._edits.clash(*pair) for pair in missing) and not any(
            one not in self._written_on[other]
            and other not in self._written_on[one]
            and self._edits.clash(one, other)
            for one, other in combinations(numbers, 2)
        )

    def _state(self, candidate: Candidate) -> SimulatedHarness:
        return self._state_of(self._parts[candidate.tree])

    def _state_of(self, parts: tuple[int, ...]) -> SimulatedHarness:
        if parts not in self._states:
            self._states[parts] = self._edits.apply(self._state_of(parts[:-1]), parts[-1])
        return self._states[parts]

    def _measured(self, state: SimulatedHarness) -> tuple[Numbers, Numbers]:
        """How often each document's example passes the judge, and how often the auditor as well."""
        ability = self._start + self._edits.ability(state)
        logits = ability + self._features @ state.tilt + self._easiness
        rates = 1 / (1 + np.exp(-(logits + state.train * self._is_train)))
        shared = (self._shape.auditor or 0.0) * state.hack
        apart = (1 - np.exp(shared - state.hack)) ** 2  # each fooled by a trick of its own
        both = 1 - np.exp(-shared) * (1 - apart)
        return 1 - (1 - rates) * np.exp(-state.hack), rates + (1 - rates) * both


def _pass_rate(logit: float, spread: float) -> float:
    """The mean pass rate of documents whose difficulty is normal with this spread."""
    rates = 1 / (1 + np.exp(-(logit + spread * POINTS)))
    return float(rates @ WEIGHTS / WEIGHTS.sum())


def _solve(rate: float, spread: float) -> float:
    """The logit at which the mean pass rate over all documents is `rate`."""
    low, high = -20.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        if _pass_rate(middle, spread) < rate:
            low = middle
        else:
            high = middle
    return low


def _uniform(key: int, rows: NDArray[np.uint64], repeats: NDArray[np.uint64]) -> Numbers:
    """Uniform numbers from integers, the same on every machine (splitmix64)."""
    mixed = rows * np.uint64(0x9E3779B97F4A7C15) + repeats * np.uint64(0xD1B54A32D192ED03)
    mixed = mixed + np.uint64(key)
    for _ in range(2):
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed = mixed ^ (mixed >> np.uint64(31))
    return (mixed >> np.uint64(11)).astype(np.float64) / 2.0**53


@dataclass(frozen=True, slots=True)
class ShapedWorlds:
    """Makes the worlds of one shape; it can be sent to another process."""

    shape: Shape

    def __call__(self, seed: int) -> SimulatedWorld:
        return SimulatedWorld(self.shape, seed)


LANDSCAPES: dict[str, Landscape] = {
    name: Landscape(name, ShapedWorlds(shape)) for name, shape in SHAPES.items()
}


def with_clashes(landscape: Landscape, share: float) -> Landscape:
    """The landscape in which this share of pairs of edits does not merge."""
    worlds = landscape.world
    if not isinstance(worlds, ShapedWorlds):
        return landscape
    return replace(landscape, world=ShapedWorlds(replace(worlds.shape, clashes=share)))
