"""The posterior belief about every candidate: all its episodes pooled, shrunk towards its parent.

The model is a random walk along the family tree: a child's rate is its parent's plus an edit
effect drawn from N(drift, spread^2), an episode's value is the candidate's rate plus the
document's easiness plus noise. Both parameters of the edits are learnt from the run (empirical
Bayes). Posterior means and joint samples come from one pass up and one down the tree.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import sqrt
from random import Random

from autodata.search.plan import Objective
from autodata.types import Outcome

DRIFT, SPREAD, STRENGTH = -0.01, 0.1, 4.0
"""The belief about an edit before any is seen, and how many seen edits outweigh it."""

EASINESS_STRENGTH = 4.0


def cost(outcome: Outcome, unit: str) -> float:
    """Return an episode's cost in `unit`: `dollars`, `tokens`, or else `episodes`."""
    if unit == "dollars":
        return outcome.spend.cost_usd
    if unit == "tokens":
        return float(outcome.spend.prompt_tokens + outcome.spend.completion_tokens)
    return 1.0


def unit_of(outcomes: Sequence[Outcome]) -> str:
    """The unit in which these episodes can be priced."""
    for unit in ("dollars", "tokens"):
        if sum(cost(outcome, unit) for outcome in outcomes) > 0:
            return unit
    return "episodes"


@dataclass(frozen=True, slots=True)
class Yardstick:
    """Turns an outcome into the number that the search maximizes on average.

    For `pass_rate` that is 1 or 0. For `pass_rate_per_cost` it is `accepted - price * cost`
    (Dinkelbach's linearization: with the baseline's acceptances per cost as price, it is above
    zero on average exactly for a harness that accepts more per cost than the baseline), kept
    above -1. An accepted example that does not hold counts as none, less `caught`: in a search one
    that the auditor catches is a sign of others that it does not.
    """

    unit: str = "episodes"
    price: float = 0.0
    caught: float = 0.0

    @classmethod
    def fit(cls, objective: Objective, outcomes: Sequence[Outcome]) -> "Yardstick":
        """Price cost by what the baseline got for it; one success is added, so it is never zero."""
        unit = unit_of(outcomes)
        total = sum(cost(outcome, unit) for outcome in outcomes)
        if objective == "pass_rate" or not total:
            return cls(unit)
        accepted = sum(outcome.counts for outcome in outcomes) + 1
        return cls(unit, accepted / (total * (1 + 1 / len(outcomes))))

    def value(self, outcome: Outcome) -> float:
        """The number for one episode, between -1 - `caught` and 1."""
        worth = float(outcome.counts)
        if outcome.accepted and not outcome.counts:
            worth -= self.caught
        if not self.price:
            return worth
        return max(-1.0 - self.caught, worth - self.price * cost(outcome, self.unit))


@dataclass(frozen=True, slots=True)
class Estimate:
    """A candidate's posterior mean and standard deviation, beside the raw counts."""

    candidate_id: str
    mean: float
    sd: float
    accepted: int
    episodes: int


@dataclass(frozen=True, slots=True)
class Effect:
    """How edits behave in this run: N(drift, spread^2); `noise` is one episode's variance."""

    drift: float = DRIFT
    spread: float = SPREAD
    noise: float = 0.22


@dataclass(slots=True)
class _Node:
    parent: int
    sums: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    accepted: int = 0
    likelihood: tuple[float, float] = (0.0, 0.0)  # mean times precision, precision
    given_parent: tuple[float, float, float] = (0.0, 0.0, 0.0)  # offset, slope, variance
    mean: float = 0.0
    variance: float = 1.0


