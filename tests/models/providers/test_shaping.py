"""What the configuration puts into requests arrives there, decides the call, and thinks apart."""

import json
from dataclasses import replace
from typing import Any

import pytest

from autodata.config.schema import Budget, Config
from autodata.engine.endpoints import headers_of
from autodata.engine.engine import identity
from autodata.errors import Truncated
from autodata.models.base import Deadlines, Message, Reply, Request, Tool, ToolCall, call_key
from autodata.models.calls.budget import Accounts
from autodata.models.calls.caller import RecordedCaller
from autodata.models.calls.seat import Seat
from autodata.models.endpoint.endpoint import Endpoint, Service
from tests.support.fakes import CHAT, SITE, FakeModel, Memory
from tests.support.loopback import SIGNATURE, Changed, Loopback, Say
from tests.support.providers import ASK, KEY, make

TOOL = Tool("look", "looks", {"type": "object", "properties": {"at": {"type": "string"}}})
SECRET = "team-secret-9182736"


async def test_what_the_configuration_adds_arrives_in_the_body(
    server: Loopback, deadlines: Deadlines
) -> None:
    extra = {"top_p": 0.9, "top_k": 20, "chat_template_kwargs": {"enable_thinking": False}}
    model = make("openai", server)
    await model.complete(replace(ASK, extra=extra), deadlines)
    await model.complete(Request(prompt="She", extra={"min_p": 0.1}), deadlines)
    await model.complete(ASK, deadlines)
    await model.close()
    chat, raw, plain = (seen.body for seen in server.seen)
    assert extra.items() <= chat.items()
    assert (raw["min_p"], raw["prompt"]) == (0.1, "She")
    assert plain.keys().isdisjoint(extra)


async def test_anthropic_has_effort_beside_the_format_and_the_rest_as_it_is(
    server: Loopback, deadlines: Deadlines
) -> None:
    extra = {"reasoning_effort": "low", "thinking": {"type": "adaptive"}, "top_k": 5}
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    model = make("anthropic", server)
    await model.complete(replace(ASK, extra=extra, schema=schema), deadlines)
    await model.complete(replace(ASK, extra=extra), deadlines)
    await model.close()
    first, second = (seen.body for seen in server.seen)
    assert first["output_config"]["effort"] == "low"
    assert first["output_config"]["format"]["type"] == "json_schema"
    assert second["output_config"] == {"effort": "low"}
    assert (second["thinking"], second["top_k"]) == ({"type": "adaptive"}, 5)
    assert "reasoning_effort" not in second


async def test_a_header_gets_its_value_on_the_way_and_a_reply_comes_without_it(
    provider: str, server: Loopback, deadlines: Deadlines
) -> None:
    server.script = lambda seen: Say(f"{seen.headers['x-team']} {KEY}")
    model = make(provider, server, secrets={"TEAM": SECRET})
    request = replace(ASK, headers=(("X-Team", "TEAM"),))
    reply = await model.complete(request, deadlines)
    await model.close()
    assert server.seen[0].headers["x-team"] == SECRET
    assert reply.text == "*** ***"
    assert SECRET not in repr(request)
    assert "TEAM" not in json.dumps(request.to_json())


async def test_thinking_is_counted_and_no_part_of_the_answer(
    provider: str, server: Loopback, deadlines: Deadlines
) -> None:
    server.script = lambda _: Say(
        "42", thought="let me see", reasoning_tokens=70, completion_tokens=80
    )
    model = make(provider, server)
    reply = await model.complete(ASK, deadlines)
    await model.close()
    assert (reply.text, reply.reasoning_tokens, reply.completion_tokens) == ("42", 70, 80)
    assert reply.thinking == ()
    assert Reply.from_json(json.loads(json.dumps(reply.to_json()))) == reply


async def test_what_was_thought_goes_back_with_the_results_of_tools(
    provider: str, server: Loopback, deadlines: Deadlines
) -> None:
    finish = "tool_use" if provider == "anthropic" else "tool_calls"
    tools = (("c1", "look", '{"at": "x"}'),)
    server.script = lambda _: Say("", finish, tools, thought="better look")
    model = make(provider, server)
    reply = await model.complete(replace(ASK, tools=(TOOL,)), deadlines)
    reply = Reply.from_json(json.loads(json.dumps(reply.to_json())))
    said = Message("assistant", reply.text, reply.tool_calls, thinking=reply.thinking)
    seen = Message("tool", "seen", tool_call_id="c1")
    request = replace(ASK, messages=(*ASK.messages, said, seen), tools=(TOOL,))
    await model.complete(request, deadlines)
    await model.close()
    sent = server.seen[1].body["messages"][-2]
    if provider == "anthropic":
        thought = {"type": "thinking", "thinking": "better look", "signature": SIGNATURE}
        assert [block["type"] for block in sent["content"]] == ["thinking", "tool_use"]
        assert sent["content"][0] == thought
    else:
        assert sent["reasoning_content"] == "better look"
        assert sent["tool_calls"][0]["id"] == "c1"


async def test_sealed_thoughts_of_anthropic_go_back_as_they_came(server: Loopback) -> None:
    def seal(answer: Any) -> Any:
        answer["content"].insert(0, {"type": "redacted_thinking", "data": "c2VhbGVk"})
        return answer

    server.script = lambda _: Changed(Say("", "tool_use", (("c1", "look", "{}"),)), seal)
    model = make("anthropic", server)
    reply = await model.complete(replace(ASK, tools=(TOOL,)))
    await model.close()
    assert reply.thinking == ({"type": "redacted_thinking", "data": "c2VhbGVk"},)


