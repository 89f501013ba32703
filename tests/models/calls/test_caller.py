"""Calls by role: journaled before they are believed, never paid for twice."""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autodata.config.providers.base import Price
from autodata.config.schema import Budget, RoleBudget
from autodata.errors import (
    BudgetSpent,
    ConfigurationError,
    ContextTooLong,
    ProviderError,
    Refused,
    RequestRejected,
    StoreError,
    Truncated,
    Unavailable,
)
from autodata.models.base import Message, Reply, Request, ToolCall
from autodata.models.calls.budget import Accounts
from autodata.models.calls.caller import RecordedCaller
from autodata.models.calls.seat import Seat
from autodata.models.endpoint.endpoint import Endpoint, EndpointLimits
from autodata.models.endpoint.gate import Sleep
from autodata.store.facts import JournalWriter
from autodata.store.format import Record
from autodata.store.journal import Journal
from autodata.types import Spend
from tests.support.fakes import CHAT, SITE, Clock, FakeModel, Memory, Play, said


def build(
    play: Play,
    log: JournalWriter | None = None,
    budget: Budget | None = None,
    limits: EndpointLimits | None = None,
    price: Price | None = None,
    sleep: Sleep | None = None,
) -> tuple[RecordedCaller, FakeModel, JournalWriter]:
    clock, model, log = Clock(), FakeModel(play), log or Memory()
    endpoint = Endpoint(
        "e1",
        model,
        limits,
        model_name="m1",
        price=price,
        now=clock.now,
        sleep=sleep or clock.sleep,
    )
    seats = {"weak": Seat(endpoint, temperature=0.7), "strong": Seat(endpoint, max_tokens=33)}
    return RecordedCaller(log, seats, Accounts(budget or Budget())), model, log


async def ticks() -> None:
    for _ in range(9):
        await asyncio.sleep(0)


async def test_call_is_journaled_before_its_reply_is_returned() -> None:
    caller, _, log = build(lambda *_: said("x"))
    assert isinstance(log, Memory)
    reply = await caller.call(SITE, CHAT)
    [((kind, _), body)] = log.bodies.items()
    assert (kind, body["role"], body["ordinal"]) == ("call", "weak", "r1.weak.1")
    assert (body["outcome"], body["reply"]["text"], body["tries"]) == ("ok", "x", 1)
    assert body["request"]["temperature"] == 0.7
    assert reply.text == "x"


async def test_journaled_call_is_not_asked_again() -> None:
    call = ToolCall("c", "look", {"at": [1]})
    caller, _, log = build(lambda *_: replace(said(), finish="tool_calls", tool_calls=(call,)))
    first = await caller.call(SITE, CHAT)
    again, model, _ = build(lambda *_: said("other"), log)
    assert await again.call(SITE, CHAT) == first
    assert model.requests == []
    assert again.status().recalled == 1


