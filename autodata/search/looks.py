"""How many episodes a merging search has, and how large its looks are: by counts, never by time."""

from dataclasses import dataclass
from math import inf
from typing import NamedTuple

from autodata.search.null import NULL_BESIDE, NULL_SHARE
from autodata.search.pool import Pool, SetOutcomes
from autodata.types import Candidate, Cell, Outcome

SET_DOCUMENTS = 4
"""Documents that a drawn set is measured on."""
FRESH_SHARE = 0.6
"""Part of a search's episodes after which no edits are asked for, and sets are drawn closer to the
best one."""
LOOKS = 64
"""Looks that a search with a bound on episodes has, about."""
FEWEST_EPISODES, MOST_EPISODES, USUAL_EPISODES = 8, 128, 32
"""Of a look; the usual number where nothing bounds the search."""
EACH = 8
"""Episodes of a look for each undecided edit, at most."""
CHECK_SHARE = 0.04
"""Part of a search's episodes that is kept to see whether the best set keeps what it promises."""
USUAL_CHECK = 40
"""Episodes of that where nothing bounds the search."""


class Drawn(NamedTuple):
    """A set of edits that was drawn for a look, its candidate, and what it is measured on."""

    edits: frozenset[int]
    candidate: Candidate
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Look:
    """A look that is under way."""

    number: int
    sets: tuple[Drawn, ...]
    null: tuple[Cell, ...]

    @property
    def episodes(self) -> int:
        """Return how many episodes it takes."""
        return sum(len(drawn.cells) for drawn in self.sets) + len(self.null)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look has seen."""

    measured: tuple[SetOutcomes, ...]
    null: tuple[Outcome, ...]


def search_episodes(pool: Pool) -> float:
    """Return the episodes of the whole search, without the sealed test."""
    return pool.plan.episodes - pool.test_cost() if pool.plan.episodes else inf


def kept_for_check(pool: Pool) -> int:
    """Return the episodes that are kept for the check of the best set."""
    most = len(pool.documents["validation"])
    if not pool.plan.episodes:
        return min(USUAL_CHECK, most)
    return min(int(CHECK_SHARE * search_episodes(pool)), most)


def left(pool: Pool, kept: int | None = None) -> float:
    """Return the episodes that looks may still take, those under way taken as spent.

    `kept` are not to be touched; None: those for the check.
    """
    if kept is None:
        kept = kept_for_check(pool)
    return search_episodes(pool) - kept - pool.spent - pool.under_way


def fresh(pool: Pool) -> bool:
    """Whether edits are still asked for, as far as episodes go."""
    everything = search_episodes(pool)
    return everything == inf or left(pool) > (1 - FRESH_SHARE) * everything


def usual_size(pool: Pool) -> int:
    """Return how many episodes a look has, if there are edits for as many."""
    everything = search_episodes(pool)
    if everything == inf:
        return USUAL_EPISODES
    return max(FEWEST_EPISODES, min(MOST_EPISODES, int(everything / LOOKS)))


def null_beside(pool: Pool) -> int:
    """Return the null episodes beside the next look."""
    return NULL_BESIDE if len(pool.null) < NULL_SHARE * pool.spent else 0


def look_size(pool: Pool, beside: int) -> int:
    """Return the episodes of the next look, `beside` others that go with it; 0: there is none."""
    most = min(usual_size(pool), EACH * len(pool.open), len(pool.documents["validation"]))
    return max(0, int(min(most, left(pool) - beside)) // SET_DOCUMENTS * SET_DOCUMENTS)