@pytest.mark.parametrize("told", [64, 0])
async def test_a_reply_that_thinking_used_up_says_so_and_what_to_raise(
    provider: str, server: Loopback, told: int
) -> None:
    """Also where the server does not tell its tokens: there was nothing but thinking."""
    finish = "max_tokens" if provider == "anthropic" else "length"
    server.script = lambda _: Say(
        "", finish, thought="well, well", reasoning_tokens=told, completion_tokens=64
    )
    endpoint = Endpoint("big", make(provider, server))
    answer = await endpoint.call(replace(ASK, max_tokens=64))
    await endpoint.close()
    assert isinstance(answer.error, Truncated)
    assert answer.reply.reasoning_tokens == 64
    assert "thinking used up a reply of big: 64 of 64 tokens" in answer.error.problem
    assert "max_tokens of the role or of models.big" in answer.error.fix
    assert "reasoning_effort" in answer.error.fix


async def test_a_reply_that_is_cut_after_its_thinking_is_just_too_long(
    provider: str, server: Loopback
) -> None:
    finish = "max_tokens" if provider == "anthropic" else "length"
    server.script = lambda _: Say("half", finish, thought="well", reasoning_tokens=3)
    endpoint = Endpoint("big", make(provider, server))
    answer = await endpoint.call(ASK)
    await endpoint.close()
    assert isinstance(answer.error, Truncated)
    assert answer.error.problem == "a reply of big is longer than max_tokens"


async def test_a_call_is_answered_again_only_by_a_reply_to_the_same_body() -> None:
    log, model = Memory(), FakeModel(lambda number, _: Reply(str(number)))
    endpoint = Endpoint("e1", model, service=Service(model_name="m1"))

    async def ask(extra: dict[str, Any] | None, header: str = "A") -> str:
        seats = {"weak": Seat(endpoint, extra=extra, headers=(("X", header),))}
        return (await RecordedCaller(log, seats, Accounts(Budget())).call(SITE, CHAT)).text

    assert [await ask(None), await ask({"top_k": 1}), await ask({"top_k": 2})] == ["0", "1", "2"]
    assert [await ask({"top_k": 2}), await ask({}), await ask(None, "B")] == ["2", "0", "0"]
    bodies = [body["request"] for body in log.bodies.values()]
    assert [body.get("extra") for body in bodies] == [None, {"top_k": 1}, {"top_k": 2}]


async def test_a_server_chooses_the_temperature_of_a_role_that_leaves_it_to_it() -> None:
    model = FakeModel(lambda *_: Reply("x"))
    seats = {"weak": Seat(Endpoint("e1", model), temperature=0.7, warm=False)}
    await RecordedCaller(Memory(), seats, Accounts(Budget())).call(
        SITE, replace(CHAT, temperature=1.0)
    )
    assert model.requests[0].temperature is None


def test_a_request_and_a_reply_that_set_nothing_are_kept_as_before() -> None:
    """Else no call of an older journal would be found again."""
    call = ToolCall("c", "look", {})
    turns = (
        Message("user", "hi"),
        Message("assistant", "", (call,)),
        Message("tool", "x", (), "c"),
    )
    request = Request(messages=turns, max_tokens=100, temperature=0.5, seed=3, stop=("\n",))
    assert call_key(SITE, "e1", "m1", request) == "aff81b2a58e7ce8c4e00910908a8f3fb"
    assert [*Reply("x").to_json()] == [
        *("text", "finish", "tool_calls", "prompt_tokens", "completion_tokens", "cached_tokens"),
        *("model", "seconds", "cost_usd", "stored_tokens"),
    ]


def configured(model: dict[str, Any], role: dict[str, Any]) -> Config:
    return Config.model_validate(
        {
            "models": {"m": {"provider": "openai", "model": "x", **model}},
            "roles": {"weak": {"model": "m", **role}},
        }
    )


def test_what_a_role_sets_goes_before_what_its_model_sets() -> None:
    model = {
        "top_p": 0.9,
        "extra_body": {"top_k": 20, "min_p": 0.1},
        "headers": {"X-Team": {"env": "A"}, "X-Place": {"env": "B"}},
    }
    role = {
        "top_p": 0.5,
        "reasoning_effort": "low",
        "extra_body": {"top_k": 3},
        "headers": {"x-team": {"env": "C"}},
    }
    config = configured(model, role)
    m, weak = config.models["m"], config.roles["weak"]
    shaped = {"top_p": 0.5, "top_k": 3, "min_p": 0.1, "reasoning_effort": "low"}
    assert m.body | weak.body == shaped
    assert headers_of(m, weak) == (("x-team", "C"), ("X-Place", "B"))
    assert sorted(config.secrets) == ["A", "B", "C"]


def test_what_shapes_requests_is_the_runs_identity_and_headers_are_not() -> None:
    none: Any = {"train": [], "validation": [], "test": []}
    plain = identity(configured({}, {}), none)
    assert plain["models"]["m"] == {
        "provider": "openai",
        "model": "x",
        "api": "chat",
        "structured": "schema",
        "max_tokens": 0,
    }
    assert plain["roles"]["weak"] == {
        "model": "m",
        "mode": "plain",
        "majority": 1,
        "temperature": None,
        "max_tokens": 0,
    }
    header = {"headers": {"X-Team": {"env": "A"}}}
    assert identity(configured(header, header), none) == plain
    shaped = identity(configured({"extra_body": {"top_k": 3}}, {"top_p": 0.5}), none)
    assert shaped["models"]["m"]["extra_body"] == {"top_k": 3}
    assert shaped["roles"]["weak"]["top_p"] == 0.5
