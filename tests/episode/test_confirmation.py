from collections.abc import Callable
from random import Random

import pytest

from autodata.episode.acceptance import (
    PRESETS,
    Policy,
    by_luck,
    more_samples,
    verdict,
    weak_verdict,
)
from autodata.episode.confirmation import ERROR, Finding, chance, decide, error_rate, needed

Draw = Callable[[Random], float]
TURNS = (1, 2, 3, 5, 8, 15)


def right(chance: float) -> Draw:
    """A solver whose answer is right with this chance."""
    return lambda rng: float(rng.random() < chance)


def rubric(mean: float, sd: float = 0.15) -> Draw:
    """A solver whose answers score like this by a rubric."""
    return lambda rng: min(1.0, max(0.0, rng.gauss(mean, sd)))


def coarse(chance: float) -> Draw:
    """A solver that meets each of seven equal criteria with this chance."""
    return lambda rng: sum(rng.random() < chance for _ in range(7)) / 7


def confirmed(policy: Policy, turn: int, weak: Draw, strong: Draw, rng: Random) -> tuple[bool, int]:
    """Whether fresh samples confirm an example, and how many it took."""
    low: list[float] = []
    high: list[float] = []
    while (found := decide(policy, turn, low, high)).passed is None:
        for _ in range(found.pairs):
            low.append(weak(rng))
            high.append(strong(rng))
    return found.passed, len(low) + len(high)


def rate(policy: Policy, turn: int, weak: Draw, strong: Draw, seed: int) -> tuple[float, float]:
    """The share of examples that are confirmed, and the mean number of samples."""
    rng = Random(seed)
    found = [confirmed(policy, turn, weak, strong, rng) for _ in range(2000)]
    return sum(passed for passed, _ in found) / 2000, sum(taken for _, taken in found) / 2000


def screened(policy: Policy, weak: Draw, strong: Draw, rng: Random) -> bool:
    """Whether an example passes the rules on single samples."""
    scores: dict[str, list[float]] = {"weak": [], "strong": []}
    for role, draw in (("weak", weak), ("strong", strong)):
        while more := more_samples(policy, role, scores[role]):  # type: ignore[arg-type]
            scores[role] += [draw(rng) for _ in range(more)]
        if role == "weak" and not weak_verdict(policy, scores["weak"]).accepted:
            return False
    return verdict(policy, scores["weak"], scores["strong"]).accepted


def accepted(policy: Policy, rounds: int, weak: Draw, strong: Draw, rng: Random) -> bool:
    """Whether an episode of a harness that tries until something passes is accepted."""
    turn = 0
    for _ in range(rounds):
        if screened(policy, weak, strong, rng):
            turn += 1
            if not policy.confirm or confirmed(policy, turn, weak, strong, rng)[0]:
                return True
    return False


def share(policy: Policy, rounds: int, draw: Draw, seed: int, episodes: int = 2000) -> float:
    """The share of episodes of equal solvers that are accepted."""
    rng = Random(seed)
    return sum(accepted(policy, rounds, draw, draw, rng) for _ in range(episodes)) / episodes


def test_the_wins_needed_are_the_fewest_that_a_fair_coin_reaches_seldom_enough() -> None:
    assert needed(1) == (6, 9, 12, 15)
    for turn in TURNS:
        wins = needed(turn)
        assert chance(wins) <= error_rate(turn)
        for losses in range(len(wins)):
            fewer = (*wins[:losses], wins[losses] - 1)
            if fewer[-1] > max(wins[:losses], default=0):
                assert chance(fewer) > error_rate(turn)


def test_the_chance_of_a_fair_coin_is_that_of_coins_thrown() -> None:
    rng, wins = Random(5), needed(1)

    def thrown() -> bool:
        won = lost = 0
        while lost < len(wins):
            if rng.random() < 0.5:
                won += 1
                if won >= wins[lost]:
                    return True
            else:
                lost += 1
        return False

    assert sum(thrown() for _ in range(40_000)) / 40_000 == pytest.approx(chance(wins), abs=0.003)


def test_all_error_rates_of_an_episode_add_up_to_no_more_than_one() -> None:
    assert sum(error_rate(turn) for turn in range(1, 10_000)) <= ERROR


