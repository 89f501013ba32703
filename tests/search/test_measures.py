"""What harnesses are compared by, on truth that is known: values, pairs, and how often they err."""

from dataclasses import replace
from random import Random
from statistics import fmean

import pytest

from autodata.search.certify import difference_of, interval_of
from autodata.search.measures import MEASURES, Told, difference, measures_of, value_of
from autodata.store.episodes import EpisodeRecord
from autodata.store.quality import GapRecord
from autodata.types import Attempt, Example, Json, Round, Verdict
from tests.support.episodes import EXAMPLE


def episode(
    document: int,
    accepted: bool,
    weak: float | None = None,
    strong: float = 1.0,
    tokens: int = 100,
    repeat: int = 0,
    example: Example = EXAMPLE,
) -> Told:
    """An episode of one round; `weak` None: it has no example."""
    place = ("c0", "", "tree", f"d{document}", "validation", repeat)
    attempts = () if weak is None else (Attempt("weak", 0, "", 0.0),)
    past = Round(0, example, (), attempts, Verdict(accepted))
    body: Json = {
        "index": 0,
        "example": {**_json(past.example)},
        "verifications": [],
        "attempts": [{"role": "weak", "sample": 0, "answer": "", "score": 0.0, "satisfied": []}]
        if attempts
        else [],
        "verdict": {"accepted": accepted, "reasons": []},
    }
    status = "accepted" if accepted else "rejected"
    record = EpisodeRecord(*place, status, "", (body,), 1, tokens, 0, 0.0, 1.0)  # type: ignore[arg-type]
    gap = None if weak is None else GapRecord(*place, 0, (weak, weak), (strong,))  # type: ignore[arg-type]
    return Told(record, record.outcome, gap)


def _json(example: Example) -> Json:
    return {
        "question": example.question,
        "answer": example.answer,
        "context": example.context,
        "rubric": [],
        "kind": "",
        "skills": [],
    }


def mean(name: str, told: list[Told]) -> float:
    value = value_of(MEASURES[name], told)
    assert value is not None
    return value.mean


def test_every_example_counts_for_the_gap_and_accepted_ones_for_theirs() -> None:
    told = [episode(1, True, 0.2, 0.8), episode(2, False, 0.8, 0.8), episode(3, False)]
    assert mean("weak", told) == pytest.approx(0.5)
    assert mean("gap", told) == pytest.approx(0.3)
    assert mean("accepted_gap", told) == pytest.approx(0.6)
    assert mean("acceptance", told) == pytest.approx(1 / 3)
    assert mean("tokens_per_accepted", told) == pytest.approx(300)
    assert mean("question", told) == len(EXAMPLE.question)


def test_what_divides_by_nothing_has_no_value_and_no_difference() -> None:
    none, some = [episode(1, False), episode(2, False)], [episode(1, True, 0.5), episode(2, True)]
    assert value_of(MEASURES["weak"], none) is None
    assert value_of(MEASURES["null_rate"], none) is None
    assert difference(MEASURES["accepted_gap"], some, none) is None
    assert set(measures_of(none)) == {*MEASURES}


def test_null_episodes_count_for_the_null_rate_alone() -> None:
    told = [episode(1, False, 0.5), episode(2, False, 0.5), episode(1, True, repeat=-1)]
    assert (mean("acceptance", told), mean("null_rate", told)) == (0.0, 1.0)
    assert mean("rounds", told) == 1.0


def test_acceptance_is_told_as_by_evaluate_and_ablate() -> None:
    rng = Random(3)
    ours = [episode(d, rng.random() < 0.6, repeat=n) for d in range(20) for n in range(2)]
    theirs = [episode(d, rng.random() < 0.3, repeat=n) for d in range(20) for n in range(2)]
    counted, others = ([told.outcome for told in side] for side in (ours, theirs))
    value = value_of(MEASURES["acceptance"], ours)
    found = difference(MEASURES["acceptance"], ours, theirs)
    assert value is not None
    assert found is not None
    for one, other in ((value, interval_of(counted)), (found, difference_of(counted, others))):
        assert (one.mean, one.low, one.high) == pytest.approx((other.mean, other.low, other.high))


def test_what_a_document_does_to_both_harnesses_cancels() -> None:
    rng = Random(5)
    ease = [rng.random() for _ in range(30)]
    ours = [episode(d, True, 0.0, tokens=int(1000 * e) + 10) for d, e in enumerate(ease)]
    theirs = [episode(d, True, 0.0, tokens=int(1000 * e)) for d, e in enumerate(ease)]
    found = difference(MEASURES["tokens"], ours, theirs)
    assert found is not None
    assert (found.mean, found.low, found.high) == pytest.approx((10, 10, 10))
    alone = value_of(MEASURES["tokens"], ours)
    assert alone is not None
    assert alone.high - alone.low > 100


@pytest.mark.parametrize("name", ["weak", "accepted_gap", "tokens_per_accepted", "acceptance"])
def test_differences_cover_the_truth_as_often_as_they_say(name: str) -> None:
    """Documents differ, and a harness that accepts more makes longer episodes; 150 comparisons."""
    rng = Random(7)

    def side(ease: list[float], better: float) -> list[Told]:
        told = []
        for number, easy in enumerate(ease):
            accepted = rng.random() < 0.3 + 0.3 * easy + better
            weak = min(1.0, max(0.0, rng.gauss(0.5 - 0.2 * easy, 0.1)))
            tokens = int(rng.expovariate(1 / 500) * (1 + easy)) + 1
            told.append(episode(number, accepted, weak, 0.9, tokens))
        return told

    def pair(documents: int) -> tuple[list[Told], list[Told]]:
        ease = [rng.random() for _ in range(documents)]
        return side(ease, 0.2), side(ease, 0.0)

    measure, many = MEASURES[name], pair(2500)
    truth = difference(measure, *many)
    assert truth is not None
    found = [difference(measure, *pair(30)) for _ in range(150)]
    covered = fmean(one is not None and one.low <= truth.mean <= one.high for one in found)
    assert covered > 0.91


def test_a_gap_that_could_not_be_scored_is_none() -> None:
    told = episode(1, True, 0.5)
    assert told.gap is not None
    unscored = Told(told.episode, told.outcome, replace(told.gap, weak=(), problem="no reply"))
    assert unscored.gap is None
    assert unscored.came_to is not None
