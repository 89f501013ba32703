"""`doctor` asks each endpoint for its models, and lets nothing private or hostile through."""

import asyncio

import pytest

from autodata.config.providers.openai import OpenAIConfig
from autodata.jobs.doctor.probes import ask_all
from tests.support.command_line import Place, served
from tests.support.doctor import KEY, bad, openai
from tests.support.loopback import Loopback, Models, Say, Silence, Status

LIST = {"data": [{"id": "qwen3-32b"}, {"id": "qwen3-8b"}, {"id": "llama4:latest"}]}


@pytest.mark.parametrize(
    ("models", "name", "problem", "fix"),
    [
        (LIST, "qwen3-8b", "", ""),
        (LIST, "llama4", "", ""),
        (LIST, "default", "", ""),
        ({"data": [{"id": "a.gguf", "owned_by": "llamacpp"}]}, "whatever", "", ""),
        ({"object": "thing"}, "qwen3-8b", "", ""),
        (None, "qwen3-8b", "", ""),
        (Status(429, {"error": {"message": "slow down"}}), "qwen3-8b", "", ""),
        (
            LIST,
            "qwen3-8B",
            "does not list that model, but qwen3-32b, qwen3-8b,",
            "model: qwen3-8b?",
        ),
        (LIST, "gpt-5", "does not list that model", "correct models.one.model"),
        ("<html>Welcome</html>", "qwen3-8b", "is no API", "http://host:8000/v1"),
        (
            Status(401, {"error": {"message": "no"}}),
            "qwen3-8b",
            "not accept the key",
            "api_key_env",
        ),
        (
            Status(500, {"error": {"message": "oh"}}),
            "qwen3-8b",
            "failed (500)",
            "see that it is up",
        ),
    ],
)
def test_an_endpoint_is_asked_for_its_models(
    fresh: Place,
    monkeypatch: pytest.MonkeyPatch,
    models: Models | None,
    name: str,
    problem: str,
    fix: str,
) -> None:
    monkeypatch.setenv("TEST_KEY", KEY)
    monkeypatch.setenv("TEST_TEAM", "team-5")
    with served(lambda _: Say()) as server:
        server.models = models
        openai(fresh, server.url, name, ", headers: {X-Team: {env: TEST_TEAM}}")
        done = fresh("doctor", "--models=http.yaml")
        assert server.seen == []
        assert server.listed[0]["x-team"] == "team-5"
        assert server.listed[0]["Authorization"] == f"Bearer {KEY}"
    told = bad(done)
    assert [problem in line and fix in line for line in told] == [True] * bool(problem), done.out
    assert f"model one (openai): {name} at http" in done.out


def test_an_address_whose_api_begins_elsewhere_is_mended(
    fresh: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_KEY", KEY)
    with served(lambda _: Say()) as server:
        server.models = LIST
        openai(fresh, server.root, "qwen3-8b")
        (told,) = bad(fresh("doctor", "--models=http.yaml"))
        assert told.endswith(f"the API begins elsewhere | models.one.base_url: {server.url}")
        openai(fresh, server.url, "claude", ", provider: anthropic")
        fresh.edit("http.yaml", "provider: openai, ", "")
        (told,) = bad(fresh("doctor", "--models=http.yaml"))
        assert told.endswith(f"the API begins elsewhere | models.one.base_url: {server.root}")


def test_anthropic_is_asked_with_its_own_words(
    fresh: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_KEY", KEY)
    with served(lambda _: Say()) as server:
        server.models = {"data": [{"id": "claude-5-20260101", "alias": "claude-5"}]}
        for name, problems in (("claude-5-20260101", 0), ("claude-5", 0), ("claude-6", 1)):
            openai(fresh, server.root, name, ", provider: anthropic")
            fresh.edit("http.yaml", "provider: openai, ", "")
            assert len(bad(fresh("doctor", "--models=http.yaml"))) == problems
        assert KEY in server.listed[0]["Authorization"]


def test_servers_that_are_silent_are_not_waited_for() -> None:
    async def ask() -> list[str]:
        async with Loopback() as server:
            server.models = Silence()
            one = OpenAIConfig(provider="openai", model="m", base_url=[server.url, server.url])
            return [check.what for check in await ask_all({"one": one, "two": one}, 0.2)]

    told = asyncio.run(ask())
    assert len(told) == 4
    assert all("no answer within 0.2 s" in line for line in told)


@pytest.mark.parametrize(
    "models",
    [
        Status(401, {"error": {"message": f"bad key {KEY}", "code": KEY}}),
        Status(500, f"{KEY}"),
        f"<html>{KEY}</html>",
        {"data": [{"id": f"\x1b]0;{KEY}"}]},
    ],
)
def test_a_server_that_quotes_the_key_or_writes_to_the_terminal_does_not_get_through(
    fresh: Place, monkeypatch: pytest.MonkeyPatch, models: Models
) -> None:
    monkeypatch.setenv("TEST_KEY", KEY)
    with served(lambda seen: Say(f"\x1b[2J {seen.headers['Authorization']}")) as server:
        server.models = models
        openai(fresh, server.url)
        done = fresh("doctor", "--call", "--models=http.yaml")
    assert "***" in done.out
    assert KEY not in done.out + done.err
    assert "\x1b" not in done.out
