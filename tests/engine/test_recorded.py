"""A run's own settings, with what its record leaves out from the configuration at hand."""

from pathlib import Path

import pytest

from autodata.config.file import Source, load_config
from autodata.engine.engine import settings_of
from autodata.engine.recorded import as_recorded
from autodata.project import Project
from tests.support.journals import begun

TEXT = """\
models:
  m: {provider: openai, model: m, base_url: "http://h/v1"}
roles:
  weak: {model: m, extra_body: {top_k: 3}}
  strong: {model: m}
protocol: {domain: cloze}
"""


def project(text: str) -> Project:
    return Project(Path(), load_config(text, "a.yaml", []), "a.yaml", Source.of(text, "a.yaml", []))


def test_headers_are_todays_and_what_shapes_requests_is_the_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TEAM", "t")
    run = begun("r", config=settings_of(project(TEXT).config))
    today = TEXT.replace("extra_body: {top_k: 3}", "top_p: 0.5, headers: {X-Team: {env: TEAM}}")
    weak = as_recorded(project(today), run, lambda _: True).config.roles["weak"]
    assert weak.body == {"top_k": 3}
    assert {name: header.env for name, header in weak.headers.items()} == {"X-Team": "TEAM"}
