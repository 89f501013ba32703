"""The contract of a provider, run against both official SDKs over real loopback connections."""

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autodata.errors import (
    AuthenticationFailed,
    ConfigurationError,
    ContextTooLong,
    ProviderError,
    RateLimited,
    Refused,
    RequestRejected,
    TimedOut,
    Unavailable,
    Unreachable,
)
from autodata.models.base import USUAL, Deadlines, Message, Model, Request, Tool, ToolCall
from autodata.models.registry import model_class
from tests.loopback import Loopback, Reset, Say, Script, Silence, Status

KEY = "sk-planted-key-123456"
ASK = Request(messages=(Message("system", "be brief"), Message("user", "hi")), max_tokens=50)
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
TOOL = Tool("look", "looks", {"type": "object", "properties": {"at": {"type": "string"}}})


def make(provider: str, server: Loopback, key: str = KEY, **options: Any) -> Model:
    url = server.root if provider == "anthropic" else server.url
    model: Model = model_class(provider)("m1", base_url=url, api_key=key, **options)
    return model


@pytest.fixture(params=["openai", "anthropic"])
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=[0.0, 5.0], ids=["whole", "streamed"])
def deadlines(request: pytest.FixtureRequest) -> Deadlines:
    return Deadlines(first_token_s=float(request.param))


@pytest.fixture
async def server() -> AsyncIterator[Loopback]:
    async with Loopback() as loopback:
        yield loopback


async def fail(
    provider: str,
    server: Loopback,
    script: Script,
    deadlines: Deadlines = USUAL,
    key: str = KEY,
) -> ProviderError:
    server.script = script
    model = make(provider, server, key)
    try:
        with pytest.raises(ProviderError) as caught:
            await model.complete(ASK, deadlines)
    finally:
        await model.close()
    return caught.value


def error_body(provider: str, kind: str, message: str, code: str = "") -> dict[str, Any]:
    error = {"type": kind, "message": message}
    return {"type": "error", "error": error | ({"code": code} if provider == "openai" else {})}


async def test_text_and_usage_come_back(
    provider: str, server: Loopback, deadlines: Deadlines
) -> None:
    server.script = lambda _: Say("héllo", prompt_tokens=70, completion_tokens=8, cached_tokens=30)
    model = make(provider, server)
    reply = await model.complete(ASK, deadlines)
    await model.close()
    assert (reply.text, reply.finish, reply.model) == ("héllo", "stop", "m1")
    whole = 100 if provider == "anthropic" else 70  # there, cached tokens are counted apart
    assert (reply.prompt_tokens, reply.completion_tokens, reply.cached_tokens) == (whole, 8, 30)
    assert reply.seconds > 0


async def test_anthropic_is_asked_to_cache_only_what_is_sent_again(
    server: Loopback, deadlines: Deadlines
) -> None:
    server.script = lambda _: Say(prompt_tokens=10, cached_tokens=3000, stored_tokens=500)
    model = make("anthropic", server)
    reply = await model.complete(replace(ASK, again=True), deadlines)
    await model.complete(ASK, deadlines)
    await model.close()
    assert (reply.prompt_tokens, reply.cached_tokens, reply.stored_tokens) == (3510, 3000, 500)
    assert server.seen[0].body["cache_control"] == {"type": "ephemeral"}
    assert "cache_control" not in server.seen[1].body


async def test_tool_calls_come_back_and_their_results_go_out(
    provider: str, server: Loopback, deadlines: Deadlines
) -> None:
    server.script = lambda _: Say(
        "",
        "tool_use" if provider == "anthropic" else "tool_calls",
        (("c1", "look", '{"at": "x"}'),),
    )
    model = make(provider, server)
    call = ToolCall("c0", "look", {"at": "y"})
    told = (Message("assistant", "", (call,)), Message("tool", "seen", tool_call_id="c0"))
    request = Request(messages=(*ASK.messages, *told), tools=(TOOL,))
    reply = await model.complete(request, deadlines)
    await model.close()
    assert reply.finish == "tool_calls"
    assert reply.tool_calls == (ToolCall("c1", "look", {"at": "x"}),)
    sent = server.seen[0].body["messages"]
    if provider == "anthropic":
        assert sent[-2]["content"] == [
            {"type": "tool_use", "id": "c0", "name": "look", "input": {"at": "y"}}
        ]
        assert sent[-1]["role"] == "user"
        assert sent[-1]["content"][0]["tool_use_id"] == "c0"
        assert server.seen[0].body["system"] == "be brief"
    else:
        assert sent[-2]["tool_calls"][0]["function"]["arguments"] == '{"at": "y"}'
        assert sent[-1] == {"role": "tool", "tool_call_id": "c0", "content": "seen"}


