"""Acceptance rules: the scores of both solvers in, a verdict with the names of failed rules out.

Pure functions of recorded scores; knows nothing of models, prompts or harnesses, so no harness
can talk its way past them. Presets follow "Autodata" (Kulikov et al., arXiv 2606.25996), where the
paper gives several versions of the rule.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

from autodata.errors import ConfigurationError
from autodata.types import SolverRole, Verdict

RULES = 3
"""Version of what makes an example count: this module, the gates, confirmation, null rates.

1 was all up to autodata 0.1.0, 2 all before judges quoted and verifiers listed what they found.
Whoever changes what may be accepted raises it: a run is finished by the code that it was begun
with, and rates of different versions are different things.
"""

CORRECT = 0.5
"""A score above this counts as a correct answer where a rule counts answers."""


@dataclass(frozen=True, slots=True)
class Policy:
    """When an example is accepted; a bound that is None is not checked.

    Means and the gap are of scores in [0, 1]. `*_none_zero` refuses an example on which any sample
    of that solver scored exactly 0. Counts are of correct samples. `below` bounds are exclusive.
    With `confirm` all of this only screens, and fresh samples decide (`episode.confirmation`).
    """

    weak_samples: int = 3
    strong_samples: int = 3
    weak_mean_max: float | None = None
    weak_mean_below: float | None = None
    weak_max: float | None = None
    weak_none_zero: bool = False
    strong_mean_min: float | None = None
    strong_mean_below: float | None = None
    strong_none_zero: bool = False
    gap_min: float | None = None
    weak_correct_max: int | None = None
    strong_correct_min: int | None = None
    majority: bool = False
    confirm: bool = False


NUMBERS = {
    "weak_samples": "answers of the weak solver, each scored",
    "strong_samples": "answers of the strong solver, each scored",
    "weak_mean_max": "the weak mean is at most this",
    "weak_mean_below": "the weak mean is below this",
    "weak_max": "no weak answer scores above this",
    "weak_none_zero": "no weak answer scores 0",
    "strong_mean_min": "the strong mean is at least this",
    "strong_mean_below": "the strong mean is below this",
    "strong_none_zero": "no strong answer scores 0",
    "gap_min": "the strong mean is above the weak mean by at least this",
    "weak_correct_max": "at most so many weak answers are right",
    "strong_correct_min": "at least so many strong answers are right",
    "majority": "most strong answers are right, and at most half of the weak ones",
    "confirm": "fresh answers of both solvers, which no harness sees, confirm it",
}
"""What each number of a policy asks of an example."""

_PAPER: dict[str, Policy] = {
    "deployed": Policy(
        weak_mean_max=0.65,
        weak_max=0.75,
        weak_none_zero=True,
        strong_mean_min=0.60,
        strong_mean_below=0.95,
        strong_none_zero=True,
        gap_min=0.20,
    ),
    "prose": Policy(weak_mean_below=0.50, strong_mean_min=0.65, gap_min=0.20),
    "blog-meta": Policy(weak_mean_max=0.50, strong_mean_min=0.60, gap_min=0.25),
    "verifiable": Policy(
        weak_samples=4, strong_samples=4, weak_correct_max=1, strong_correct_min=3
    ),
    "majority": Policy(majority=True),
}
PRESETS: dict[str, Policy] = {
    **{name: replace(policy, confirm=True) for name, policy in _PAPER.items()},
    "legal": Policy(weak_samples=5, strong_samples=3, confirm=True),
    **{f"paper-{name}": policy for name, policy in _PAPER.items()},
}
"""The rules of the paper decide by the samples that a harness chose an example by: equal solvers
pass them by luck, the oftener the more rounds an episode has. Confirmed, they only screen. In
`legal` no number does: what a loop-judge accepts is confirmed."""

LUCK = {"deployed": 0.1, "prose": 0.25, "blog-meta": 0.25, "verifiable": 0.1, "majority": 0.25}
"""Chance that equal solvers pass the paper's rules in one round, with the question that suits luck
best of all that were tried: coins of every chance, rubrics of 1 to 7 criteria."""


def by_luck(preset: str, rounds: int) -> float:
    """Return the chance that an episode of equal solvers is accepted; 0: it is confirmed."""
    chance = LUCK.get(preset.removeprefix("paper-"), 0.0) if preset.startswith("paper-") else 0.0
    return 1 - (1 - chance) ** rounds


def policy_from(
    preset: str,
    changes: dict[str, Any] | None = None,
    refused: Mapping[str, str] = MappingProxyType({}),
) -> Policy:
    """Return a preset, with some of its numbers replaced; `refused` are those of a domain.

    Raises:
        ConfigurationError: the first of its `faults`.
    """
    for fault in faults(preset, changes or {}, refused):
        raise fault
    return replace(PRESETS[preset], **(changes or {}))


def faults(
    preset: str,
    changes: dict[str, Any],
    refused: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[ConfigurationError]:
    """Yield every name that is unknown (with the nearest), and every number that makes no sense.

    That is so by itself, or in the domain, which has `refused` some for a reason.
    """
    if preset not in PRESETS:
        near = get_close_matches(preset, PRESETS, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"use one of: {', '.join(PRESETS)}"
        yield ConfigurationError(f"protocol.acceptance: unknown preset {preset!r}", hint)
    known = [field.name for field in fields(Policy)]
    sound = {}
    for name, value in changes.items():
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
            yield ConfigurationError(f"protocol.numbers: unknown number {name!r}", hint)
        elif wanted := _wanted(name, value):
            yield ConfigurationError(f"protocol.numbers.{name}: {value!r}", f"set it to {wanted}")
        else:
            sound[name] = value
    if preset in PRESETS:
        policy = replace(PRESETS[preset], **sound)
        yield from _wrong_counts(policy)
        yield from _refused(preset, policy, refused)


def _wanted(name: str, value: Any) -> str:
    """Say what a number must be when it is something else."""
    whole = type(value) is int
    if name.endswith("_samples"):
        return "" if whole and value >= 1 else "a whole number from 1"
    if name in ("majority", "confirm") or name.endswith("_none_zero"):
        return "" if isinstance(value, bool) else "true or false"
    if "_correct_" in name:
        return "" if value is None or (whole and value >= 0) else "a whole number, or null"
    number = whole or type(value) is float
    return "" if value is None or (number and -1 <= value <= 1) else "a score (0 to 1), or null"


def _wrong_counts(policy: Policy) -> Iterator[ConfigurationError]:
    """Find counts that no sample could break or meet: they would need no sample at all."""
    most, least = policy.weak_correct_max, policy.strong_correct_min
    if most is not None and most >= policy.weak_samples:
        yield ConfigurationError(
            f"protocol.numbers.weak_correct_max: {most} of {policy.weak_samples} samples",
            "set it below weak_samples, or to null for no bound",
        )
    if least is not None and not 1 <= least <= policy.strong_samples:
        yield ConfigurationError(
            f"protocol.numbers.strong_correct_min: {least} of {policy.strong_samples} samples",
            "set it between 1 and strong_samples, or to null for no bound",
        )


def _refused(
    preset: str, policy: Policy, refused: Mapping[str, str]
) -> Iterator[ConfigurationError]:
    """Find the rules of a policy that a domain has no use for."""
    for name, why in refused.items():
        off = getattr(Policy(), name)
        if getattr(policy, name) != off:
            free = [p for p, rule in PRESETS.items() if not _used(rule, refused)]
            yield ConfigurationError(
                f"protocol.acceptance: {preset} asks that {NUMBERS[name]}, "
                f"which makes no sense in this domain: {why}",
                f"set it to {' or '.join(free)}, or protocol.numbers.{name} to "
                f"{'false' if off is False else 'null'}",
            )


def _used(policy: Policy, names: Iterable[str]) -> bool:
    return any(getattr(policy, name) != getattr(Policy(), name) for name in names)


def weak_verdict(policy: Policy, weak: Sequence[float]) -> Verdict:
    """Judge the weak solver's scores alone; failing here makes strong samples needless."""
    mean = _mean(weak)
    failed = {
        "weak mean too high": _above(mean, policy.weak_mean_max)
        or (policy.weak_mean_below is not None and mean >= policy.weak_mean_below),
        "a weak sample too good": _above(max(weak), policy.weak_max),
        "a weak sample scored zero": policy.weak_none_zero and min(weak) == 0,
        "weak correct too often": _above(_correct(weak), policy.weak_correct_max),
        "weak majority correct": policy.majority and _correct(weak) * 2 > len(weak),
    }
    return _verdict(failed)


