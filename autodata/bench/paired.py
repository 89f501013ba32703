"""Policies compared run by run: a row of `bench search` against one of a rival in the same worlds.

What may be said of a difference is fixed in `CLAIMS`, so that a target is checked by one command.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from autodata.bench.comparison import interval_of_mean, mean_of, policies_named
from autodata.bench.policies import SearchPolicy
from autodata.errors import ConfigurationError
from autodata.types import Json

CLAIMS: dict[str, Callable[[float, float, float], bool]] = {
    "ahead": lambda mean, low, high: mean > 0 and low > -0.01,
    "reached": lambda mean, low, high: mean >= -0.01 and high >= 0,
    "not behind": lambda mean, low, high: low > -0.02,
}
"""Of the mean difference of the true pass rate and its 95 % interval."""


@dataclass(frozen=True, slots=True)
class Rival:
    """A policy with a budget that others are compared with."""

    policy: SearchPolicy
    budget: int


def rival_named(text: str) -> Rival:
    """The rival that is written POLICY:BUDGET."""
    name, _, budget = text.partition(":")
    if not budget.isdecimal():
        raise ConfigurationError(f"--against {text!r} has no budget", "write paper:14000")
    (policy,) = policies_named(name, "--against")
    return Rival(policy, int(budget))


def differences(rows: Sequence[Json], rivals: Sequence[Json]) -> list[Json]:
    """The mean difference of each row from each rival's on the same landscape and seeds."""
    return [
        _difference(row, rival)
        for row in rows
        for rival in rivals
        if rival["landscape"] == row["landscape"]
    ]


def render_differences(found: Sequence[Json]) -> str:
    """The differences as a Markdown table."""
    lines = ["| landscape | policy | against | difference | |", "|---|---|---|---|---|"]
    for row in found:
        low, high = row["difference_ci"]
        lines.append(
            f"| {row['landscape']} | {row['policy']} {row['budget']}: {row['true_pass_rate']:.3f} "
            f"| {row['rival']} {row['rival_budget']}: {row['rival_true_pass_rate']:.3f} "
            f"| {row['difference']:+.3f} ({low:+.3f} to {high:+.3f}) | {', '.join(row['said'])} |"
        )
    return "\n".join(lines)


def _difference(ours: Json, theirs: Json) -> Json:
    pairs = [one - other for one, other in zip(ours["truths"], theirs["truths"], strict=True)]
    mean, (low, high) = mean_of(pairs), interval_of_mean(pairs)
    return {
        **{key: ours[key] for key in ("landscape", "policy", "budget", "true_pass_rate")},
        "rival": theirs["policy"],
        "rival_budget": theirs["budget"],
        "rival_true_pass_rate": theirs["true_pass_rate"],
        "difference": round(mean, 4),
        "difference_ci": [low, high],
        "said": [word for word, holds in CLAIMS.items() if holds(mean, low, high)] or ["behind"],
    }
