"""The end of a merging search: which sets of edits meet the sealed test."""

from collections.abc import Sequence
from math import sqrt

from autodata.search.pool import Pool
from autodata.search.sets import MergedSets
from autodata.types import Outcome

FEWEST_OWN = 8
"""Episodes that a set must have had itself to stand in for one that the model was wrong about."""
SET_SPREAD = 0.05
"""How far a set's rate may be from what the model makes of its edits: a standard deviation."""
CONTRADICTED = 2.0
"""Standard errors by which a set's own episodes must be below what the model promises."""


async def choose(pool: Pool, sets: MergedSets) -> list[frozenset[int]]:
    """Return the sets for the sealed test, the favourite first; those of no gain are left out.

    The favourite is the best set by the model, unless its own episodes contradict that; then, and
    for further ones, it is the best of those that were measured.
    """
    favourite = await _without_ballast(
        pool, sets, await sets.on_base(pool.best_set(pool.effects.mean, price=True))
    )
    ranked = sorted(
        (edits for edits, own in pool.own.items() if edits and len(own) >= FEWEST_OWN),
        key=lambda edits: (-_own_gain(pool, edits), sorted(edits)),
    )
    if favourite in pool.doubted:
        first = [edits for edits in ranked if _own_gain(pool, edits) > 0][:1]
    else:
        first = [favourite] if favourite and pool.total(favourite)[0] > 0 else []
    more = [edits for edits in ranked if edits not in first and _own_gain(pool, edits) > 0]
    return [*first, *more][: pool.plan.finalists] if first else []


def contradicted(pool: Pool, expected: float, own: Sequence[Outcome]) -> bool:
    """Whether outcomes are clearly below the sum of values that the model expected."""
    values = [pool.yardstick.value(outcome) for outcome in own]
    return sum(values) - expected < -CONTRADICTED * sqrt(len(own) * pool.effects.noise)


def _own_gain(pool: Pool, edits: frozenset[int]) -> float:
    """Return what a set adds to the baseline by the model, corrected by its own episodes."""
    own = pool.own[edits]
    missed = sum(
        pool.yardstick.value(outcome) - pool.effects.fitted(row, pool.columns_of(edits))
        for row, outcome in own
    )
    return pool.total(edits)[0] + missed / (len(own) + pool.effects.noise / SET_SPREAD**2)


async def _without_ballast(pool: Pool, sets: MergedSets, edits: frozenset[int]) -> frozenset[int]:
    """Return a set without edits that it is believed to be no worse without, the worst first."""
    while True:
        worth = {number: pool.worth(number, edits) for number in edits}
        for number in sorted(edits, key=lambda n: (worth[n], n)):
            rest = edits - {number}
            if worth[number] <= 0 and await sets.make(rest):
                edits = rest
                break
        else:
            return edits
