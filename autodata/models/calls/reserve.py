"""Forecast of what the sealed test will take, so that its share of a budget is kept.

The calls of an episode count once it has ended: half an episode would make them all look cheap,
and a few that have just begun make them look dear.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import sqrt

from autodata.types import EpisodeKey, Spend

_FEW = 4  # ended episodes of a harness from which on they tell more of it than all others do
MARGIN = 1.1
"""What is kept beyond what is expected, at least; one by what is not known yet is added."""
REACH = 2.0
"""Standard errors of what the test may take that are kept: some episodes take several times more,
as an accepted example is confirmed."""


@dataclass(slots=True)
class _Tally:
    """Ended episodes, and what they took by role; `""` is all roles together.

    `squares` sums the squares of their calls and tokens, from which their spread is known.
    """

    episodes: int = 0
    spent: defaultdict[str, Spend] = field(default_factory=lambda: defaultdict(Spend))
    squares: defaultdict[str, tuple[float, float]] = field(
        default_factory=lambda: defaultdict(lambda: (0.0, 0.0))
    )

    def end(self, spent: Mapping[str, Spend]) -> None:
        """Count an episode that took so much."""
        self.episodes += 1
        for role, spend in spent.items():
            self.spent[role] += spend
            calls, tokens = self.squares[role]
            self.squares[role] = (calls + spend.calls**2, tokens + _tokens(spend) ** 2)

    def margin(self, role: str, further: int) -> float:
        """Return the factor on what so many further episodes are expected to take, to be kept."""
        seen = self.episodes
        spent, squares = self.spent.get(role, Spend()), self.squares.get(role, (0.0, 0.0))
        spread = 0.0  # the standard deviation of an episode's cost by its mean
        for total, square in zip((spent.calls, _tokens(spent)), squares, strict=True):
            if total:
                spread = max(spread, sqrt(max(0.0, square * seen / total**2 - 1)))
        unsure = REACH * spread * sqrt(1 / seen + 1 / max(1, further))
        return MARGIN + max(1 / sqrt(seen), unsure)


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
            for tally in self._tallies(episode):
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
        for tally in self._tallies(episode):
            tally.end(spent)
        self._shares.clear()

    def _tallies(self, episode: EpisodeKey) -> tuple[_Tally, ...]:
        if episode.null:
            return (self._null,)
        return (self._all, self._trees.setdefault(episode.tree, _Tally()))

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
        # null episodes are few, and of many harnesses: the dearest's cost more in proportion
        dearer = max(1.0, _price(dearest) / _price(self._all)) if _price(self._all) else 1.0
        expected = kept = Spend()
        longest = 0.0
        for tally, episodes, factor in (
            (known.get(wanted.baseline, self._all), wanted.baseline_episodes, 1.0),
            (dearest, wanted.finalist_episodes, 1.0),
            (self._null if self._null.episodes else dearest, wanted.baseline_null, 1.0),
            (self._null if self._null.episodes else dearest, wanted.finalist_null, dearer),
        ):
            spent = tally.spent.get(role, Spend())
            times = factor * episodes / tally.episodes
            expected += _times(spent, times)
            kept += _times(spent, times * tally.margin(role, episodes))
            longest = max(longest, spent.seconds / tally.episodes if episodes else 0.0)
        beside = max(1.0, self._beside / self._calls if self._calls else 1.0)
        seconds = [max(longest, spend.seconds / beside) for spend in (expected, kept)]
        return Share(expected, kept, seconds[0], seconds[1] + longest)


def _each(tally: _Tally) -> tuple[float, float]:
    """What an episode took: dollars, and where there are none tokens."""
    spent = tally.spent[""]
    return (spent.cost_usd / tally.episodes, _tokens(spent) / tally.episodes)


def _price(tally: _Tally) -> float:
    """What an episode took in dollars, or in tokens where there are none."""
    return next(filter(None, _each(tally)), 0.0)


def _tokens(spend: Spend) -> int:
    return spend.prompt_tokens + spend.completion_tokens


def _times(spend: Spend, factor: float) -> Spend:
    return Spend(
        round(spend.calls * factor),
        round(spend.prompt_tokens * factor),
        round(spend.completion_tokens * factor),
        spend.cost_usd * factor,
        spend.seconds * factor,
    )
