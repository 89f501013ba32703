"""Calls by role: journaled before they are believed, never paid for twice."""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autodata.config.providers.base import Price
from autodata.errors import (
    ConfigurationError,
    ContextTooLong,
    ProviderError,
    Refused,
    StoreError,
    Truncated,
    Unavailable,
)
from autodata.models.base import Message, Reply, Request, ToolCall
from autodata.models.endpoint.endpoint import EndpointLimits
from autodata.store.format import Record
from autodata.store.journal import Journal
from autodata.types import Spend
from tests.support.callers import make_caller
from tests.support.fakes import CHAT, SITE, Memory, said


async def test_call_is_journaled_before_its_reply_is_returned() -> None:
    caller, _, log = make_caller(lambda *_: said("x"))
    assert isinstance(log, Memory)
    reply = await caller.call(SITE, CHAT)
    [((kind, _), body)] = log.bodies.items()
    assert (kind, body["role"], body["ordinal"]) == ("call", "weak", "r1.weak.1")
    assert (body["outcome"], body["reply"]["text"], body["tries"]) == ("ok", "x", 1)
    assert body["request"]["temperature"] == 0.7
    assert reply.text == "x"


async def test_journaled_call_is_not_asked_again() -> None:
    call = ToolCall("c", "look", {"at": [1]})
    caller, _, log = make_caller(
        lambda *_: replace(said(), finish="tool_calls", tool_calls=(call,))
    )
    first = await caller.call(SITE, CHAT)
    again, model, _ = make_caller(lambda *_: said("other"), log)
    assert await again.call(SITE, CHAT) == first
    assert model.requests == []
    assert again.status().recalled == 1


async def test_real_journal_recalls_calls_after_reopening(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    caller, _, _ = make_caller(lambda *_: said("x"), journal)
    await caller.call(SITE, CHAT)
    await journal.close()
    reopened = Journal.open(tmp_path)
    again, model, _ = make_caller(lambda *_: said("other"), reopened)
    assert (await again.call(SITE, CHAT)).text == "x"
    assert model.requests == []
    await reopened.close()


async def test_other_place_is_another_call() -> None:
    caller, model, _ = make_caller(lambda *_: said())
    await caller.call(SITE, CHAT)
    await caller.call(replace(SITE, ordinal="r1.weak.2"), CHAT)
    await caller.call(replace(SITE, repeat=1), CHAT)
    assert len(model.requests) == 3


async def test_equal_calls_in_flight_are_sent_once() -> None:
    gate = asyncio.Event()

    async def slow() -> Reply:
        await gate.wait()
        return said("one")

    caller, model, _ = make_caller(lambda *_: slow())
    tasks = [asyncio.create_task(caller.call(SITE, CHAT)) for _ in range(5)]
    await asyncio.sleep(0)
    gate.set()
    assert {(await task).text for task in tasks} == {"one"}
    assert len(model.requests) == 1


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (replace(said("no"), finish="refused"), Refused),
        (replace(said("half"), finish="length"), Truncated),
    ],
)
async def test_outcome_that_was_paid_for_is_recalled_too(
    reply: Reply, kind: type[ProviderError]
) -> None:
    caller, _, log = make_caller(lambda *_: reply)
    with pytest.raises(kind) as first:
        await caller.call(SITE, CHAT)
    assert caller.status().spent.completion_tokens >= 5
    again, model, _ = make_caller(lambda *_: said(), log)
    with pytest.raises(kind) as second:
        await again.call(SITE, CHAT)
    assert str(first.value) == str(second.value)
    assert first.value.spend == second.value.spend == caller.status().spent
    assert model.requests == []


async def test_what_an_error_took_is_kept_with_it() -> None:
    error = ContextTooLong("no room")
    error.spend = Spend(1, 1000, 50)
    caller, _, log = make_caller(lambda *_: error, price=Price(input=1, output=10))
    with pytest.raises(ContextTooLong):
        await caller.call(SITE, CHAT)
    assert isinstance(log, Memory)
    [body] = log.bodies.values()
    assert (body["prompt_tokens"], body["completion_tokens"]) == (1000, 50)
    assert body["cost_usd"] == caller.status().spent.cost_usd == pytest.approx(0.0015)


