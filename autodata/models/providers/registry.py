"""The table of providers: each is a module that is imported only when a run uses it."""

import difflib
from importlib import import_module
from typing import Any

from autodata.errors import ConfigurationError

PROVIDERS = {
    "openai": "autodata.models.providers.openai:OpenAIModel",
    "vllm": "autodata.models.providers.openai:OpenAIModel",
    "local": "autodata.models.providers.openai:OpenAIModel",
    "anthropic": "autodata.models.providers.anthropic:AnthropicModel",
    "simulated": "autodata.models.providers.simulated:SimulatedModel",
    "scripted": "autodata.models.providers.scripted:ScriptedModel",
}


def model_class(provider: str) -> Any:
    """Import and return the class that serves `provider`.

    Raises:
        ConfigurationError: there is no such provider; names the nearest.
    """
    if provider not in PROVIDERS:
        near = difflib.get_close_matches(provider, PROVIDERS, 1)
        raise ConfigurationError(
            f"unknown provider {provider!r}",
            f"did you mean {near[0]}?" if near else f"use one of {', '.join(PROVIDERS)}",
        )
    module, name = PROVIDERS[provider].split(":")
    return getattr(import_module(module), name)
