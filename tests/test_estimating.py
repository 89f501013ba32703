"""What a pilot foretells: intervals that hold as often as they say, and hours."""

from collections.abc import Iterator
from random import Random

import pytest

from autodata.estimating import (
    LEVEL,
    Episodes,
    Pace,
    busy_seconds,
    episodes_of,
    moved_at_random,
    predict,
)
from autodata.harness.spec import load_folder
from autodata.optimize.plan import SearchPlan
from autodata.store.journal import Record
from autodata.types import Cell, Outcome, Spend, Split
from tests.command_line import ROOT, RUN, SMALL, Place, good

SIZES: dict[Split, int] = {"train": 8, "validation": 16, "test": 40}
STEADY = Pace(60.0, 8, 8, 8, 1000)


def outcomes(tokens: list[float], seconds: float = 1.0) -> list[Outcome]:
    cell = Cell("d", "train", 0)
    return [Outcome(cell, True, Spend(1, round(t), 0, 0.0, seconds)) for t in tokens]


def covered(pilot: list[float], actual: float, episodes: int, moved: bool) -> bool:
    found = predict(outcomes(pilot), Episodes(episodes, episodes, 0, 0), STEADY, moved)
    return found.prompt_tokens.low <= actual <= found.prompt_tokens.high


def test_the_interval_holds_as_often_as_it_says_when_candidates_cost_the_same() -> None:
    hits = 0
    for seed in range(1000):
        rng = Random(seed)

        def draw(rng: Random = rng) -> float:
            return 1000 * rng.choice([1, 2, 3, 4]) * rng.lognormvariate(0, 0.3)

        pilot = [draw() for _ in range(8)]
        hits += covered(pilot, sum(draw() for _ in range(200)), 200, moved=False)
    assert LEVEL - 0.04 < hits / 1000 < LEVEL + 0.04


def test_the_interval_holds_when_candidates_cost_several_times_what_the_baseline_does() -> None:
    """Half of the search goes to three candidates; some cost three times what the baseline does."""
    hits = 0
    for seed in range(1000):
        rng = Random(seed)

        def episode(candidate: float, rng: Random = rng) -> float:
            return 1000 * candidate * rng.lognormvariate(0, 0.5)

        candidates = [rng.uniform(0.5, 3.5) for _ in range(10)]
        pilot = [episode(1.0) for _ in range(4)]
        pilot += [episode(rng.uniform(0.5, 3.5)) for _ in range(4)]
        searched = [episode(c) for c in candidates for _ in range(6)]
        searched += [episode(c) for c in [1.0, *candidates[:3]] for _ in range(30)]
        hits += covered(pilot, sum(searched), len(searched), moved=True)
    assert hits / 1000 > LEVEL - 0.04


def test_pilots_of_simulated_models_foretell_a_search_of_theirs(mine: Place) -> None:
    query = f"select sum(prompt_tokens) as t, count(*) as c from calls where run_id = '{RUN}'"
    (actual,) = good(mine("sql", query, "--format=json")).json
    query = f"select count(*) as n from episodes where run_id = '{RUN}'"
    (episodes,) = good(mine("sql", query, "--format=json")).json
    settings = ("--set=optimize.iterations=3", *SMALL)
    for pilot in (6, 8, 12):
        words = ("estimate", f"--episodes={pilot}", "--json", *settings)
        found = good(mine(*words)).json
        assert found["fewest_episodes"] <= episodes["n"] <= found["most_episodes"]
        assert found["prompt_tokens"]["low"] <= actual["t"] <= found["prompt_tokens"]["high"]


def test_a_pilot_that_was_stopped_goes_on_under_its_name(fresh: Place) -> None:
    words = ("estimate", "--run=p", "--episodes=4", "--json")
    first = good(fresh(*words)).json
    calls = "select count(*) as n from calls"
    before = good(fresh("sql", calls, "--format=json")).json
    assert good(fresh(*words)).json == first
    assert good(fresh("sql", calls, "--format=json")).json == before
    assert first["run_id"] == "p"


def test_roles_that_the_pilot_does_not_ask_are_named(fresh: Place) -> None:
    knobs = good(fresh("estimate", "--episodes=2", "--json")).json
    assert (knobs["not_included"], knobs["knobs_moved"]) == ([], True)
    words = ("estimate", "--episodes=2", "--set=optimize.proposer=llm")
    assert "not in it: all that analyzer and implementer will use" in good(fresh(*words)).out
    texts = good(fresh(*words, "--json")).json
    assert texts["not_included"] == ["analyzer", "implementer"]
    assert texts["knobs_moved"] is False


def test_siblings_share_their_parents_episodes_and_a_lone_baseline_is_tested_once() -> None:
    plan = SearchPlan(iterations=10, parallel=2, minibatch=0, finalists=1, test_repeats=1)
    found = episodes_of(plan, SIZES)
    assert (found.fewest, found.fewest_tested, found.most_tested) == (8 + 15 * 4, 40, 80)
    assert found.most == 8 + 15 * 2 * 16 + 12 * 2 * 8
    capped = episodes_of(SearchPlan(iterations=10, episodes=200, minibatch=0), SIZES)
    assert capped.most + capped.most_tested == 200


def journal(*events: tuple[str, float, float]) -> Iterator[Record]:
    for kind, at, seconds in events:
        yield Record(kind, "", at, {"seconds": seconds})


def test_neither_the_start_of_servers_nor_the_time_between_sessions_is_busy() -> None:
    first = [("session", 0.0, 0.0), ("call", 310.0, 10.0), ("call", 320.0, 15.0)]
    second = [("session", 9000.0, 0.0), ("call", 9320.0, 5.0), ("session", 9320.0, 0.0)]
    assert busy_seconds(journal(*first)) == 20.0
    assert busy_seconds(journal(*first, *second)) == 25.0
    assert busy_seconds(journal()) == 0.0


@pytest.mark.parametrize(
    ("concurrency", "low"), [(1000, 100 / 4), (16, 100 / 2), (8, 100), (1, 100)]
)
def test_hours_reach_from_a_server_that_keeps_up_to_one_that_was_busy(
    concurrency: int, low: float
) -> None:
    """The pilot's 8 episodes took an hour with 8 calls in flight; the search runs 32 abreast."""
    pace = Pace(3600.0, 8, 32, 32, concurrency)
    pilot = outcomes([100.0] * 8, seconds=3600.0)
    found = predict(pilot, Episodes(100, 100, 0, 0), pace).hours
    assert (found.low, found.high) == (low / 8, 100 / 8)


def test_a_search_that_goes_less_wide_than_its_pilot_may_take_longer() -> None:
    pace = Pace(3600.0, 32, 8, 32, 1000)
    found = predict(outcomes([100.0] * 32), Episodes(64, 64, 32, 32), pace).hours
    assert (found.low, found.high) == (3.0, 9.0)


def test_random_knob_values_lie_in_their_ranges_and_reach_them_all() -> None:
    harness = load_folder(ROOT / "harnesses" / "lambada")
    drawn = [moved_at_random(harness, Random(seed)).values for seed in range(60)]
    assert {values["rounds"] for values in drawn} == {1, 2, 3, 4}
    assert {values["position"] for values in drawn} == {"any", "first", "last"}
