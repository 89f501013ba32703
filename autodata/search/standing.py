"""The state of a search that every way of searching keeps: candidates, spending, the sealed test.

It sees no evaluator, proposer or clock, so whatever is computed from it can be replayed.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random

from autodata.search.base import Iteration
from autodata.search.belief import Estimate, Yardstick
from autodata.search.certify import Rules
from autodata.search.null import FIRST_STAGE
from autodata.search.plan import SearchPlan
from autodata.types import Candidate, Cell, Outcome, Split

CAUGHT = 2.0
"""What an accepted example that does not hold costs in a search: the auditor is taken to catch one
in three of those that are no good. A certificate counts it as none, no more."""


class Standing(ABC):
    """The state of one search; what is believed of candidates is the subclass's."""

    def __init__(
        self, plan: SearchPlan, baseline: Candidate, documents: Mapping[Split, Sequence[str]]
    ) -> None:
        self.plan = plan
        self.documents = documents
        self.baseline = baseline
        self.candidates = {baseline.id: baseline}
        self.history: list[Iteration] = []
        self.spent = 0
        self.null: list[Outcome] = []  # of any candidate: they say nothing of how good it is
        self.rules = Rules.of(plan, documents["test"], [])
        self.looks = 0
        self._tested: set[tuple[str, Cell]] = set()

    def first_look(self, outcomes: Sequence[Outcome]) -> None:
        """Begin with the baseline's first episodes; they price the cost, too."""
        counted = [outcome for outcome in outcomes if not outcome.cell.null]
        self.null += [outcome for outcome in outcomes if outcome.cell.null]
        self.rules = Rules.of(self.plan, self.documents["test"], counted)
        caught = CAUGHT if self.plan.audited else 0.0
        self._begin(replace(self.rules.yardstick, caught=caught), counted)
        self.spent += len(outcomes)

    @abstractmethod
    def _begin(self, yardstick: Yardstick, outcomes: Sequence[Outcome]) -> None:
        """Learn from the baseline's first episodes."""

    @abstractmethod
    def estimate(self, candidate_id: str) -> Estimate:
        """Return what is believed of a candidate."""

    @abstractmethod
    def ranking(self) -> list[Estimate]:
        """Return the estimates of those that may be the best, best first."""

    @abstractmethod
    def finalists(self) -> list[Candidate]:
        """Return the candidates believed to be better than the baseline, the favourite first."""

    @abstractmethod
    def out(self) -> frozenset[str]:
        """Return the trees that were measured and cannot become finalists."""

    def leads(self) -> tuple[Estimate, Estimate]:
        """Return what is believed now of the baseline and of the best candidate."""
        return self.estimate(self.baseline.id), self.ranking()[0]

    def grow(self, iterations: int, episodes: int) -> None:
        """Plan for more, with the rules of the sealed test as they are."""
        self.plan = replace(self.plan, iterations=iterations, episodes=episodes)

    def met(self, tests: frozenset[tuple[str, Cell]]) -> None:
        """Count the episodes of a sealed test as spent, each once: pairs of a tree and a cell."""
        self.spent += len(tests - self._tested)
        self._tested |= tests

    def test_cost(self) -> int:
        """Return the episodes kept for baseline and finalists on the test split."""
        return sum((*self.baseline_cost(), *self.finalists_cost()))

    def finalists_cost(self) -> tuple[int, int]:
        """Episodes of these that are the finalists', and null ones."""
        finalists, rules = self.plan.finalists, self.rules
        return finalists * rules.episodes, finalists * FIRST_STAGE

    def baseline_cost(self) -> tuple[int, int]:
        """Episodes of these that are the baseline's and not run yet, and null ones."""
        if not self._tested:
            return self.rules.episodes, FIRST_STAGE
        honest, null = (
            sum((self.baseline.tree, cell) not in self._tested for cell in cells)
            for cells in (self.rules.cells, self.rules.null_cells())
        )
        return honest, null

    def rng(self, number: int, purpose: str) -> Random:
        """Return the random generator of one purpose of one iteration."""
        return Random(f"{self.plan.seed}:{number}:{purpose}")
