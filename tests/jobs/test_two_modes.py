"""One model as weak and strong solver: each role's requests are shaped as its settings say."""

import json
from pathlib import Path

import pytest

from tests.support.command_line import Place, good, new_place, refused, served
from tests.support.killing import solver
from tests.support.loopback import Say, Seen

THINKS = "chat_template_kwargs"
CONFIG = """\
harness: lambada
documents:
  source: pydoc
  chunk_chars: 3000
  min_chars: 1500
  splits: {train: 2, validation: 8, test: 10}
models:
  m: {provider: openai, model: tiny, api: completions, base_url: '%s', extra_body: {top_k: 7}}
roles:
  weak: {model: m, extra_body: {top_k: 3, chat_template_kwargs: {enable_thinking: false}}}
  strong:
    model: m
    mode: privileged
    temperature: server
    extra_body: {chat_template_kwargs: {enable_thinking: true}}
protocol: {domain: cloze, acceptance: verifiable}
optimize: {proposer: knobs, iterations: 1, episodes: 120}
"""
OTHER = "--set=roles.strong.extra_body={chat_template_kwargs: {enable_thinking: false}}"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return new_place(tmp_path / "project")


def test_a_run_asks_one_model_in_two_modes_and_replays(place: Place) -> None:
    answer = solver()
    bodies = []

    def act(seen: Seen) -> Say:
        bodies.append(seen.body)
        return answer(seen)

    with served(act) as server:
        place.write("autodata.yaml", CONFIG % server.url)
        good(place("optimize", "--run=two"))
        sent = len(bodies)
        refused(place("optimize", "--run=two", OTHER), "roles.strong.extra_body", "leave them out")
        good(place("optimize", "--run=two"))
        assert len(bodies) == sent
    weak = [body for body in bodies if not body[THINKS]["enable_thinking"]]
    strong = [body for body in bodies if body[THINKS]["enable_thinking"]]
    assert weak
    assert strong
    assert ({body["top_k"] for body in weak}, {body["top_k"] for body in strong}) == ({3}, {7})
    assert {body["temperature"] for body in weak} == {1.0}
    assert not any("temperature" in body for body in strong)
    assert "equal, all of it" in good(place("replay", "two")).out
    query = "select distinct role, request->'extra' as extra from calls order by role"
    rows = good(place("sql", query, "--format=json")).json
    kept = {row["role"]: row["extra"] for row in rows}
    kept = {role: json.loads(v) if isinstance(v, str) else v for role, v in kept.items()}
    assert kept["weak"] == {"top_k": 3, THINKS: {"enable_thinking": False}}
    assert kept["strong"] == {"top_k": 7, THINKS: {"enable_thinking": True}}
