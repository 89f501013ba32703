"""Simulated landscapes for the search, with known truth: documents, edits and their real effects.

A world answers as `Evaluator` and `Proposer`, and alone knows `truth`.

An episode of harness h on document d is accepted with probability sigmoid(ability(h) +
tilt(h)·z(d) + hardness * e(d)); z and e are the document's own, standard normal. The parameters of
each landscape are in `LANDSCAPES`, explained in `Shape`; docs/benchmarks.md says where they come
from.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from random import Random
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from autodata.search.base import Iteration, Proposal
from autodata.types import Candidate, Cell, Outcome, Split

FEATURES = 6
REFERENCE = 4_000
Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Shape:
    """All numbers of a landscape. Effects are in logits of one episode's acceptance.

    There are `ideas` good ideas, each helping once by its own exponential amount of mean
    `good_size`; a share `good` of all edits carries one of them. `harmful` edits hurt by an
    exponential amount of mean `harmful_size`, the rest change next to nothing (standard deviation
    `neutral_size`). Every edit besides moves single documents up and down (`tilt`: standard
    deviation over documents). `sites` > 0: an edit replaces what was at its site, and any two
    sites' contents interact with standard deviation `interaction`. `memorized`: share of edits
    that lift training documents by `memorized_train` and everything else by `memorized_rest`.
    `hacks`: share of edits that let the judge accept bad examples, lifting the measured rate
    alone, by an exponential amount of mean `hack_size`: the number of tricks in a harness that
    work on a bad example is Poisson with the sum of these as mean. `auditor` None: nobody else
    looks. Else as many tricks work on the auditor, and the two numbers have this correlation
    (bivariate Poisson: a share of the tricks works on both). `alarms`: share of good examples to
    which the auditor objects.
    """

    start: float = 0.62
    hardness: float = 1.2
    ideas: int = 4
    good: float = 0.2
    good_size: float = 0.3
    harmful: float = 0.38
    harmful_size: float = 0.3
    neutral_size: float = 0.05
    tilt: float = 0.25
    sites: int = 0
    interaction: float = 0.0
    memorized: float = 0.0
    memorized_train: float = 0.0
    memorized_rest: float = 0.0
    hacks: float = 0.0
    hack_size: float = 0.0
    auditor: float | None = None
    alarms: float = 0.0
    train: int = 50
    validation: int = 100
    test: int = 150


class World(Protocol):
    """One seeded instance of a landscape: evaluator, proposer, documents and the truth."""

    wants_minibatch: bool
    audited: bool
    documents: Mapping[Split, Sequence[str]]
    baseline: Candidate
    spent: int

    async def evaluate(self, candidate: Candidate, cells: Sequence[Cell]) -> list[Outcome]: ...

    async def propose(
        self,
        number: int,
        parent: Candidate,
        minibatch: Sequence[Outcome],
        history: Sequence[Iteration],
        rng: Random,
    ) -> Proposal: ...

    def observe(self, iteration: Iteration) -> None: ...

    def truth(self, candidate: Candidate) -> float:
        """The pass rate on all documents there could be, honestly judged."""
        ...


@dataclass(frozen=True, slots=True)
class Landscape:
    """A name and how to make its world from a seed."""

    name: str
    world: Callable[[int], World]


@dataclass(frozen=True, slots=True)
class _Edit:
    shift: float
    tilt: Numbers
    train: float
    hack: float
    site: int
    content: int


@dataclass(frozen=True, slots=True)
class _State:
    """What a harness is: sums over its edits, the ideas in it, and the edit at each site."""

    shift: float
    tilt: Numbers
    train: float
    hack: float
    ideas: frozenset[int] = frozenset()
    sites: tuple[tuple[int, _Edit], ...] = ()


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
        common = np.random.default_rng(0)
        self._all_features = common.standard_normal((REFERENCE, FEATURES)) / np.sqrt(FEATURES)
        self._all_easiness = shape.hardness * common.standard_normal(REFERENCE)
        self._start = _solve(shape.start, self._all_easiness)
        self.baseline = Candidate("c0", "c0", "baseline")
        self._states = {"baseline": _State(0.0, np.zeros(FEATURES), 0.0, 0.0)}
        self._rates: dict[str, tuple[Numbers, Numbers]] = {}
        self._paid: set[tuple[str, Cell]] = set()
        self._edits: dict[int, _Edit] = {}

    async def evaluate(self, candidate: Candidate, cells: Sequence[Cell]) -> list[Outcome]:
        """Draw outcomes; the same tree and cell always have the same one.

        There is no luck in this world: a null episode is never accepted.
        """
        rates = self._rates.get(candidate.tree)
        if rates is None:
            rates = self._rates[candidate.tree] = self._measured(self._states[candidate.tree])
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

    async def propose(
        self,
        number: int,
        parent: Candidate,
        minibatch: Sequence[Outcome],
        history: Sequence[Iteration],
        rng: Random,
    ) -> Proposal:
        """Apply the stream's edit `number` to whatever parent: the same stream for every policy."""
        edit = self._edit(number)
        tree = f"{parent.tree}+{number}"
        if tree not in self._states:
            self._states[tree] = self._changed(self._states[parent.tree], edit)
        candidate = Candidate(f"c{number}", f"c{number}", tree, parent.id)
        return Proposal("simulated", candidate, edit=f"edit {number}")

    def observe(self, iteration: Iteration) -> None:
        """Nothing is learnt: the stream is fixed."""

    def truth(self, candidate: Candidate) -> float:
        """The pass rate over a large common sample of documents, without the judge's gifts."""
        state = self._states[candidate.tree]
        logits = self._start + self._inner(state) + self._all_features @ state.tilt
        return float(np.mean(1 / (1 + np.exp(-(logits + self._all_easiness)))))

    def _measured(self, state: _State) -> tuple[Numbers, Numbers]:
        """How often each document's example passes the judge, and how often the auditor as well."""
        logits = self._start + self._inner(state) + self._features @ state.tilt + self._easiness
        rates = 1 / (1 + np.exp(-(logits + state.train * self._is_train)))
        shared = (self._shape.auditor or 0.0) * state.hack
        apart = (1 - np.exp(shared - state.hack)) ** 2  # each fooled by a trick of its own
        both = 1 - np.exp(-shared) * (1 - apart)
        return 1 - (1 - rates) * np.exp(-state.hack), rates + (1 - rates) * both

    def _inner(self, state: _State) -> float:
        """The common logit of a harness: its sum of shifts, and what sites do to each other."""
        total = state.shift
        for place, (_, first) in enumerate(state.sites):
            total += first.shift
            for _, second in state.sites[:place]:
                pair = sorted((first.content, second.content))
                total += self._shape.interaction * Random(f"{self._seed}:{pair}").gauss(0.0, 1.0)
        return total

    def _changed(self, state: _State, edit: _Edit) -> _State:
        train, hack = state.train + edit.train, state.hack + edit.hack
        if edit.site < 0:
            if edit.content in state.ideas:
                return _State(state.shift, state.tilt, train, hack, state.ideas)
            ideas = state.ideas | {edit.content}
            return _State(state.shift + edit.shift, state.tilt + edit.tilt, train, hack, ideas)
        sites = dict(state.sites)
        old = sites.get(edit.site)
        tilt = state.tilt + edit.tilt - (old.tilt if old else 0.0)
        sites[edit.site] = edit
        return _State(state.shift, tilt, train, hack, state.ideas, tuple(sorted(sites.items())))

    def _edit(self, number: int) -> _Edit:
        if number not in self._edits:
            self._edits[number] = _draw(self._shape, self._seed, number)
        return self._edits[number]