@pytest.mark.parametrize("preset", [name for name, policy in PRESETS.items() if policy.confirm])
@pytest.mark.parametrize("rounds", [1, 4, 8, 15])
def test_equal_solvers_pass_at_most_one_episode_in_twenty(preset: str, rounds: int) -> None:
    draws = (right(0.5), coarse(0.55), coarse(0.7), rubric(0.6))
    screened = preset != "legal"  # nothing screens there: nearly all of .05 is used
    episodes = 500 if screened else 1000
    found = [share(PRESETS[preset], rounds, draw, n, episodes) for n, draw in enumerate(draws)]
    assert (max(found) if screened else sum(found) / len(found)) <= 0.05


def graded(criteria: int, chance: float) -> Draw:
    """A solver that meets each of some equal criteria with this chance."""
    return lambda rng: sum(rng.random() < chance for _ in range(criteria)) / criteria


@pytest.mark.parametrize(
    ("preset", "draw"),
    [
        ("deployed", graded(4, 0.65)),
        ("prose", right(0.5)),
        ("blog-meta", right(0.45)),
        ("verifiable", right(0.5)),
        ("majority", right(0.5)),
    ],
)
@pytest.mark.parametrize("rounds", [1, 4, 8, 15])
def test_the_rules_of_the_paper_let_equal_solvers_pass_by_as_much_luck_as_is_said(
    preset: str, draw: Draw, rounds: int
) -> None:
    found = share(PRESETS[f"paper-{preset}"], rounds, draw, 3, 1500)
    assert found == pytest.approx(by_luck(f"paper-{preset}", rounds), abs=0.05)
    assert by_luck(preset, rounds) == 0


@pytest.mark.parametrize("preset", ["verifiable", "majority", "prose"])
def test_a_checkable_example_that_tells_solvers_apart_is_confirmed(preset: str) -> None:
    passed, samples = rate(PRESETS[preset], 1, right(0.14), right(0.88), 11)
    assert passed >= 0.9
    assert 12 <= samples <= 24


@pytest.mark.parametrize("preset", ["deployed", "prose", "blog-meta"])
def test_a_rubric_that_tells_solvers_apart_is_confirmed(preset: str) -> None:
    passed, samples = rate(PRESETS[preset], 1, rubric(0.46), rubric(0.77), 12)
    assert passed >= 0.9
    assert 12 <= samples <= 24


def test_a_small_but_certain_difference_is_not_enough() -> None:
    found = decide(PRESETS["deployed"], 1, [0.60, 0.61] * 3, [0.66, 0.65] * 3)
    assert found == Finding(False, reason="fresh gap too small")


@pytest.mark.parametrize(
    ("weak", "strong", "reason"),
    [
        ([0.80, 0.78, 0.82, 0.80, 0.79, 0.81], [0.94] * 6, "fresh weak mean too high"),
        ([0.1] * 6, [0.5] * 6, "fresh strong mean too low"),
        ([0.1] * 6, [1.0] * 6, "fresh strong mean too high"),
        ([0.6] * 6, [0.7] * 6, "fresh gap too small"),
        ([0.6] * 6, [0.8] * 6, ""),
    ],
)
def test_a_mean_on_the_wrong_side_of_a_rule_speaks_against_an_example(
    weak: list[float], strong: list[float], reason: str
) -> None:
    assert decide(PRESETS["deployed"], 1, weak, strong) == Finding(not reason, reason=reason)


def test_no_more_pairs_are_drawn_than_can_decide() -> None:
    policy = PRESETS["verifiable"]
    assert decide(policy, 1, [], []) == Finding(None, 4)  # four losses would be the end
    assert decide(policy, 1, [0.0] * 4, [1.0] * 4) == Finding(None, 2)
    assert decide(policy, 1, [1.0] * 3, [0.0] * 3) == Finding(None, 1)
    assert decide(policy, 1, [1.0] * 4, [0.0] * 4).passed is False
    assert decide(policy, 1, [1.0] * 13, [1.0] * 13).passed is False  # five more cannot be six won


def test_later_confirmations_of_an_episode_ask_for_more() -> None:
    weak, strong = [0.0] * 6, [1.0] * 6
    assert decide(PRESETS["verifiable"], 1, weak, strong).passed
    assert decide(PRESETS["verifiable"], 2, weak, strong).passed is None
    assert [needed(turn)[0] for turn in TURNS] == sorted(needed(turn)[0] for turn in TURNS)
