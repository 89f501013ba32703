"""The way to a provider: its name, a key that is never shown, the connection and its deadlines."""

import asyncio
import json
import socket
import sys
from pathlib import Path

import pytest

from autodata.errors import (
    AuthenticationFailed,
    ConfigurationError,
    TimedOut,
    Unavailable,
    Unreachable,
    Unusable,
)
from autodata.models.base import Deadlines, Model, ToolCall
from tests.support.loopback import Loopback, Reset, Say, Silence, Status
from tests.support.providers import ASK, KEY, error_body, fail, make, model_class


def test_hosted_models_need_a_key_and_other_servers_do_not(provider: str) -> None:
    for base_url in ("", f"https://api.{provider}.com/v1"):
        with pytest.raises(ConfigurationError, match="no key for api"):
            model_class(provider)("m1", base_url=base_url)
    for base_url in ("http://127.0.0.1:9", "http://10.0.0.1:8000/v1"):
        model_class(provider)("m1", base_url=base_url)


@pytest.mark.parametrize("status", [401, 403])
async def test_wrong_key_is_named_but_never_shown(
    provider: str, server: Loopback, status: int
) -> None:
    body = error_body(provider, "authentication_error", f"invalid key {KEY}")
    error = await fail(provider, server, lambda _: Status(status, body))
    assert isinstance(error, AuthenticationFailed)
    assert KEY not in error.problem
    assert "***" in error.problem


async def test_a_reply_that_quotes_the_key_comes_without_it(
    provider: str, server: Loopback, deadlines: Deadlines
) -> None:
    said = f"Bearer {KEY}"
    tools = ((KEY, KEY, json.dumps({"at": [said], said: 1})),)
    server.script = lambda _: Say(said, "tool_use" if provider == "anthropic" else "stop", tools)
    model = make(provider, server)
    reply = await model.complete(ASK, deadlines)
    await model.close()
    clean = "Bearer ***"
    assert reply.text == clean
    assert reply.tool_calls == (ToolCall("***", "***", {"at": [clean], clean: 1}),)


async def test_words_that_stand_in_for_a_key_stay_in_replies(
    provider: str, server: Loopback
) -> None:
    server.script = lambda _: Say("EMPTY")
    model = make(provider, server, key="EMPTY")
    assert (await model.complete(ASK)).text == "EMPTY"
    await model.close()


@pytest.mark.parametrize("key", [KEY, 'sk-"quoted\\-123456'])
@pytest.mark.parametrize("before", [0, 60, 390])
async def test_nonsense_is_told_without_the_key_wherever_it_is_cut(
    provider: str, server: Loopback, key: str, before: int
) -> None:
    body = {"choices": ["x" * before + key], "content": ["x" * before + key]}
    error = await fail(provider, server, lambda _: Status(200, body), key=key)
    assert type(error) is Unusable
    assert json.dumps(key)[1:9] not in error.problem


async def test_dead_port_is_unreachable(provider: str) -> None:
    async with Loopback() as server:
        gone = server
    model = make(provider, gone)
    with pytest.raises(Unreachable, match="cannot be reached"):
        await model.complete(ASK)
    await model.close()


async def test_host_that_takes_no_connection_misses_the_connect_deadline(provider: str) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(8)]
        for one in waiting:  # the first ones fill the queue of a server that accepts nobody
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        url = f"http://127.0.0.1:{port}/v1"
        model: Model = model_class(provider)("m1", base_url=url, api_key=KEY)
        with pytest.raises(Unreachable):
            await model.complete(ASK, Deadlines(connect_s=0.2))
        await model.close()
        for one in waiting:
            one.close()


async def test_silent_server_misses_the_first_token_deadline(
    provider: str, server: Loopback
) -> None:
    error = await fail(
        provider, server, lambda _: Silence(), deadlines=Deadlines(first_token_s=0.1)
    )
    assert isinstance(error, TimedOut)
    assert "no token within" in error.problem


@pytest.mark.parametrize("midway", [False, True])
async def test_broken_connection_may_be_tried_again(
    provider: str, server: Loopback, deadlines: Deadlines, midway: bool
) -> None:
    error = await fail(provider, server, lambda _: Reset(midway), deadlines=deadlines)
    assert type(error) is Unavailable


async def test_call_can_be_cancelled(provider: str, server: Loopback) -> None:
    server.script = lambda _: Silence()
    model = make(provider, server)
    task = asyncio.create_task(model.complete(ASK))
    await server.until(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await model.close()


async def test_the_environments_proxy_is_for_other_machines_only(
    provider: str, server: Loopback
) -> None:
    program = (
        "import asyncio, sys\n"
        "from tests.support.providers import ASK, model_class\n"
        "async def main():\n"
        f"    model = model_class({provider!r})('m1', base_url=sys.argv[1])\n"
        "    print((await model.complete(ASK)).text)\n"
        "    await model.close()\n"
        "asyncio.run(main())\n"
    )

    async def answer(base_url: str, proxy: str) -> str:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", program, base_url),
            env={"PYTHONPATH": str(Path(__file__).parents[3]), "HTTP_PROXY": proxy},
            stdout=asyncio.subprocess.PIPE,
        )
        said, _ = await process.communicate()
        return said.decode().strip()

    server.script = lambda _: Say("straight")
    assert await answer(server.root, proxy="http://127.0.0.1:9") == "straight"
    server.script = lambda _: Say("through the proxy")
    assert await answer("http://vllm.invalid:8000", proxy=server.root) == "through the proxy"
