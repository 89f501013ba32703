"""bench search: rows, own landscapes and policies, and what is refused."""

from random import Random

import pytest

from autodata.bench.comparison import bench_search, landscapes_named, policies_named, render
from autodata.bench.landscapes import LANDSCAPES, Landscape, SimulatedWorld, World
from autodata.bench.paired import Rival, differences, render_differences, rival_named
from autodata.bench.policies import POLICIES, Found, SearchPolicy, claim
from autodata.bench.shapes import Shape
from autodata.errors import ConfigurationError
from autodata.search.base import Brief

KEYS = {
    "landscape",
    "policy",
    "budget",
    "runs",
    "episodes",
    "true_pass_rate",
    "true_pass_rate_ci",
    "reported_minus_true",
    "coverage",
    "false_certification_rate",
}


def test_every_shipped_policy_keeps_to_its_budget_and_fills_a_row() -> None:
    able = [policy for policy in POLICIES.values() if not policy.unavailable()]
    rows = bench_search([LANDSCAPES["gentle"]], able, [800], range(1, 3))
    assert [row["policy"] for row in rows] == [policy.name for policy in able]
    for row in rows:
        assert row.keys() >= KEYS
        assert 0 < row["episodes"] <= 800
        assert row["policy"] in render(rows)


def test_the_same_seeds_give_the_same_rows_on_several_cores() -> None:
    job = ([LANDSCAPES["gentle"]], [POLICIES["autodata"]], [600])
    spread = bench_search(*job, range(3, 11), cores=2)
    assert bench_search(*job, range(3, 11)) == spread
    assert bench_search(*job, range(4, 12)) != spread


@pytest.mark.thorough
def test_on_null_ours_hardly_ever_certifies() -> None:
    rows = bench_search([LANDSCAPES["null"]], [POLICIES["autodata"]], [1000], range(1000, 1400))
    assert rows[0]["false_certification_rate"] <= 0.05
    assert rows[0]["coverage"] >= 0.93
    assert abs(rows[0]["reported_minus_true"]) < 0.01


@pytest.mark.thorough
@pytest.mark.parametrize(("landscape", "clashes"), [("gentle", 0.35), ("crowded", 0.0)])
def test_the_merging_search_is_ahead_of_the_race(landscape: str, clashes: float) -> None:
    (world,) = landscapes_named(landscape, clashes)
    rows, rivals = (
        bench_search([world], [POLICIES[name]], [1400], range(3000, 3060))
        for name in ("autodata", "race")
    )
    (found,) = differences(rows, rivals)
    assert "ahead" in found["said"], found


def test_a_naive_policy_is_caught_announcing_luck() -> None:
    rows = bench_search([LANDSCAPES["null"]], [POLICIES["paper"]], [1500], range(10))
    assert rows[0]["false_certification_rate"] > 0.5
    assert rows[0]["reported_minus_true"] > 0.04


def test_a_rival_is_compared_run_by_run_in_the_same_worlds() -> None:
    async def first_edit(world: World, budget: int, seed: int) -> Found:
        proposal = await world.propose(Brief(1, world.baseline, (), (), Random(seed)))
        assert proposal.candidate
        return claim(world, proposal.candidate, 0.5, 100)

    async def stay(world: World, budget: int, seed: int) -> Found:
        return claim(world, world.baseline, 0.5, 100)

    harmful = Landscape("h", lambda seed: SimulatedWorld(Shape(good=0, harmful=1), seed))
    staying = Rival(SearchPolicy("stay", stay), 300)
    job = ([harmful], [SearchPolicy("first", first_edit)], [500], range(40))
    (row,), (rival,) = bench_search(*job), bench_search(job[0], [staying.policy], [300], job[3])
    (found,) = differences([row], [rival])
    assert found["difference"] == pytest.approx(row["true_pass_rate"] - 0.62, abs=1e-3)
    assert found["difference_ci"][0] < found["difference"] < found["difference_ci"][1] < 0
    assert found["said"] == ["behind"]
    assert "stay 300: 0.620" in render_differences([found])
    (same,) = differences([rival], [rival])
    assert same["said"] == ["reached", "not behind"]


def test_a_rival_is_written_with_its_budget() -> None:
    assert rival_named("paper:14000") == Rival(POLICIES["paper"], 14_000)
    with pytest.raises(ConfigurationError, match="paper:14000"):
        rival_named("paper")
    with pytest.raises(ConfigurationError, match="--against 'papper'"):
        rival_named("papper:300")


def test_landscapes_and_policies_from_outside_can_be_passed_in() -> None:
    async def stay(world: World, budget: int, seed: int) -> Found:
        return claim(world, world.baseline, 0.5, 100)

    steep = Landscape("steep", lambda seed: SimulatedWorld(Shape(start=0.4), seed))
    rows = bench_search([steep], [SearchPolicy("stay", stay)], [500], range(3))
    assert rows[0]["true_pass_rate"] == pytest.approx(0.4, abs=1e-4)
    assert rows[0]["reported_minus_true"] == pytest.approx(0.1, abs=0.001)
    assert rows[0]["false_certification_rate"] == 0


def test_a_policy_that_cannot_run_is_skipped_with_its_reason() -> None:
    told: list[str] = []
    absent = SearchPolicy("absent", POLICIES["paper"].run, lambda: "nobody installed it")
    assert bench_search([LANDSCAPES["null"]], [absent], [500], range(1), progress=told.append) == []
    assert told == ["absent: skipped, nobody installed it"]


def test_names_and_numbers_that_make_no_sense_are_refused() -> None:
    assert policies_named("all") == list(POLICIES.values())
    with pytest.raises(ConfigurationError, match="--landscape 'flat'"):
        landscapes_named("flat")
    with pytest.raises(ConfigurationError, match="--runs"):
        bench_search([], [], [500], range(0))


@pytest.mark.thorough
def test_on_hacks_an_auditor_keeps_the_report_true_though_edits_fool_it_as_well() -> None:
    landscape = LANDSCAPES["hacks-audited-.3"]
    rows = bench_search([landscape], [POLICIES["autodata"]], [2400], range(2000, 2060))
    assert rows[0]["reported_minus_true"] <= 0.02
    assert rows[0]["false_certification_rate"] <= 0.05
