"""Scripts: read from a file, answered by the first fitting line, mistakes named."""

import json
from pathlib import Path

import pytest

from autodata.errors import ConfigurationError, RequestRejected
from autodata.models.base import Message, Request
from autodata.models.providers.scripted import ScriptedModel, ScriptedReply

ASK = Request(messages=(Message("user", "Write a question."),))


async def test_the_first_fitting_line_answers(tmp_path: Path) -> None:
    file = tmp_path / "s.json"
    file.write_text(
        json.dumps([{"contains": "question", "text": "1"}, {"contains": "", "text": "2"}])
    )
    model = ScriptedModel.from_file(file)
    assert (await model.complete(ASK)).text == "1"
    assert (await model.complete(Request(prompt="else"))).text == "2"


async def test_a_request_without_a_line_is_rejected() -> None:
    with pytest.raises(RequestRejected, match="no line"):
        await ScriptedModel.from_lines([ScriptedReply("nothing like it", "x")]).complete(ASK)


@pytest.mark.parametrize("text", [None, "{", "3", '["x"]', '[{"contains": "x"}]', '[{"a": 1}]'])
def test_a_script_that_is_none_is_named(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "s.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(ConfigurationError, match=r"script .*s\.json") as caught:
        ScriptedModel.from_file(file)
    assert "JSON list" in caught.value.fix
