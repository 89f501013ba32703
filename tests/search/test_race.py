"""The race: error rates on simulations with known truth, pairing, and when it ends."""

from collections.abc import Callable
from random import Random

import pytest

from autodata.search.belief import Effect
from autodata.search.plan import RacePlan
from autodata.search.race import Known, Race, RaceResult, Wealth, expected_gain, going_rate
from autodata.search.repeats import Repeat
from autodata.types import Cell

DOCUMENTS = [f"d{i}" for i in range(60)]
FREE = Known(Effect(spread=0.2), 0.5, 1.0, {}, price=0.0)
Rate = Callable[[str], float]


def raced(
    seed: int,
    mutant: Rate,
    parent: Rate,
    known: Known = FREE,
    passes: int = 1,
    margin: float = 0.05,
) -> tuple[Race, RaceResult]:
    rng = Random(f"race {seed}")
    race = Race(
        RacePlan(passes=passes, margin=margin),
        DOCUMENTS,
        known,
        10_000,
        Repeat("iteration", 1),
        rng,
    )
    verdict = None
    while verdict is None:
        cells = race.block()
        ours = [float(rng.random() < mutant(cell.document_id)) for cell in cells]
        theirs = [float(rng.random() < parent(cell.document_id)) for cell in cells]
        verdict = race.add(ours, theirs)
    return race, verdict


def spread(seed: int, centre: float) -> Rate:
    """Documents whose rates differ widely around `centre`."""
    rates = {d: min(1.0, max(0.0, Random(f"{seed}{d}").gauss(centre, 0.3))) for d in DOCUMENTS}
    return lambda document: rates[document]


@pytest.mark.parametrize("passes", [1, 3])
def test_an_equal_mutant_is_hardly_ever_called_clearly_better(passes: int) -> None:
    endings = []
    for seed in range(300):
        same = spread(seed, 0.5)
        endings.append(raced(seed, same, same, passes=passes)[1].ending)
    assert endings.count("clearly better") <= 0.05 * 300


def test_documents_that_only_changed_places_are_no_gain() -> None:
    """Each mutant helps some documents and hurts others: means are equal, documents are not."""
    clear = 0
    for seed in range(300):
        ours, theirs = spread(seed, 0.5), spread(seed + 1000, 0.5)
        clear += raced(seed, ours, theirs, passes=3)[1].ending == "clearly better"
    assert clear <= 0.05 * 300


def test_a_much_better_mutant_is_found_early() -> None:
    pairs = []
    for seed in range(50):
        race, verdict = raced(seed, lambda _: 0.9, lambda _: 0.3)
        assert verdict.ending == "clearly better"
        pairs.append(race.pairs)
    assert sum(pairs) / len(pairs) < 25


def test_a_much_worse_mutant_is_dropped_early() -> None:
    for seed in range(50):
        race, verdict = raced(seed, lambda _: 0.2, lambda _: 0.8)
        assert verdict.ending == "clearly not better"
        assert race.pairs < 45


def test_a_race_that_costs_more_than_it_brings_ends() -> None:
    dear = Known(Effect(drift=-0.02, spread=0.05), 0.5, 0.001, {}, price=0.01)
    race, verdict = raced(1, lambda _: 0.5, lambda _: 0.5, dear)
    assert (race.pairs, verdict.better) == (4, False)
    assert verdict.ending == "not worth more"


def test_each_pass_visits_every_document_once_with_its_own_repeat() -> None:
    plan = RacePlan(block=7, passes=2)
    race = Race(plan, DOCUMENTS, FREE, 10_000, Repeat("iteration", 2), Random(1))
    cells: list[Cell] = []
    while len(cells) < 120:
        block = race.block()
        cells += block
        half = [float(i % 2) for i in range(len(block))]
        race.add(half, half[::-1])
    assert {c.repeat for c in cells[:60]} == {300}
    assert {c.repeat for c in cells[60:]} == {301}
    assert sorted(c.document_id for c in cells[60:]) == sorted(DOCUMENTS)
    assert [c.document_id for c in cells[:60]] != [c.document_id for c in cells[60:]]


def test_an_allowance_is_never_exceeded() -> None:
    race = Race(RacePlan(block=4), DOCUMENTS, FREE, 22, Repeat("iteration", 1), Random(1))
    assert race.add([1, 0, 1, 0][: len(race.block())], [0, 1, 0, 1]) is None
    race.block()
    verdict = race.add([1, 0, 1, 0], [0, 1, 0, 1])
    assert verdict is not None
    assert 2 * race.pairs <= 22


def test_a_lucky_parent_is_corrected_by_its_record() -> None:
    """The same pairs say more for the mutant when the parent is known to do worse on average."""

    def gain(record: float) -> float:
        known = Known(Effect(spread=0.1), record, 0.0001, {}, price=0.0)
        race = Race(RacePlan(), DOCUMENTS, known, 10_000, Repeat("iteration", 1), Random(1))
        race.block()
        race.add([1, 1, 0, 0], [1, 1, 1, 0])
        return race.posterior()[0]

    assert gain(0.3) > gain(0.75) > gain(0.95)


def test_wealth_grows_only_with_evidence() -> None:
    better, worse = Wealth(), Wealth()
    for _ in range(40):
        better.add(0.5)
        worse.add(-0.5)
    assert better.wealth > 1000
    assert 0 <= worse.wealth < 0.4


def test_wealth_stays_positive_where_an_example_that_was_caught_costs_more_than_none() -> None:
    better, worse = Wealth(0.0, 3.0), Wealth(-0.05, 3.0)
    for _ in range(4):
        better.add(-3.0)
        worse.add(-3.0)
    assert 0 < better.wealth < 1
    assert 0 < worse.wealth < 1


def test_expected_gain_is_the_mean_of_the_positive_part() -> None:
    rng = Random(5)
    draws = [max(0.0, rng.gauss(-0.1, 0.2)) for _ in range(40_000)]
    assert expected_gain(-0.1, 0.2) == pytest.approx(sum(draws) / len(draws), abs=0.002)
    assert expected_gain(0.3, 0.0) == 0.3


def test_episodes_are_worth_less_when_there_are_many() -> None:
    scarce = going_rate(Effect(), 2.0, 10, affordable=5)
    assert going_rate(Effect(), 2.0, 10, affordable=500) < scarce
    assert going_rate(Effect(), 2.0, 40, affordable=5) < scarce
