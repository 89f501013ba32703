"""The forecast of a search's cost and time, from the episodes and proposals of a pilot."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import fsum
from statistics import fmean, stdev

from autodata.models.calls.caller import CHARS_PER_TOKEN
from autodata.search.certify import student_quantile
from autodata.search.proposers.history import DIFF_CHARS, LOG_CHARS
from autodata.search.sizes import Episodes
from autodata.store.episodes import CallRecord
from autodata.store.facts import Fact
from autodata.store.format import Record
from autodata.store.records import SessionRecord
from autodata.types import Outcome, Spend

LEVEL = 0.9
_FEW = 4
"""Candidates that most episodes of a search go to: baseline, leaders and finalist."""


@dataclass(frozen=True, slots=True)
class Range:
    """A predicted amount with its interval."""

    mean: float
    low: float
    high: float

    def __add__(self, other: "Range") -> "Range":
        return Range(self.mean + other.mean, self.low + other.low, self.high + other.high)


@dataclass(frozen=True, slots=True)
class PilotPace:
    """The throughput of the pilot and how much wider the search may go.

    `seconds` is the pilot's time with servers up. `abreast`, `search_abreast` and `test_abreast`
    are episodes side by side; `concurrency` bounds the calls in flight.
    """

    seconds: float
    abreast: int
    search_abreast: int
    test_abreast: int
    concurrency: int


@dataclass(frozen=True, slots=True)
class Proposals:
    """The cost of edits by analyzer and implementer in the pilot, and how many a search makes.

    Later ones read a log of earlier ones, which the pilot's do not.
    """

    spends: Sequence[Spend]
    fewest: int
    most: int
    parallel: int

    def longest_log(self) -> float:
        """Return the tokens of log that an edit of a search reads, on average, if it gets long."""
        log = fmean(min(earlier * DIFF_CHARS, LOG_CHARS) for earlier in range(self.most))
        return log * fmean(spend.calls for spend in self.spends) / CHARS_PER_TOKEN


@dataclass(frozen=True, slots=True)
class Forecast:
    """The forecast of a search's episodes, tokens, dollars and hours.

    Null episodes are among the fewest and most. `knobs_moved`: half of the pilot had random knob
    values. Edits by analyzer and implementer are in it, foretold from `pilot_edits`. Looks are a
    merging search's.
    """

    pilot_episodes: int
    fewest_episodes: int
    most_episodes: int
    level: float
    knobs_moved: bool
    prompt_tokens: Range
    completion_tokens: Range
    usd: Range
    hours: Range
    fewest_edits: int = 0
    most_edits: int = 0
    pilot_edits: int = 0
    fewest_null: int = 0
    most_null: int = 0
    pilot_null: int = 0
    fewest_looks: int = 0
    most_looks: int = 0


def busy_seconds(facts: Iterable[Fact[Record]]) -> float:
    """Sum up the time from each session's first call of an episode to its last.

    So neither the start of servers counts nor the time between two sessions, nor that of edits.
    """
    spans: list[tuple[float, float]] = []
    fresh = True
    for fact in facts:
        record = fact.record
        if isinstance(record, SessionRecord):
            fresh = True
        elif isinstance(record, CallRecord) and record.document_id:
            first, last = fact.at - record.seconds, fact.at
            if not fresh:
                first, last = min(first, spans[-1][0]), max(last, spans.pop()[1])
            spans.append((first, last))
            fresh = False
    return sum(last - first for first, last in spans)


def predict(
    outcomes: Sequence[Outcome],
    needed: Episodes,
    pace: PilotPace,
    moved: bool = False,
    proposals: Proposals | None = None,
) -> Forecast:
    """Scale a pilot up.

    Tokens and dollars are the pilot's mean per episode times the number of episodes; the interval
    goes from the fewest at the low end of that mean to the most at its high end. With `moved` knobs
    it allows for a search whose episodes are mostly those of `_FEW` candidates.

    Hours take the pilot's seconds per episode. A search has other numbers of episodes side by side:
    the low end is for a server that answers them all as fast, as long as calls in flight stay below
    their bound; the high end for one that was busy already.

    `proposals` are added to that, with the log as long as it can get at the high end. They go on
    beside the episodes of other iterations: at the low end the longer of the two counts alone.
    """
    honest = [outcome for outcome in outcomes if not outcome.cell.null]
    lucky = [outcome for outcome in outcomes if outcome.cell.null]
    fewest, most = needed.bounds
    null = needed.null.bounds if needed.null else (0, 0)
    kinds = [(honest, needed, _FEW if moved else needed.fewest + needed.fewest_tested)]
    if needed.null and lucky:
        kinds.append((lucky, needed.null, _FEW if moved else null[0]))
    all_seconds = fsum(outcome.spend.seconds for outcome in outcomes)
    amounts = []
    for ended, of_kind, alike in kinds:
        part = fsum(outcome.spend.seconds for outcome in ended)
        share = part / all_seconds if all_seconds else len(ended) / len(outcomes)
        its_pace = replace(pace, seconds=pace.seconds * share)
        amounts.append(_amounts([o.spend for o in ended], of_kind, its_pace, alike))
    prompts, completions, usd, hours = (
        sum(each[1:], each[0]) for each in zip(*amounts, strict=True)
    )
    found = Forecast(
        len(honest),
        fewest,
        most,
        LEVEL,
        moved,
        prompts,
        completions,
        usd,
        hours,
        fewest_null=null[0],
        most_null=null[1],
        pilot_null=len(lucky),
        fewest_looks=needed.looks[0],
        most_looks=needed.looks[1],
    )
    return found if proposals is None else _with_proposals(found, proposals)


def _amounts(
    spends: Sequence[Spend], needed: Episodes, pace: PilotPace, alike: int
) -> tuple[Range, Range, Range, Range]:
    """Return prompt tokens, completion tokens, dollars and hours of episodes of one kind."""
    fewest, most = needed.fewest + needed.fewest_tested, needed.most + needed.most_tested

    def amount(values: Sequence[float]) -> Range:
        each, reach = fmean(values), _reach(values, alike)
        return Range(each * (fewest + most) / 2, each / reach * fewest, each * reach * most)

    return (
        amount([spend.prompt_tokens for spend in spends]),
        amount([spend.completion_tokens for spend in spends]),
        amount([spend.cost_usd for spend in spends]),
        _hours([spend.seconds for spend in spends], needed, pace, alike),
    )


def _hours(seconds: Sequence[float], needed: Episodes, pace: PilotPace, alike: int) -> Range:
    each = pace.seconds / len(seconds) / 3600
    in_flight = sum(seconds) / pace.seconds if pace.seconds else 0.0
    widest = max(1.0, pace.concurrency / in_flight) if in_flight else math.inf
    low = high = 0.0
    for least, greatest, abreast in (
        (needed.fewest, needed.most, pace.search_abreast),
        (needed.fewest_tested, needed.most_tested, pace.test_abreast),
    ):
        wider = abreast / pace.abreast
        low += least / max(1.0, min(wider, widest))
        high += greatest / min(1.0, wider)
    reach = _reach(seconds, alike)
    return Range(each * (low + high) / 2, each / reach * low, each * reach * high)


def _with_proposals(forecast: Forecast, proposals: Proposals) -> Forecast:
    spends, fewest, most = proposals.spends, proposals.fewest, proposals.most
    prompts = [spend.prompt_tokens for spend in spends]
    longer = 1 + proposals.longest_log() / max(1.0, fmean(prompts))

    def amount(values: Sequence[float], grown: float = 1.0) -> Range:
        each, reach = fmean(values), _reach(values, fewest)
        return Range(
            each * (fewest + most * grown) / 2, each / reach * fewest, each * reach * most * grown
        )

    alone = amount([spend.seconds / 3600 for spend in spends])
    hours = forecast.hours + alone
    return replace(
        forecast,
        prompt_tokens=forecast.prompt_tokens + amount(prompts, longer),
        completion_tokens=forecast.completion_tokens
        + amount([s.completion_tokens for s in spends]),
        usd=forecast.usd + amount([spend.cost_usd for spend in spends], longer),
        hours=replace(hours, low=max(forecast.hours.low, alone.low / proposals.parallel)),
        fewest_edits=fewest,
        most_edits=most,
        pilot_edits=len(spends),
    )


def _reach(values: Sequence[float], draws: int) -> float:
    """Return the factor by which the mean of so many draws may differ from the pilot's.

    Student's interval on the scale of logarithms: amounts are positive and skewed.
    """
    mean, count = fmean(values), len(values)
    if not mean or count < 2:
        return 1.0
    error = stdev(values) * math.sqrt(1 / count + 1 / draws) / mean
    return math.exp(student_quantile((1 + LEVEL) / 2, count - 1) * error)