def _draw(shape: Shape, seed: int, number: int) -> _Edit:
    """Edit `number` of the stream: a good idea (content below zero), a harmful one, or none."""
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
    return _Edit(shift, tilt, memory, shape.hack_size * hack if hacked else 0.0, site, content)


def _solve(rate: float, easiness: Numbers) -> float:
    """The logit at which the mean pass rate over these documents is `rate`."""
    low, high = -10.0, 10.0
    for _ in range(50):
        middle = (low + high) / 2
        if np.mean(1 / (1 + np.exp(-(middle + easiness)))) < rate:
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


SHAPES: dict[str, Shape] = {
    "null": Shape(good=0.0, harmful=0.0, neutral_size=0.0, tilt=0.0),
    "gentle": Shape(),
    "rugged": Shape(sites=6, interaction=0.06),
    "deceptive": Shape(memorized=0.3, memorized_train=0.6, memorized_rest=-0.3),
    "hacks": Shape(hacks=0.15, hack_size=0.15),
    "hacks-audited-0": Shape(hacks=0.15, hack_size=0.15, auditor=0.0),
    "hacks-audited-.3": Shape(hacks=0.15, hack_size=0.15, auditor=0.3),
    "hacks-audited-.6": Shape(hacks=0.15, hack_size=0.15, auditor=0.6),
}


def _landscape(name: str, shape: Shape) -> Landscape:
    return Landscape(name, lambda seed: SimulatedWorld(shape, seed))


LANDSCAPES: dict[str, Landscape] = {name: _landscape(name, shape) for name, shape in SHAPES.items()}
