"""Bounds on what a candidate may cost: the tokens of its episodes, and its measuring as a whole.

Both are taken from facts of the journal: a run that is resumed or replayed keeps to the same.
"""

from collections.abc import Mapping, Sequence
from math import sqrt
from statistics import fmean, stdev

from autodata.search.repeats import FIRST_SIGHT
from autodata.store.episodes import EpisodeRecord
from autodata.store.facts import JournalReader
from autodata.store.records import RunRecord
from autodata.types import Outcome, Spend

TIMES_BASELINE = 10
"""Tokens of a candidate's round for one of the baseline's, before its episode is stopped."""
FEWEST_EPISODES = 12
"""Episodes of it and of its parent that must show that a candidate costs too much: a few say
little, as some end at their first sample."""
CLEARLY = 2.0
"""Standard errors by which an episode costs too much before its candidate is rejected."""
MOST_FAILED_CALLS = 3
"""Calls that may fail while their endpoint answers others before a candidate is rejected."""


class TokenBound:
    """The tokens that an episode of a harness tree may take; 0: no bound.

    Ten times what a round has taken in the baseline's first look, for each round there may be. The
    baseline is the user's own, and is not bounded; nor is anybody where there was no first look.
    """

    def __init__(self, journal: JournalReader, max_rounds: int) -> None:
        self._journal = journal
        self._max_rounds = max_rounds
        self._baseline = ""
        self._known: int | None = None

    def __call__(self, tree: str) -> int:
        """Return the bound of this tree."""
        if not self._baseline:
            run = next((fact.record for fact in self._journal.records(RunRecord)), None)
            if run is None or run.kind != "optimization":
                return 0
            self._baseline = run.baseline_tree
        if tree == self._baseline:
            return 0
        if self._known is None:
            self._known = self._bound(self._baseline)
        return self._known

    def _bound(self, baseline: str) -> int:
        looks = (fact.record for fact in self._journal.records(EpisodeRecord))
        first = [e for e in looks if e.tree == baseline and not e.void and _is_first_look(e)]
        rounds = sum(max(1, len(episode.rounds)) for episode in first)
        tokens = sum(_tokens(own_spend(episode.outcome)) for episode in first)
        return TIMES_BASELINE * self._max_rounds * tokens // rounds if rounds else 0


def objection(
    ours: Sequence[Outcome], theirs: Sequence[Outcome], cost_bound: float, ended: bool = False
) -> str:
    """Return why a candidate is measured no further, from its episodes and its parent's; "" if not.

    `cost_bound` is how many times the parent's an episode of it may cost; 0: no bound. Few episodes
    do not show that, unless the race has `ended` on them.
    """
    failed = sum(outcome.failed_calls for outcome in ours)
    if failed >= MOST_FAILED_CALLS:
        return f"{failed} of its calls failed while their endpoints answered others"
    if not cost_bound or (len(ours) < FEWEST_EPISODES and not ended):
        return ""
    mine, other = _costs(ours, theirs)
    if _clearly_above(mine, [cost_bound * cost for cost in other]):
        times = fmean(mine) / fmean(other)
        return f"an episode costs {times:.1f} times its parent's; {cost_bound:g} are allowed"
    return ""


def _costs(ours: Sequence[Outcome], theirs: Sequence[Outcome]) -> tuple[list[float], list[float]]:
    """Return what each episode cost: in dollars, or in tokens where the others cost none.

    Without what the gates took: a harness of which more comes to them is not dear for that.
    """
    mine, other = [own_spend(o) for o in ours], [own_spend(o) for o in theirs]
    if any(spend.cost_usd for spend in other):
        return [spend.cost_usd for spend in mine], [spend.cost_usd for spend in other]
    return [float(_tokens(spend)) for spend in mine], [float(_tokens(spend)) for spend in other]


def _clearly_above(costs: Sequence[float], bounds: Sequence[float]) -> bool:
    """Whether costs on the same documents are above their bounds by more than chance makes them."""
    over = [cost - bound for cost, bound in zip(costs, bounds, strict=True)]
    deviation = stdev(over) if len(over) > 1 else 0.0
    return any(bounds) and fmean(over) > CLEARLY * deviation / sqrt(len(over))


def own_spend(outcome: Outcome) -> Spend:
    """Return what an episode's harness asked for: all of its cost but the gates'."""
    spend, gates = outcome.spend, outcome.gates
    return Spend(
        spend.calls - gates.calls,
        spend.prompt_tokens - gates.prompt_tokens,
        spend.completion_tokens - gates.completion_tokens,
        spend.cost_usd - gates.cost_usd,
    )


def _tokens(spend: Spend) -> int:
    return spend.prompt_tokens + spend.completion_tokens


def _is_first_look(episode: EpisodeRecord) -> bool:
    return (episode.split, episode.repeat) == ("validation", FIRST_SIGHT.number)


def blamed(outcomes: Mapping[int, Sequence[Outcome]]) -> dict[int, int]:
    """Return the edits by which calls fail, with how many; from the episodes that had each edit.

    A failure is that of one edit in its harness: of those with too many, the one with most is
    blamed, in fewer episodes where it is as many, then whoever has too many without it. Of two that
    were in the same harnesses nobody can tell yet.
    """
    left = {edit: list(ended) for edit, ended in outcomes.items()}
    found: dict[int, int] = {}
    while True:
        failed = {edit: sum(o.failed_calls for o in ended) for edit, ended in left.items()}
        ranked = sorted(
            (
                (calls, -len(left[e]), e)
                for e, calls in failed.items()
                if calls >= MOST_FAILED_CALLS
            ),
            reverse=True,
        )
        if not ranked:
            return found
        worst = ranked[0][2]
        known = {id(outcome) for outcome in left[worst]}
        if any({id(outcome) for outcome in left[e]} == known for *_, e in ranked[1:]):
            return found
        found[worst] = failed[worst]
        del left[worst]
        left = {e: [o for o in ended if id(o) not in known] for e, ended in left.items()}
