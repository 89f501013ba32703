"""A race of a mutant against its parent on the same documents: a sequential paired test.

Fed with values, it answers with cells to run and, at last, a result. Three things end a race.
*Clear*: an e-process on the paired per-document differences says, at a level that holds however
often one looks, that the mutant is better, or that it gains less than `margin`. *Not worth it*: by
the posterior of the gain, more episodes would cost more than they can bring (this may lose a good
mutant, but calls nothing better that is not). *The end* of the documents or of the allowance: the
better one on balance stays.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, pi, sqrt
from random import Random
from statistics import NormalDist
from typing import Literal

from autodata.search.belief import Effect
from autodata.search.plan import RacePlan
from autodata.search.repeats import Repeat
from autodata.types import Cell, Json

BETS = (0.05, 0.1, 0.2, 0.4, 0.8)
_NORMAL = NormalDist()

Ending = Literal[
    "clearly better", "clearly not better", "not worth more", "better on balance", "stopped"
]


@dataclass(frozen=True, slots=True)
class RaceResult:
    """The end of a race, and its numbers in one sentence."""

    better: bool
    ending: Ending
    reason: str


class Wealth:
    """An e-process for "the mean is at most `bound`": the wealth of gamblers who bet against it.

    Values lie in [-reach, reach], the bound in [-0.5, 0]. Each gambler stakes a fixed share on
    every value; their average is a nonnegative martingale when documents are drawn at random
    and the mean equals the bound, so by Ville's inequality it ever reaches 1/alpha with
    probability at most alpha (Waudby-Smith and Ramdas 2024).
    """

    def __init__(self, bound: float = 0.0, reach: float = 1.0) -> None:
        self.bound = bound
        self._reach = reach
        self._each = [1.0] * len(BETS)

    def add(self, value: float) -> None:
        """Add one document's value, in the order in which documents were drawn."""
        surplus = (value - self.bound) / self._reach
        self._each = [
            wealth * (1 + bet * surplus) for wealth, bet in zip(self._each, BETS, strict=True)
        ]

    @property
    def wealth(self) -> float:
        """The evidence against the bound; 1 is none."""
        return sum(self._each) / len(self._each)


def expected_gain(mean: float, sd: float) -> float:
    """Expected positive part of a normal quantity: what taking it only when good brings."""
    if sd <= 0:
        return max(0.0, mean)
    z = mean / sd
    return mean * _NORMAL.cdf(z) + sd * exp(-z * z / 2) / sqrt(2 * pi)


def going_rate(effect: Effect, pair: float, overhead: float, affordable: float) -> float:
    """Return the value of an episode in gain of pass rate, under the best fixed length of races.

    One more document costs `pair` episodes, a proposal before its race `overhead`. When more pairs
    are `affordable` for each remaining proposal than that length, an episode is worth only what it
    brings there.
    """
    variance, noise = effect.spread**2, 1.5 * effect.noise

    def gained(pairs: float) -> float:
        return expected_gain(effect.drift, variance / sqrt(variance + noise / pairs))

    lengths = [2.0 * 1.3**step for step in range(22)]
    best = max(lengths, key=lambda pairs: gained(pairs) / (pair * pairs + overhead))
    if affordable > best:
        return (gained(affordable + 1) - gained(affordable)) / pair
    return gained(best) / (pair * best + overhead)


@dataclass(frozen=True, slots=True)
class Known:
    """The prior of a race: effects of edits, the parent's record, the value of an episode.

    `mean` and `variance` are the parent's pooled estimate, `easiness` what documents add to it.
    `price` is the gain that an episode brings elsewhere, `pair` the episodes that one more
    document costs, `reach` the largest difference that two episodes on one document can have.
    """

    effect: Effect
    mean: float
    variance: float
    easiness: Mapping[str, float]
    price: float
    pair: float = 2.0
    reach: float = 1.0


