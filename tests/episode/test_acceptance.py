"""Acceptance rules: both sides of every bound, and sampling that stops when nothing can change."""

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from autodata.episode.acceptance import (
    PRESETS,
    Policy,
    more_samples,
    policy_from,
    verdict,
    weak_verdict,
)
from autodata.errors import ConfigurationError
from autodata.types import SolverRole

GOOD_WEAK = [0.4, 0.4, 0.4]
GOOD_STRONG = [0.8, 0.8, 0.8]
Scores = list[float]


@pytest.mark.parametrize(
    ("preset", "weak", "strong", "reasons"),
    [
        # deployed: weak mean <= .65, max <= .75; .60 <= strong mean < .95; none 0; gap >= .20
        ("deployed", GOOD_WEAK, GOOD_STRONG, ()),
        ("deployed", [0.65, 0.65, 0.65], [0.9, 0.9, 0.9], ()),
        ("deployed", [0.65, 0.65, 0.66], [0.9, 0.9, 0.9], ("weak mean too high",)),
        ("deployed", [0.1, 0.1, 0.75], GOOD_STRONG, ()),
        ("deployed", [0.1, 0.1, 0.76], GOOD_STRONG, ("a weak sample too good",)),
        ("deployed", [0.01, 0.4, 0.4], GOOD_STRONG, ()),
        ("deployed", [0.0, 0.4, 0.4], GOOD_STRONG, ("a weak sample scored zero",)),
        ("deployed", GOOD_WEAK, [0.6, 0.6, 0.6], ()),
        ("deployed", [0.3, 0.3, 0.3], [0.6, 0.6, 0.59], ("strong mean too low",)),
        ("deployed", GOOD_WEAK, [0.94, 0.95, 0.95], ()),
        ("deployed", GOOD_WEAK, [0.95, 0.95, 0.95], ("strong mean too high",)),
        ("deployed", GOOD_WEAK, [0.01, 1.0, 0.9], ()),
        ("deployed", GOOD_WEAK, [0.0, 1.0, 0.9], ("a strong sample scored zero",)),
        ("deployed", [0.5, 0.5, 0.5], [0.7, 0.7, 0.7], ()),
        ("deployed", [0.5, 0.5, 0.5], [0.7, 0.7, 0.69], ("gap too small",)),
        # prose: weak mean < .50; strong mean >= .65; gap >= .20
        ("prose", [0.49, 0.49, 0.5], GOOD_STRONG, ()),
        ("prose", [0.5, 0.5, 0.5], GOOD_STRONG, ("weak mean too high",)),
        ("prose", [0.0, 0.0, 0.0], [0.65, 0.65, 0.65], ()),
        ("prose", [0.0, 0.0, 0.0], [0.65, 0.65, 0.64], ("strong mean too low",)),
        ("prose", [0.45, 0.45, 0.45], [0.65, 0.65, 0.65], ()),
        ("prose", [0.46, 0.45, 0.45], [0.65, 0.65, 0.65], ("gap too small",)),
        ("prose", GOOD_WEAK, [1.0, 1.0, 1.0], ()),
        # blog-meta: weak mean <= .50; strong mean >= .60; gap >= .25
        ("blog-meta", [0.5, 0.5, 0.5], [0.75, 0.75, 0.75], ()),
        ("blog-meta", [0.5, 0.5, 0.51], GOOD_STRONG, ("weak mean too high",)),
        ("blog-meta", [0.1, 0.1, 0.1], [0.6, 0.6, 0.6], ()),
        ("blog-meta", [0.1, 0.1, 0.1], [0.6, 0.6, 0.59], ("strong mean too low",)),
        ("blog-meta", [0.5, 0.5, 0.5], [0.74, 0.75, 0.75], ("gap too small",)),
        # verifiable: weak right at most once in 4, strong at least 3 times in 4
        ("verifiable", [0, 0, 0, 1], [1, 1, 1, 0], ()),
        ("verifiable", [0, 0, 1, 1], [1, 1, 1, 0], ("weak correct too often",)),
        ("verifiable", [0, 0, 0, 1], [1, 1, 0, 0], ("strong correct too seldom",)),
        # majority: the weak vote wrong, the strong vote right; a tie is no majority
        ("majority", [0, 0, 1], [1, 1, 0], ()),
        ("majority", [0, 1, 1], [1, 1, 0], ("weak majority correct",)),
        ("majority", [0, 0, 1], [1, 0, 0], ("strong majority wrong",)),
        ("majority", [0, 1], [1, 0], ("strong majority wrong",)),
    ],
)
def test_a_preset_holds_on_one_side_of_its_bound_and_fails_on_the_other(
    preset: str, weak: Scores, strong: Scores, reasons: tuple[str, ...]
) -> None:
    judged = verdict(PRESETS[preset], weak, strong)
    assert judged.reasons == reasons
    assert judged.accepted is not bool(reasons)


def test_every_failed_rule_is_named_and_the_weak_ones_come_first() -> None:
    judged = verdict(PRESETS["deployed"], [0.0, 1.0, 1.0], [0.0, 0.1, 0.1])
    assert judged.reasons == (
        "weak mean too high",
        "a weak sample too good",
        "a weak sample scored zero",
        "strong mean too low",
        "a strong sample scored zero",
        "gap too small",
    )


