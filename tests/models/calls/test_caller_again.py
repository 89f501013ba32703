"""Calls that are made once more: with twice the limit, or in other words."""

from dataclasses import replace

import pytest

from autodata.config.providers.base import Price
from autodata.errors import (
    CallFailed,
    ContextTooLong,
    ProviderError,
    Refused,
    RequestRejected,
    Truncated,
    Unavailable,
)
from autodata.models.base import Message, Reply, Request
from autodata.types import Spend
from tests.support.callers import make_caller
from tests.support.fakes import CHAT, SITE, Memory, said

HALF = replace(said("half"), finish="length")


async def test_a_truncated_chat_is_asked_once_more_with_twice_the_limit() -> None:
    caller, model, log = make_caller(lambda n, _: HALF if n == 0 else said("whole"))
    reply = await caller.call(SITE, CHAT)
    assert [request.max_tokens for request in model.requests] == [100, 200]
    assert (reply.text, reply.spend) == ("whole", caller.status().spent)
    assert isinstance(log, Memory)
    assert [body["outcome"] for body in log.bodies.values()] == ["Truncated", "ok"]


async def test_a_longer_reply_is_all_that_is_asked_for_when_the_run_was_cut_in_between() -> None:
    first, _, log = make_caller(lambda n, _: Unavailable("down") if n else HALF)
    with pytest.raises(Unavailable):
        await first.call(SITE, CHAT)
    again, model, _ = make_caller(lambda *_: said("whole"), log)
    assert (await again.call(SITE, CHAT)).spend == Spend(2, 20, 10, 0.0, 1.0)
    assert [request.max_tokens for request in model.requests] == [200]


@pytest.mark.parametrize("kind", [Refused, ContextTooLong, RequestRejected])
async def test_a_reply_that_cannot_be_had_at_greater_length_is_truncated(
    kind: type[ProviderError],
) -> None:
    def play(_: int, request: Request) -> Reply | Exception:
        return kind("more than I may") if request.max_tokens > 100 else HALF

    caller, _, log = make_caller(play)
    again, model, _ = make_caller(lambda *_: said(), log)
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
    caller, model, log = make_caller(odd)
    with pytest.raises(Refused, match="400") as refused:
        await caller.call(SITE, strange)
    assert refused.value.spend == caller.status().spent == Spend(2, 7, 3, 0.0, 0.5)
    _, other = model.requests
    assert replace(other, messages=(), prompt="") == replace(
        strange, messages=(), prompt="", temperature=0.7
    )
    assert isinstance(log, Memory)
    assert [body["outcome"] for body in log.bodies.values()] == ["ok", "RequestRejected"]
    again, model, _ = make_caller(lambda *_: said(), log)
    with pytest.raises(Refused, match="400") as recalled:
        await again.call(SITE, strange)
    assert recalled.value.spend == refused.value.spend
    assert model.requests == []


async def test_a_rejected_request_costs_other_words_once_when_the_run_was_cut_in_between() -> None:
    first, _, log = make_caller(odd)
    assert isinstance(log, Memory)
    with pytest.raises(Refused):
        await first.call(SITE, ODD[0])
    log.facts.pop()
    again, model, _ = make_caller(odd, log)
    with pytest.raises(Refused):
        await again.call(SITE, ODD[0])
    assert len(model.requests) == 1
    assert [body["outcome"] for body in log.bodies.values()] == ["ok", "RequestRejected"]


@pytest.mark.parametrize("taken", [replace(said("no"), finish="refused"), Refused("rules"), HALF])
async def test_other_words_are_taken_however_they_are_answered(taken: Reply | Refused) -> None:
    def play(_: int, request: Request) -> Reply | Exception:
        answer = odd(0, request)
        return answer if isinstance(answer, Exception) else taken

    caller, _, log = make_caller(play)
    with pytest.raises(Refused, match="400") as refused:
        await caller.call(SITE, ODD[0])
    assert refused.value.spend == caller.status().spent
    assert isinstance(log, Memory)
    assert {body["outcome"] for body in log.bodies.values()} >= {"RequestRejected"}


async def test_a_server_that_rejects_other_words_too_stops_the_run() -> None:
    caller, _, log = make_caller(lambda *_: RequestRejected("no such model"))
    with pytest.raises(RequestRejected, match="no such model"):
        await caller.call(SITE, CHAT)
    assert isinstance(log, Memory)
    assert log.bodies == {}


async def test_a_server_that_is_gone_does_not_make_a_truncated_reply_final() -> None:
    first, _, log = make_caller(lambda n, _: RequestRejected("no such model") if n else HALF)
    with pytest.raises(RequestRejected):
        await first.call(SITE, CHAT)
    again, _, _ = make_caller(lambda *_: said("whole"), log)
    assert (await again.call(SITE, CHAT)).text == "whole"


async def test_a_call_that_fails_alone_is_kept_counted_and_not_made_again() -> None:
    poison = replace(CHAT, messages=(Message("user", "poison " * 30),))

    def play(_: int, request: Request) -> Reply | Exception:
        return Unavailable("500") if "poison" in request.messages[0].content else said()

    caller, _, log = make_caller(play, price=Price(input=1.0, output=2.0))
    await caller.call(SITE, CHAT)
    before = caller.status().spent
    with pytest.raises(CallFailed) as failed:
        await caller.call(SITE, poison)
    spent = failed.value.spend
    assert (spent.calls, spent.prompt_tokens, spent.completion_tokens) == (1, 6 * 70, 100)
    assert spent.cost_usd == pytest.approx((6 * 70 + 2 * 100) / 1e6)
    assert caller.status().spent == before + spent
    assert isinstance(log, Memory)
    kept = next(body for body in log.bodies.values() if body["outcome"] == "CallFailed")
    assert (kept["tries"], "known-good request was answered" in kept["problem"]) == (6, True)
    again, model, _ = make_caller(play, log)
    with pytest.raises(CallFailed) as recalled:
        await again.call(SITE, poison)
    assert (recalled.value.spend, model.requests) == (spent, [])