async def test_real_journal_recalls_calls_after_reopening(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    caller, _, _ = build(lambda *_: said("x"), journal)
    await caller.call(SITE, CHAT)
    await journal.close()
    reopened = Journal.open(tmp_path)
    again, model, _ = build(lambda *_: said("other"), reopened)
    assert (await again.call(SITE, CHAT)).text == "x"
    assert model.requests == []
    await reopened.close()


async def test_other_place_is_another_call() -> None:
    caller, model, _ = build(lambda *_: said())
    await caller.call(SITE, CHAT)
    await caller.call(replace(SITE, ordinal="r1.weak.2"), CHAT)
    await caller.call(replace(SITE, repeat=1), CHAT)
    assert len(model.requests) == 3


async def test_equal_calls_in_flight_are_sent_once() -> None:
    gate = asyncio.Event()

    async def slow() -> Reply:
        await gate.wait()
        return said("one")

    caller, model, _ = build(lambda *_: slow())
    tasks = [asyncio.create_task(caller.call(SITE, CHAT)) for _ in range(5)]
    await asyncio.sleep(0)
    gate.set()
    assert {(await task).text for task in tasks} == {"one"}
    assert len(model.requests) == 1


async def test_what_was_sent_is_journaled_though_nobody_waits_any_more() -> None:
    gate = asyncio.Event()

    async def slow() -> Reply:
        await gate.wait()
        return said("paid for")

    caller, model, log = build(lambda *_: slow())
    first = asyncio.create_task(caller.call(SITE, CHAT))
    second = asyncio.create_task(caller.call(SITE, CHAT))
    await ticks()
    first.cancel()
    gate.set()
    assert (await second).text == "paid for"
    third = asyncio.create_task(caller.call(replace(SITE, repeat=1), CHAT))
    gate.clear()
    await ticks()
    third.cancel()
    asyncio.get_running_loop().call_later(0.01, gate.set)
    await caller.close()
    assert isinstance(log, Memory)
    assert len(model.requests) == len(log.bodies) == 2


async def test_call_that_waits_for_its_turn_is_never_sent_when_cancelled() -> None:
    gate = asyncio.Event()

    async def slow() -> Reply:
        await gate.wait()
        return said()

    caller, model, _ = build(lambda *_: slow(), limits=EndpointLimits(concurrency=1))
    calls = [asyncio.create_task(caller.call(replace(SITE, repeat=n), CHAT)) for n in range(3)]
    await ticks()
    for call in calls:
        call.cancel()
    gate.set()
    await caller.close()
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
    caller, _, log = build(lambda *_: reply)
    with pytest.raises(kind) as first:
        await caller.call(SITE, CHAT)
    assert caller.status().spent.completion_tokens >= 5
    again, model, _ = build(lambda *_: said(), log)
    with pytest.raises(kind) as second:
        await again.call(SITE, CHAT)
    assert str(first.value) == str(second.value)
    assert first.value.spend == second.value.spend == caller.status().spent
    assert model.requests == []


HALF = replace(said("half"), finish="length")


async def test_a_truncated_chat_is_asked_once_more_with_twice_the_limit() -> None:
    caller, model, log = build(lambda n, _: HALF if n == 0 else said("whole"))
    reply = await caller.call(SITE, CHAT)
    assert [request.max_tokens for request in model.requests] == [100, 200]
    assert (reply.text, reply.spend) == ("whole", caller.status().spent)
    assert isinstance(log, Memory)
    assert [body["outcome"] for body in log.bodies.values()] == ["Truncated", "ok"]


async def test_a_longer_reply_is_all_that_is_asked_for_when_the_run_was_cut_in_between() -> None:
    first, _, log = build(lambda n, _: Unavailable("down") if n else HALF)
    with pytest.raises(Unavailable):
        await first.call(SITE, CHAT)
    again, model, _ = build(lambda *_: said("whole"), log)
    assert (await again.call(SITE, CHAT)).spend == Spend(2, 20, 10, 0.0, 1.0)
    assert [request.max_tokens for request in model.requests] == [200]


@pytest.mark.parametrize("kind", [Refused, ContextTooLong, RequestRejected])
async def test_a_reply_that_cannot_be_had_at_greater_length_is_truncated(
    kind: type[ProviderError],
) -> None:
    def play(_: int, request: Request) -> Reply | Exception:
        return kind("more than I may") if request.max_tokens > 100 else HALF

    caller, _, log = build(play)
    again, model, _ = build(lambda *_: said(), log)
    for asked in (caller, again):
        with pytest.raises(Truncated):
            await asked.call(SITE, CHAT)
    assert model.requests == []


ODD = (Request((Message("user", "\ud800"),), max_tokens=100), Request(prompt="\ud800"))


def odd(_: int, request: Request) -> Reply | Exception:
    """Reject requests for their words."""
    bad = "\ud800" in (*(message.content for message in request.messages), request.prompt)
    return RequestRejected("400: no") if bad else said("word", prompt=7, completion=3)


@pytest.mark.parametrize("strange", ODD)
async def test_a_request_whose_words_alone_are_rejected_is_refused(strange: Request) -> None:
    caller, model, log = build(odd)
    with pytest.raises(Refused, match="400") as refused:
        await caller.call(SITE, strange)
    assert refused.value.spend == caller.status().spent == Spend(2, 7, 3, 0.0, 0.5)
    _, other = model.requests
    assert replace(other, messages=(), prompt="") == replace(
        strange, messages=(), prompt="", temperature=0.7
    )
    assert isinstance(log, Memory)
    assert [body["outcome"] for body in log.bodies.values()] == ["ok", "RequestRejected"]
    again, model, _ = build(lambda *_: said(), log)
    with pytest.raises(Refused, match="400") as recalled:
        await again.call(SITE, strange)
    assert recalled.value.spend == refused.value.spend
    assert model.requests == []


async def test_a_rejected_request_costs_other_words_once_when_the_run_was_cut_in_between() -> None:
    first, _, log = build(odd)
    assert isinstance(log, Memory)
    with pytest.raises(Refused):
        await first.call(SITE, ODD[0])
    log.facts.pop()
    again, model, _ = build(odd, log)
    with pytest.raises(Refused):
        await again.call(SITE, ODD[0])
    assert len(model.requests) == 1
    assert [body["outcome"] for body in log.bodies.values()] == ["ok", "RequestRejected"]


@pytest.mark.parametrize("taken", [replace(said("no"), finish="refused"), Refused("rules"), HALF])
async def test_other_words_are_taken_however_they_are_answered(taken: Reply | Refused) -> None:
    def play(_: int, request: Request) -> Reply | Exception:
        answer = odd(0, request)
        return answer if isinstance(answer, Exception) else taken

    caller, _, log = build(play)
    with pytest.raises(Refused, match="400") as refused:
        await caller.call(SITE, ODD[0])
    assert refused.value.spend == caller.status().spent
    assert isinstance(log, Memory)
    assert {body["outcome"] for body in log.bodies.values()} >= {"RequestRejected"}


async def test_a_server_that_rejects_other_words_too_stops_the_run() -> None:
    caller, _, log = build(lambda *_: RequestRejected("no such model"))
    with pytest.raises(RequestRejected, match="no such model"):
        await caller.call(SITE, CHAT)
    assert isinstance(log, Memory)
    assert log.bodies == {}


async def test_a_server_that_is_gone_does_not_make_a_truncated_reply_final() -> None:
    first, _, log = build(lambda n, _: RequestRejected("no such model") if n else HALF)
    with pytest.raises(RequestRejected):
        await first.call(SITE, CHAT)
    again, _, _ = build(lambda *_: said("whole"), log)
    assert (await again.call(SITE, CHAT)).text == "whole"


async def test_what_an_error_took_is_kept_with_it() -> None:
    error = ContextTooLong("no room")
    error.spend = Spend(1, 1000, 50)
    caller, _, log = build(lambda *_: error, price=Price(input=1, output=10))
    with pytest.raises(ContextTooLong):
        await caller.call(SITE, CHAT)
    assert isinstance(log, Memory)
    [body] = log.bodies.values()
    assert (body["prompt_tokens"], body["completion_tokens"]) == (1000, 50)
    assert body["cost_usd"] == caller.status().spent.cost_usd == pytest.approx(0.0015)


@pytest.mark.parametrize("kind", [ContextTooLong, Refused])
async def test_final_error_is_journaled_without_cost(kind: type[ProviderError]) -> None:
    caller, _, log = build(lambda *_: kind("for good"))
    with pytest.raises(kind):
        await caller.call(SITE, CHAT)
    assert isinstance(log, Memory)
    [body] = log.bodies.values()
    assert (body["outcome"], body["completion_tokens"]) == (kind.__name__, 0)


async def test_outage_is_not_journaled() -> None:
    caller, _, log = build(lambda n, _: Unavailable("down") if n else said())
    await caller.call(SITE, CHAT)
    with pytest.raises(Unavailable):
        await caller.call(replace(SITE, repeat=1), CHAT)
    assert isinstance(log, Memory)
    assert len(log.bodies) == 1


async def test_reply_is_not_believed_when_it_cannot_be_journaled() -> None:
    class Full(Memory):
        async def append(self, key: str, record: Record) -> None:
            raise StoreError("disk full")

    caller, _, _ = build(lambda *_: said(), Full())
    with pytest.raises(StoreError):
        await caller.call(SITE, CHAT)
    assert caller.status().spent.calls == 1


async def test_budget_stops_before_anything_is_sent() -> None:
    caller, model, _ = build(lambda *_: said(), budget=Budget(calls=1))
    await caller.call(SITE, CHAT)
    with pytest.raises(BudgetSpent):
        await caller.call(replace(SITE, repeat=1), CHAT)
    await caller.call(SITE, CHAT)  # what is journaled costs nothing
    assert len(model.requests) == 1


@pytest.mark.parametrize("budget", [Budget(completion_tokens=1000), Budget(usd=0.01)])
async def test_a_budget_holds_though_truncated_replies_are_asked_for_again(budget: Budget) -> None:
    def long(_: int, request: Request) -> Reply:
        return replace(said(prompt=0, completion=request.max_tokens), finish="length")

    caller, _, _ = build(long, budget=budget, price=Price(output=10))
    sites = [replace(SITE, repeat=number) for number in range(20)]
    results = await asyncio.gather(
        *(caller.call(site, CHAT) for site in sites), return_exceptions=True
    )
    assert {type(result) for result in results} == {BudgetSpent}
    assert caller.status().spent.completion_tokens == 1000


async def test_hours_end_a_run_whose_calls_hang() -> None:
    gate = asyncio.Event()

    async def slow() -> Reply:
        await gate.wait()
        return said("paid for")

    caller, _, log = build(lambda *_: slow(), budget=Budget(hours=1e-5))
    with pytest.raises(BudgetSpent, match="hours"):
        await caller.call(SITE, CHAT)
    with pytest.raises(BudgetSpent, match="hours"):
        await caller.call(replace(SITE, repeat=1), CHAT)
    gate.set()
    await caller.close()
    assert isinstance(log, Memory)
    assert len(log.bodies) == 1


async def test_hours_of_a_role_end_a_run_whose_endpoint_is_down() -> None:
    async def wait_for_ever(_: float) -> None:
        await asyncio.Event().wait()

    budget = Budget(roles={"weak": RoleBudget(hours=1e-5)})
    caller, _, _ = build(lambda *_: Unavailable("down"), budget=budget, sleep=wait_for_ever)
    calls = [asyncio.create_task(caller.call(replace(SITE, repeat=n), CHAT)) for n in range(9)]
    for call in calls:
        with pytest.raises(BudgetSpent, match="role weak is used up"):
            await call
    await ticks()
    assert caller.status().in_flight == 0


async def test_what_was_sent_is_waited_for_but_no_second_try() -> None:
    gates, backoff = [asyncio.Event(), asyncio.Event()], asyncio.Event()

    async def slow(number: int) -> Reply:
        await gates[number].wait()
        return said(f"paid for {number}")

    async def sleep(_: float) -> None:
        await backoff.wait()

    plays: list[Any] = [slow(0), Unavailable("reset"), slow(1)]
    caller, model, log = build(lambda number, _: plays[number], sleep=sleep)
    calls = [asyncio.create_task(caller.call(replace(SITE, repeat=n), CHAT)) for n in range(2)]
    await ticks()
    calls[0].cancel()
    waiting = asyncio.create_task(caller.answered())
    await ticks()
    backoff.set()
    await ticks()
    assert (len(model.requests), waiting.done()) == (3, False)
    gates[0].set()
    await asyncio.wait_for(waiting, 5)
    assert isinstance(log, Memory)
    assert [body["reply"]["text"] for body in log.bodies.values()] == ["paid for 0"]
    gates[1].set()
    await calls[1]


async def test_role_fills_in_what_the_request_leaves_open() -> None:
    caller, model, _ = build(lambda *_: said())
    await caller.call(replace(SITE, role="strong"), Request(prompt="x", temperature=0.1))
    [request] = model.requests
    assert (request.max_tokens, request.temperature) == (33, 0.1)


async def test_role_without_a_model_is_named() -> None:
    caller, _, _ = build(lambda *_: said())
    with pytest.raises(ConfigurationError, match="'judge'"):
        await caller.call(replace(SITE, role="judge"), CHAT)


async def test_close_closes_each_endpoint_once() -> None:
    caller, model, _ = build(lambda *_: said())
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

    caller, _, _ = build(lambda _, request: answer(request), limits=EndpointLimits(concurrency=1))
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
    caller, _, log = build(lambda *_: said("{"))
    assert isinstance(log, Memory)
    first = await caller.call(SITE, CHAT, lambda text: f"not JSON: {text}")
    [body] = log.bodies.values()
    assert (body["outcome"], body["problem"]) == ("Malformed", "not JSON: {")
    again, model, _ = build(lambda *_: said(), log)
    assert await again.call(SITE, CHAT, lambda _: "") == first
    assert model.requests == []


async def test_reply_that_passes_its_check_is_ok() -> None:
    caller, _, log = build(lambda *_: said("x"))
    assert isinstance(log, Memory)
    await caller.call(SITE, CHAT, lambda _: "")
    [body] = log.bodies.values()
    assert (body["outcome"], "problem" in body) == ("ok", False)
