"""More than one model family a role, end to end: dealt by document, recorded per call, resumed."""

import pytest

from autodata.types import Json
from tests.support.command_line import Place, edit_texts, good, new_place, refused

CALLS = (
    "select document_id, list(distinct endpoint order by endpoint) as who from calls "
    "where run_id = '{run}' and role = '{role}' group by all"
)
OTHERS = """  other: {provider: simulated, model: other}
  raw: {provider: simulated, model: small, api: completions}
"""


@pytest.fixture(scope="module")
def families(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A project in which two models share the writing, and the same two, turned round, judge."""
    place = new_place(tmp_path_factory.mktemp("families") / "project")
    edit_texts(place)
    for old, new in (
        ("weak: {model: small}", "weak: {model: weak-chat}"),
        ("strong: {model: small, mode: privileged}", "strong: {model: chat}"),
        ("  challenger: {model: chat}", "  challenger: {models: [chat, other]}"),
        ("  verifier: {model: chat}", "  verifier: {models: [chat, other], pick: in_turn}"),
        ("  judge: {model: chat}", "  judge: {models: [other, chat]}"),
        ("roles:\n", f"{OTHERS}\nroles:\n"),
    ):
        place.edit("autodata.yaml", old, new)
    place.git("commit", "-qam", "Two families")
    good(place("evaluate", "cs-research", "--most=6", "--run=r"))
    return place


def dealt(place: Place, role: str) -> dict[str, list[str]]:
    rows: list[Json] = good(place("sql", CALLS.format(run="r", role=role), "--format=json")).json
    return {row["document_id"]: row["who"] for row in rows}


def test_a_document_has_one_challenger_and_another_judge(families: Place) -> None:
    writers, judges = dealt(families, "challenger"), dealt(families, "judge")
    assert {tuple(who) for who in writers.values()} == {("chat",), ("other",)}
    for document, who in judges.items():
        assert len(who) == 1
        assert who != writers[document]


def test_in_turn_both_review_a_document(families: Place) -> None:
    assert ["chat", "other"] in dealt(families, "verifier").values()


def test_a_run_goes_on_without_asking_anybody_again(families: Place) -> None:
    count = ("sql", "select count(*) n from calls", "--format=json")
    before = good(families(*count)).json
    good(families("evaluate", "cs-research", "--most=6", "--run=r"))
    assert good(families(*count)).json == before


def test_a_run_keeps_the_models_that_it_began_with(families: Place) -> None:
    refused(
        families(
            "evaluate", "cs-research", "--most=6", "--run=r", "--set=roles.judge.pick=in_turn"
        ),
        "roles.judge.pick is",
        "leave them out",
    )


def test_doctor_calls_each_model_of_a_role(families: Place) -> None:
    out = good(families("doctor", "--call")).out
    for who in ("challenger (chat,", "challenger (other,", "judge (other,", "judge (chat,"):
        assert who in out


def test_estimate_takes_the_models_as_they_are_mixed(families: Place) -> None:
    words = ("estimate", "--episodes=4", "--set=optimize.proposer=knobs", "--run=pilot", "--json")
    assert good(families(*words)).json["run_id"] == "pilot"


@pytest.mark.parametrize(
    ("change", "problem", "fix"),
    [
        ("{models: [chat, smal]}", "roles.judge.models: no model is named 'smal'", "'small'"),
        ("{models: [chat, chat]}", "roles.judge.models names a model twice", "once"),
        ("{model: chat, models: [other]}", "has both `model` and `models`", "keep one"),
        ("{models: [chat, raw]}", "some have `api: chat`", "one kind"),
        ("{models: []}", "roles.judge.model is missing", "name one"),
        ("{models: [chat, other], pick: always}", "'by_document' or", "change roles.judge.pick"),
    ],
)
def test_models_that_cannot_share_a_role_are_refused(
    families: Place, change: str, problem: str, fix: str
) -> None:
    refused(families("evaluate", "cs-research", f"--set=roles.judge={change}"), problem, fix)
