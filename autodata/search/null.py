"""Null episodes: the strong role in both seats, so that what is accepted there is luck.

A certificate claims that the null rates of both harnesses are at most `NULL_BOUND`. The claim is
tested in stages, more of them only where something was accepted. Each stage has an error rate of
its own; together they are .05, so that the upper end printed holds at 95 % wherever the test ends.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import count, islice
from math import comb, fsum

from autodata.store.certificates import NullRate
from autodata.types import Cell, Interval, Outcome, Split

NULL_BOUND = 0.10
NULL_LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Stage:
    """The number of null episodes after which a stage looks, and its error rate."""

    episodes: int
    error: float


STAGES = (Stage(31, 0.04), Stage(84, 0.008), Stage(150, 0.002))
"""Pass with 0, 2 and 5 accepted at most; a true null rate of .01 passes in 99.6 of 100."""
FIRST_STAGE = STAGES[0].episodes
NULL_LOOK = 4
"""Null episodes of the baseline's first look: a search pools them with those of its iterations."""
NULL_EACH = 2
"""Null episodes of the mutant in an iteration."""
NULL_BESIDE = 1
"""Null episodes beside a look of a merging search, where they are fewer than `NULL_SHARE`."""
NULL_SHARE = 0.03
"""Of all episodes of a merging search."""


def null_cells(documents: Sequence[str], split: Split, episodes: int, first: int = 0) -> list[Cell]:
    """Return so many null cells: each document in turn, and all of them again if need be.

    A harness that was asked before on these documents needs another `first` turn for fresh ones.
    """
    endless = (Cell(name, split, -1 - turn) for turn in count(first) for name in documents)
    return list(islice(endless, episodes))


def pooled_rate(outcomes: Sequence[Outcome]) -> NullRate:
    """Return the null rate of a search so far, whoever's episodes they are."""
    return null_rate(sum(outcome.accepted for outcome in outcomes), len(outcomes))


def null_rate(accepted: int, episodes: int, error: float = 1 - NULL_LEVEL) -> NullRate:
    """Return the rate of null episodes, with an interval each end of which errs so often."""
    low, high = exact_interval(accepted, episodes, error)
    return NullRate(
        accepted, episodes, Interval(accepted / max(1, episodes), low, high, NULL_LEVEL)
    )


def stage_rate(outcomes: Sequence[Outcome]) -> NullRate:
    """Return the null rate that a sealed test shows at the end of a stage."""
    (error,) = (stage.error for stage in STAGES if stage.episodes == len(outcomes))
    return null_rate(sum(outcome.accepted for outcome in outcomes), len(outcomes), error)


def within(found: NullRate) -> bool:
    """Whether the upper end of a null rate is low enough for a certificate."""
    return found.rate.high <= NULL_BOUND


def further(found: NullRate) -> int:
    """Return up to how many null episodes the next stage goes; 0: there is none that helps."""
    last = STAGES[-1]
    if exact_interval(found.accepted, last.episodes, last.error)[1] > NULL_BOUND:
        return 0
    return next((stage.episodes for stage in STAGES if stage.episodes > found.episodes), 0)


@cache
def exact_interval(accepted: int, episodes: int, error: float) -> tuple[float, float]:
    """Return the two one-sided ends of a rate (C. J. Clopper and E. S. Pearson, 1934)."""

    def low(rate: float) -> bool:
        return 1 - _at_most(accepted - 1, episodes, rate) < error

    def high(rate: float) -> bool:
        return _at_most(accepted, episodes, rate) > error

    return (
        _last(low) if accepted else 0.0,
        _last(high) if accepted < episodes else 1.0,
    )


def _last(holds: Callable[[float], bool]) -> float:
    """Return the largest rate of which something holds that holds of all below it."""
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def _at_most(accepted: int, episodes: int, rate: float) -> float:
    terms = (
        comb(episodes, k) * rate**k * (1 - rate) ** (episodes - k) for k in range(accepted + 1)
    )
    return fsum(terms)
