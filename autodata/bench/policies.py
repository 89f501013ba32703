"""The search policies that are compared, each one function over a world and a budget of episodes.

None sees a landscape's parameters or the truth; every policy gets the same stream of proposals.
"""

from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from math import exp, sqrt
from pathlib import Path
from random import Random
from statistics import NormalDist
from typing import Any

from autodata.bench.landscapes import World
from autodata.search.base import Brief
from autodata.search.phases import Collaborators
from autodata.search.plan import SearchPlan
from autodata.search.search import search
from autodata.store.facts import Fact, R
from autodata.store.format import Record
from autodata.types import Candidate, Cell, Outcome

ANALYSIS_MINIBATCH = 8
"""Training episodes read for all edits that a merging search asks for at once."""

MINIBATCH = 4
"""Training episodes read per proposal; gepa's default is 3."""

PAPER_MINIBATCH = 10
"""Fits the paper's 233 iterations into 14,000 episodes, with 25 documents for parent and mutant."""

GEPA_ADAPTER = Path(__file__).parents[2] / "benchmarks" / "gepa_policy.py"


@dataclass(frozen=True, slots=True)
class Found:
    """The result of a policy: the harness it chose and the claims it makes of it.

    `claimed` tells whether it announces an improvement over the baseline. `low` and `high` are the
    ends of its 95 % interval for the pass rate; a policy that has none gets the binomial interval
    of the episodes behind its number.
    """

    chosen: Candidate
    reported: float
    low: float
    high: float
    claimed: bool
    gain: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class SearchPolicy:
    """A name, how to run it (world, budget, seed), and why it cannot be run here ("": it can)."""

    name: str
    run: Callable[[World, int, int], Coroutine[Any, Any, Found]]
    unavailable: Callable[[], str] = lambda: ""


class _Unkept:
    """Nothing is kept of a simulated search."""

    folder = Path()

    def find(self, kind: type[R], key: str) -> R | None:
        return None

    def records(self, *kinds: type[R]) -> Iterator[Fact[R]]:
        return iter(())

    async def append(self, key: str, record: Record) -> None:
        pass

    async def once(self, key: str, record: R) -> R:
        return record


async def autodata(world: World, budget: int, seed: int) -> Found:
    """The real search of this package, certification on the sealed test split included."""
    plan = SearchPlan(
        search="merge",
        seed=seed,
        iterations=budget,
        parallel=2,
        episodes=budget,
        minibatch=ANALYSIS_MINIBATCH,
        audited=world.audited,
    )
    return await _searched(world, plan)


