"""Forecast of what the sealed test will take, so that its share of a budget is kept.

The calls of an episode count once it has ended: half an episode would make them all look cheap,
and a few that have just begun make them look dear.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from math import sqrt

from autodata.types import EpisodeKey, Spend

_FEW = 4  # ended episodes of a harness from which on they tell more of it than all others do
MARGIN = 1.1
"""What is kept beyond what is expected, at least; one by the root of the episodes seen is added."""


@dataclass(slots=True)
class _Tally:
    """Ended episodes, and what they took by role; `""` is all roles together."""

    episodes: int = 0
    spent: defaultdict[str, Spend] = field(default_factory=lambda: defaultdict(Spend))


@dataclass(frozen=True, slots=True)
class Wanted:
    """The episodes of a sealed test: the baseline's, those of finalists, and null ones of both.

    Any harness may become a finalist but those that are `out`; what is kept is for the dearest.
    """

    baseline: str
    baseline_episodes: int
    finalist_episodes: int
    out: frozenset[str] = frozenset()
    baseline_null: int = 0
    finalist_null: int = 0


@dataclass(frozen=True, slots=True)
class Share:
    """The reserve of the sealed test: expected spend, what is kept, and the time of both."""

    expected: Spend
    kept: Spend
    expected_s: float
    kept_s: float


NOTHING = Share(Spend(), Spend(), 0.0, 0.0)


class Reserve:
    """Estimates the cost of the sealed test from ended episodes; nothing before one has ended."""

    def __init__(self) -> None:
        self._open: dict[EpisodeKey, defaultdict[str, Spend]] = {}
        self._over: set[EpisodeKey] = set()
        self._trees: dict[str, _Tally] = {}
        self._all = _Tally()
        self._null = _Tally()
        self._wanted = Wanted("", 0, 0)
        self._shares: dict[str, Share] = {}
        self._beside = 0.0
        self._calls = 0

    def keep(self, wanted: Wanted) -> None:
        """Keep what these episodes will take."""
        self._wanted = wanted
        self._shares.clear()

    def call(self, episode: EpisodeKey, role: str, spend: Spend) -> None:
        """Note a paid call of an episode; one that comes after its end, such as the auditor's."""
        if episode in self._over:
            self._shares.clear()
            for tally in (self._all, self._trees[episode.tree]):
                for name in (role, ""):
                    tally.spent[name] += spend
            return
        spent = self._open.setdefault(episode, defaultdict(Spend))
        for name in (role, ""):
            spent[name] += spend

    def beside(self, in_flight: float, calls: int = 1) -> None:
        """Note how many calls were in flight when these were answered."""
        self._beside += in_flight * calls
        self._calls += calls

    def ended(self, episode: EpisodeKey) -> None:
        """Count an episode that came to its end."""
        spent = self._open.pop(episode, None)
        if spent is None:
            return
        self._over.add(episode)
        tallies = (self._all, self._trees.setdefault(episode.tree, _Tally()))
        for tally in (self._null,) if episode.null else tallies:
            tally.episodes += 1
            for role, spend in spent.items():
                tally.spent[role] += spend
        self._shares.clear()

    def share(self, role: str = "") -> Share:
        """Return the reserve of a role, or of the whole test."""
        if role not in self._shares:
            self._shares[role] = self._share(role)
        return self._shares[role]

    def _share(self, role: str) -> Share:
        wanted = self._wanted
        null = wanted.baseline_null + wanted.finalist_null
        if not self._all.episodes or not wanted.baseline_episodes + wanted.finalist_episodes + null:
            return NOTHING
        known = {tree: tally for tree, tally in self._trees.items() if tally.episodes >= _FEW}
        may = [tally for tree, tally in known.items() if tree not in wanted.out]
        dearest = max(may, key=_each, default=self._all)
        expected = kept = Spend()
        longest = 0.0
        for tally, episodes in (
            (known.get(wanted.baseline, self._all), wanted.baseline_episodes),
            (dearest, wanted.finalist_episodes),
            (self._null if self._null.episodes else dearest, null),
        ):
            spent = tally.spent.get(role, Spend())
            margin = MARGIN + 1 / sqrt(tally.episodes)
            expected += _times(spent, episodes / tally.episodes)
            kept += _times(spent, margin * episodes / tally.episodes)
            longest = max(longest, spent.seconds / tally.episodes if episodes else 0.0)
        beside = max(1.0, self._beside / self._calls if self._calls else 1.0)
        seconds = [max(longest, spend.seconds / beside) for spend in (expected, kept)]
        return Share(expected, kept, seconds[0], seconds[1] + longest)


def _each(tally: _Tally) -> tuple[float, float]:
    """What an episode took: dollars, and where there are none tokens."""
    spent = tally.spent[""]
    tokens = spent.prompt_tokens + spent.completion_tokens
    return (spent.cost_usd / tally.episodes, tokens / tally.episodes)


def _times(spend: Spend, factor: float) -> Spend:
    return Spend(
        round(spend.calls * factor),
        round(spend.prompt_tokens * factor),
        round(spend.completion_tokens * factor),
        spend.cost_usd * factor,
        spend.seconds * factor,
    )