async def test_schema_is_sent_as_a_constraint(provider: str, server: Loopback) -> None:
    server.script = lambda _: Say('{"n": 3}')
    model = make(provider, server)
    request = Request(messages=ASK.messages, schema=SCHEMA, schema_name="count")
    assert (await model.complete(request)).text == '{"n": 3}'
    await model.close()
    body = server.seen[0].body
    if provider == "anthropic":
        form = body["output_config"]["format"]
        assert form["schema"]["additionalProperties"] is False
    else:
        form = body["response_format"]
        named = {"name": "count", "schema": SCHEMA, "strict": True}
        assert form == {"type": "json_schema", "json_schema": named}


async def test_schema_falls_back_to_words(provider: str, server: Loopback) -> None:
    model = make(provider, server, structured="none")
    await model.complete(Request(messages=ASK.messages, schema=SCHEMA))
    await model.close()
    body = server.seen[0].body
    assert "JSON schema" in str(body)
    assert "response_format" not in body
    assert "output_config" not in body


async def test_anthropic_forces_a_tool_where_there_is_no_output_format(server: Loopback) -> None:
    server.script = lambda _: Say("", "tool_use", (("c1", "reply", '{"n": 4}'),))
    model = make("anthropic", server, structured="json")
    reply = await model.complete(Request(messages=ASK.messages, schema=SCHEMA))
    await model.close()
    assert (reply.text, reply.finish, reply.tool_calls) == ('{"n": 4}', "stop", ())
    assert server.seen[0].body["tool_choice"] == {"type": "tool", "name": "reply"}


async def test_reply_at_the_token_limit_says_so(
    provider: str, server: Loopback, deadlines: Deadlines
) -> None:
    server.script = lambda _: Say("half", "max_tokens" if provider == "anthropic" else "length")
    model = make(provider, server)
    assert (await model.complete(ASK, deadlines)).finish == "length"
    await model.close()


async def test_refusal_says_so(provider: str, server: Loopback, deadlines: Deadlines) -> None:
    server.script = lambda _: (
        Say("no", "refusal") if provider == "anthropic" else Say("no", "content_filter")
    )
    model = make(provider, server)
    assert (await model.complete(ASK, deadlines)).finish == "refused"
    await model.close()


@pytest.mark.parametrize("reason", ["abort", "error", "pause_turn", "a_new_one"])
async def test_reply_that_stopped_for_no_known_reason_is_no_result(
    provider: str, server: Loopback, deadlines: Deadlines, reason: str
) -> None:
    error = await fail(provider, server, lambda _: Say("half an", reason), deadlines=deadlines)
    assert type(error) is Unavailable
    assert f'_reason "{reason}"' in error.problem


@pytest.mark.parametrize("reason", ["end_turn", "stop_sequence"])
async def test_anthropic_reply_that_ended_by_itself_is_a_result(
    server: Loopback, deadlines: Deadlines, reason: str
) -> None:
    server.script = lambda _: Say("whole", reason)
    model = make("anthropic", server)
    assert (await model.complete(ASK, deadlines)).finish == "stop"
    await model.close()


async def test_anthropic_reply_at_the_end_of_the_context_says_so(
    server: Loopback, deadlines: Deadlines
) -> None:
    error = await fail(
        "anthropic",
        server,
        lambda _: Say("half", "model_context_window_exceeded"),
        deadlines=deadlines,
    )
    assert type(error) is ContextTooLong


async def test_openai_refusal_message_says_so(server: Loopback) -> None:
    server.script = lambda _: Say("", refusal="I cannot")
    model = make("openai", server)
    reply = await model.complete(ASK)
    await model.close()
    assert (reply.finish, reply.text) == ("refused", "I cannot")