async def race(
    world: World,
    budget: int,
    seed: int,
    selection: str = "thompson",
    minibatch: int = MINIBATCH,
) -> Found:
    """One edit against its parent at a time, certification on the sealed test split included."""
    plan = SearchPlan(
        seed=seed,
        iterations=max(10, budget // 20),
        parallel=2,
        episodes=budget,
        minibatch=minibatch,
        selection=selection,
        audited=world.audited,
    )
    return await _searched(world, plan)


async def _searched(world: World, plan: SearchPlan) -> Found:
    async def unused(finalists: Sequence[Candidate]) -> Sequence[int]:
        return range(len(finalists))

    collaborators = Collaborators(world, world, _Unkept(), unused, merger=world, at_once=True)
    result = await search(plan, world.baseline, world.documents, collaborators)
    if not result.certificates:
        rate = result.baseline_rate
        assert rate is not None  # no budget closes a search here
        return Found(world.baseline, rate.mean, rate.low, rate.high, False)
    certificate = result.certificates[0]
    rate, gain = certificate.rate, (certificate.gain.low, certificate.gain.high)
    chosen = result.finalists[0]
    return Found(chosen, rate.mean, rate.low, rate.high, certificate.certified, gain)


async def paper(world: World, budget: int, seed: int) -> Found:
    """The published rule: parent and mutant once on 25 documents, accepted if strictly better.

    Parents by Boltzmann (T = 0.1) over averaged scores; the best average is reported.
    """
    documents = world.documents["validation"][:25]
    rng = Random(f"{seed}:paper")
    scores: dict[str, list[float]] = {}
    members = {world.baseline.id: world.baseline}
    number = 0
    cells = [Cell(d, "validation", 0) for d in documents]
    scores[world.baseline.id] = [_mean(await world.evaluate(world.baseline, cells))]
    while world.spent + PAPER_MINIBATCH + 2 * len(documents) <= budget:
        number += 1
        names = list(members)
        averages = [_average(scores[name]) for name in names]
        weights = [exp((a - max(averages)) / 0.1) for a in averages]
        parent = members[rng.choices(names, weights)[0]]
        mutant = await _proposed(world, number, parent, PAPER_MINIBATCH, rng)
        cells = [Cell(d, "validation", number) for d in documents]
        old = _mean(await world.evaluate(parent, cells))
        new = _mean(await world.evaluate(mutant, cells))
        scores[parent.id].append(old)
        if new > old:
            members[mutant.id] = mutant
            scores[mutant.id] = [new]
    best = max(members, key=lambda name: _average(scores[name]))
    behind = len(documents) * len(scores[best])
    return claim(world, members[best], _average(scores[best]), behind)


async def hill_climb(world: World, budget: int, seed: int) -> Found:
    """Keep one harness; move when it is better by more than a standard error on 40 documents."""
    documents = world.documents["validation"][:40]
    rng = Random(f"{seed}:hill-climb")
    current = world.baseline
    cells = [Cell(d, "validation", 0) for d in documents]
    reported = _mean(await world.evaluate(current, cells))
    number = 0
    while world.spent + MINIBATCH + 2 * len(documents) <= budget:
        number += 1
        mutant = await _proposed(world, number, current, MINIBATCH, rng)
        cells = [Cell(d, "validation", number) for d in documents]
        old = await world.evaluate(current, cells)
        new = await world.evaluate(mutant, cells)
        pairs = [n.accepted - o.accepted for n, o in zip(new, old, strict=True)]
        mean = sum(pairs) / len(pairs)
        error = sqrt(sum((p - mean) ** 2 for p in pairs) / (len(pairs) - 1) / len(pairs))
        if mean > error:
            current, reported = mutant, _mean(new)
    return claim(world, current, reported, len(documents))


async def gepa(world: World, budget: int, seed: int) -> Found:
    """The real gepa package, through the adapter in the repository's `benchmarks` folder."""
    spec = spec_from_file_location("autodata_gepa_policy", GEPA_ADAPTER)
    if spec is None or spec.loader is None:
        raise ImportError(f"{GEPA_ADAPTER} cannot be loaded")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    result: Found = await module.run(world, budget, seed)
    return result


def gepa_unavailable() -> str:
    """Return why gepa cannot be run here; empty if it can."""
    if not GEPA_ADAPTER.exists():
        return f"its adapter is only in the repository ({GEPA_ADAPTER})"
    return "" if find_spec("gepa") else "the package is not installed: pip install gepa==0.1.4"


async def _proposed(
    world: World, number: int, parent: Candidate, size: int, rng: Random
) -> Candidate:
    """Pay for the training minibatch that a proposer reads, and take the next proposal."""
    drawn = rng.sample(list(world.documents["train"]), size)
    minibatch = await world.evaluate(parent, [Cell(d, "train", number) for d in drawn])
    proposal = await world.propose(Brief(number, parent, minibatch, (), rng))
    return proposal.candidate or parent


def claim(world: World, chosen: Candidate, reported: float, episodes: int) -> Found:
    """A claim with Wilson's binomial interval around it."""
    z = NormalDist().inv_cdf(0.975)
    middle = (reported + z * z / (2 * episodes)) / (1 + z * z / episodes)
    reach = z * sqrt(reported * (1 - reported) / episodes + z * z / (4 * episodes**2))
    reach /= 1 + z * z / episodes
    claimed = chosen.tree != world.baseline.tree
    return Found(chosen, reported, middle - reach, middle + reach, claimed)


def _mean(outcomes: Sequence[Outcome]) -> float:
    return sum(outcome.accepted for outcome in outcomes) / len(outcomes)


def _average(scores: Sequence[float]) -> float:
    return sum(scores) / len(scores)


POLICIES: dict[str, SearchPolicy] = {
    "autodata": SearchPolicy("autodata", autodata),
    "race": SearchPolicy("race", race),
    "paper": SearchPolicy("paper", paper),
    "hill-climb": SearchPolicy("hill-climb", hill_climb),
    "gepa": SearchPolicy("gepa", gepa, gepa_unavailable),
}
