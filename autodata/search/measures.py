"""What harnesses are compared by: ratios of sums over episodes, with intervals over documents.

Each measure is a sum over a harness's episodes divided by another, such as tokens by accepted
examples; most divide by a count. Its interval is Student's over documents of the linearised ratio
(the delta method; W. G. Cochran, Sampling Techniques, 1977), and the difference of two harnesses is
that of their linearised ratios on the same documents, so that what a document does to both cancels.
Where every episode counts once this is the mean of paired differences.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf
from statistics import fmean, pstdev

from autodata.episode.gaps import came_to
from autodata.search.certify import interval
from autodata.search.null import null_rate
from autodata.store.episodes import EpisodeRecord
from autodata.store.quality import GapRecord
from autodata.types import Interval, Outcome, Round

_LEVEL = 0.95


class Told:
    """An episode that is compared: its record, its outcome, and its example's gap.

    Its outcome may be other than recorded, as near copies count once.
    """

    def __init__(self, episode: EpisodeRecord, outcome: Outcome, gap: GapRecord | None) -> None:
        self.episode = episode
        self.document = episode.document_id
        self.null = episode.null
        self.outcome = outcome
        self.accepted = outcome.accepted
        self.gap = gap if gap and gap.weak and gap.strong else None

    @cached_property
    def rounds(self) -> tuple[Round, ...]:
        """Its rounds."""
        return self.episode.played

    @cached_property
    def came_to(self) -> Round | None:
        """The round that it came to, if any."""
        return came_to(self.rounds)


Quantity = Callable[[Told], float]


@dataclass(frozen=True, slots=True)
class Measure:
    """A quotient of two sums over episodes, one of which is usually a count.

    `span` is the distance of the ends of its scale, 0 where it has none, and `null` says that it is
    of null episodes. `form` is how a value is written.
    """

    label: str
    above: Quantity
    below: Quantity
    span: float = 0.0
    low: float = 0.0
    high: float = inf
    null: bool = False
    form: str = ",.0f"


def _one(told: Told) -> float:
    return 1.0


def _accepted(told: Told) -> float:
    return float(told.accepted)


def _unsuitable(told: Told) -> float:
    return float(told.episode.status == "unsuitable")


def _asked(told: Told) -> float:
    return float(told.gap is not None)


def _kept(told: Told) -> float:
    return float(told.gap is not None and told.accepted)


def _made(told: Told) -> float:
    return float(told.came_to is not None)


def _weak(told: Told) -> float:
    return fmean(told.gap.weak) if told.gap else 0.0


def _strong(told: Told) -> float:
    return fmean(told.gap.strong) if told.gap else 0.0


def _spread(told: Told) -> float:
    return pstdev(told.gap.weak) if told.gap else 0.0


def _gap(told: Told) -> float:
    return _strong(told) - _weak(told)


def _of_accepted(part: Quantity) -> Quantity:
    return lambda told: part(told) if told.accepted else 0.0


def _length(field: str) -> Quantity:
    return lambda told: float(len(getattr(told.came_to.example, field))) if told.came_to else 0.0


def _tokens(told: Told) -> float:
    return float(told.episode.prompt_tokens + told.episode.completion_tokens)


def _confirmations(confirmed: bool) -> Quantity:
    def counted(told: Told) -> float:
        found = [past.confirmation for past in told.rounds if past.confirmation]
        return float(sum(one.confirmed for one in found) if confirmed else len(found))

    return counted


def _rate(label: str, above: Quantity, below: Quantity, null: bool = False) -> Measure:
    return Measure(label, above, below, 1.0, 0.0, 1.0, null, ".2f")


def _gain(label: str, above: Quantity, below: Quantity) -> Measure:
    return Measure(label, above, below, 2.0, -1.0, 1.0, form="+.2f")


MEASURES: dict[str, Measure] = {
    "weak": _rate("weak", _weak, _asked),
    "strong": _rate("strong", _strong, _asked),
    "gap": _gain("gap", _gap, _asked),
    "weak_spread": _rate("spread of weak samples", _spread, _asked),
    "accepted_weak": _rate("weak, of accepted", _of_accepted(_weak), _kept),
    "accepted_strong": _rate("strong, of accepted", _of_accepted(_strong), _kept),
    "accepted_gap": _gain("gap, of accepted", _of_accepted(_gap), _kept),
    "acceptance": _rate("acceptance", _accepted, _one),
    "unsuitable": _rate("given up as unsuitable", _unsuitable, _one),
    "null_rate": _rate("null rate", _accepted, _one, null=True),
    "confirmed": _rate("confirmed", _confirmations(True), _confirmations(False)),
    "rounds": Measure("rounds", lambda told: float(len(told.rounds)), _one, form=".2f"),
    "question": Measure("question, characters", _length("question"), _made),
    "context": Measure("context, characters", _length("context"), _made),
    "answer": Measure("answer, characters", _length("answer"), _made),
    "rubric": Measure("rubric items", _length("rubric"), _made, form=".1f"),
    "tokens": Measure("tokens", _tokens, _one),
    "usd": Measure("dollars", lambda told: told.episode.cost_usd, _one, form=".4f"),
    "seconds": Measure("seconds", lambda told: told.episode.seconds, _one, form=",.1f"),
    "tokens_per_accepted": Measure("tokens per accepted", _tokens, _accepted),
    "usd_per_accepted": Measure(
        "dollars per accepted", lambda told: told.episode.cost_usd, _accepted, form=".4f"
    ),
}
"""The table that harnesses are compared by: the paper's table 1, and what it leaves out.

