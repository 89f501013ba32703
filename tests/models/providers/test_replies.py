"""What providers are asked and what comes back, with both official SDKs over real connections."""

from dataclasses import replace
from typing import Any

import pytest

from autodata.errors import ConfigurationError, ContextTooLong, Unusable
from autodata.models.base import Deadlines, Message, Request, Tool, ToolCall
from tests.support.loopback import Changed, Loopback, Say
from tests.support.providers import ASK, fail, make

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
TOOL = Tool("look", "looks", {"type": "object", "properties": {"at": {"type": "string"}}})


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


async def test_tool_arguments_that_are_no_object_reach_the_tool_as_text(server: Loopback) -> None:
    server.script = lambda _: Say("", "tool_calls", (("c1", "look", '{"at": '),))
    model = make("openai", server)
    reply = await model.complete(ASK)
    await model.close()
    assert reply.tool_calls[0].arguments == {"_unparsed": '{"at": '}


@pytest.mark.parametrize("indexes", [(0, 0), (None, None), (0, 1), (1, 0)])
async def test_streamed_tool_calls_are_told_apart_by_index_or_id(
    server: Loopback, indexes: tuple[int | None, ...]
) -> None:
    def change(chunk: Any) -> Any:
        for choice in chunk["choices"]:
            for call in choice["delta"].get("tool_calls", ()):
                call["index"] = indexes[call["index"]]
        return chunk

    tools = (("a", "look", '{"at": "x"}'), ("b", "find", '{"at": "y"}'))
    server.script = lambda _: Changed(Say("", "tool_calls", tools), change)
    model = make("openai", server)
    reply = await model.complete(ASK, Deadlines(first_token_s=5.0))
    await model.close()
    both = [ToolCall("a", "look", {"at": "x"}), ToolCall("b", "find", {"at": "y"})]
    assert [*reply.tool_calls] == (both[::-1] if indexes == (1, 0) else both)


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
    assert type(error) is Unusable
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
