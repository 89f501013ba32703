"""A whole merging search on files: commits of edits and sets, and the study of what they did."""

import json

import optuna
import pytest
from sqlalchemy.pool import NullPool

import autodata
from tests.support.command_line import RUN, SMALL, Place, good, new_place

KNOBS = {"rounds", "passage_sentences", "shortest_word", "occurrences", "position"}


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A project whose run `first` has measured sets of edits."""
    place = new_place(tmp_path_factory.mktemp("searched") / "project")
    good(place("optimize", "--run", RUN, "--iterations=8", *SMALL))
    return place


def trials(place: Place) -> list[optuna.trial.FrozenTrial]:
    address = f"sqlite:///{place.folder / 'runs' / RUN / 'optuna.db'}"
    storage = optuna.storages.RDBStorage(address, engine_kwargs={"poolclass": NullPool})
    return optuna.load_study(study_name=RUN, storage=storage).trials


def rows(place: Place, query: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = good(place("sql", query, "--format=json")).json
    return found


def test_every_measured_set_is_a_trial_and_a_replay_comes_to_the_same(searched: Place) -> None:
    measured = rows(
        searched,
        "select candidate_id c, any_value(c.edits) edits, count(*) n from episodes e "
        "join candidates c using (run_id, candidate_id) "
        "where split = 'validation' and repeat >= 0 group by 1",
    )
    found = trials(searched)
    assert {(trial.user_attrs["candidate"], trial.user_attrs["episodes"]) for trial in found} == {
        (row["c"], row["n"]) for row in measured
    }
    edits = {str(row["c"]): row["edits"] for row in measured}
    for trial in found:
        inside = {f"e{number}" for number in edits[trial.user_attrs["candidate"]]}  # type: ignore[attr-defined]
        assert {name for name in trial.params if name not in KNOBS} == inside
    good(searched("replay", RUN))
    again = trials(searched)
    assert [(t.params, t.value) for t in again] == [(t.params, t.value) for t in found]


def test_edits_and_sets_are_commits_of_the_run(searched: Place) -> None:
    known = rows(
        searched, f"select candidate_id c, commit, edits from candidates where run_id = '{RUN}'"
    )
    for row in known:
        ref = f"refs/autodata/{RUN}/{row['c']}"
        assert searched.git("rev-parse", ref) == row["commit"]
        if row["c"] != "c0":
            subject = searched.git("log", "-1", "--format=%s", ref)
            numbers = json.loads(json.dumps(row["edits"]))
            assert subject == "Merge " + ", ".join(f"e{number}" for number in numbers)
    query = "select edit e, parent_id p, commit from edits where commit is not null"
    for row in rows(searched, query):
        ref = f"refs/autodata/{RUN}/e{row['e']}"
        assert searched.git("rev-parse", ref) == row["commit"]
        parent = searched.git("rev-parse", f"refs/autodata/{RUN}/{row['p']}")
        assert searched.git("rev-parse", f"{ref}^") == parent
        changed = searched.git("diff", "--numstat", f"{ref}^", ref).split()[:2]
        assert changed == ["1", "1"], "a knob edit moves one knob"


def test_a_candidate_is_ablated_by_the_edits_of_its_sets(searched: Place) -> None:
    query = (
        f"select candidate_id c, edits from candidates where run_id = '{RUN}' and len(edits) > 1"
    )
    made = good(searched("sql", f"{query} limit 1", "--format=json")).json[0]
    found = autodata.ablate(RUN, made["c"], searched.folder, "without", autodata.Sample(most=4))
    assert [edit.edit for edit in found.edits] == [f"e{number}" for number in made["edits"]]