@pytest.mark.parametrize("kind", [ContextTooLong, Refused])
async def test_final_error_is_journaled_without_cost(kind: type[ProviderError]) -> None:
    caller, _, log = make_caller(lambda *_: kind("for good"))
    with pytest.raises(kind):
        await caller.call(SITE, CHAT)
    assert isinstance(log, Memory)
    [body] = log.bodies.values()
    assert (body["outcome"], body["completion_tokens"]) == (kind.__name__, 0)


async def test_outage_is_not_journaled() -> None:
    caller, _, log = make_caller(lambda n, _: Unavailable("down") if n else said())
    await caller.call(SITE, CHAT)
    with pytest.raises(Unavailable):
        await caller.call(replace(SITE, repeat=1), CHAT)
    assert isinstance(log, Memory)
    assert len(log.bodies) == 1


async def test_reply_is_not_believed_when_it_cannot_be_journaled() -> None:
    class Full(Memory):
        async def append(self, key: str, record: Record) -> None:
            raise StoreError("disk full")

    caller, _, _ = make_caller(lambda *_: said(), Full())
    with pytest.raises(StoreError):
        await caller.call(SITE, CHAT)
    assert caller.status().spent.calls == 1


async def test_role_fills_in_what_the_request_leaves_open() -> None:
    caller, model, _ = make_caller(lambda *_: said())
    await caller.call(replace(SITE, role="strong"), Request(prompt="x", temperature=0.1))
    [request] = model.requests
    assert (request.max_tokens, request.temperature) == (33, 0.1)


async def test_role_without_a_model_is_named() -> None:
    caller, _, _ = make_caller(lambda *_: said())
    with pytest.raises(ConfigurationError, match="'judge'"):
        await caller.call(replace(SITE, role="judge"), CHAT)


async def test_close_closes_each_endpoint_once() -> None:
    caller, model, _ = make_caller(lambda *_: said())
    await caller.close()
    assert model.closed


async def test_episode_nearest_to_its_end_goes_first_then_the_older_one() -> None:
    order: list[str] = []
    gate = asyncio.Event()

    async def answer(request: Request) -> Reply:
        order.append(request.messages[0].content)
        await gate.wait()
        return said()

    def ask(document: str, number: int) -> Coroutine[Any, Any, Reply]:
        site = replace(SITE, document_id=document, ordinal=f"r1.weak.{number}")
        return caller.call(site, Request((Message("user", f"{document}{number}"),)))

    caller, _, _ = make_caller(
        lambda _, request: answer(request), limits=EndpointLimits(concurrency=1)
    )
    gate.set()
    for number in range(3):
        await ask("far", number)
    await ask("near", 0)
    for number in range(1, 6):
        await ask("near", number)
    order.clear()
    gate.clear()
    waiting = [
        asyncio.create_task(asking)
        for asking in (
            ask("other", 0),
            ask("new", 0),
            ask("far", 3),
            ask("near", 6),
            caller.call(replace(SITE, document_id=""), CHAT),
        )
    ]
    for _ in range(10):
        await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(*waiting)
    assert order == ["other0", "hi", "near6", "far3", "new0"]  # the first found a free place


async def test_malformed_reply_is_journaled_as_such_and_returned_live_and_recalled() -> None:
    caller, _, log = make_caller(lambda *_: said("{"))
    assert isinstance(log, Memory)
    first = await caller.call(SITE, CHAT, lambda text: f"not JSON: {text}")
    [body] = log.bodies.values()
    assert (body["outcome"], body["problem"]) == ("Malformed", "not JSON: {")
    again, model, _ = make_caller(lambda *_: said(), log)
    assert await again.call(SITE, CHAT, lambda _: "") == first
    assert model.requests == []


async def test_reply_that_passes_its_check_is_ok() -> None:
    caller, _, log = make_caller(lambda *_: said("x"))
    assert isinstance(log, Memory)
    await caller.call(SITE, CHAT, lambda _: "")
    [body] = log.bodies.values()
    assert (body["outcome"], "problem" in body) == ("ok", False)