class Book:
    """All evaluations of a run and what follows from them."""

    def __init__(self, yardstick: Yardstick) -> None:
        self.yardstick = yardstick
        self.effect = Effect()
        self._nodes: list[_Node] = []
        self._index: dict[str, int] = {}
        self._easiness: dict[str, float] = {}

    def enter(self, candidate_id: str, parent_id: str | None) -> None:
        """Add a candidate; its parent is already there."""
        parent = -1 if parent_id is None else self._index[parent_id]
        self._index[candidate_id] = len(self._nodes)
        self._nodes.append(_Node(parent))

    def add(self, candidate_id: str, outcomes: Sequence[Outcome]) -> None:
        """Pool these outcomes; call `update` before the next question."""
        node = self._nodes[self._index[candidate_id]]
        for outcome in outcomes:
            document = outcome.cell.document_id
            value = self.yardstick.value(outcome)
            node.sums[document] = node.sums.get(document, 0.0) + value
            node.counts[document] = node.counts.get(document, 0) + 1
            node.accepted += outcome.accepted

    def update(self) -> None:
        """Learn candidates' rates, documents' easiness and edits' effects from all entered."""
        self._learn_noise()
        self._pass_up()
        self._pass_down()
        self._learn_easiness()
        self._learn_effect()

    def estimate(self, candidate_id: str) -> Estimate:
        """The posterior of one candidate."""
        node = self._nodes[self._index[candidate_id]]
        episodes = sum(node.counts.values())
        return Estimate(candidate_id, node.mean, sqrt(node.variance), node.accepted, episodes)

    @property
    def easiness(self) -> dict[str, float]:
        """The estimated easiness of each document: what it adds to every candidate's rate."""
        return dict(self._easiness)

    def per_document(self, candidate_id: str) -> dict[str, tuple[float, int]]:
        """Sum of values and number of episodes of each document it was run on."""
        node = self._nodes[self._index[candidate_id]]
        return {document: (node.sums[document], n) for document, n in node.counts.items()}

    def draw(self, rng: Random) -> dict[str, float]:
        """One joint sample of every candidate's rate from the posterior."""
        drawn: list[float] = []
        for node in self._nodes:
            if node.parent < 0:
                drawn.append(rng.gauss(node.mean, sqrt(node.variance)))
            else:
                offset, slope, variance = node.given_parent
                mean = offset + slope * drawn[node.parent]
                drawn.append(rng.gauss(mean, sqrt(variance)))
        return dict(zip(self._index, drawn, strict=True))

    def _learn_noise(self) -> None:
        total = sum(sum(node.sums.values()) for node in self._nodes)
        episodes = sum(sum(node.counts.values()) for node in self._nodes)
        rate = (total + 2) / (episodes + 4)
        noise = max(0.06, rate * (1 - rate)) if not self.yardstick.price else 0.25
        self.effect = Effect(self.effect.drift, self.effect.spread, noise)

    def _pass_up(self) -> None:
        effect, noise = self.effect, self.effect.noise
        mixed = [self._own(node, noise) for node in self._nodes]
        for index in range(len(self._nodes) - 1, 0, -1):
            node = self._nodes[index]
            weighted, precision = node.likelihood = mixed[index]
            variance = effect.spread**2
            if precision > 0:
                message = 1 / (variance + 1 / precision)
                parent = mixed[node.parent]
                gain = (weighted / precision - effect.drift) * message
                mixed[node.parent] = (parent[0] + gain, parent[1] + message)
        self._nodes[0].likelihood = mixed[0]

    def _own(self, node: _Node, noise: float) -> tuple[float, float]:
        easiness = self._easiness
        total = sum(node.sums.values())
        shift = sum(n * easiness.get(document, 0.0) for document, n in node.counts.items())
        return (total - shift) / noise, sum(node.counts.values()) / noise

    def _pass_down(self) -> None:
        root, effect = self._nodes[0], self.effect
        prior_mean, prior_precision = 0.5, 4.0
        precision = prior_precision + root.likelihood[1]
        root.mean = (prior_mean * prior_precision + root.likelihood[0]) / precision
        root.variance = 1 / precision
        walk = 1 / effect.spread**2
        for node in self._nodes[1:]:
            weighted, likelihood = node.likelihood
            precision = walk + likelihood
            offset, slope = (effect.drift * walk + weighted) / precision, walk / precision
            node.given_parent = (offset, slope, 1 / precision)
            parent = self._nodes[node.parent]
            node.mean = offset + slope * parent.mean
            node.variance = 1 / precision + slope**2 * parent.variance

    def _learn_easiness(self) -> None:
        residuals: dict[str, float] = {}
        counts: dict[str, int] = {}
        for node in self._nodes:
            for document, n in node.counts.items():
                residual = node.sums[document] - n * node.mean
                residuals[document] = residuals.get(document, 0.0) + residual
                counts[document] = counts.get(document, 0) + n
        self._easiness = {
            document: residual / (counts[document] + EASINESS_STRENGTH)
            for document, residual in residuals.items()
        }

    def _learn_effect(self) -> None:
        moments = [(DRIFT, SPREAD**2, STRENGTH)]
        for node in self._nodes[1:]:
            if node.counts:
                parent = self._nodes[node.parent]
                _, slope, variance = node.given_parent
                spread = variance + (1 - slope) ** 2 * parent.variance
                moments.append((node.mean - parent.mean, spread, 1.0))
        weight = sum(moment[2] for moment in moments)
        drift = sum(mean * w for mean, _, w in moments) / weight
        variance = sum((v + (mean - drift) ** 2) * w for mean, v, w in moments) / weight
        self.effect = Effect(drift, max(0.01, sqrt(variance)), self.effect.noise)
