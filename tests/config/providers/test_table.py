"""A provider is its settings, what asks it and what serves it: nobody else knows it by name."""

import ast
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from autodata.config.providers.base import ModelConfig, RemoteConfig
from autodata.config.providers.table import PROVIDERS, SERVED, takers
from autodata.config.schema import Config
from autodata.engine.engine import settings_of
from autodata.models.providers.registry import client_class

PACKAGE = Path(__file__).parents[3] / "autodata"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_provider_names_what_asks_it(provider: str) -> None:
    made = client_class(PROVIDERS[provider])
    assert all(callable(getattr(made, name)) for name in ("of", "complete", "close"))
    assert hasattr(made, "models") == issubclass(PROVIDERS[provider], RemoteConfig)


@pytest.mark.parametrize("provider", SERVED)
def test_a_provider_that_is_served_names_what_starts_it(provider: str) -> None:
    kind: Any = PROVIDERS[provider]
    module = import_module(kind.server)
    assert all(callable(getattr(module, name)) for name in ("specs", "to_fetch"))


def test_every_provider_says_of_itself_what_others_want_to_know() -> None:
    def those(fact: str) -> list[str]:
        return [name for name, kind in PROVIDERS.items() if getattr(kind, fact)]

    assert those("simulated") == ["simulated", "scripted"]
    assert those("paid") == ["openai", "anthropic"]
    assert those("counts_gpus") == ["vllm"]
    assert SERVED == those("tells_queue") == ["vllm", "local"]
    assert [name for name in PROVIDERS if name not in those("takes_temperature")] == ["anthropic"]


def test_a_setting_belongs_to_those_providers_that_know_it() -> None:
    assert takers("slots") == ["local"]
    assert takers("thinking") == ["anthropic"]
    assert takers("service_tier") == ["openai", "anthropic"]
    assert takers("base_url") == ["openai", "anthropic", "vllm", "local"]
    assert takers("concurrency") == list(PROVIDERS)


def test_nobody_asks_for_a_provider_by_its_name() -> None:
    """A comparison with the name of one, or a table of such names, outside of the providers."""
    asked = []
    for file in sorted(PACKAGE.rglob("*.py")):
        if "providers" in file.parts:
            continue
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Compare):
                parts = [part for side in (node.left, *node.comparators) for part in ast.walk(side)]
                names = {part.value for part in parts if isinstance(part, ast.Constant)}
                about = any(getattr(p, "attr", getattr(p, "id", "")) == "provider" for p in parts)
                if about and names & {*PROVIDERS}:
                    asked.append(f"{file.relative_to(PACKAGE)}:{node.lineno}")
    assert asked == []


@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_earlier_versions_recorded_of_a_model_is_read_and_equal(provider: str) -> None:
    """They had one class for all: whatever the provider, these five settings were in a run."""
    model = {"provider": provider, "model": "m"}
    recorded = {**model, "api": "chat", "structured": "schema", "max_tokens": 0}
    roles = {"weak": {"model": "m"}}
    then = Config.model_validate({"models": {"m": recorded}, "roles": roles})
    now = Config.model_validate({"models": {"m": model}, "roles": roles})
    assert settings_of(then)["models"] == {"m": recorded}
    assert settings_of(now) == settings_of(then)


def test_what_is_not_stated_by_a_provider_is_so_for_most() -> None:
    config = Config.model_validate({"models": {"m": {"provider": "simulated"}}, "roles": {}})
    model: ModelConfig = config.models["m"]
    assert (model.served, model.named, model.weights, model.urls) == (False, False, "", [""])
    assert (model.body, model.header_variables) == ({}, {})