def test_a_bound_is_not_missed_by_a_rounding_error() -> None:
    tenths = [0.1, 0.2, 0.3]  # adds up to 0.6000000000000001
    assert weak_verdict(Policy(weak_mean_max=0.2), tenths).accepted
    assert verdict(Policy(gap_min=0.2), [0.5] * 3, [0.7] * 3).accepted  # 0.7 - 0.5 < 0.2


@pytest.mark.parametrize("preset", PRESETS)
def test_a_question_that_fails_on_weak_fails_whatever_strong_does(preset: str) -> None:
    policy = PRESETS[preset]
    levels = (0.0, 0.3, 0.5, 0.7, 1.0)
    for weak in product(levels, repeat=policy.weak_samples):
        if not weak_verdict(policy, weak).accepted:
            for strong in ([level] * policy.strong_samples for level in levels):
                assert not verdict(policy, weak, strong).accepted


COUNTING = [
    replace(
        PRESETS["verifiable"],
        weak_samples=size,
        strong_samples=size,
        weak_correct_max=most,
        strong_correct_min=least,
    )
    for size in (1, 2, 3, 4, 5, 6)
    for most in range(size)
    for least in range(1, size + 1)
]


def passes(policy: Policy, role: SolverRole, scores: Scores) -> bool:
    """The verdict on one solver's scores, the other one doing perfectly well."""
    if role == "weak":
        return weak_verdict(policy, scores).accepted
    return verdict(policy, [0.0] * policy.weak_samples, scores).accepted


@pytest.mark.parametrize("role", ["weak", "strong"])
def test_sampling_stops_exactly_when_the_verdict_is_settled(role: SolverRole) -> None:
    for policy in COUNTING:
        total = policy.weak_samples if role == "weak" else policy.strong_samples
        for full in product((0.0, 1.0), repeat=total):
            drawn: Scores = []
            while more := more_samples(policy, role, drawn):
                assert len(drawn) + more <= total
                rests = product((0.0, 1.0), repeat=total - len(drawn))
                ends = {passes(policy, role, [*drawn, *rest]) for rest in rests}
                assert ends == {True, False}, "it went on although nothing could change"
                drawn += full[len(drawn) : len(drawn) + more]
            assert passes(policy, role, drawn) == passes(policy, role, list(full))


@pytest.mark.parametrize("role", ["weak", "strong"])
def test_no_sample_of_a_batch_could_have_been_saved(role: SolverRole) -> None:
    for policy in COUNTING:
        total = policy.weak_samples if role == "weak" else policy.strong_samples
        for size in range(total):
            for drawn in map(list, product((0.0, 1.0), repeat=size)):
                more = more_samples(policy, role, drawn)
                for part in product((0.0, 1.0), repeat=more - 1) if more else ():
                    early = [*drawn, *part]
                    rests = product((0.0, 1.0), repeat=total - len(early))
                    assert {passes(policy, role, [*early, *rest]) for rest in rests} == {
                        True,
                        False,
                    }


@pytest.mark.parametrize("preset", ["deployed", "prose", "blog-meta", "majority"])
@pytest.mark.parametrize("role", ["weak", "strong"])
def test_rules_about_means_need_every_sample(preset: str, role: SolverRole) -> None:
    for scores in ([], [0.0], [1.0, 1.0], [0.5] * 3):
        assert more_samples(PRESETS[preset], role, scores) == 3 - len(scores)


def test_counting_beside_another_rule_needs_every_sample() -> None:
    both = replace(PRESETS["verifiable"], gap_min=0.2)
    assert more_samples(both, "weak", [1.0, 1.0]) == 2


def test_single_numbers_of_a_preset_can_be_replaced() -> None:
    changed = policy_from("deployed", {"gap_min": 0.3, "weak_none_zero": False, "weak_max": None})
    assert changed == replace(PRESETS["deployed"], gap_min=0.3, weak_none_zero=False, weak_max=None)
    assert policy_from("prose") == PRESETS["prose"]


@pytest.mark.parametrize(
    ("preset", "changes", "problem", "fix"),
    [
        ("deploied", {}, "protocol.acceptance", "'deployed'"),
        ("x", {}, "protocol.acceptance", "verifiable"),
        ("prose", {"gap_mim": 0.1}, "gap_mim", "'gap_min'"),
        ("prose", {"weak_samples": 0}, "protocol.numbers.weak_samples: 0", "from 1"),
        ("prose", {"weak_samples": 2.5}, "weak_samples", "whole number"),
        ("prose", {"weak_samples": None}, "weak_samples", "whole number"),
        ("prose", {"gap_min": 20}, "gap_min: 20", "0 to 1"),
        ("prose", {"gap_min": True}, "gap_min", "0 to 1"),
        ("prose", {"gap_min": float("nan")}, "gap_min", "0 to 1"),
        ("prose", {"majority": 1}, "majority", "true or false"),
        ("verifiable", {"weak_correct_max": 4}, "weak_correct_max: 4 of 4", "below weak_samples"),
        ("verifiable", {"strong_correct_min": 5}, "strong_correct_min: 5 of 4", "between 1"),
        ("verifiable", {"strong_samples": 2}, "strong_correct_min: 3 of 2", "between 1"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_with_a_fix(
    preset: str, changes: dict[str, Any], problem: str, fix: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        policy_from(preset, changes)
    assert problem in caught.value.problem
    assert fix in caught.value.fix