def verdict(policy: Policy, weak: Sequence[float], strong: Sequence[float]) -> Verdict:
    """Judge an example by all recorded scores of both solvers."""
    mean = _mean(strong)
    failed = {
        "strong mean too low": _below(mean, policy.strong_mean_min),
        "strong mean too high": (
            policy.strong_mean_below is not None and mean >= policy.strong_mean_below
        ),
        "a strong sample scored zero": policy.strong_none_zero and min(strong) == 0,
        "gap too small": _below(round(mean - _mean(weak), 9), policy.gap_min),
        "strong correct too seldom": _below(_correct(strong), policy.strong_correct_min),
        "strong majority wrong": policy.majority and _correct(strong) * 2 <= len(strong),
    }
    return _verdict(failed, weak_verdict(policy, weak).reasons)


def more_samples(policy: Policy, role: SolverRole, scores: Sequence[float]) -> int:
    """Return how many more samples to draw at once; 0 when none can change the verdict.

    Where a rule only counts correct answers, sampling stops as soon as the count is settled either
    way, so that a lost question costs as little as possible. Other rules need all their samples.
    """
    total = policy.weak_samples if role == "weak" else policy.strong_samples
    left, correct = total - len(scores), _correct(scores)
    wrong = len(scores) - correct
    if role == "weak" and policy.weak_correct_max is not None and _counts_only(policy):
        to_fail = policy.weak_correct_max + 1 - correct
        to_pass = total - policy.weak_correct_max - wrong
    elif role == "strong" and policy.strong_correct_min is not None and _counts_only(policy):
        to_pass = policy.strong_correct_min - correct
        to_fail = total - policy.strong_correct_min + 1 - wrong
    else:
        return left
    return max(0, min(to_fail, to_pass, left))


def _counts_only(policy: Policy) -> bool:
    names = ("weak_samples", "strong_samples", "weak_correct_max", "strong_correct_min")
    off = {name: getattr(Policy(), name) for name in names}
    return replace(policy, **off, confirm=False) == Policy()


def _mean(scores: Sequence[float]) -> float:
    return round(sum(scores) / len(scores), 9)


def _correct(scores: Sequence[float]) -> int:
    return sum(score > CORRECT for score in scores)


def _above(value: float, bound: float | None) -> bool:
    return bound is not None and value > bound


def _below(value: float, bound: float | None) -> bool:
    return bound is not None and value < bound


def _verdict(failed: dict[str, bool], earlier: tuple[str, ...] = ()) -> Verdict:
    reasons = (*earlier, *(name for name, failing in failed.items() if failing))
    return Verdict(not reasons, reasons)
