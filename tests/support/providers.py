"""What tests of providers share: models made for a server on loopback, and calls that fail."""

from typing import Any

import pytest

from autodata.config.providers.table import PROVIDERS
from autodata.errors import ProviderError
from autodata.models.base import USUAL, Deadlines, Message, Model, Request
from autodata.models.providers import registry
from tests.support.loopback import Loopback, Script

KEY = "sk-planted-key-123456"
ASK = Request(messages=(Message("system", "be brief"), Message("user", "hi")), max_tokens=50)


def model_class(provider: str) -> Any:
    """What asks models of a provider."""
    return registry.client_class(PROVIDERS[provider])


def make(provider: str, server: Loopback, key: str = KEY, **options: Any) -> Model:
    """A model of a provider whose server is on loopback."""
    url = server.root if provider == "anthropic" else server.url
    model: Model = model_class(provider)("m1", base_url=url, api_key=key, **options)
    return model


async def fail(
    provider: str,
    server: Loopback,
    script: Script,
    deadlines: Deadlines = USUAL,
    key: str = KEY,
) -> ProviderError:
    """Let the server do what `script` says, and return the error that a call then ends with."""
    server.script = script
    model = make(provider, server, key)
    try:
        with pytest.raises(ProviderError) as caught:
            await model.complete(ASK, deadlines)
    finally:
        await model.close()
    return caught.value


def error_body(provider: str, kind: str, message: str, code: str = "") -> dict[str, Any]:
    """An error as a provider words it."""
    error = {"type": kind, "message": message}
    return {"type": "error", "error": error | ({"code": code} if provider == "openai" else {})}
