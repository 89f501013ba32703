"""What a pilot foretells: intervals that hold as often as they say, and hours."""

from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest

from autodata.harness.spec import load_folder
from autodata.jobs.estimate import PROPOSALS, moved_at_random
from autodata.models.calls.caller import CHARS_PER_TOKEN
from autodata.search.forecast import (
    LEVEL,
    PilotPace,
    Proposals,
    busy_seconds,
    predict,
)
from autodata.search.proposers.history import DIFF_CHARS
from autodata.search.sizes import Episodes
from autodata.store.facts import Fact
from autodata.store.format import Record
from autodata.store.records import SessionRecord
from autodata.types import Cell, Outcome, Spend, Split
from tests.support.command_line import FEWEST, ROOT, RUN, SMALL, Place, edit_texts, good
from tests.support.journals import call

SIZES: dict[Split, int] = {"train": 8, "validation": 16, "test": 40}
STEADY = PilotPace(60.0, 8, 8, 8, 1000)


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


def test_null_episodes_are_priced_by_the_null_episodes_of_the_pilot() -> None:
    pilot = outcomes([100.0] * 8)
    null = [Outcome(Cell("d", "train", -1), False, Spend(1, 900, 0, 0.0, 3.0))] * 4
    needed = Episodes(10, 10, 5, 5)
    alone = predict(pilot, needed, STEADY)
    both = predict([*pilot, *null], replace(needed, null=Episodes(4, 4, 31, 31)), STEADY)
    assert both.prompt_tokens.mean == alone.prompt_tokens.mean + 35 * 900
    assert (both.fewest_episodes, both.most_episodes) == (50, 50)
    assert (both.fewest_null, both.most_null, both.pilot_null) == (35, 35, 4)
    assert (both.pilot_episodes, alone.pilot_null) == (8, 0)
    each = 60.0 / 3600 / (8 * 1.0 + 4 * 3.0)  # hours of the pilot for a second of models
    assert both.hours.mean == pytest.approx(each * (15 * 1.0 + 35 * 3.0))


def test_a_pilot_that_was_stopped_goes_on_under_its_name(fresh: Place) -> None:
    words = ("estimate", "--run=p", "--episodes=4", "--json")
    first = good(fresh(*words)).json
    calls = "select count(*) as n from calls"
    before = good(fresh("sql", calls, "--format=json")).json
    assert good(fresh(*words)).json == first
    assert good(fresh("sql", calls, "--format=json")).json == before
    assert first["run_id"] == "p"


def edit(tokens: float, seconds: float = 60.0) -> Spend:
    return Spend(4, round(tokens), 500, tokens * 1e-6, seconds)


def test_the_interval_holds_for_edits_too_though_their_log_grows() -> None:
    hits = 0
    for seed in range(1000):
        rng = Random(seed)
        pilot = [edit(20_000 * rng.lognormvariate(0, 0.4)) for _ in range(PROPOSALS)]
        edits = [20_000 * rng.lognormvariate(0, 0.4) + 4 * 500 * number for number in range(20)]
        proposals = Proposals(pilot, len(edits), len(edits), 2)
        found = predict(outcomes([1.0] * 8), Episodes(9, 9, 0, 0), STEADY, False, proposals)
        hits += found.prompt_tokens.low <= sum(edits) + 9 <= found.prompt_tokens.high
    assert hits / 1000 > LEVEL - 0.04


def test_edits_add_to_what_episodes_take_and_go_on_beside_them() -> None:
    pace, needed = PilotPace(3600.0, 8, 8, 8, 1000), Episodes(80, 80, 0, 0)
    pilot = outcomes([100.0] * 8)
    alone = predict(pilot, needed, pace)
    for hours, low in ((2.0, 10.0), (8.0, 16.0)):  # 4 edits, 2 at a time; episodes: 10 hours
        edits = Proposals([edit(9000.0, 3600 * hours)] * PROPOSALS, 4, 4, 2)
        both = predict(pilot, needed, pace, False, edits)
        assert (both.hours.low, both.hours.high) == (low, 10.0 + 4 * hours)
        assert both.prompt_tokens.low == alone.prompt_tokens.low + 4 * 9000
        log = (0 + 1 + 2 + 3) / 4 * 4 * DIFF_CHARS / CHARS_PER_TOKEN  # entries, calls, each entry
        assert both.prompt_tokens.high == pytest.approx(alone.prompt_tokens.high + 4 * (9000 + log))
        assert both.completion_tokens.high == alone.completion_tokens.high + 4 * 500
        assert both.usd.low == pytest.approx(4 * 0.009)
        assert (both.fewest_edits, both.most_edits, both.pilot_edits) == (4, 4, PROPOSALS)