class Race:
    """One race, by ask and tell: `block` gives cells to run, `add` takes their values."""

    def __init__(
        self,
        plan: RacePlan,
        documents: Sequence[str],
        known: Known,
        allowance: int,
        repeat: Repeat,
        rng: Random,
    ) -> None:
        self._known = known
        self._plan = plan
        self._repeat = repeat
        self._order = [rng.sample(list(documents), len(documents)) for _ in range(plan.passes)]
        pairs = max(1, allowance // 2 // plan.block) * plan.block
        self._pairs_left = min(plan.passes * len(documents), pairs)
        self._sums: dict[str, float] = {}
        self._total = 0.0
        self._squares = 0.0
        self._luck = 0.0
        self._better = [Wealth(0.0, known.reach) for _ in range(plan.passes)]
        self._worse = [Wealth(-plan.margin, known.reach) for _ in range(plan.passes)]
        self._asked: list[tuple[int, str]] = []
        self.pairs = 0
        self.steps: list[Json] = []

    def block(self) -> list[Cell]:
        """Return the next cells, for parent and mutant alike; a block never spans two passes."""
        size = len(self._order[0])
        turn, start = divmod(self.pairs, size)
        stop = min(start + self._plan.block, size, start + self._pairs_left)
        self._asked = [(turn, document) for document in self._order[turn][start:stop]]
        return [
            Cell(doc, "validation", self._repeat.pass_of(turn).number) for turn, doc in self._asked
        ]

    def add(self, mutant: Sequence[float], parent: Sequence[float]) -> RaceResult | None:
        """Add the values of the asked block, in order; return a result when the race is over."""
        for (turn, document), new, old in zip(self._asked, mutant, parent, strict=True):
            difference = new - old
            expected = self._known.mean + self._known.easiness.get(document, 0.0)
            self._luck += old - expected
            self._total += difference
            self._squares += difference**2
            self._sums[document] = self._sums.get(document, 0.0) + difference
            mean = self._sums[document] / (turn + 1)
            self._better[turn].add(mean)
            self._worse[turn].add(-mean)
            self.pairs += 1
            self._pairs_left -= 1
        mean, sd = self.posterior()
        step = {"pairs": self.pairs, "difference": self._total / self.pairs, "gain": mean, "sd": sd}
        self.steps.append({name: round(value, 4) for name, value in step.items()})
        return self._result(mean, sd)

    def posterior(self) -> tuple[float, float]:
        """Return the posterior mean and standard deviation of the mutant's gain.

        The paired difference is corrected for the part of the parent's fresh luck (its surplus
        over its pooled record) that is noise: a control variate (Glasserman 2003, 4.1).
        """
        effect = self._known.effect
        total, noise = self._corrected()
        precision = 1 / effect.spread**2 + self.pairs / noise
        return (effect.drift / effect.spread**2 + total / noise) / precision, sqrt(1 / precision)

    def _corrected(self) -> tuple[float, float]:
        """Sum of corrected differences, and the variance of one."""
        noise = self._known.effect.noise
        paired = (self._squares + 8 * noise) / (self.pairs + 4)
        own = paired / 2
        surplus = max(noise, own) + self.pairs * self._known.variance
        return self._total + own / surplus * self._luck, paired - own**2 / surplus

    def evidence(self) -> Json:
        """Return the evidence behind the result, in plain JSON."""
        return {
            "pairs": self.pairs,
            "difference": round(self._total / max(1, self.pairs), 4),
            "evidence_better": round(max(w.wealth for w in self._better), 4),
            "evidence_not_better": round(max(w.wealth for w in self._worse), 4),
            "steps": self.steps,
        }

    def _result(self, mean: float, sd: float) -> RaceResult | None:
        numbers = f"{mean:+.3f} ± {sd:.3f} after {self.pairs} pairs"
        bar = self._plan.passes / self._plan.alpha
        if max(w.wealth for w in self._better) >= bar:
            return RaceResult(True, "clearly better", f"clearly better: gain {numbers}")
        if max(w.wealth for w in self._worse) >= bar:
            return RaceResult(False, "clearly not better", f"clearly not better: gain {numbers}")
        if self._pairs_left > 0 and self._worth_more(mean, sd):
            return None
        if mean > 0:
            return RaceResult(True, "better on balance", f"better on balance: gain {numbers}")
        return RaceResult(False, "not worth more", f"not worth more episodes: gain {numbers}")

    def _worth_more(self, mean: float, sd: float) -> bool:
        """Some number of further pairs is expected to gain more than it costs."""
        noise = self._corrected()[1]
        pairs = min(self._plan.block, self._pairs_left)
        while pairs <= self._pairs_left:
            learnt = sd**2 / sqrt(sd**2 + noise / pairs)
            gain = expected_gain(mean, learnt) - max(0.0, mean)
            if gain > self._known.price * self._known.pair * pairs:
                return True
            pairs *= 2
        return False
