"""Predicting what a search takes, from a pilot of a few episodes that is journaled like any run.

Knows nothing of searching but how many episodes it may need.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from statistics import fmean, stdev

from autodata.harness.spec import Harness, load_folder, with_knobs
from autodata.optimize.certify import student_quantile
from autodata.optimize.plan import SearchPlan
from autodata.optimize.search import FINAL_LOOKS, FIRST_LOOK
from autodata.project import Project
from autodata.running import Running, measure
from autodata.store.journal import Record, read_records
from autodata.types import SPLITS, Cell, KnobValue, Outcome, Split
from autodata.wiring import Reports, load_splits, search_plan, slots

LEVEL = 0.9
FEW = 4
"""Candidates that most episodes of a search go to: baseline, leaders and finalist."""


@dataclass(frozen=True, slots=True)
class Range:
    """A predicted amount with its interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Episodes:
    """How many episodes a search takes at least and at most: before the sealed test, and in it."""

    fewest: int
    most: int
    fewest_tested: int
    most_tested: int


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the pilot went and how much wider the search may go.

    `seconds` is the pilot's time with servers up. `abreast`, `search_abreast` and `test_abreast`
    are episodes side by side; `concurrency` bounds the calls in flight.
    """

    seconds: float
    abreast: int
    search_abreast: int
    test_abreast: int
    concurrency: int


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a search is likely to take.

    `knobs_moved`: half of the pilot had random knob values. `not_included` names the roles that the
    pilot has not asked.
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
    not_included: tuple[str, ...]


async def estimate(
    project: Project,
    run_id: str,
    episodes: int,
    reports: Reports,
    started: Callable[[Running], None],
) -> Prediction:
    """Run a pilot on training documents and predict the whole search.

    Candidates may cost several times what the present harness does, so where a search moves knobs,
    every second episode of the pilot has knob values of its own, drawn at random.
    """
    config = project.config
    harness = load_folder(project.harness_folder)
    documents = load_splits(config, project.root)
    train = documents["train"]
    cells = [Cell(train[i % len(train)].id, "train", i // len(train)) for i in range(episodes)]
    moved = config.optimize.proposer != "llm" and bool(harness.knobs)
    tasks: list[tuple[Harness, Sequence[Cell]]] = [(harness, cells[::2] if moved else cells)]
    if moved:
        tasks += [(moved_at_random(harness, Random(n)), [c]) for n, c in enumerate(cells[1::2])]
    outcomes = await measure(project, run_id, tasks, documents, reports, started)
    plan = search_plan(config, 0)
    sizes: dict[Split, int] = {split: len(documents[split]) for split in SPLITS}
    needed, room = episodes_of(plan, sizes), slots(config)
    pace = Pace(
        busy_seconds(read_records(project.runs / run_id, {"session", "call"})),
        min(len(outcomes), room),
        min((1 + plan.parallel) * plan.race.block, room),
        min(needed.most_tested, room),
        room // 2,
    )
    silent = () if config.optimize.proposer == "knobs" else ("analyzer", "implementer")
    return predict(outcomes, needed, pace, moved, silent)


def moved_at_random(harness: Harness, rng: Random) -> Harness:
    """Return the harness with every knob somewhere in its range."""
    values: dict[str, KnobValue] = {}
    for name, knob in harness.knobs.items():
        if knob.low is None or knob.high is None:
            values[name] = rng.choice(knob.choices or (False, True))
            continue
        low, high = (math.log(knob.low), math.log(knob.high)) if knob.log else (knob.low, knob.high)
        drawn = rng.uniform(low, high)
        drawn = min(max(math.exp(drawn) if knob.log else drawn, knob.low), knob.high)
        values[name] = round(drawn) if knob.type == "int" else drawn
    return with_knobs(harness, values)


def episodes_of(plan: SearchPlan, sizes: Mapping[Split, int]) -> Episodes:
    """Return the fewest and most episodes of a search, if every proposal is raced.

    Siblings share their parent's episodes. Where nobody is believed to be better than the baseline,
    it is tested alone.
    """
    repeats = plan.repeats_on_test(sizes["test"]) * sizes["test"]
    tested = (1 + plan.finalists) * repeats
    looked, families = min(FIRST_LOOK, sizes["validation"]), -(-plan.iterations // plan.parallel)
    shortest, longest = plan.race.block, plan.race.passes * sizes["validation"]
    raced = plan.iterations + families
    fewest = looked + plan.iterations * plan.minibatch + raced * shortest
    again = FINAL_LOOKS * 2 * min(sizes["validation"], 2 * plan.race.block)
    most = looked + plan.iterations * 2 * plan.minibatch + raced * longest + again
    if plan.episodes:
        most = plan.episodes - tested
        fewest = min(fewest, most)
    return Episodes(fewest, most, repeats, tested)


def busy_seconds(records: Iterable[Record]) -> float:
    """Sum up the time from each session's first call to its last.

    So neither the start of servers counts nor the time between two sessions.
    """
    spans: list[tuple[float, float]] = []
    fresh = True
    for record in records:
        if record.kind == "session":
            fresh = True
            continue
        first, last = record.at - record.body["seconds"], record.at
        if not fresh:
            first, last = min(first, spans[-1][0]), max(last, spans.pop()[1])
        spans.append((first, last))
        fresh = False
    return sum(last - first for first, last in spans)


def predict(
    outcomes: Sequence[Outcome],
    needed: Episodes,
    pace: Pace,
    moved: bool = False,
    not_included: tuple[str, ...] = (),
) -> Prediction:
    """Scale a pilot up.

    Tokens and dollars are the pilot's mean per episode times the number of episodes; the interval
    goes from the fewest at the low end of that mean to the most at its high end. With `moved` knobs
    it allows for a search whose episodes are mostly those of `FEW` candidates.

    Hours take the pilot's seconds per episode. A search has other numbers of episodes side by side:
    the low end is for a server that answers them all as fast, as long as calls in flight stay below
    their bound; the high end for one that was busy already.
    """
    spends = [outcome.spend for outcome in outcomes]
    fewest, most = needed.fewest + needed.fewest_tested, needed.most + needed.most_tested
    alike = FEW if moved else fewest

    def amount(values: Sequence[float]) -> Range:
        each, reach = fmean(values), _reach(values, alike)
        return Range(each * (fewest + most) / 2, each / reach * fewest, each * reach * most)

    seconds = [spend.seconds for spend in spends]
    each = pace.seconds / len(outcomes) / 3600
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
    hours = Range(each * (low + high) / 2, each / reach * low, each * reach * high)
    return Prediction(
        len(outcomes),
        fewest,
        most,
        LEVEL,
        moved,
        amount([spend.prompt_tokens for spend in spends]),
        amount([spend.completion_tokens for spend in spends]),
        amount([spend.cost_usd for spend in spends]),
        hours,
        not_included,
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
