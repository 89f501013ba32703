"""Only valid edits come out: what is wrong with one is told and mended, or it is given up."""

import pytest

from autodata.errors import (
    AutodataError,
    CallFailed,
    ContextTooLong,
    HarnessError,
    Refused,
    Truncated,
    Unavailable,
)
from autodata.search.proposers.sessions import HAND_INS
from autodata.types import Json
from tests.support.editors import (
    GOOD_EDIT,
    OLD,
    Models,
    edit,
)
from tests.support.harnesses import WORKFLOW


def with_patch(path: str, search: str, replacement: str) -> Json:
    return {
        **GOOD_EDIT,
        "patches": [{"path": path, "search": search, "replace": replacement}],
    }


CHALLENGER = "prompts/challenger.md"
BAD_EDITS = [
    (with_patch("README.md", "", "x"), "is no file of a harness"),
    (with_patch("../autodata/acceptance.py", "", "x"), "is no file of a harness"),
    (with_patch(CHALLENGER, OLD, "Ask {{answer}}"), "answer"),
    (with_patch(CHALLENGER, OLD, "x" * 17_000), "characters"),
    (with_patch("harness.yaml", "high: 10", "high: 99"), "harness.yaml is fixed"),
    (with_patch("workflow.py", WORKFLOW, WORKFLOW + "# BROKEN"), "BROKEN"),
    (with_patch(CHALLENGER, "nowhere", "x"), "does not stand in the file"),
    ({**GOOD_EDIT, "knobs": [{"name": "rounds", "value": 99}]}, "knob rounds"),
    ({**GOOD_EDIT, "knobs": [{"name": "nothing", "value": 1}]}, "nothing"),
    ({**GOOD_EDIT, "patches": [], "knobs": []}, "it changes nothing"),
    ({"summary": "no patches"}, "patches: Field required"),
]


@pytest.mark.parametrize(("bad", "named"), BAD_EDITS)
async def test_an_invalid_edit_is_told_what_is_wrong_and_mended(bad: Json, named: str) -> None:
    models = Models(bad, GOOD_EDIT)
    edited = (await edit(models, broken="BROKEN")).harness
    assert edited.values["rounds"] == 6
    told = models.calls[-1][1].messages[-1].content
    assert told.startswith("That is not valid: ")
    assert named in told


async def test_an_invalid_edit_by_schema_is_mended_too() -> None:
    models = Models(BAD_EDITS[0][0], GOOD_EDIT, plain=True)
    assert (await edit(models)).harness.values["rounds"] == 6
    assert models.ordinals[-2:] == ["i3.implement.result", "i3.implement.result.1"]


@pytest.mark.parametrize(("bad", "named"), BAD_EDITS[:2])
@pytest.mark.parametrize("plain", [False, True])
async def test_edits_that_stay_invalid_are_given_up(bad: Json, named: str, plain: bool) -> None:
    models = Models(bad, plain=plain)
    with pytest.raises(HarnessError, match=named):
        await edit(models)
    assert len(models.words("implementer")) == HAND_INS + plain


@pytest.mark.parametrize(
    "failure", [Truncated("cut"), Refused("no"), ContextTooLong("400"), CallFailed("500")]
)
async def test_unusable_replies_are_no_edit(failure: AutodataError) -> None:
    with pytest.raises(HarnessError, match="no usable edit"):
        await edit(Models(GOOD_EDIT, failure=failure))


async def test_an_endpoint_that_is_away_is_no_verdict_on_the_edit() -> None:
    with pytest.raises(Unavailable):
        await edit(Models(GOOD_EDIT, failure=Unavailable("gone")))
