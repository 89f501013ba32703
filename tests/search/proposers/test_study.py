"""The Optuna study: a trial for each candidate, and the same suggestion for the same past."""

import resource
from pathlib import Path

import optuna
import pytest
from sqlalchemy.pool import NullPool

from autodata.errors import StoreError
from autodata.harness.spec import load_files
from autodata.search.base import Decision, Iteration, Proposal
from autodata.search.proposers.study import STUDY_FILE, KnobStudy, SetStudy, distribution
from autodata.types import Candidate, Cell, KnobValue, Outcome
from tests.support.harnesses import FILES

BASE = load_files(FILES)
DESCRIPTORS = Path("/proc/self/fd")
Values = dict[str, KnobValue]


def study(folder: Path, seed: int = 1) -> KnobStudy:
    folder.mkdir(exist_ok=True)
    made = KnobStudy(folder, "r1", BASE.knobs, seed)
    made.baseline(BASE.values, 0.3, "commit0")
    return made


def decided(
    number: int, values: Values, scores: tuple[int, ...], decision: Decision = "admitted"
) -> Iteration:
    candidate = Candidate(f"c{number}", f"commit{number}", f"tree{number}", "c0", values)
    outcomes = tuple(
        Outcome(Cell(f"d{n}", "validation", 0), bool(score)) for n, score in enumerate(scores)
    )
    proposal = Proposal("knobs", candidate if scores else None)
    return Iteration(number, "c0", proposal, decision, "because", outcomes)


def trials(folder: Path) -> list[optuna.trial.FrozenTrial]:
    """What another program, such as optuna-dashboard, sees."""
    address = f"sqlite:///{folder / STUDY_FILE}"
    storage = optuna.storages.RDBStorage(address, engine_kwargs={"poolclass": NullPool})
    return optuna.load_study(study_name="r1", storage=storage).trials


def play(subject: KnobStudy, iterations: int) -> list[Values]:
    given = []
    for number in range(1, iterations + 1):
        values = subject.suggest(number, {})
        given.append(values)
        subject.tell(decided(number, values, (number % 2, 1, 0, 1)))
    return given


def test_a_study_built_again_suggests_the_same(tmp_path: Path) -> None:
    first = play(study(tmp_path), 7)
    assert play(study(tmp_path), 7) == first
    assert play(study(tmp_path / "other", seed=2), 2) != first[:2]


@pytest.mark.skipif(not DESCRIPTORS.exists(), reason="/proc is Linux's")
def test_a_study_leaves_no_database_open(tmp_path: Path) -> None:
    subject = study(tmp_path)
    play(subject, 3)
    opened = [link.readlink().name for link in DESCRIPTORS.iterdir() if link.is_symlink()]
    assert STUDY_FILE not in opened


def test_suggestions_keep_to_ranges_and_to_what_is_kept(tmp_path: Path) -> None:
    subject = study(tmp_path)
    for number in range(1, 8):
        values = subject.suggest(number, {"style": "long", "rounds": 7})
        assert (values["style"], values["rounds"]) == ("long", 7)
        assert set(values) == set(BASE.knobs)
        for name, knob in BASE.knobs.items():
            assert not knob.problem_with(values[name])
        subject.tell(decided(number, values, (1, 0)))


def test_trials_carry_candidate_commit_decision_and_running_means(tmp_path: Path) -> None:
    subject = study(tmp_path)
    for number, decision in enumerate(("admitted", "rejected", "refused"), 1):
        values = subject.suggest(number, {})
        scores = () if decision == "refused" else (1, 0, 1, 1)
        subject.tell(decided(number, values, scores, decision))  # type: ignore[arg-type]
    baseline, won, lost, refused = trials(tmp_path)
    assert (baseline.value, baseline.user_attrs["candidate"]) == (0.3, "c0")
    assert baseline.params == BASE.values
    assert (won.state.name, won.value) == ("COMPLETE", 0.75)
    assert list(won.intermediate_values.values()) == [1.0, 0.5, pytest.approx(2 / 3), 0.75]
    assert won.user_attrs["commit"] == "commit1"
    assert won.user_attrs["documents"] == ["d0", "d1", "d2", "d3"]
    assert (lost.state.name, lost.user_attrs["decision"]) == ("PRUNED", "rejected")
    assert lost.user_attrs["reason"] == "because"
    assert refused.state.name == "FAIL"


