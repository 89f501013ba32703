"""Whatever a server answers, a call ends in a reply that can be journaled or a `ProviderError`."""

import json
from contextlib import suppress
from copy import deepcopy
from random import Random
from typing import Any

import pytest

from autodata.errors import ProviderError
from autodata.models.base import Deadlines
from tests.support.loopback import Action, Changed, Loopback, Say, Seen, Status
from tests.support.providers import ASK, error_body, make

TRIES = 150
SAY = Say("half a reply", tools=(("c1", "look", '{"at": {"x": [1, "2"]}}'),))
DEEP: Any = json.loads("[" * 400 + "]" * 400)
ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1.5, 10**30, float("nan"), 429),
    *("", "²", "9" * 5000, "\ud800", "stop", "{", '{"a": ' * 400, '{"a": ' * 400 + "1" + "}" * 400),
    *([], {}, [None], [[]], {"type": 3}, {"type": "text"}, DEEP),
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """All containers in a JSON value, each with every key or index it has."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    found = [(value, key) for key, _ in inner]
    for container, key in list(found):
        if isinstance(container[key], dict | list):
            found += places(container[key])
    return found


def spoil(value: Any, rng: Random) -> Any:
    """Return the JSON with something in it replaced, missing or doubled."""
    spoiled = deepcopy(value)
    container, key = rng.choice([*places(spoiled), (None, None)])
    if container is None:
        return rng.choice(ODD)
    kind = rng.randrange(4)
    if kind == 0:
        del container[key]
    elif kind == 1 and isinstance(container, list):
        container.append(container[key])
    else:
        container[key] = rng.choice(ODD)
    return spoiled


@pytest.mark.filterwarnings("ignore:Pydantic serializer")  # the SDK's, of what it was sent
async def test_any_answer_ends_in_a_reply_or_a_provider_error(
    provider: str, server: Loopback, deadlines: Deadlines
) -> None:
    rng = Random(7)

    def script(_: Seen) -> Action:
        return Changed(SAY, lambda data: spoil(data, rng) if rng.random() < 0.4 else data)

    server.script = script
    await ask_often(provider, server, deadlines)


async def test_any_error_ends_in_a_provider_error(provider: str, server: Loopback) -> None:
    rng = Random(7)

    def script(_: Seen) -> Action:
        code = rng.choice([200, 400, 401, 404, 413, 422, 429, 500, 529])
        kind = rng.choice(["api_error", "authentication_error", "²", "429"])
        body = spoil(error_body(provider, kind, "no", "²"), rng)
        odd = rng.choice(["²", "-1", "9" * 400, "Mon, 01 Jan 99999 00:00:00 GMT", "Mon, 1", "a b"])
        headers = {rng.choice(["retry-after", "retry-after-ms", "content-type"]): odd}
        if rng.random() < 0.5:
            return Status(code, json.dumps(body), headers)
        event = f"event: error\ndata: {json.dumps(body)}\n\n"
        return Status(200, event, {"content-type": "text/event-stream"})

    server.script = script
    await ask_often(provider, server, Deadlines(first_token_s=5.0))


async def ask_often(provider: str, server: Loopback, deadlines: Deadlines) -> None:
    """Ask a server that answers something else every time."""
    model = make(provider, server)
    for _ in range(TRIES):
        with suppress(ProviderError):
            reply = await model.complete(ASK, deadlines)
            assert 0 <= reply.prompt_tokens <= 2**53
            json.dumps(reply.to_json())
    await model.close()
