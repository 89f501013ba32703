"""Harnesses side by side: on the same documents, both solvers asked on every example."""

import pytest

import autodata
from autodata.harness.spec import with_knobs
from autodata.search.measures import MEASURES
from tests.support.command_line import (
    Place,
    edit_texts,
    good,
    keys,
    new_place,
    refused,
)

TWO = ("cot-research", "cs-research")
FEW = ("--most=6", "--null=2")
PNG = b"\x89PNG\r\n"


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A project in which cs-research was compared with the baseline of one round."""
    place = new_place(tmp_path_factory.mktemp("compared") / "project")
    edit_texts(place)
    place.edit("autodata.yaml", "weak: {model: small}", "weak: {model: weak-chat}")
    solver = "strong: {model: small, mode: privileged}"
    place.edit("autodata.yaml", solver, "strong: {model: chat}")
    good(place("compare", *TWO, *FEW, "--run=both"))
    return place


def test_the_table_has_a_line_for_each_measure_with_paired_intervals(compared: Place) -> None:
    shown = good(compared("compare", *TWO, *FEW, "--run=both")).out
    data = good(compared("compare", *TWO, *FEW, "--run=both", "--json")).json
    assert keys(data) == [
        "documents",
        "harnesses",
        "run_id",
        "simulated",
        "split",
        "totals",
        "unusable",
    ]
    first, second = data["harnesses"]
    assert (data["documents"], first["episodes"], first["harness"]) == (6, 6, "cot-research")
    assert keys(first["measures"]) == keys(second["against"]) == sorted(MEASURES)
    assert first["measures"]["rounds"]["mean"] == 1
    for name in ("weak", "strong", "gap", "rounds", "tokens"):
        gain = second["measures"][name]["mean"] - first["measures"][name]["mean"]
        found = second["against"][name]
        assert found["mean"] == pytest.approx(gain)
        assert found["low"] <= found["mean"] <= found["high"]
        assert first["against"][name]["mean"] == 0
    for label in ("weak", "null rate", "cs-research - cot-research", "rubric items"):
        assert label in shown


def test_a_picture_is_drawn_of_what_was_measured(compared: Place) -> None:
    words = ("compare", *TWO, *FEW, "--run=both", "--png")
    good(compared(*words, "table.png", "--json"))
    assert (compared.folder / "table.png").read_bytes().startswith(PNG)
    refused(compared(*words, "no/where.png"), "is a folder, or in none", "that is there")


def test_the_strong_solver_is_asked_on_every_example_and_not_on_survivors(compared: Place) -> None:
    query = (
        "select count(*) filter (len(weak) = len(strong) and len(weak) = 3) n, count(*) k, "
        "(select count(distinct (tree, document_id)) from attempts join episodes "
        "using (run_id, candidate_id, document_id, repeat) where repeat >= 0) tried "
        "from gaps where run_id = 'both'"
    )
    (row,) = good(compared("sql", query, "--format=json")).json
    assert row["n"] == row["k"] == row["tried"] > 0
    never = "select count(*) n from rounds where candidate_id = 'c0' and strong_mean is null"
    assert good(compared("sql", never, "--format=json")).json[0]["n"] > 0


def test_the_same_name_goes_on_and_pays_for_nothing_twice(compared: Place) -> None:
    count = ("sql", "select count(*) n from calls", "--format=json")
    before = good(compared(*count)).json
    good(compared("compare", *TWO, *FEW, "--run=both"))
    assert good(compared(*count)).json == before


def test_evaluate_full_tells_the_same_of_one_harness(compared: Place) -> None:
    both = good(compared("compare", *TWO, *FEW, "--run=both", "--json")).json["harnesses"][0]
    one = good(
        compared("evaluate", "cot-research", "--most=6", "--full", "--run=one", "--json")
    ).json
    for name in ("weak", "strong", "gap", "acceptance", "rubric"):
        assert one["measures"][name] == both["measures"][name]
    assert one["measures"]["null_rate"] is None
    shown = good(compared("evaluate", "cot-research", "--most=6", "--full", "--run=one")).out
    assert "gap" in shown
    assert "measures" not in good(compared("evaluate", "cot-research", "--most=2", "--json")).json


def test_python_compares_a_harness_with_one_that_was_changed_in_memory(compared: Place) -> None:
    base = autodata.open_project(compared.folder).harness("cot-research")
    changed = with_knobs(base, {"positive_criteria": 5})
    sample = autodata.Sample(most=2)
    found = autodata.compare(["cot-research", changed], compared.folder, "changed", sample)
    assert [(one.harness, one.candidate, one.episodes) for one in found.harnesses] == [
        ("cot-research", "c0", 2),
        ("cot-research", "c1", 2),
    ]
    assert found.sample.full


def test_what_cannot_be_compared_is_refused(compared: Place) -> None:
    refused(
        compared("compare", "cot-research", "cot-research"),
        "two of these harnesses are the same",
        "once",
    )
    refused(compared("compare", *TWO[::-1], *FEW, "--run=both"), "run both was begun", "--run")
    refused(compared("compare", *TWO, "--most=1"), "no interval over fewer than 2", "--most 0")
    refused(compared("compare", *TWO, "--split=test"), "the test split is sealed", "certify")
    refused(compared("compare", "cot-research", "nothing"), "nothing", "cot-research")


def test_a_run_is_not_gone_on_with_by_other_harnesses(compared: Place) -> None:
    refused(
        compared("compare", "cot-research", "lambada", "--most=2", "--null=0", "--run=both"),
        "run both compares other harnesses",
        "--run NAME",
    )
