"""What a server says when it fails is the same error with both official SDKs, and a fitting one."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from autodata.errors import (
    AuthenticationFailed,
    ContextTooLong,
    RateLimited,
    Refused,
    RequestRejected,
    TimedOut,
    Unavailable,
    Unusable,
)
from autodata.models.base import Deadlines
from autodata.models.providers.failures import retry_after
from tests.support.loopback import Loopback, Say, Status
from tests.support.providers import error_body, fail


@pytest.mark.parametrize("status", [429, 503, 529])
async def test_overload_carries_the_servers_waiting_time(
    provider: str, server: Loopback, status: int
) -> None:
    body = error_body(provider, "rate_limit_error", "slow down")
    error = await fail(provider, server, lambda _: Status(status, body, {"retry-after": "7"}))
    assert isinstance(error, RateLimited)
    assert error.retry_after == 7
    assert len(server.seen) == 1  # the SDK's own retries are off


@pytest.mark.parametrize("status", [408, 409, 500, 502, 503, 504])
async def test_retry_after_counts_whatever_the_status(
    provider: str, server: Loopback, status: int
) -> None:
    body = error_body(provider, "api_error", "later")
    error = await fail(provider, server, lambda _: Status(status, body, {"retry-after": "7"}))
    assert isinstance(error, RateLimited)
    assert error.retry_after == 7


@pytest.mark.parametrize("date", ["Mon, 01 Jan 99999 00:00:00 GMT", "Mon, 1", "²"])
async def test_retry_after_that_is_no_time_is_no_wait(
    provider: str, server: Loopback, date: str
) -> None:
    body = error_body(provider, "rate_limit_error", "slow down")
    error = await fail(provider, server, lambda _: Status(429, body, {"retry-after": date}))
    assert isinstance(error, RateLimited)
    assert error.retry_after == 0


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


@pytest.mark.parametrize("code", ["²", "42", "99999999999", "9" * 5000])
async def test_error_event_whose_code_is_no_status_may_be_tried_again(
    server: Loopback, code: str
) -> None:
    event = f"data: {json.dumps(error_body('openai', 'odd', 'no', code))}\n\n"
    script = Status(200, event, {"content-type": "text/event-stream"})
    caught = await fail("openai", server, lambda _: script, Deadlines(first_token_s=5.0))
    assert type(caught) is Unavailable


@pytest.mark.parametrize("said", ["", 'event: ping\ndata: {"type": "ping"}\n\n'])
async def test_stream_that_ends_before_it_begins_may_be_tried_again(
    provider: str, server: Loopback, said: str
) -> None:
    script = Status(200, said, {"content-type": "text/event-stream"})
    caught = await fail(provider, server, lambda _: script, Deadlines(first_token_s=5.0))
    assert type(caught) is Unusable
    assert "sent no usable answer: " in caught.problem
    assert "Error" not in caught.problem


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


@pytest.mark.parametrize("body", ["<html>hello</html>", "{", [], {}, {"choices": []}, None])
async def test_nonsense_is_no_reply(provider: str, server: Loopback, body: Any) -> None:
    error = await fail(provider, server, lambda _: Status(200, body))
    assert type(error) is Unusable


async def test_empty_reply_is_infrastructure(provider: str, server: Loopback) -> None:
    error = await fail(provider, server, lambda _: Say("", completion_tokens=0))
    assert type(error) is Unavailable
    assert "empty" in error.problem


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"}, 360),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "1s20ms"}, 1.02),
        ({"x-ratelimit-remaining-tokens": "7", "x-ratelimit-reset-tokens": "6m0s"}, 0),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "soon"}, 0),
        ({"x-ratelimit-remaining-requests": "0"}, 0),
        (
            {
                "anthropic-ratelimit-input-tokens-remaining": "0",
                "anthropic-ratelimit-input-tokens-reset": "2001-01-01T00:00:00Z",
            },
            0,
        ),
        (
            {
                "retry-after": "2",
                "x-ratelimit-remaining-requests": "0",
                "x-ratelimit-reset-requests": "6m0s",
            },
            2,
        ),
    ],
)
def test_a_limit_that_is_used_up_says_when_to_come_back(
    headers: dict[str, str], seconds: float
) -> None:
    assert retry_after(headers) == pytest.approx(seconds)


def test_a_limit_that_is_used_up_until_a_time_of_day_is_waited_for() -> None:
    soon = datetime.now(UTC) + timedelta(seconds=90)
    names = ("anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset")
    assert 80 < retry_after(dict(zip(names, ("0", soon.isoformat()), strict=True))) <= 90