def test_a_pilot_of_simulated_models_foretells_a_search_that_edits_texts(fresh: Place) -> None:
    edit_texts(fresh)
    settings = ("--set=optimize.iterations=4", *FEWEST)
    words = ("estimate", "--episodes=4", "--run=p", *settings)
    found = good(fresh(*words, "--json")).json
    edits = [found[name] for name in ("fewest_edits", "most_edits", "pilot_edits")]
    assert edits == [4, 8, PROPOSALS]
    assert "and 4 to 8 edits of texts (pilot of 3)" in good(fresh(*words)).out
    good(fresh("optimize", "--run=s", *settings))
    query = "select run_id, role, sum(prompt_tokens) as t from calls group by all"
    spent = good(fresh("sql", query, "--format=json")).json
    asked = {row["role"] for row in spent if row["run_id"] == "p"}
    assert {"analyzer", "implementer"} < asked
    actual = sum(row["t"] for row in spent if row["run_id"] == "s")
    assert found["prompt_tokens"]["low"] <= actual <= found["prompt_tokens"]["high"]


def journal(*events: tuple[str, float, float]) -> Iterator[Fact[Record]]:
    for kind, at, seconds in events:
        _, answered = call(1, "" if kind == "edit" else "train")
        session = kind == "session"
        yield Fact("", at, SessionRecord() if session else replace(answered, seconds=seconds))


def test_neither_the_start_of_servers_nor_the_time_between_sessions_is_busy() -> None:
    first = [("session", 0.0, 0.0), ("call", 310.0, 10.0), ("call", 320.0, 15.0)]
    second = [("session", 9000.0, 0.0), ("call", 9320.0, 5.0), ("session", 9320.0, 0.0)]
    assert busy_seconds(journal(*first)) == 20.0
    assert busy_seconds(journal(*first, *second)) == 25.0
    assert busy_seconds(journal(*first, ("edit", 400.0, 70.0))) == 20.0
    assert busy_seconds(journal()) == 0.0


@pytest.mark.parametrize(
    ("concurrency", "low"), [(1000, 100 / 4), (16, 100 / 2), (8, 100), (1, 100)]
)
def test_hours_reach_from_a_server_that_keeps_up_to_one_that_was_busy(
    concurrency: int, low: float
) -> None:
    """The pilot's 8 episodes took an hour with 8 calls in flight; the search runs 32 abreast."""
    pace = PilotPace(3600.0, 8, 32, 32, concurrency)
    pilot = outcomes([100.0] * 8, seconds=3600.0)
    found = predict(pilot, Episodes(100, 100, 0, 0), pace).hours
    assert (found.low, found.high) == (low / 8, 100 / 8)


def test_a_search_that_goes_less_wide_than_its_pilot_may_take_longer() -> None:
    pace = PilotPace(3600.0, 32, 8, 32, 1000)
    found = predict(outcomes([100.0] * 32), Episodes(64, 64, 32, 32), pace).hours
    assert (found.low, found.high) == (3.0, 9.0)


def test_random_knob_values_lie_in_their_ranges_and_reach_them_all() -> None:
    harness = load_folder(ROOT / "harnesses" / "lambada")
    drawn = [moved_at_random(harness, Random(seed)).values for seed in range(60)]
    assert {values["rounds"] for values in drawn} == {1, 2, 3, 4}
    assert {values["position"] for values in drawn} == {"any", "first", "last"}