def test_parallel_trials_are_told_apart(tmp_path: Path) -> None:
    subject = study(tmp_path)
    values = {number: subject.suggest(number, {}) for number in (1, 2, 3)}
    for number in (1, 2, 3):
        subject.tell(decided(number, values[number], (1, 0)))
    assert [t.params for t in trials(tmp_path)[1:]] == [values[n] for n in (1, 2, 3)]


def test_a_setting_that_was_drawn_again_leaves_a_failed_trial(tmp_path: Path) -> None:
    subject = study(tmp_path)
    subject.suggest(1, {})
    values = subject.suggest(1, {})
    subject.tell(decided(1, values, (1,)))
    assert [t.state.name for t in trials(tmp_path)] == ["COMPLETE", "FAIL", "COMPLETE"]


def test_an_iteration_without_a_trial_changes_nothing(tmp_path: Path) -> None:
    subject = study(tmp_path)
    subject.tell(decided(9, {}, (1,)))
    assert len(trials(tmp_path)) == 1


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"optuna\.db cannot be written"):
        KnobStudy(tmp_path / "nowhere", "r1", BASE.knobs, 0)


def test_every_kind_of_knob_has_a_distribution() -> None:
    kinds = {name: type(distribution(knob)).__name__ for name, knob in BASE.knobs.items()}
    assert kinds == {
        "rounds": "IntDistribution",
        "share": "FloatDistribution",
        "careful": "CategoricalDistribution",
        "style": "CategoricalDistribution",
    }


def test_a_disk_that_is_full_in_the_middle_is_told_as_such(tmp_path: Path) -> None:
    subject = study(tmp_path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, limits[1]))
    try:
        with pytest.raises(StoreError, match=r"optuna\.db cannot be written"):
            subject.suggest(1, {})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def candidate(name: str, **values: KnobValue) -> Candidate:
    return Candidate(name, f"commit-{name}", f"tree-{name}", "c0", {**BASE.values, **values})


def outcomes(accepted: int, episodes: int) -> list[Outcome]:
    return [Outcome(Cell(f"d{n}", "validation", 1), n < accepted) for n in range(episodes)]


def sets(folder: Path) -> SetStudy:
    folder.mkdir(exist_ok=True)
    return SetStudy(folder, "r1", BASE.knobs, 1)


def test_every_measured_set_is_one_trial_with_its_edits_and_knobs(tmp_path: Path) -> None:
    subject = sets(tmp_path)
    subject.measured(candidate("c0"), (), outcomes(1, 4))
    subject.measured(candidate("c1", rounds=7), (2, 5), outcomes(4, 4))
    subject.measured(candidate("c1", rounds=7), (2, 5), outcomes(2, 4))
    subject.measured(candidate("c2"), (5,), [])
    subject.write()
    first, second = trials(tmp_path)
    assert (first.value, second.value) == (0.25, 0.75)
    assert first.params == BASE.values
    assert second.params == {**BASE.values, "rounds": 7, "e2": True, "e5": True}
    assert second.user_attrs == {"candidate": "c1", "commit": "commit-c1", "episodes": 8}
    subject.write()
    assert len(trials(tmp_path)) == 2


def test_a_knob_moves_to_where_sets_did_well(tmp_path: Path) -> None:
    subject = sets(tmp_path)
    for number in range(60):
        rounds = number % 10 + 1
        values = candidate(f"c{number}", rounds=rounds, share=number % 7 / 7)
        subject.measured(values, (number,), outcomes(4 if rounds >= 8 else 0, 4))
    drawn = [subject.move("rounds", seed) for seed in range(40)]
    assert sum(value >= 8 for value in drawn if isinstance(value, int)) >= 25
    assert drawn == [subject.move("rounds", seed) for seed in range(40)]


def test_a_proposer_of_races_is_given_whole_settings_of_sets(tmp_path: Path) -> None:
    values = sets(tmp_path).suggest(3, {"style": "long"})
    assert values["style"] == "long"
    assert values.keys() == BASE.values.keys()
