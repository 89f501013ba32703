"""An endpoint: deadlines, retries, outages, truncation and prices."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from autodata.concurrency import finish
from autodata.config.providers.base import Price
from autodata.errors import (
    AuthenticationFailed,
    ConfigurationError,
    ContextTooLong,
    RateLimited,
    Refused,
    RequestRejected,
    TimedOut,
    Truncated,
    Unavailable,
    Unreachable,
    Unusable,
)
from autodata.models.base import Deadlines, Message, Reply, Request, ToolCall
from autodata.models.endpoint.endpoint import (
    Answer,
    Endpoint,
    EndpointLimits,
    Service,
    Timing,
)
from tests.support.callers import endpoint_of
from tests.support.fakes import CHAT, Clock, FakeModel, Play, said

POISON = Request(messages=(Message("user", "poison"),))


async def test_passing_failure_is_tried_again() -> None:
    clock = Clock()
    endpoint, model = endpoint_of(lambda n, _: Unavailable("reset") if n < 2 else said(), clock)
    answer = await endpoint.call(CHAT)
    assert (answer.reply.text, answer.tries, len(model.requests)) == ("ok", 3, 3)
    assert len(clock.slept) == 2


@pytest.mark.parametrize(
    "error", [AuthenticationFailed("key"), RequestRejected("no"), ContextTooLong("long")]
)
async def test_final_failure_is_not_tried_again(error: Exception) -> None:
    endpoint, model = endpoint_of(lambda *_: error, Clock())
    with pytest.raises(type(error)):
        await endpoint.call(CHAT)
    assert len(model.requests) == 1
    assert endpoint.gate.in_flight == 0


async def test_retry_after_is_honoured_by_all_calls() -> None:
    clock = Clock()
    endpoint, _ = endpoint_of(
        lambda n, _: RateLimited("busy", retry_after=40) if n == 0 else said(), clock
    )
    began = clock.now()
    await endpoint.call(CHAT)
    assert clock.now() - began >= 40
    await endpoint.close()


async def test_a_server_that_asks_for_days_is_asked_again_in_minutes() -> None:
    clock = Clock()
    endpoint, _ = endpoint_of(
        lambda n, _: RateLimited("busy", retry_after=86_400) if n == 0 else said(), clock
    )
    began = clock.now()
    await endpoint.call(CHAT)
    assert 300 <= clock.now() - began <= 301
    await endpoint.close()


async def test_nobody_is_let_in_by_the_call_that_was_told_to_wait() -> None:
    async def wait_for_ever(_: float) -> None:
        await asyncio.Event().wait()

    model = FakeModel(lambda *_: RateLimited("busy", retry_after=40))
    endpoint = Endpoint(
        "e", model, EndpointLimits(concurrency=1), timing=Timing(sleep=wait_for_ever)
    )
    calls = [asyncio.create_task(endpoint.call(CHAT)) for _ in range(2)]
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(model.requests) == 1
    await finish(calls)
    await endpoint.close()


async def test_halves_of_characters_go_no_further_than_the_endpoint() -> None:
    call = ToolCall("1", "s\ud800", {"query\ud83d": ["\ud83d", {"a": "\N{GRINNING FACE}"}]})
    deep: list[Any] = []
    for _ in range(10_000):
        deep = [deep]
    deepest = ToolCall("2", "sql", {"query": deep})
    endpoint, _ = endpoint_of(lambda *_: Reply("t \ud800 x", tool_calls=(call, deepest)), Clock())
    reply = (await endpoint.call(CHAT)).reply
    assert reply.text == "t \ufffd x"
    first, second = reply.tool_calls
    assert (first.name, first.arguments) == (
        "s\ufffd",
        {"query\ufffd": ["\ufffd", {"a": "\N{GRINNING FACE}"}]},
    )
    assert second.arguments == {}


async def test_a_probe_that_is_declined_says_nothing_of_the_call() -> None:
    def play(number: int, request: Request) -> Reply | Exception:
        if 1 <= number <= 10:  # each of five failures is looked into
            return Unavailable("down")
        return Refused("rules") if request.max_tokens == 1 else said()

    endpoint, model = endpoint_of(play, Clock())
    await endpoint.call(CHAT)
    assert (await endpoint.call(CHAT)).reply.text == "ok"
    assert [request.max_tokens for request in model.requests[-2:]] == [1, 100]


async def test_overload_and_time_outs_lower_the_limit_and_crashes_do_not() -> None:
    limits = {}
    for error in (RateLimited("busy"), TimedOut("late"), Unavailable("reset")):
        endpoint, _ = endpoint_of(lambda n, _, e=error: e if n == 0 else said(), Clock())  # type: ignore[misc]
        await endpoint.call(CHAT)
        limits[type(error)] = endpoint.gate.limit
    assert limits == {RateLimited: 31, TimedOut: 31, Unavailable: 32}


async def test_silent_endpoint_is_noticed_at_its_deadline() -> None:
    async def silence() -> Reply:
        await asyncio.Event().wait()
        return said()

    endpoint, model = endpoint_of(lambda n, _: silence() if n == 0 else said(), Clock())
    answer = await endpoint.call(CHAT, deadlines=Deadlines(total_s=0.05))
    assert (answer.tries, len(model.requests)) == (2, 2)


async def test_outage_pauses_all_calls_and_ends_by_itself() -> None:
    clock, told = Clock(), set[str]()
    began = clock.now()

    def play(number: int, _: Request) -> Reply | Exception:
        told.add(endpoint.breaker.paused)
        if number == 0 or clock.now() - began > 3600:
            return said()
        return Unavailable("connection refused")

    endpoint, model = endpoint_of(play, clock)
    await endpoint.call(CHAT)
    answers = await asyncio.gather(*(endpoint.call(CHAT) for _ in range(20)))
    assert [answer.reply.text for answer in answers] == ["ok"] * 20
    assert endpoint.breaker.paused == ""
    assert any(
        text.startswith("endpoint strong is down since")
        and text.endswith("retrying every 60 s: connection refused")
        for text in told
    )
    assert len(model.requests) < 200  # one probe a minute, not twenty


def one_left_over(then: Play, clock: Clock) -> tuple[Endpoint, asyncio.Event]:
    """An endpoint whose second call is under way until the event is set, and is reset then."""
    over = asyncio.Event()

    async def reset() -> Reply:
        await over.wait()
        raise Unavailable("connection reset")

    endpoint, _ = endpoint_of(lambda n, request: reset() if n == 1 else then(n, request), clock)
    return endpoint, over


async def begin_one_and_finish_others(endpoint: Endpoint) -> "asyncio.Task[Answer]":
    await endpoint.call(CHAT)
    unlucky = asyncio.create_task(endpoint.call(POISON))
    await asyncio.sleep(0)
    await asyncio.gather(*(endpoint.call(CHAT) for _ in range(20)))
    return unlucky


async def test_no_call_fails_by_an_outage_that_began_while_others_were_answered() -> None:
    clock = Clock()
    down_from, down_until = clock.now() + 50, clock.now() + 3600

    def play(number: int, _: Request) -> Reply | Exception:
        down = down_from <= clock.now() < down_until
        return Unavailable("connection reset") if down else said()

    endpoint, over = one_left_over(play, clock)
    unlucky = await begin_one_and_finish_others(endpoint)
    clock.time = down_from
    over.set()
    later = await asyncio.gather(unlucky, *(endpoint.call(CHAT) for _ in range(3)))
    assert [answer.reply.text for answer in later] == ["ok"] * 4
    assert clock.now() >= down_until


async def test_call_survives_outages_that_come_one_after_the_other() -> None:
    def play(number: int, _: Request) -> Reply | Exception:
        # the first request that is sent after an outage is the one that is known to work
        outage = 22 <= number < 26 or 27 <= number < 32 or 33 <= number < 38
        return Unavailable("connection reset") if outage else said()

    endpoint, over = one_left_over(play, Clock())
    unlucky = await begin_one_and_finish_others(endpoint)
    over.set()
    assert (await unlucky).reply.text == "ok"


async def test_call_survives_a_server_that_answers_what_it_has_and_takes_nothing_new() -> None:
    clock = Clock()
    shut = clock.now() + 100

    async def answered_later(seconds: float) -> Reply:
        until = clock.now() + seconds
        while clock.now() < until:  # noqa: ASYNC110
            await asyncio.sleep(0)
        return said()

    def play(number: int, request: Request) -> Reply | Exception | object:
        if request == POISON:
            return Unreachable("connection refused") if clock.now() < shut else said()
        return answered_later(number)

    endpoint, _ = endpoint_of(play, clock, limits=EndpointLimits(concurrency=100))  # type: ignore[arg-type]
    calls = [asyncio.create_task(endpoint.call(CHAT)) for _ in range(99)]
    await asyncio.sleep(0)
    assert (await endpoint.call(POISON)).reply.text == "ok"
    await asyncio.gather(*calls)


async def test_endpoint_that_is_there_but_busy_or_silent_from_the_beginning_is_waited_for() -> None:
    for error in (RateLimited("busy"), TimedOut("late"), Unavailable("502")):
        clock = Clock()
        began = clock.now()
        endpoint, _ = endpoint_of(
            lambda *_, c=clock, b=began, e=error: said() if c.now() - b > 900 else e, clock
        )
        assert (await endpoint.call(CHAT)).reply.text == "ok"


async def test_endpoint_that_answered_in_an_earlier_session_is_waited_for() -> None:
    clock = Clock()
    began = clock.now()
    endpoint, _ = endpoint_of(
        lambda *_: said() if clock.now() - began > 900 else Unreachable("refused"), clock
    )
    endpoint.breaker.contacted = True
    assert (await endpoint.call(CHAT)).reply.text == "ok"


async def test_place_is_held_until_the_answer_is_kept() -> None:
    endpoint, _ = endpoint_of(lambda *_: said(), Clock(), limits=EndpointLimits(concurrency=1))
    kept = asyncio.Event()

    async def keep(_: Answer) -> None:
        await kept.wait()

    first = asyncio.create_task(endpoint.call(CHAT, keep=keep))
    second = asyncio.create_task(endpoint.call(CHAT))
    for _ in range(20):
        await asyncio.sleep(0)
    assert (endpoint.gate.in_flight, endpoint.gate.waiting) == (1, 1)
    kept.set()
    await asyncio.gather(first, second)
    assert endpoint.gate.in_flight == 0


async def test_outage_longer_than_the_pause_fails_the_calls() -> None:
    clock = Clock()
    endpoint, _ = endpoint_of(
        lambda n, _: Unavailable("gone") if n else said(), clock, limits=EndpointLimits(pause_s=600)
    )
    await endpoint.call(CHAT)
    began = clock.now()
    results = await asyncio.gather(*(endpoint.call(CHAT) for _ in range(5)), return_exceptions=True)
    assert [type(result) for result in results] == [Unavailable] * 5
    assert clock.now() - began >= 600


@pytest.mark.parametrize("error", [Unreachable("refused"), Unusable("a web page")])
async def test_endpoint_where_no_model_server_ever_was_is_a_mistake_to_fix(
    error: Unavailable,
) -> None:
    clock = Clock()
    endpoint, _ = endpoint_of(lambda *_: error, clock)
    began = clock.now()
    with pytest.raises(ConfigurationError, match=f"was never there: {error}"):
        await endpoint.call(CHAT)
    assert clock.now() - began < 120


async def test_supervised_server_that_dies_before_its_first_answer_is_waited_for() -> None:
    clock = Clock()
    began = clock.now()
    model = FakeModel(
        lambda *_: said() if clock.now() - began > 300 else Unreachable("connection refused")
    )
    endpoint = Endpoint(
        "e", model, service=Service(supervised=True), timing=Timing(clock.now, clock.sleep)
    )
    assert (await endpoint.call(CHAT)).reply.text == "ok"


async def test_cancelled_probe_hands_over() -> None:
    clock = Clock()
    gate = asyncio.Event()

    async def hang() -> Reply:
        await gate.wait()
        return said()

    def play(number: int, _: Request) -> Reply | Exception | object:
        if number == 0 or number > 6:
            return said()
        return Unavailable("down") if number < 6 else hang()

    endpoint, model = endpoint_of(play, clock)  # type: ignore[arg-type]
    await endpoint.call(CHAT)
    first = asyncio.create_task(endpoint.call(CHAT))
    while len(model.requests) < 7:  # noqa: ASYNC110
        await asyncio.sleep(0)
    second = asyncio.create_task(endpoint.call(CHAT))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).reply.text == "ok"


async def test_truncated_chat_is_no_result_and_paid_for() -> None:
    endpoint, model = endpoint_of(lambda *_: replace(said("half"), finish="length"), Clock())
    answer = await endpoint.call(CHAT)
    assert isinstance(answer.error, Truncated)
    assert (len(model.requests), answer.reply.completion_tokens) == (1, 5)


async def test_raw_continuation_may_end_at_its_limit() -> None:
    endpoint, model = endpoint_of(lambda *_: replace(said(" home"), finish="length"), Clock())
    answer = await endpoint.call(Request(prompt="She went", max_tokens=4))
    assert (answer.error, len(model.requests)) == (None, 1)


async def test_refusal_is_an_error_and_paid_for() -> None:
    endpoint, _ = endpoint_of(lambda *_: replace(said("I cannot"), finish="refused"), Clock())
    answer = await endpoint.call(CHAT)
    assert isinstance(answer.error, Refused)
    assert answer.reply.spend.calls == 1


async def test_dollars_come_from_the_price_with_cached_tokens_apart() -> None:
    price = Price(input=2.0, output=10.0, cached_input=0.5)
    reply = Reply("ok", prompt_tokens=1000, completion_tokens=100, cached_tokens=400)
    endpoint, _ = endpoint_of(lambda *_: reply, Clock(), price=price)
    answer = await endpoint.call(CHAT)
    assert answer.reply.cost_usd == pytest.approx((600 * 2 + 400 * 0.5 + 100 * 10) / 1e6)


async def test_dollars_count_what_is_put_into_a_cache_at_its_higher_price() -> None:
    price = Price(input=2.0, output=10.0, cached_input=0.2)
    reply = Reply("ok", prompt_tokens=1000, cached_tokens=400, stored_tokens=500)
    endpoint, _ = endpoint_of(lambda *_: reply, Clock(), price=price)
    answer = await endpoint.call(CHAT)
    assert answer.reply.cost_usd == pytest.approx((100 * 2 + 500 * 2.5 + 400 * 0.2) / 1e6)


async def test_close_closes_the_model() -> None:
    endpoint, model = endpoint_of(lambda *_: said(), Clock())
    await endpoint.close()
    assert model.closed
