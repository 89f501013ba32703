"""The comparison behind `autodata bench search`: policies on landscapes over many seeded runs.

rows = bench_search([LANDSCAPES["gentle"]], [POLICIES["autodata"]], [1_500], range(100))
print(render(rows))
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from math import sqrt
from multiprocessing import get_context
from typing import TypeVar

from autodata.bench.landscapes import LANDSCAPES, Landscape, ShapedWorlds, with_clashes
from autodata.bench.luck import LUCKY_WORLDS, LuckyWorlds
from autodata.bench.policies import POLICIES, SearchPolicy
from autodata.errors import ConfigurationError
from autodata.types import Json

Named = TypeVar("Named", Landscape, SearchPolicy)
WORLDS = {**LANDSCAPES, **LUCKY_WORLDS}
BUDGETS = (1_500, 2_400, 5_000, 14_000)


@dataclass(frozen=True, slots=True)
class PolicyResult:
    """The outcome of one seeded run: the chosen harness's claimed and true improvement."""

    episodes: int
    truth: float
    baseline: float
    reported: float
    covered: bool
    claimed: bool
    gain_covered: bool | None

    @property
    def false_claim(self) -> bool:
        """Whether an improvement was claimed where there is none."""
        return self.claimed and self.truth <= self.baseline + 1e-9


def landscapes_named(name: str, clashes: float = 0.0) -> list[Landscape]:
    """The landscape of that name, or all for `all`; this share of pairs of edits clashes."""
    if not 0 <= clashes <= 1:
        raise ConfigurationError(f"--clashes is {clashes}", "set it between 0 and 1")
    return [with_clashes(found, clashes) for found in _named("--landscape", name, WORLDS)]


def policies_named(name: str, switch: str = "--policy") -> list[SearchPolicy]:
    """The policy of that name, or all for `all`."""
    return _named(switch, name, POLICIES)


def bench_search(
    landscapes: Sequence[Landscape],
    policies: Sequence[SearchPolicy],
    budgets: Sequence[int] = BUDGETS,
    seeds: Sequence[int] = range(100),
    progress: Callable[[str], None] = lambda line: None,
    cores: int = 1,
) -> list[Json]:
    """Run every policy on every landscape with every budget, once for each seed.

    A seed of a landscape is the same world with the same stream of proposals for every policy and
    budget. A policy that cannot run here is left out, and `progress` is told why.

    Raises:
        ConfigurationError: a number that makes no sense.
    """
    for name, value, least in (
        ("--runs", len(seeds), 1),
        ("--budget", min(budgets, default=0), 100),
    ):
        if value < least:
            raise ConfigurationError(f"{name} is {value}", f"set it to at least {least}")
    rows = []
    able = []
    for policy in policies:
        why = policy.unavailable()
        if why:
            progress(f"{policy.name}: skipped, {why}")
        else:
            able.append(policy)
    for landscape in landscapes:
        for policy in able:
            for budget in budgets:
                progress(f"{landscape.name} {policy.name} {budget}: {len(seeds)} runs")
                results = _results(landscape, policy, budget, seeds, cores)
                rows.append(summarize(landscape.name, policy.name, budget, results))
    return rows


def run_once(landscape: Landscape, policy: SearchPolicy, budget: int, seed: int) -> PolicyResult:
    """One run of one policy in one world."""
    world = landscape.world(seed)
    result = asyncio.run(policy.run(world, budget, seed))
    truth, baseline = world.truth(result.chosen), world.truth(world.baseline)
    gain_covered = None
    if result.gain is not None:
        gain_covered = result.gain[0] <= truth - baseline <= result.gain[1]
    return PolicyResult(
        world.spent,
        truth,
        baseline,
        result.reported,
        result.low <= truth <= result.high,
        result.claimed,
        gain_covered,
    )


def summarize(landscape: str, policy: str, budget: int, results: Sequence[PolicyResult]) -> Json:
    """One row: means over runs, with 95 % intervals of the means, and each run's truth."""
    truths = [result.truth for result in results]
    bias = [result.reported - result.truth for result in results]
    gains = [result.gain_covered for result in results if result.gain_covered is not None]
    return {
        "landscape": landscape,
        "policy": policy,
        "budget": budget,
        "runs": len(results),
        "episodes": round(mean_of([float(result.episodes) for result in results]), 1),
        "true_pass_rate": round(mean_of(truths), 4),
        "true_pass_rate_ci": interval_of_mean(truths),
        "reported_minus_true": round(mean_of(bias), 4),
        "reported_minus_true_ci": interval_of_mean(bias),
        "coverage": round(mean_of([float(result.covered) for result in results]), 4),
        "gain_coverage": round(mean_of([float(covered) for covered in gains]), 4)
        if gains
        else None,
        "claimed_rate": round(mean_of([float(result.claimed) for result in results]), 4),
        "false_certification_rate": round(mean_of([float(r.false_claim) for r in results]), 4),
        "truths": [round(truth, 6) for truth in truths],
    }


def render(rows: Sequence[Json]) -> str:
    """The rows as a Markdown table."""
    lines = [
        "| landscape | policy | budget | episodes | true pass rate | reported - true | coverage "
        "| claimed | false |",
        "|---|---|--:|--:|---|---|--:|--:|--:|",
    ]
    for row in rows:
        low, high = row["true_pass_rate_ci"]
        below, above = row["reported_minus_true_ci"]
        lines.append(
            f"| {row['landscape']} | {row['policy']} | {row['budget']} | {row['episodes']:.0f} "
            f"| {row['true_pass_rate']:.3f} ({low:.3f} to {high:.3f}) "
            f"| {row['reported_minus_true']:+.3f} ({below:+.3f} to {above:+.3f}) "
            f"| {row['coverage']:.2f} | {row['claimed_rate']:.2f} "
            f"| {row['false_certification_rate']:.3f} |"
        )
    return "\n".join(lines)


def _results(
    landscape: Landscape, policy: SearchPolicy, budget: int, seeds: Sequence[int], cores: int
) -> list[PolicyResult]:
    """Spread the runs over cores where both are shipped; else run them here."""
    shipped = isinstance(landscape.world, ShapedWorlds | LuckyWorlds)
    shipped = shipped and POLICIES.get(policy.name) is policy
    if cores == 1 or not shipped or len(seeds) < 8:
        return [run_once(landscape, policy, budget, seed) for seed in seeds]
    jobs = [(landscape, policy.name, budget, seed) for seed in seeds]
    with ProcessPoolExecutor(cores, mp_context=get_context("spawn")) as pool:
        return list(pool.map(_run_named, jobs, chunksize=4))


def _run_named(job: tuple[Landscape, str, int, int]) -> PolicyResult:
    landscape, policy, budget, seed = job
    return run_once(landscape, POLICIES[policy], budget, seed)


def _named(switch: str, name: str, table: dict[str, Named]) -> list[Named]:
    if name == "all":
        return list(table.values())
    if name not in table:
        raise ConfigurationError(
            f"{switch} {name!r} is unknown", f"use one of {', '.join(table)} or all"
        )
    return [table[name]]


def mean_of(values: Sequence[float]) -> float:
    """The mean."""
    return sum(values) / len(values)


def interval_of_mean(values: Sequence[float]) -> list[float]:
    """The 95 % interval of the mean over runs."""
    mean = mean_of(values)
    if len(values) < 2:
        return [round(mean, 4), round(mean, 4)]
    variance = sum((value - mean) ** 2 for value in values) / (len(values) - 1)
    reach = 1.96 * sqrt(variance / len(values))
    return [round(mean - reach, 4), round(mean + reach, 4)]
