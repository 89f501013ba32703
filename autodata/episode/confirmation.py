"""Confirmation of an example by fresh samples: a sequential exact sign test, and the means.

Knows scores alone, not who was asked. Fresh samples come in pairs, the i-th of the weak solver with
the i-th of the strong one. A pair is won by the strong solver, lost, or tied. Where both solvers
answer alike, won and lost are equally likely, whatever the scores are like and however many pairs
tie; so the chance of passing is that of a fair coin, and is computed exactly. docs/statistics.md
derives it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from math import sqrt

from autodata.episode.acceptance import CORRECT, Policy

ERROR = 0.05
"""Chance that an episode of equal solvers has an example confirmed, at any number of rounds."""

LOSSES = 4
"""An example with so many lost pairs is not confirmed."""


def error_rate(turn: int) -> float:
    """Return the share of `ERROR` of an episode's `turn`-th confirmation; all add up to it."""
    return ERROR / (turn * (turn + 1))


@cache
def needed(turn: int) -> tuple[int, ...]:
    """Return how many won pairs confirm an example that has lost 0, 1, 2 and 3.

    Each is the smallest number with which the chance of a fair coin to get there, by this way or
    one before, stays within the error rate.
    """
    wins: tuple[int, ...] = ()
    for _ in range(LOSSES):
        least = wins[-1] + 1 if wins else 1
        while chance((*wins, least)) > error_rate(turn):
            least += 1
        wins = (*wins, least)
    return wins


def chance(wins: Sequence[int], won: float = 0.5) -> float:
    """Return the chance of ever winning so many pairs where each is won with chance `won`.

    Tied pairs do not count. `wins[j]` is for j lost pairs; with `len(wins)` lost ones it is over.
    """
    passed, going = 0.0, {(0, 0): 1.0}
    while going:
        further: dict[tuple[int, int], float] = {}
        for (up, down), weight in going.items():
            if up + 1 >= wins[down]:
                passed += weight * won
            else:
                further[up + 1, down] = further.get((up + 1, down), 0.0) + weight * won
            if down + 1 < len(wins):
                further[up, down + 1] = further.get((up, down + 1), 0.0) + weight * (1 - won)
        going = further
    return passed


@dataclass(frozen=True, slots=True)
class Finding:
    """What pairs so far decide: `passed` is None while `pairs` more are to be drawn at once."""

    passed: bool | None
    pairs: int = 0
    reason: str = ""


def decide(policy: Policy, turn: int, weak: Sequence[float], strong: Sequence[float]) -> Finding:
    """Judge an example by its fresh pairs alone, or say how many more are wanted.

    No more are drawn at once than can decide it, and no more in all than the last of the numbers
    needed asks for: an example on which both solvers score the same is given up.
    """
    wins = needed(turn)
    weak, strong = _values(policy, weak), _values(policy, strong)
    won = sum(high > low for low, high in zip(weak, strong, strict=True))
    lost = sum(high < low for low, high in zip(weak, strong, strict=True))
    if lost < LOSSES:
        wanted = wins[lost] - won
        if wanted <= 0:
            contradicted = next(contradictions(policy, weak, strong), "")
            return Finding(not contradicted, reason=contradicted)
        spare = wins[-1] + LOSSES - 1 - len(weak) - wanted
        if spare >= 0:
            return Finding(None, min(wanted, LOSSES - lost, spare + 1))
    return Finding(False, reason="the fresh samples do not tell the solvers apart")


def contradictions(policy: Policy, weak: Sequence[float], strong: Sequence[float]) -> Iterator[str]:
    """Yield the rules on means that fresh samples speak against.

    They do where the mean is on the wrong side by more than its standard error. A rule that counts
    k of n correct answers asks for a mean half an answer beyond k / n.
    """
    low, low_error = _mean(weak)
    high, high_error = _mean(strong)
    both = sqrt(low_error**2 + high_error**2)
    for bound in _weak_bounds(policy):
        if low > bound + low_error:
            yield "fresh weak mean too high"
    for bound in _strong_bounds(policy):
        if high < bound - high_error:
            yield "fresh strong mean too low"
    if policy.strong_mean_below is not None and high >= policy.strong_mean_below + high_error:
        yield "fresh strong mean too high"
    if policy.gap_min is not None and high - low < policy.gap_min - both:
        yield "fresh gap too small"


def _weak_bounds(policy: Policy) -> Iterator[float]:
    if policy.weak_correct_max is not None:
        yield (policy.weak_correct_max + 0.5) / policy.weak_samples
    if policy.majority:
        yield 0.5
    yield from (b for b in (policy.weak_mean_max, policy.weak_mean_below) if b is not None)


def _strong_bounds(policy: Policy) -> Iterator[float]:
    if policy.strong_correct_min is not None:
        yield (policy.strong_correct_min - 0.5) / policy.strong_samples
    if policy.majority:
        yield 0.5
    if policy.strong_mean_min is not None:
        yield policy.strong_mean_min


def _values(policy: Policy, scores: Sequence[float]) -> list[float]:
    """Return scores as the policy sees them: where it counts correct answers, right or wrong."""
    if policy.majority or policy.weak_correct_max is not None or policy.strong_correct_min:
        return [float(score > CORRECT) for score in scores]
    return list(scores)


def _mean(scores: Sequence[float]) -> tuple[float, float]:
    """Return the mean, and its standard error."""
    count = len(scores)
    mean = sum(scores) / count
    squares = sum((score - mean) ** 2 for score in scores)
    return mean, sqrt(squares / max(1, count - 1) / count)
