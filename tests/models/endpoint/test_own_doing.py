"""Calls that fail while their endpoint answers others: their own doing, nobody else's trouble."""

import asyncio

import pytest

from autodata.errors import (
    AuthenticationFailed,
    CallFailed,
    NoCredit,
    ProviderError,
    RateLimited,
    Unavailable,
    Unreachable,
)
from autodata.models.base import Deadlines, Message, Reply, Request
from autodata.models.endpoint.breaker import THRESHOLD
from autodata.models.endpoint.endpoint import MOST_TRIES, PATIENCE
from autodata.models.endpoint.known_good import NEUTRAL
from tests.support.callers import endpoint_of
from tests.support.fakes import CHAT, Clock, said

POISON = Request(messages=(Message("user", "poison"),))


async def test_one_call_that_always_fails_is_given_up_while_others_succeed() -> None:
    clock = Clock()
    endpoint, model = endpoint_of(
        lambda _, request: Unavailable("500") if request == POISON else said(), clock
    )
    await endpoint.call(CHAT)
    with pytest.raises(CallFailed, match=r"in 6 tries: 500 \(its known-good request was answered"):
        await endpoint.call(POISON)
    assert model.requests.count(POISON) == MOST_TRIES
    assert endpoint.breaker.paused == ""


async def test_many_calls_that_always_fail_do_not_bring_the_endpoint_down_for_others() -> None:
    told = set[str]()

    def play(_: int, request: Request) -> Reply | Exception:
        told.add(endpoint.breaker.paused)
        return Unavailable("500") if request == POISON else said()

    endpoint, model = endpoint_of(play, Clock())
    await endpoint.call(CHAT)
    calls = (endpoint.call(POISON) for _ in range(4 * THRESHOLD))
    failed = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(error) for error in failed} == {CallFailed}
    assert told == {""}
    assert (await endpoint.call(CHAT)).tries == 1
    probes = len(model.requests) - model.requests.count(POISON)
    assert probes < 2 * THRESHOLD * MOST_TRIES  # one for all that fail together


async def test_call_that_hangs_is_given_up_sooner_while_the_endpoint_answers_others() -> None:
    async def hang() -> Reply:
        await asyncio.Event().wait()
        return said()

    endpoint, _ = endpoint_of(lambda _, r: hang() if r == POISON else said(), Clock())
    await endpoint.call(CHAT)
    with pytest.raises(CallFailed, match="3 tries: strong sent no reply within"):
        await endpoint.call(POISON, deadlines=Deadlines(total_s=0.02))
    assert endpoint.breaker.paused == ""
    await endpoint.close()


@pytest.mark.parametrize("error", [RateLimited("429: too large"), Unreachable("refused")])
async def test_call_that_is_turned_away_for_ever_is_given_up_if_others_are_not(
    error: ProviderError,
) -> None:
    endpoint, model = endpoint_of(lambda _, r: error if r == POISON else said(), Clock())
    await endpoint.call(CHAT)
    with pytest.raises(CallFailed):
        await endpoint.call(POISON)
    assert model.requests.count(POISON) == PATIENCE + MOST_TRIES
    await endpoint.close()


async def test_call_that_a_busy_server_turns_away_waits_as_long_as_others_do() -> None:
    def play(number: int, request: Request) -> Reply | Exception:
        return RateLimited("busy") if 0 < number < 20 * PATIENCE else said()

    endpoint, _ = endpoint_of(play, Clock())
    await endpoint.call(CHAT)
    assert (await endpoint.call(POISON)).reply.text == "ok"
    await endpoint.close()


async def test_words_that_a_firewall_takes_for_no_key_are_the_calls_own_fault() -> None:
    def play(number: int, request: Request) -> Reply | Exception:
        wrong = request == POISON or number > 4
        return AuthenticationFailed("403") if wrong else said()

    endpoint, _ = endpoint_of(play, Clock())
    await endpoint.call(CHAT)
    with pytest.raises(CallFailed, match="403"):
        await endpoint.call(POISON)
    await endpoint.call(CHAT)
    await endpoint.call(CHAT)
    with pytest.raises(AuthenticationFailed):  # what was answered before fails as well
        await endpoint.call(POISON)


async def test_a_run_without_credit_ends_though_a_cheap_request_is_still_answered() -> None:
    endpoint, _ = endpoint_of(lambda _, r: said() if r.max_tokens else NoCredit("402"), Clock())
    await endpoint.call(CHAT)
    with pytest.raises(NoCredit):
        await endpoint.call(POISON)


async def test_the_first_call_of_an_endpoint_is_told_from_an_outage_by_neutral_words() -> None:
    endpoint, model = endpoint_of(
        lambda _, r: Unavailable("500") if POISON.messages == r.messages else said(), Clock()
    )
    with pytest.raises(CallFailed, match="its known-good request was answered with 'ok'"):
        await endpoint.call(POISON)
    assert model.requests.count(POISON) == THRESHOLD + MOST_TRIES
    neutral = next(r for r in model.requests if r != POISON)
    assert (neutral.max_tokens, neutral.messages[0].content) == (1, NEUTRAL)
    assert endpoint.breaker.paused == ""
