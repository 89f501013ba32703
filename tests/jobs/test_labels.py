"""Labels: a blind random sample of judged answers, and a judge held against them and itself."""

import json
from pathlib import Path

import pytest

from autodata.errors import ConfigurationError, StoreError
from autodata.jobs.labels import (
    Compared,
    Judged,
    LabelledAnswer,
    compared,
    counted,
    judged_answers,
    matched,
    read_labels,
    sample_for_labels,
)
from autodata.store.lines import read_entries
from autodata.types import Json
from tests.support.command_line import RUN, Place, good, refused
from tests.support.journals import episode


def played(documents: int) -> dict[str, Judged]:
    """The judged answers of an episode for each of these documents."""
    return judged_answers(episode(f"d{n}", "train")[1] for n in range(documents))


LINE: Json = {"run": "r", "answer": "a", "criteria": [{"criterion": "says why", "met": True}]}


def test_answers_on_test_documents_and_of_voids_are_never_drawn() -> None:
    assert (
        judged_answers(
            record for _, record in (episode("d1", "test"), episode("d2", "train", "void"))
        )
        == {}
    )


def test_one_answer_of_a_round_is_drawn_the_same_for_the_same_seed() -> None:
    answers = played(30)
    drawn = sample_for_labels(answers, 20)
    assert len({answer.document_id for answer in drawn}) == len(drawn) == 20
    assert drawn == sample_for_labels(dict(reversed(answers.items())), 20)
    assert drawn != sample_for_labels(answers, 20, seed=1)


def test_where_no_judge_has_graded_there_is_nothing_to_label() -> None:
    with pytest.raises(StoreError, match="graded by a judge"):
        sample_for_labels({}, 20)


def test_whoever_labels_is_not_told_what_the_judge_said() -> None:
    (answer, *_) = played(1).values()
    assert answer.attempt.satisfied == (True,)
    shown = answer.shown("r")
    assert shown["criteria"] == [{"criterion": "says because", "met": None}]
    assert "true" not in json.dumps(shown)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{}", "holds no labels"),
        ("[{}]", "holds no labels"),
        (json.dumps([{**LINE, "criteria": [{"criterion": "c", "met": None}]}]), "every `met`"),
        (json.dumps([LINE, {**LINE, "run": "s"}]), "several runs"),
        (json.dumps([{**LINE, "criteria": [{"criterion": "c", "met": "yes, surely"}]}]), "met"),
    ],
)
def test_a_file_without_usable_labels_is_refused(text: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        read_labels(text, "labels.json")


def test_a_label_of_an_answer_that_the_run_does_not_have_is_refused() -> None:
    answers = played(1)
    key = next(iter(answers))
    good_one = LabelledAnswer.model_validate({**LINE, "answer": key})
    assert matched([good_one], answers)
    for bad in ({**LINE}, {**LINE, "answer": key, "criteria": 2 * LINE["criteria"]}):
        with pytest.raises(ConfigurationError, match="has no answer"):
            matched([LabelledAnswer.model_validate(bad)], answers)


def test_counts_tell_false_positives_from_misses_and_skip_what_is_not_labelled() -> None:
    answers = played(4)
    everything: list[Compared] = []
    for (key, answer), met, again in zip(
        answers.items(), (True, False, None, False), (True, False, True, True), strict=False
    ):
        label = LabelledAnswer.model_validate(
            {"run": "r", "answer": key, "criteria": [{"criterion": "c", "met": met}]}
        )
        everything += compared(label, answer, [again])
    whole, agreement, rows = counted(everything)
    assert (whole.labelled, whole.agreed, whole.same) == (3, 1, 2)
    assert (whole.positives, whole.false_negatives) == (1, 0)
    assert (whole.negatives, whole.false_positives) == (2, 2)
    assert agreement.mean == pytest.approx(1 / 3)
    assert [row["criterion"] for row in rows] == ["says because"]


@pytest.fixture
def measured(fresh: Place) -> Place:
    """A project in which a harness with a judge was measured."""
    config = (fresh.folder / "autodata.yaml").read_text()
    for old, new in (
        ("domain: cloze", "domain: research"),
        ("acceptance: verifiable", "acceptance: deployed"),
        ("weak: {model: small}", "weak: {model: weak-chat}"),
        ("strong: {model: small, mode: privileged}", "strong: {model: chat}"),
    ):
        config = config.replace(old, new)
    fresh.write("autodata.yaml", config)
    good(fresh("evaluate", "cs-research", "--run=m", "--most=8"))
    return fresh


def fill(path: Path, met: bool) -> None:
    answers = json.loads(path.read_text())
    for answer in answers:
        for line in answer["criteria"]:
            line["met"] = met
    path.write_text(json.dumps(answers))


def test_a_judge_is_held_against_labels_and_the_result_stands_beside_the_rate(
    measured: Place,
) -> None:
    labels = measured.folder / "labels.json"
    good(measured("sample", "m", "--for-labels", "--out", str(labels), "--most=6"))
    refused(measured("sample", "m", "--for-labels", "--out", str(labels)), "there already", "name")
    refused(measured("calibrate-judge", str(labels)), "has no label", "fill in")
    fill(labels, met=True)
    found = good(measured("calibrate-judge", str(labels), "--by", "us", "--json")).json
    assert (found["answers"], found["positives"]) == (6, found["criteria"])
    assert found["false_positives"] == 0
    assert 0 < found["agreement"]["mean"] < 1
    assert sum(row["labelled"] for row in found["by_criterion"]) == found["criteria"]
    asked = [e for e in read_entries(measured.folder / "runs" / "m") if e.kind == "call"]
    again = [e for e in asked if e.body["ordinal"].startswith("labels")]
    assert len(again) == 6
    shown = good(measured("show", "m")).out
    assert "against labels by us (6 answers" in " ".join(shown.split())
    assert good(measured("calibrate-judge", str(labels), "--json")).json == found
    after = [e for e in read_entries(measured.folder / "runs" / "m") if e.kind == "call"]
    assert len(after) == len(asked)


def test_a_run_without_a_judge_has_nobody_to_calibrate(finished: Place) -> None:
    refused(finished("sample", RUN, "--for-labels"), "graded by a judge", "rubrics")
    refused(finished("sample", RUN), "what shall the sample be for", "--for-labels")
