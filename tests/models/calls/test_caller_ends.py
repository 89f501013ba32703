"""Calls whose budget or run is over: nothing more is sent, what was sent is waited for."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from autodata.config.providers.base import Price
from autodata.config.schema import Budget, RoleBudget
from autodata.errors import (
    BudgetSpent,
    Unavailable,
)
from autodata.models.base import Reply, Request
from autodata.models.endpoint.endpoint import EndpointLimits
from tests.support.callers import make_caller, ticks
from tests.support.fakes import CHAT, SITE, Memory, said


async def test_what_was_sent_is_journaled_though_nobody_waits_any_more() -> None:
    gate = asyncio.Event()

    async def slow() -> Reply:
        await gate.wait()
        return said("paid for")

    caller, model, log = make_caller(lambda *_: slow())
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

    caller, model, _ = make_caller(lambda *_: slow(), limits=EndpointLimits(concurrency=1))
    calls = [asyncio.create_task(caller.call(replace(SITE, repeat=n), CHAT)) for n in range(3)]
    await ticks()
    for call in calls:
        call.cancel()
    gate.set()
    await caller.close()
    assert len(model.requests) == 1


async def test_budget_stops_before_anything_is_sent() -> None:
    caller, model, _ = make_caller(lambda *_: said(), budget=Budget(calls=1))
    await caller.call(SITE, CHAT)
    with pytest.raises(BudgetSpent):
        await caller.call(replace(SITE, repeat=1), CHAT)
    await caller.call(SITE, CHAT)  # what is journaled costs nothing
    assert len(model.requests) == 1


@pytest.mark.parametrize("budget", [Budget(completion_tokens=1000), Budget(usd=0.01)])
async def test_a_budget_holds_though_truncated_replies_are_asked_for_again(budget: Budget) -> None:
    def long(_: int, request: Request) -> Reply:
        return replace(said(prompt=0, completion=request.max_tokens), finish="length")

    caller, _, _ = make_caller(long, budget=budget, price=Price(output=10))
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

    caller, _, log = make_caller(lambda *_: slow(), budget=Budget(hours=1e-5))
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
    caller, _, _ = make_caller(lambda *_: Unavailable("down"), budget=budget, sleep=wait_for_ever)
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
    caller, model, log = make_caller(lambda number, _: plays[number], sleep=sleep)
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
