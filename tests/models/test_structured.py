"""Replies as values, whatever a model wraps them in."""

import pytest
from pydantic import BaseModel, Field

from autodata.errors import Malformed
from autodata.models.base import CheckReply, Message, Reply, Request, Site
from autodata.models.structured import ask_json, json_in, reply_schema
from tests.support.fakes import CHAT, SITE


class Line(BaseModel):
    title: str
    weight: int = Field(default=1, ge=-10, le=10)


class Sheet(BaseModel):
    lines: list[Line]
    default: str = ""


class FakeCaller:
    def __init__(self, *texts: str) -> None:
        self.texts = texts
        self.calls: list[tuple[Site, Request]] = []
        self.found: list[str] = []

    async def call(self, site: Site, request: Request, check: CheckReply | None = None) -> Reply:
        text = self.texts[len(self.calls)]
        self.calls.append((site, request))
        self.found.append(check(text) if check else "not checked")
        return Reply(text, prompt_tokens=10, completion_tokens=2)


GOOD = '{"lines": [{"title": "a", "weight": 3}], "default": "x"}'


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"  {GOOD}\n",
        f"```json\n{GOOD}\n```",
        f"```\n{GOOD}\n```",
        f"Here it is:\n```json\n{GOOD}\n```\nI hope it helps.",
        f"Sure! {GOOD} Done.",
    ],
)
async def test_json_is_found_in_what_models_wrap_it_in(text: str) -> None:
    caller = FakeCaller(text)
    sheet, spend = await ask_json(caller, SITE, CHAT, Sheet)
    assert sheet.lines == [Line(title="a", weight=3)]
    assert spend.calls == 1
    assert caller.calls[0][1].schema_name == "Sheet"


async def test_malformed_reply_is_asked_again_with_what_is_wrong() -> None:
    caller = FakeCaller('{"lines": [{"title": "a", "weight": 99}]}', "nope", GOOD)
    _, spend = await ask_json(caller, SITE, CHAT, Sheet)
    assert spend.calls == 3
    assert [site.ordinal for site, _ in caller.calls] == [
        "r1.weak.1",
        "r1.weak.1.t1",
        "r1.weak.1.t2",
    ]
    assert ["lines.0.weight" in caller.found[0], "not JSON" in caller.found[1]] == [True, True]
    assert caller.found[2] == ""
    second, third = caller.calls[1][1].messages, caller.calls[2][1].messages
    assert second[0] == CHAT.messages[0]
    assert "lines.0.weight" in second[-1].content
    assert len(third) == 3  # only the last bad reply is shown
    assert third[1] == Message("assistant", "nope")


async def test_reasking_is_bounded() -> None:
    caller = FakeCaller("no", "no", "no", GOOD)
    with pytest.raises(Malformed, match="no Sheet after 3 tries"):
        await ask_json(caller, SITE, CHAT, Sheet)
    assert len(caller.calls) == 3


@pytest.mark.parametrize(
    "text", ["", "null", "[" * 100_000, '{"lines": NaN}', "{}", "```json\n```"]
)
async def test_hostile_replies_are_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        await ask_json(FakeCaller(text), SITE, CHAT, Sheet, tries=1)


def test_json_in_takes_lists_too() -> None:
    assert json_in("```json\n[1, 2]\n```") == [1, 2]


def test_schema_is_closed_and_keeps_properties_named_like_keywords() -> None:
    schema = reply_schema(Sheet)
    assert schema["required"] == ["lines", "default"]
    assert schema["additionalProperties"] is False
    line = schema["$defs"]["Line"]
    assert line["required"] == ["title", "weight"]
    assert "default" not in line["properties"]["weight"]
    assert line["properties"]["weight"]["maximum"] == 10
