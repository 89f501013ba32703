"""The state of a search by races: population, beliefs and decisions, changed by decisions alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

from autodata.search.base import Iteration
from autodata.search.belief import Book, Estimate, Yardstick
from autodata.search.null import NULL_EACH
from autodata.search.plan import SearchPlan
from autodata.search.race import Known, going_rate
from autodata.search.selection import SELECTION
from autodata.search.standing import Standing
from autodata.types import Candidate, Cell, Outcome, Split

FINAL_SHARE = 0.1
"""Part of the budget kept for re-measuring survivors after the iterations."""

DRAWS = 40


@dataclass(frozen=True, slots=True)
class Start:
    """All that an iteration may know, fixed when it starts.

    `leader` is the first of its siblings: `parallel` iterations in a row share parent, documents
    and the parent's fresh episodes. `allowance` bounds the episodes of its race.
    """

    number: int
    leader: int
    parent: Candidate
    known: Known
    allowance: int
    history: tuple[Iteration, ...]


class RaceStanding(Standing):
    """The state of one search by races."""

    def __init__(
        self, plan: SearchPlan, baseline: Candidate, documents: Mapping[Split, Sequence[str]]
    ) -> None:
        super().__init__(plan, baseline, documents)
        self.population = [baseline.id]
        self.book = Book(Yardstick())
        self._chosen = baseline.id
        self._begun_after = 0
        self._reserved: dict[int, int] = {}
        self._paid: set[tuple[str, Cell]] = set()

    def _begin(self, yardstick: Yardstick, outcomes: Sequence[Outcome]) -> None:
        self.book = Book(yardstick)
        self.book.enter(self.baseline.id, None)
        self.book.add(self.baseline.id, outcomes)
        self.book.update()

    def estimate(self, candidate_id: str) -> Estimate:
        """Return the pooled estimate of a candidate."""
        return self.book.estimate(candidate_id)

    def learn(self, candidate_id: str, outcomes: Sequence[Outcome]) -> None:
        """Pool fresh outcomes of a candidate and count them as spent."""
        self.book.add(candidate_id, outcomes)
        self.book.update()
        self.spent += len(outcomes)

    def start(self, number: int, minibatch: int) -> Start | None:
        """Choose the parent of an iteration and fix what it may know; None: the budget is spent."""
        # the parent's, the mutant's on what was predicted, and its null ones
        overhead = 2 * minibatch + NULL_EACH
        longest = overhead + 2 * self.plan.race.passes * len(self.documents["validation"])
        remaining = self._left() if self.plan.episodes else float("inf")
        free = self.plan.parallel - len(self._reserved)
        allowance = int(min(longest, remaining / max(1, free)))
        if allowance < overhead + 2 * self.plan.race.block:
            return None
        self._reserved[number] = allowance
        leader = number - (number - 1 - self._begun_after) % self.plan.parallel
        if number == leader:
            select, rng = SELECTION[self.plan.selection], self.rng(number, "select")
            self._chosen = select(self.population, self.book, self.plan.temperature, rng)
        return Start(
            number,
            leader,
            self.candidates[self._chosen],
            self._known(number, minibatch, remaining),
            allowance - overhead,
            tuple(self.history),
        )

    def apply(self, iteration: Iteration) -> Iteration:
        """Make a decision part of what later iterations know; return it with its own episodes.

        Episodes of the parent that a sibling has brought in already are not counted again.
        """
        self._reserved.pop(iteration.number, None)
        parent, candidate = iteration.parent_id, iteration.proposal.candidate
        fresh = [o for o in iteration.parent_outcomes if (parent, o.cell) not in self._paid]
        self._paid.update((parent, outcome.cell) for outcome in fresh)
        shared = len(iteration.parent_outcomes) - len(fresh)
        episodes = iteration.evidence["episodes"] - shared
        iteration = replace(iteration, evidence={**iteration.evidence, "episodes": episodes})
        self.history.append(iteration)
        self.spent += episodes
        self.null += iteration.null
        if iteration.decision != "refused" and candidate is not None:
            self.candidates[candidate.id] = candidate
            self.book.enter(candidate.id, parent)
            self.book.add(parent, fresh)
            self.book.add(candidate.id, iteration.outcomes)
            self.book.update()
        if iteration.decision == "admitted" and candidate is not None:
            self.population.append(candidate.id)
        return iteration

    def grow(self, iterations: int, episodes: int) -> None:
        """Plan for more; after an end siblings begin anew, as what earlier ones saw is known."""
        super().grow(iterations, episodes)
        if not self._reserved:
            self._begun_after = len(self.history)

    def ranking(self) -> list[Estimate]:
        """Return the posterior estimates of the population, best first."""
        return sorted((self.book.estimate(m) for m in self.population), key=lambda e: -e.mean)

    def rivals(self, rng: Random) -> list[Candidate]:
        """The leader and whoever most often beats it in posterior draws; none if hardly ever."""
        leader = self.ranking()[0].candidate_id
        wins: dict[str, int] = {}
        for _ in range(DRAWS):
            drawn = self.book.draw(rng)
            winner = max(self.population, key=lambda member: drawn[member])
            wins[winner] = wins.get(winner, 0) + 1
        wins.pop(leader, None)
        if sum(wins.values()) < DRAWS / 20:
            return []
        rival = max(wins, key=lambda member: wins[member])
        return [self.candidates[leader], self.candidates[rival]]

    def finalists(self) -> list[Candidate]:
        """Return the candidates believed to be better than the baseline, the favourite first."""
        ranking = [estimate.candidate_id for estimate in self.ranking()]
        better = ranking[: ranking.index(self.baseline.id)]
        return [self.candidates[name] for name in better[: self.plan.finalists]]

    def out(self) -> frozenset[str]:
        """Return the trees that were raced and cannot become finalists."""
        return frozenset(
            c.tree for name, c in self.candidates.items() if name not in self.population
        )

    def _left(self) -> float:
        """Episodes that iterations may still use, those in flight taken at their most."""
        search = self.plan.episodes - self.test_cost()
        return search * (1 - FINAL_SHARE) - self.spent - sum(self._reserved.values())

    def _known(self, number: int, minibatch: int, remaining: float) -> Known:
        belief, effect = self.book.estimate(self._chosen), self.book.effect
        pair = 1 + 2 / (1 + self.plan.parallel)
        longest = float(self.plan.race.passes * len(self.documents["validation"]))
        each = remaining / (self.plan.iterations - number + 1)
        affordable = min(longest, max(1.0, (each - minibatch) / pair))
        price = going_rate(effect, pair, minibatch, affordable)
        reach = 1 + self.book.yardstick.caught
        return Known(effect, belief.mean, belief.sd**2, self.book.easiness, price, pair, reach)