async def test_raw_prompt_goes_to_completions(server: Loopback, deadlines: Deadlines) -> None:
    server.script = lambda _: Say(" went home")
    model = make("openai", server)
    reply = await model.complete(
        Request(prompt="She", max_tokens=4, seed=7, stop=("\n",)), deadlines
    )
    await model.close()
    assert (reply.text, server.seen[0].path) == (" went home", "/v1/completions")
    sent = server.seen[0].body
    assert (sent["prompt"], sent["seed"], sent["stop"], sent["max_tokens"]) == ("She", 7, ["\n"], 4)


async def test_anthropic_serves_no_raw_prompt(server: Loopback) -> None:
    model = make("anthropic", server)
    with pytest.raises(ConfigurationError, match="not raw completions"):
        await model.complete(Request(prompt="She"))
    await model.close()


@pytest.mark.parametrize("status", [429, 503, 529])
async def test_overload_carries_the_servers_waiting_time(
    provider: str, server: Loopback, status: int
) -> None:
    body = error_body(provider, "rate_limit_error", "slow down")
    error = await fail(provider, server, lambda _: Status(status, body, {"retry-after": "7"}))
    assert isinstance(error, RateLimited)
    assert error.retry_after == 7
    assert len(server.seen) == 1  # the SDK's own retries are off


@pytest.mark.parametrize(
    ("status", "kind"),
    [(500, Unavailable), (502, Unavailable), (504, TimedOut), (408, TimedOut)],
)
async def test_server_error_may_be_tried_again(
    provider: str, server: Loopback, status: int, kind: type[Exception]
) -> None:
    error = await fail(provider, server, lambda _: Status(status, "<html>bad gateway</html>"))
    assert type(error) is kind
    assert len(server.seen) == 1


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
    assert type(error) is Unavailable
    assert json.dumps(key)[1:9] not in error.problem


async def test_spent_credit_stops_instead_of_being_retried(server: Loopback) -> None:
    body = error_body(
        "openai", "insufficient_quota", "You exceeded your quota", "insufficient_quota"
    )
    error = await fail("openai", server, lambda _: Status(429, body))
    assert isinstance(error, AuthenticationFailed)


async def test_document_that_speaks_of_credit_stops_nothing(server: Loopback) -> None:
    body = error_body("openai", "invalid", "cannot parse 'her credit balance was low'")
    error = await fail("openai", server, lambda _: Status(422, body))
    assert type(error) is RequestRejected


@pytest.mark.parametrize("status", [408, 409, 500, 502, 503, 504])
async def test_retry_after_counts_whatever_the_status(
    provider: str, server: Loopback, status: int
) -> None:
    body = error_body(provider, "api_error", "later")
    error = await fail(provider, server, lambda _: Status(status, body, {"retry-after": "7"}))
    assert isinstance(error, RateLimited)
    assert error.retry_after == 7


@pytest.mark.parametrize(
    ("provider", "status", "kind", "message"),
    [
        (
            "openai",
            400,
            "invalid_request_error",
            "This model's maximum context length is 8192 tokens.",
        ),
        ("openai", 400, "context_length_exceeded", "too long"),
        (
            "openai",
            400,
            "BadRequestError",
            "You passed 3000 input tokens and requested 100 output tokens. However, the model's "
            "context length is only 2048 tokens",
        ),
        (
            "openai",
            400,
            "BadRequestError",
            "The decoder prompt (length 4096) is longer than the maximum model length of 2048.",
        ),
        (
            "openai",
            400,
            "exceed_context_size_error",
            "request (3000 tokens) exceeds the available context size (2048 tokens)",
        ),
        ("openai", 500, "server_error", "input is too large to process. increase the batch size"),
        (
            "anthropic",
            400,
            "invalid_request_error",
            "prompt is too long: 208310 tokens > 200000 maximum",
        ),
        (
            "anthropic",
            400,
            "invalid_request_error",
            "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000",
        ),
        ("anthropic", 413, "request_too_large", "Request exceeds the maximum size"),
    ],
)
async def test_context_too_long_is_recognised(
    server: Loopback, provider: str, status: int, kind: str, message: str
) -> None:
    body = error_body(provider, kind, message)
    error = await fail(provider, server, lambda _: Status(status, body))
    assert isinstance(error, ContextTooLong)


async def test_prompt_against_the_rules_is_refused_not_broken(server: Loopback) -> None:
    body = error_body("openai", "content_filter", "The response was filtered")
    error = await fail("openai", server, lambda _: Status(400, body))
    assert type(error) is Refused


