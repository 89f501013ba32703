"""One model of what all edits do, learnt from every episode: a Bayesian linear regression.

The value of an episode is the level, plus what its document adds, plus the effects of the edits in
its harness, plus noise. Documents are drawn from a population, effects from N(drift, spread^2).
Both widths, the drift and the noise are learnt from the run (empirical Bayes; B. Efron, Large-scale
inference, 2010, ch. 1). Two more kinds of columns let the model bend: *crowding*, what each pair of
edits in a harness does on average, and the interaction of a pair that misfits. Documents are
integrated out, so an update is one inverse of the size of all columns.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import sqrt

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Pair = tuple[int, int]

DRIFT, SPREAD, STRENGTH = -0.01, 0.07, 6.0
"""The belief about edits before any is seen, and how many seen edits outweigh it."""
LEVEL, LEVEL_SD = 0.5, 0.4
CROWDING_SD = 0.004
TAU2, TAU2_STRENGTH = 0.03, 10.0
"""The variance of documents before any is seen, and how many seen documents outweigh it."""
LEAST_NOISE = 0.03
LEAST_SPREAD = 0.01
_LOOKED_AT = 6
"""Pairs that are tested at a time for an effect of their own: those that miss the model most."""
_FIXED = 2  # columns that are no edit's: the level and crowding


class Effects:
    """The posterior of all effects; edits are columns 0, 1, ... in the order of `grow`."""

    def __init__(self, documents: int) -> None:
        self.edits = 0
        self.pairs: list[Pair] = []
        self.drift, self.spread, self.tau2, self.noise = DRIFT, SPREAD, TAU2, 0.2
        self._documents = documents
        self._rows: list[int] = []
        self._sets: list[frozenset[int]] = []
        self._values: list[float] = []
        self._counted = 0
        self._places: dict[int | Pair, int] = {}  # the column of each edit and pair
        self._root: Numbers | None = None
        self._count = np.zeros(documents)
        self._sums = np.zeros(documents)
        self._squares = 0.0
        self._by_document = np.zeros((documents, _FIXED))
        self._gram = np.zeros((_FIXED, _FIXED))
        self._moment = np.zeros(_FIXED)
        self.mean = np.array([LEVEL, 0.0])
        self.covariance = np.diag([LEVEL_SD**2, CROWDING_SD**2])
        self._easiness = np.zeros(documents)
        self._easiness_variance = np.full(documents, TAU2)

    def grow(self, edits: int) -> None:
        """Add columns for so many edits more."""
        for _ in range(edits):
            self._places[self.edits] = _FIXED + len(self._places)
            self.edits += 1
        self._widen(edits)

    def add(self, document: int, edits: Iterable[int], value: float) -> None:
        """Add an episode on a document with these edits in its harness; `update` learns from it."""
        self._rows.append(document)
        self._sets.append(frozenset(edits))
        self._values.append(value)

    def update(self, rounds: int = 2) -> None:
        """Learn from all that was added."""
        self._count_new()
        for _ in range(rounds):
            self._solve()
            self._learn()
        self._solve()

    def columns(self) -> Mapping[int | Pair, int]:
        """Return the places of all effects in `mean`."""
        return self._places

    def weights(self, edits: Sequence[int]) -> Numbers:
        """Return what a set of edits counts of each column, the level not among it."""
        row = self._row(frozenset(edits))
        row[0] = 0.0
        return row

    def added(self, edits: Sequence[int], more: int) -> Numbers:
        """Return what one edit counts beside others: its column, and what it shares with them."""
        return self.weights([*edits, more]) - self.weights(edits)

    def of(self, weights: Numbers) -> tuple[float, float]:
        """Return the posterior mean and standard deviation of a weighted sum of columns."""
        return float(weights @ self.mean), sqrt(
            max(0.0, float(weights @ self.covariance @ weights))
        )

    def draw(self, noise: Numbers, width: float) -> Numbers:
        """Return a draw of all columns from the posterior, `width` times as wide, from N(0, 1)s."""
        if self._root is None:
            self._root = _root_of(self.covariance)
        return np.asarray(self.mean + width * self._root @ noise)

    def fitted(self, document: int, edits: Iterable[int]) -> float:
        """Return the value expected of an episode."""
        return float(self._row(frozenset(edits)) @ self.mean + self._easiness[document])

    def misfits(self, among: Sequence[int], least: int, bar: float) -> list[Pair]:
        """Return the pairs of these edits whose episodes together miss the model, the worst first.

        At least `least` episodes had both, and their residuals are together `bar` standard errors
        off: a score test of the pair's own effect (C. R. Rao, 1948).
        """
        place = {edit: column for column, edit in enumerate(among)}
        inside = np.zeros((len(self._sets), len(among)))
        for row, edits in enumerate(self._sets):
            inside[row, [place[edit] for edit in edits if edit in place]] = 1.0
        known: dict[frozenset[int], float] = {}
        for edits in self._sets:
            if edits not in known:
                known[edits] = float(self._row(edits) @ self.mean)
        expected = np.array([known[edits] for edits in self._sets]) + self._easiness[self._rows]
        residuals = np.array(self._values) - expected
        counts, sums = inside.T @ inside, inside.T @ (inside * residuals[:, None])
        rough = np.triu(np.abs(sums) / np.sqrt(np.maximum(counts, 1) * self.noise), 1)
        rough[counts < least] = 0.0
        found = {}
        for flat in np.argsort(-rough, axis=None, kind="stable")[:_LOOKED_AT]:
            first, second = divmod(int(flat), len(among))
            pair = (min(among[first], among[second]), max(among[first], among[second]))
            if rough[first, second] > 0 and pair not in self.pairs:
                both = np.flatnonzero(inside[:, first] * inside[:, second])
                score = abs(float(sums[first, second])) / sqrt(self._left_over(both))
                if score > bar:
                    found[pair] = score
        return sorted(found, key=lambda pair: (-found[pair], pair))

    def _left_over(self, episodes: NDArray[np.intp]) -> float:
        """Return the variance of the sum of these episodes' residuals, given what was learnt."""
        shared = np.zeros(len(self.mean))
        documents = np.zeros(self._documents)
        for episode in episodes:
            shared += self._row(self._sets[episode])
            documents[self._rows[episode]] += 1.0
        inner = 1 / (self._count / self.noise + 1 / self.tau2)
        shared -= (self._by_document * (inner / self.noise)[:, None]).T @ documents
        learnt = float(shared @ self.covariance @ shared) + float(documents @ (inner * documents))
        return max(0.05, self.noise * len(episodes) - learnt)

    def interact(self, pair: Pair) -> None:
        """Give a pair of edits an effect of its own."""
        self._count_new()
        self.pairs.append(pair)
        self._places[pair] = _FIXED + len(self._places)
        self._widen(1)
        both = np.array([float(pair[0] in each and pair[1] in each) for each in self._sets])
        for place in np.flatnonzero(both):
            row = self._row(self._sets[place])
            self._by_document[self._rows[place], -1] += 1.0
            self._gram[-1] += row
            self._gram[:-1, -1] += row[:-1]
            self._moment[-1] += self._values[place]

    def _widen(self, columns: int) -> None:
        self._by_document = np.pad(self._by_document, ((0, 0), (0, columns)))
        self._gram = np.pad(self._gram, ((0, columns), (0, columns)))
        self._moment = np.pad(self._moment, (0, columns))
        self.mean = np.pad(self.mean, (0, columns), constant_values=self.drift)
        self.covariance, self._root = np.pad(self.covariance, ((0, columns), (0, columns))), None
        for place in range(len(self.mean) - columns, len(self.mean)):
            self.covariance[place, place] = self.spread**2

    def _row(self, edits: frozenset[int]) -> Numbers:
        size = len(edits)
        row = np.zeros(_FIXED + len(self._places))
        row[0], row[1] = 1.0, size * (size - 1) / 2
        for edit in edits:
            row[self._places[edit]] = 1.0
        for pair in self.pairs:
            row[self._places[pair]] = float(pair[0] in edits and pair[1] in edits)
        return row

    def _count_new(self) -> None:
        fresh = slice(self._counted, len(self._rows))
        if fresh.start == fresh.stop:
            return
        rows = np.array(self._rows[fresh])
        known: dict[frozenset[int], Numbers] = {}
        for edits in self._sets[fresh]:
            if edits not in known:
                known[edits] = self._row(edits)
        design = np.array([known[edits] for edits in self._sets[fresh]])
        values = np.array(self._values[fresh])
        np.add.at(self._count, rows, 1.0)
        np.add.at(self._sums, rows, values)
        np.add.at(self._by_document, rows, design)
        self._gram += design.T @ design
        self._moment += design.T @ values
        self._squares += float(values @ values)
        self._counted = fresh.stop

    def _prior(self) -> tuple[Numbers, Numbers]:
        size = len(self._moment)
        precision, center = np.full(size, 1 / self.spread**2), np.full(size, self.drift)
        precision[0], center[0] = 1 / LEVEL_SD**2, LEVEL
        precision[1], center[1] = 1 / CROWDING_SD**2, 0.0
        center[[self._places[pair] for pair in self.pairs]] = 0.0
        return precision, center

    def _solve(self) -> None:
        """Solve for the columns with documents integrated out, then for the documents."""
        precision, center = self._prior()
        inner = 1 / (self._count / self.noise + 1 / self.tau2)
        scaled = self._by_document * (inner / self.noise**2)[:, None]
        left = self._gram / self.noise + np.diag(precision) - self._by_document.T @ scaled
        right = self._moment / self.noise + precision * center - scaled.T @ self._sums
        self.covariance, self._root = np.linalg.inv(left), None
        self.mean = self.covariance @ right
        self._easiness = (self._sums - self._by_document @ self.mean) * inner / self.noise
        lever = self._by_document * (inner / self.noise)[:, None]
        self._easiness_variance = inner + ((lever @ self.covariance) * lever).sum(1)

    def _learn(self) -> None:
        """Learn drift and spread of edits, the spread of documents, and the noise."""
        own = [self._places[edit] for edit in range(self.edits)]
        if own:
            mean, variance = self.mean[own], np.diag(self.covariance)[own]
            weight = STRENGTH + len(own)
            self.drift = float(STRENGTH * DRIFT + mean.sum()) / weight
            second = STRENGTH * (SPREAD**2 + (DRIFT - self.drift) ** 2)
            second += float((variance + (mean - self.drift) ** 2).sum())
            self.spread = max(LEAST_SPREAD, sqrt(second / weight))
        seen = self._count > 0
        total = float((self._easiness_variance + self._easiness**2)[seen].sum())
        self.tau2 = max(0.002, (total + TAU2_STRENGTH * TAU2) / (seen.sum() + TAU2_STRENGTH))
        episodes = max(1.0, self._gram[0, 0])
        variance_of_one = self._squares / episodes - (self._moment[0] / episodes) ** 2
        self.noise = max(LEAST_NOISE, float(variance_of_one) - self.tau2)


def _root_of(covariance: Numbers) -> Numbers:
    try:
        return np.asarray(np.linalg.cholesky(covariance + 1e-12 * np.eye(len(covariance))))
    except np.linalg.LinAlgError:
        return np.diag(np.sqrt(np.maximum(0.0, np.diag(covariance))))
