"""What a reply took is counted whatever the server says of it, with both official SDKs."""

import json
from typing import Any

import pytest

from autodata.errors import ContextTooLong
from autodata.models.base import Deadlines, Message, Reply, Request, Tool, ToolCall
from tests.support.loopback import Changed, Loopback, Say
from tests.support.providers import ASK, fail, make

NUMBERS = (
    *("prompt_tokens", "completion_tokens", "input_tokens", "output_tokens"),
    *("cache_read_input_tokens", "cache_creation_input_tokens"),
)


async def counted(
    provider: str,
    server: Loopback,
    deadlines: Deadlines,
    usage: Any,
    say: Say | None = None,
    request: Request = ASK,
) -> Reply:
    """Return a reply of a server that says this of what it took."""

    def change(data: Any) -> Any:
        for holder in (data, data.get("message")):
            if isinstance(holder, dict) and "usage" in holder:
                holder["usage"] = usage
        return data

    server.script = lambda _: Changed(say or Say("héllo"), change)
    model = make(provider, server)
    reply = await model.complete(request, deadlines)
    await model.close()
    return reply


@pytest.mark.parametrize("odd", [-1, 1.5, [], {}, 2**53 + 1, 10**30])
@pytest.mark.filterwarnings("ignore:Pydantic serializer")  # the SDK's, of what it was sent
async def test_what_is_no_number_of_tokens_counts_as_none(
    provider: str, server: Loopback, deadlines: Deadlines, odd: Any
) -> None:
    usage = dict.fromkeys(NUMBERS, odd) | {"prompt_tokens_details": {"cached_tokens": odd}}
    reply = await counted(provider, server, deadlines, usage)
    assert (reply.prompt_tokens, reply.completion_tokens) == (0, 0)
    assert (reply.cached_tokens, reply.stored_tokens) == (0, 0)


@pytest.mark.parametrize("usage", [{}, dict.fromkeys(NUMBERS)])
@pytest.mark.filterwarnings("ignore:Pydantic serializer")
async def test_tokens_that_are_not_counted_are_estimated(
    provider: str, server: Loopback, deadlines: Deadlines, usage: Any
) -> None:
    reply = await counted(provider, server, deadlines, usage)
    assert (reply.prompt_tokens, reply.completion_tokens) == (3, 2)  # of 10 and 5 characters


async def test_a_stream_without_usage_is_estimated(server: Loopback) -> None:
    streamed = Deadlines(first_token_s=5.0)
    reply = await counted("openai", server, streamed, None, Say("x"), Request(prompt="She went"))
    assert (reply.prompt_tokens, reply.completion_tokens) == (2, 1)


async def test_tools_and_their_calls_are_in_the_estimate(server: Loopback) -> None:
    asked = Request((Message("assistant", "", (ToolCall("c0", "look", {"at": "x" * 400}),)),))
    offered = Request(ASK.messages, tools=(Tool("look", "looks " * 100, {"type": "object"}),))
    for request in (asked, offered):
        say = Say("", "tool_calls", (("c1", "look", json.dumps({"at": "x" * 400})),))
        reply = await counted("openai", server, Deadlines(), None, say, request)
        assert reply.prompt_tokens > 100
        assert reply.completion_tokens > 100


async def test_reply_at_the_end_of_the_context_is_paid_for(
    server: Loopback, deadlines: Deadlines
) -> None:
    say = Say("half", "model_context_window_exceeded", prompt_tokens=900, completion_tokens=60)
    error = await fail("anthropic", server, lambda _: say, deadlines)
    assert type(error) is ContextTooLong
    assert (error.spend.prompt_tokens, error.spend.completion_tokens) == (900, 60)
