"""How many episodes, looks and edits a search may take, from its plan alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from autodata.search.intake import REFILL
from autodata.search.looks import (
    EACH,
    FEWEST_EPISODES,
    LOOKS,
    MOST_EPISODES,
    USUAL_CHECK,
    USUAL_EPISODES,
)
from autodata.search.null import FIRST_STAGE, NULL_BESIDE, NULL_EACH, NULL_LOOK, STAGES
from autodata.search.phases import FIRST_LOOK
from autodata.search.plan import SearchPlan
from autodata.search.pool import MOST_UNDECIDED
from autodata.search.race_standing import FINAL_SHARE
from autodata.search.racing import FINAL_LOOKS
from autodata.types import Split

REWRITTEN = 1.0
"""Edits written anew for each one that is asked for, at most. In simulated searches for 10 edits
they were none to 9, for 30 none to 23, the most where all of them clash."""
SMALL_LOOK = 2 * EACH
"""Episodes of a look with two undecided edits left, where nothing bounds the search. In simulated
searches looks have about twice as many."""


@dataclass(frozen=True, slots=True)
class Episodes:
    """Bounds on the number of episodes of a search: before the sealed test, and in it.

    `edits` are the fewest and most edits that are made, `null` bounds on null episodes, which are
    none of the others. A merging search has so many `looks`, at `abreast` episodes side by side.
    """

    fewest: int
    most: int
    fewest_tested: int
    most_tested: int
    edits: tuple[int, int] = (1, 1)
    null: "Episodes | None" = None
    looks: tuple[int, int] = (0, 0)
    abreast: int = 0

    @property
    def bounds(self) -> tuple[int, int]:
        """The fewest and the most of all, null ones included."""
        more = self.null.bounds if self.null else (0, 0)
        return self.fewest + self.fewest_tested + more[0], self.most + self.most_tested + more[1]


def episodes_of(plan: SearchPlan, sizes: Mapping[Split, int]) -> Episodes:
    """Return the fewest and most episodes of a search.

    Where nobody is believed to be better than the baseline, it is tested alone.
    """
    return _merged(plan, sizes) if plan.search == "merge" else _raced(plan, sizes)


def _raced(plan: SearchPlan, sizes: Mapping[Split, int]) -> Episodes:
    """Return those of a search by races, if every proposal is raced.

    Siblings share their parent's episodes.
    """
    repeats, tested = _tested(plan, sizes)
    looked, families = min(FIRST_LOOK, sizes["validation"]), -(-plan.iterations // plan.parallel)
    shortest, longest = plan.race.block, plan.race.passes * sizes["validation"]
    races = plan.iterations + families
    fewest = looked + plan.iterations * plan.minibatch + races * shortest
    again = FINAL_LOOKS * 2 * min(sizes["validation"], 2 * plan.race.block)
    most = looked + plan.iterations * 2 * plan.minibatch + races * longest + again
    iterations = plan.iterations
    if plan.episodes:
        most = plan.episodes - tested - (1 + plan.finalists) * FIRST_STAGE
        fewest = min(fewest, most)
        each = 2 * plan.minibatch + 2 * longest
        iterations = min(iterations, max(1, int(most * (1 - FINAL_SHARE)) // each))
    abreast = (1 + plan.parallel) * plan.race.block
    null = _null(plan, NULL_LOOK, min(NULL_LOOK, looked) + NULL_EACH * plan.iterations)
    edits = (iterations, plan.iterations)
    return Episodes(fewest, most, repeats, tested, edits, null, abreast=abreast)


def _merged(plan: SearchPlan, sizes: Mapping[Split, int]) -> Episodes:
    """Return those of a search by merging.

    It takes the fewest where every edit is out after one look, and the most where it is measured
    alone as long as it may be, or where all that a bound allows for is used.
    """
    repeats, tested = _tested(plan, sizes)
    first, edits = min(FIRST_LOOK, sizes["validation"]), plan.iterations
    refills = ceil(edits / MOST_UNDECIDED), ceil(edits / min(REFILL, edits))
    longest = plan.race.passes * sizes["validation"]
    most = first + refills[1] * plan.minibatch + edits * longest + USUAL_CHECK
    usual, asked = USUAL_EPISODES, (edits, edits + int(REWRITTEN * edits))
    looks = refills[0], max(refills[0], ceil(edits * longest / SMALL_LOOK))
    if plan.episodes:
        search = plan.episodes - tested - (1 + plan.finalists) * FIRST_STAGE
        most = max(0, min(most, search - NULL_LOOK - NULL_BESIDE))
        usual = max(FEWEST_EPISODES, min(MOST_EPISODES, search // LOOKS))
        leaving = search // EACH  # where all clash, every other one is written anew
        asked = min(edits, MOST_UNDECIDED), min(asked[1], MOST_UNDECIDED + leaving)
        looks = 1, min(looks[1], 3 * LOOKS, max(1, search // FEWEST_EPISODES))
    size = min(usual, sizes["validation"], EACH * min(edits, MOST_UNDECIDED))
    fewest = first + refills[0] * (plan.minibatch + size)
    if plan.episodes:
        fewest = min(fewest, search // 2)
    abreast = plan.parallel * (size + NULL_BESIDE) + plan.minibatch
    null = _null(plan, NULL_LOOK, NULL_LOOK + NULL_BESIDE * looks[1])
    return Episodes(min(fewest, most), most, repeats, tested, asked, null, looks, abreast)


def _tested(plan: SearchPlan, sizes: Mapping[Split, int]) -> tuple[int, int]:
    """Return the fewest and most episodes of the sealed test, but for null ones."""
    repeats = plan.repeats_on_test(sizes["test"]) * sizes["test"]
    return repeats, (1 + plan.finalists) * repeats


def _null(plan: SearchPlan, fewest: int, most: int) -> Episodes:
    """Return bounds on null episodes: most are run where luck was seen in the test."""
    return Episodes(fewest, most, FIRST_STAGE, (1 + plan.finalists) * STAGES[-1].episodes)
