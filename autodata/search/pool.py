"""The state of a merging search: the edits that have come, what is believed of each, and the base.

Every episode informs about all edits in its harness (`search.effects`), so sets of undecided edits
are measured, merged on the base: the baseline with all edits that were taken.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import NormalDist
from typing import NamedTuple

from autodata.search.audit import audit_belief
from autodata.search.base import Decision, Iteration, Proposal
from autodata.search.belief import Estimate, Yardstick, cost, unit_of
from autodata.search.beliefs import belief_of, reason_of
from autodata.search.bounds import own_spend
from autodata.search.effects import Effects, Numbers
from autodata.search.plan import SearchPlan
from autodata.search.standing import Standing
from autodata.store.records import EditBelief, EditState
from autodata.types import Candidate, Outcome, Split

MOST_UNDECIDED = 24
"""Undecided edits that are measured side by side, also where few pairs of them merge: then most
are hardly measured until one of them is decided, and no fewer edits are looked at."""
MOST_MERGED = 6
"""Undecided edits in one harness: larger sets bring nothing and are further from any harness that
is promoted."""
HOPELESS, SURE = 0.3, 0.95
"""An edit leaves below this probability of being good, and joins the base above the other."""
FEWEST_SEEN = 20
"""Episodes that an edit must have been in before it leaves: looks are many, and luck at first."""
YIELDING = 0.2
"""So much lower is the upper one for an edit that merges with none of the others, in proportion to
how many: until it is decided they are measured without it, then they are written anew on top of
it."""
INTERACTING = 16, 3.5
"""Episodes of a pair of edits, and the standard errors by which they must miss the model, before
the pair has an effect of its own."""
GROWTH_PRICE = 0.05
"""What a prompt twice as long must bring, when the best set is chosen."""
_NORMAL = NormalDist()


@dataclass(slots=True)
class PoolEdit:
    """An edit that has come to the pool; `column` is where its effect is in the model.

    Only what is `undecided` is in the pool; an edit written anew has the column of what it was.
    """

    number: int
    proposal: Proposal
    edit: Candidate
    parent_id: str
    column: int
    state: EditState = "undecided"
    outcomes: list[Outcome] = field(default_factory=list)


class SetOutcomes(NamedTuple):
    """A set of edits with its candidate and fresh outcomes."""

    edits: frozenset[int]
    candidate: Candidate
    outcomes: Sequence[Outcome]


class Pool(Standing):
    """The state of one merging search."""

    def __init__(
        self, plan: SearchPlan, baseline: Candidate, documents: Mapping[Split, Sequence[str]]
    ) -> None:
        super().__init__(plan, baseline, documents)
        names = documents["validation"]
        self.effects, self.costs = Effects(len(names)), Effects(len(names))
        self.entries: dict[int, PoolEdit] = {}
        self.base: tuple[int, ...] = ()
        self.sets: dict[frozenset[int], Candidate] = {frozenset(): baseline}
        self.own: dict[frozenset[int], list[tuple[int, Outcome]]] = {}
        self.chosen: list[Candidate] = []
        self.yardstick = Yardstick()
        self.proposed = 0
        self.under_way = 0
        self.doubted: set[frozenset[int]] = set()
        self.trees = {baseline.tree}
        self._clashes: set[frozenset[int]] = set()
        self._row = {name: row for row, name in enumerate(names)}
        self._used = dict.fromkeys(names, 0)
        self.unit, self._price = "episodes", 1.0

    def _begin(self, yardstick: Yardstick, outcomes: Sequence[Outcome]) -> None:
        self.yardstick = yardstick
        spends = [replace(outcome, spend=own_spend(outcome)) for outcome in outcomes]
        self.unit = unit_of(spends)
        self._price = max(1e-12, sum(cost(each, self.unit) for each in spends) / len(spends))
        self.learn([SetOutcomes(frozenset(), self.baseline, outcomes)])

    @property
    def open(self) -> list[PoolEdit]:
        """The undecided edits, in the order of their numbers."""
        return [entry for entry in self.entries.values() if entry.state == "undecided"]

    @property
    def room(self) -> int:
        """How many undecided edits there may be."""
        return min(self.plan.iterations, MOST_UNDECIDED)

    @property
    def base_candidate(self) -> Candidate:
        """The baseline with all edits that were taken."""
        return self.sets[frozenset(self.base)]

    def edits(self, numbers: Iterable[int]) -> list[Candidate]:
        """Return edits as candidates, each alone on its parent."""
        return [self.entries[number].edit for number in sorted(numbers)]

    def enter(self, number: int, proposal: Proposal, parent_id: str, anew: int | None) -> PoolEdit:
        """Add an edit to the pool; `anew` is the number of the edit that it is in new words."""
        assert proposal.candidate is not None
        if anew is None:
            column = self.effects.edits
            self.effects.grow(1)
            self.costs.grow(1)
        else:
            column = self.entries[anew].column
        entry = PoolEdit(number, proposal, proposal.candidate, parent_id, column)
        self.entries[number] = entry
        return entry

    def note(self, one: int, other: int, fits: bool) -> None:
        """Remember whether two edits can be in one harness."""
        if not fits:
            self._clashes.add(frozenset((one, other)))

    def fit(self, one: int, other: int) -> bool:
        """Whether two edits can be in one harness, as far as is known."""
        return frozenset((one, other)) not in self._clashes

    def rivals(self, number: int) -> list[PoolEdit]:
        """Return the undecided edits that cannot be in a harness with this one."""
        return [e for e in self.open if e.number != number and not self.fit(e.number, number)]

    def documents_for(self, look: int, episodes: int) -> list[str]:
        """Return validation documents for a look, those used least first; they are used now."""
        rng = self.rng(look, "documents")
        shuffled = rng.sample(list(self._used), len(self._used))
        chosen = sorted(shuffled, key=lambda name: self._used[name])[:episodes]
        for name in chosen:
            self._used[name] += 1
        return chosen

    def best_set(self, values: Numbers, price: bool = False) -> list[int]:
        """Return the undecided edits that add most to the base by these values of the columns.

        Greedily: the best first, then what is best beside it and fits. With `price` a longer prompt
        must be worth it.
        """
        columns, crowding = values.tolist(), float(values[1])
        places = self.effects.columns()
        inside = {*self.columns_of(self.base)}
        chosen: list[int] = []
        free = self.open
        pairs = [(pair, columns[places[pair]]) for pair in self.effects.pairs]

        def gain(entry: PoolEdit) -> float:
            gained: float = columns[places[entry.column]] + crowding * len(inside)
            for (one, other), value in pairs:
                if (entry.column == one and other in inside) or (
                    entry.column == other and one in inside
                ):
                    gained += value
            return gained - (self._growth(entry) if price else 0.0)

        while free and len(chosen) < MOST_MERGED:
            gains = [gain(entry) for entry in free]
            top = max(range(len(free)), key=gains.__getitem__)
            if gains[top] <= 0:
                break
            taken = free[top]
            chosen.append(taken.number)
            inside.add(taken.column)
            free = [e for e in free if e is not taken and self.fit(e.number, taken.number)]
        return chosen

    def _growth(self, entry: PoolEdit) -> float:
        """What the longer prompt of an edit must be worth."""
        parent = self.candidates.get(entry.parent_id, self.baseline)
        grown = max(0, entry.edit.prompt_chars - parent.prompt_chars)
        return GROWTH_PRICE * grown / max(1, self.baseline.prompt_chars)

    def learn(self, measured: Sequence[SetOutcomes]) -> None:
        """Learn from fresh outcomes of sets, and count them as spent."""
        for edits, candidate, outcomes in measured:
            self.candidates[candidate.id] = candidate
            columns = self.columns_of(edits)
            own = self.own.setdefault(edits, [])
            for outcome in outcomes:
                row = self._row[outcome.cell.document_id]
                self.effects.add(row, columns, self.yardstick.value(outcome))
                spent = cost(replace(outcome, spend=own_spend(outcome)), self.unit)
                if self.unit != "episodes":
                    self.costs.add(row, columns, spent / self._price)
                own.append((row, outcome))
            for number in edits:
                self.entries[number].outcomes += outcomes
            self.spent += len(outcomes)
        self.effects.update()
        if self.unit != "episodes":
            self.costs.update()
        inside = [e.column for e in self.open] + self.columns_of(self.base)
        for pair in self.effects.misfits(inside, *INTERACTING)[:1] if self.open else ():
            self.effects.interact(pair)
            self.effects.update()

    def columns_of(self, edits: Iterable[int]) -> list[int]:
        """Return the columns of edits in the model."""
        return [self.entries[number].column for number in edits]

    def total(self, edits: frozenset[int]) -> tuple[float, float]:
        """Return mean and standard deviation of what a set of edits adds to the baseline."""
        return self.effects.of(self.effects.weights(self.columns_of(edits)))

    def worth(self, number: int, edits: frozenset[int]) -> float:
        """Return what an edit adds to the others of a set, less the price of a longer prompt."""
        added = self.total(edits)[0] - self.total(edits - {number})[0]
        return added - self._growth(self.entries[number])

    def expected(self, edits: frozenset[int], documents: Iterable[str]) -> float:
        """Return the sum of the values that are expected of a set on these documents."""
        columns = self.columns_of(edits)
        return sum(self.effects.fitted(self._row[name], columns) for name in documents)

    def gain(self, entry: PoolEdit, model: Effects | None = None) -> tuple[float, float]:
        """Return mean and standard deviation of what an undecided edit adds to the base."""
        model = model or self.effects
        return model.of(model.added(self.columns_of(self.base), entry.column))

    def chances(self) -> dict[int, float]:
        """Return how likely it is of every undecided edit that it is good on the base."""
        gains = {entry.number: self.gain(entry) for entry in self.open}
        return {n: _NORMAL.cdf(mean / max(1e-9, sd)) for n, (mean, sd) in gains.items()}

    def decide(self, number: int, state: EditState, why: str = "") -> Iteration:
        """Take an edit out of the pool and return what is to be told of it."""
        entry = self.entries[number]
        told = self.told(entry, why)
        entry.state = state
        if state == "admitted":
            self.base = (*self.base, number)
        audit = audit_belief(entry.proposal.predictions, told.evidence["good"])
        decision: Decision = "admitted" if state == "admitted" else "rejected"
        told = replace(told, decision=decision, audit=audit)
        self.history.append(told)
        return told

    def told(self, entry: PoolEdit, why: str = "") -> Iteration:
        """Return an undecided edit as its proposers and the journal know it."""
        belief = self.belief(entry)
        words = reason_of(belief)
        return Iteration(
            entry.number,
            entry.parent_id,
            entry.proposal,
            "undecided",
            f"{why}; {words}" if why else words,
            tuple(entry.outcomes),
            evidence={
                "effect": belief.effect,
                "low": belief.low,
                "high": belief.high,
                "good": belief.good,
                "tokens": belief.tokens,
                "episodes": belief.episodes,
            },
        )

    def belief(self, entry: PoolEdit) -> EditBelief:
        """Return what is believed of an edit."""
        columns = self.columns_of(n for n in self.base if n != entry.number)
        weights = self.effects.added(columns, entry.column)
        rate = float(self.effects.mean[0]) + self.effects.of(self.effects.weights(columns))[0]
        tokens = None
        if self.unit == "tokens":
            used = float(self.costs.mean[0]) + self.costs.of(self.costs.weights(columns))[0]
            more = self.costs.of(self.costs.added(columns, entry.column))[0]
            tokens = self._price * more, self._price * used, rate
        return belief_of(
            entry.number, self.effects.of(weights), len(entry.outcomes), entry.state, tokens
        )

    def known_edits(self) -> tuple[Iteration, ...]:
        """Return every edit that has come, decided or not, in the order of their numbers."""
        found = {iteration.number: iteration for iteration in self.history}
        found |= {entry.number: self.told(entry) for entry in self.open}
        return tuple(found[number] for number in sorted(found))

    def estimate(self, candidate_id: str) -> Estimate:
        """Return what the model believes of a candidate, beside its own counts."""
        edits = next((s for s, c in self.sets.items() if c.id == candidate_id), frozenset())
        weights = self.effects.weights(self.columns_of(edits))
        weights[0] = 1.0
        mean, sd = self.effects.of(weights)
        own = [outcome for _, outcome in self.own.get(edits, ())]
        accepted = sum(outcome.accepted for outcome in own)
        return Estimate(candidate_id, mean, sd, accepted, len(own))

    def ranking(self) -> list[Estimate]:
        """Return the estimates of baseline, base and finalists, best first."""
        names = dict.fromkeys(
            [self.baseline.id, self.base_candidate.id, *(c.id for c in self.chosen)]
        )
        return sorted((self.estimate(name) for name in names), key=lambda e: -e.mean)

    def finalists(self) -> list[Candidate]:
        """Return those that were chosen last."""
        return self.chosen

    def out(self) -> frozenset[str]:
        """Return the trees of sets that hold an edit which was rejected."""
        gone = {n for n, entry in self.entries.items() if entry.state == "rejected"}
        return frozenset(c.tree for edits, c in self.sets.items() if edits & gone)