@pytest.mark.parametrize("status", [400, 404, 422])
async def test_refused_request_is_final(provider: str, server: Loopback, status: int) -> None:
    body = error_body(provider, "not_found_error", "no such model")
    error = await fail(provider, server, lambda _: Status(status, body))
    assert type(error) is RequestRejected
    assert "no such model" in error.problem


@pytest.mark.parametrize("midway", [False, True])
async def test_broken_connection_may_be_tried_again(
    provider: str, server: Loopback, deadlines: Deadlines, midway: bool
) -> None:
    error = await fail(provider, server, lambda _: Reset(midway), deadlines=deadlines)
    assert type(error) is Unavailable


async def test_error_event_in_mid_stream_is_an_error(provider: str, server: Loopback) -> None:
    error = error_body(provider, "overloaded_error", "busy", "529")
    server.script = lambda _: Say()
    lines = f"event: error\ndata: {error}\n\n".replace("'", '"')
    headers = {"content-type": "text/event-stream"}
    caught = await fail(
        provider,
        server,
        lambda _: Status(200, lines, headers),
        deadlines=Deadlines(first_token_s=5.0),
    )
    assert isinstance(caught, RateLimited)


@pytest.mark.parametrize("body", ["<html>hello</html>", "{", [], {}, {"choices": []}, None])
async def test_nonsense_is_no_reply(provider: str, server: Loopback, body: Any) -> None:
    error = await fail(provider, server, lambda _: Status(200, body))
    assert type(error) is Unavailable


async def test_empty_reply_is_infrastructure(provider: str, server: Loopback) -> None:
    error = await fail(provider, server, lambda _: Say("", completion_tokens=0))
    assert type(error) is Unavailable
    assert "empty" in error.problem


async def test_silent_server_misses_the_first_token_deadline(
    provider: str, server: Loopback
) -> None:
    error = await fail(
        provider, server, lambda _: Silence(), deadlines=Deadlines(first_token_s=0.1)
    )
    assert isinstance(error, TimedOut)
    assert "no token within" in error.problem


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


async def test_call_can_be_cancelled(provider: str, server: Loopback) -> None:
    server.script = lambda _: Silence()
    model = make(provider, server)
    task = asyncio.create_task(model.complete(ASK))
    await server.until(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await model.close()


async def test_tool_arguments_that_are_no_object_reach_the_tool_as_text(server: Loopback) -> None:
    server.script = lambda _: Say("", "tool_calls", (("c1", "look", '{"at": '),))
    model = make("openai", server)
    reply = await model.complete(ASK)
    await model.close()
    assert reply.tool_calls[0].arguments == {"_unparsed": '{"at": '}


def test_hosted_models_need_a_key_and_other_servers_do_not(provider: str) -> None:
    for base_url in ("", f"https://api.{provider}.com/v1"):
        with pytest.raises(ConfigurationError, match="no key for api"):
            model_class(provider)("m1", base_url=base_url)
    for base_url in ("http://127.0.0.1:9", "http://10.0.0.1:8000/v1"):
        model_class(provider)("m1", base_url=base_url)


async def test_the_environments_proxy_is_for_other_machines_only(
    provider: str, server: Loopback
) -> None:
    program = (
        "import asyncio, sys\n"
        "from tests.models.test_providers import ASK, model_class\n"
        "async def main():\n"
        f"    model = model_class({provider!r})('m1', base_url=sys.argv[1])\n"
        "    print((await model.complete(ASK)).text)\n"
        "    await model.close()\n"
        "asyncio.run(main())\n"
    )

    async def answer(base_url: str, proxy: str) -> str:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", program, base_url),
            env={"PYTHONPATH": str(Path(__file__).parents[2]), "HTTP_PROXY": proxy},
            stdout=asyncio.subprocess.PIPE,
        )
        said, _ = await process.communicate()
        return said.decode().strip()

    server.script = lambda _: Say("straight")
    assert await answer(server.root, proxy="http://127.0.0.1:9") == "straight"
    server.script = lambda _: Say("through the proxy")
    assert await answer("http://vllm.invalid:8000", proxy=server.root) == "through the proxy"


def test_unknown_provider_names_the_nearest() -> None:
    with pytest.raises(ConfigurationError) as caught:
        model_class("antropic")
    assert caught.value.fix == "did you mean anthropic?"