Weak, strong and gap are of fresh samples on what every document came to, or the accepted ones of
these. What a workflow spends per episode is without the fresh samples of this measurement.
"""


Measures = Mapping[str, Interval | None]
"""A value with its 95 % interval for each name of `MEASURES`; None where it divides by nothing."""


def measures_of(episodes: Sequence[Told]) -> Measures:
    """Return all measures of one harness."""
    return {name: value_of(measure, episodes) for name, measure in MEASURES.items()}


def differences_of(ours: Sequence[Told], theirs: Sequence[Told]) -> Measures:
    """Return what each measure of one harness is above that of another, paired by document."""
    return {name: difference(measure, ours, theirs) for name, measure in MEASURES.items()}


def value_of(measure: Measure, episodes: Sequence[Told]) -> Interval | None:
    """Return a measure of one harness; None: it has nothing to divide by."""
    counted = _of_kind(measure, episodes)
    found = _linear(measure, counted)
    if found is None:
        return None
    if measure.null:  # its upper end is claimed elsewhere, too: by the exact interval
        return null_rate(sum(told.accepted for told in counted), len(counted)).rate
    spare = (measure.span / 2 * found.weight) ** 2
    reach = interval([*found.rests.values()], _LEVEL, spare)
    low, high = found.ratio + reach.low, found.ratio + reach.high
    return Interval(found.ratio, max(measure.low, low), min(measure.high, high), _LEVEL)


def difference(measure: Measure, ours: Sequence[Told], theirs: Sequence[Told]) -> Interval | None:
    """Return what a measure of one harness is above that of another, paired by document."""
    one, other = (_linear(measure, _of_kind(measure, each)) for each in (ours, theirs))
    if one is None or other is None:
        return None
    gain = one.ratio - other.ratio
    rests = [one.rests[name] - other.rests[name] for name in one.rests]
    spare = (measure.span * max(one.weight, other.weight)) ** 2
    reach = interval(rests, _LEVEL, spare)
    most = measure.high - measure.low
    return Interval(gain, max(-most, gain + reach.low), min(most, gain + reach.high), _LEVEL)


@dataclass(frozen=True, slots=True)
class _Linear:
    """A ratio, and what each document adds to it in first order.

    `weight` is the most that a document counts, times the mean: of two accepted ones in ten, five.
    """

    ratio: float
    weight: float
    rests: dict[str, float]


def _of_kind(measure: Measure, episodes: Sequence[Told]) -> list[Told]:
    return [told for told in episodes if told.null == measure.null]


def _linear(measure: Measure, episodes: Sequence[Told]) -> _Linear | None:
    documents = dict.fromkeys(told.document for told in episodes)
    above, below = (dict.fromkeys(documents, 0.0) for _ in range(2))
    for told in episodes:
        above[told.document] += measure.above(told)
        below[told.document] += measure.below(told)
    if not (total := sum(below.values())):
        return None
    ratio, mean = sum(above.values()) / total, total / len(below)
    rests = {name: (above[name] - ratio * below[name]) / mean for name in documents}
    return _Linear(ratio, max(below.values()) / mean, rests)
