"""Classification of provider failures: HTTP status and error text to one of `autodata.errors`.

The same for every provider, without their SDKs. Keys that a server echoes are redacted here, too.
"""

import email.utils
import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import aiohttp

from autodata.errors import (
    AuthenticationFailed,
    ContextTooLong,
    NoCredit,
    ProviderError,
    RateLimited,
    Refused,
    RequestRejected,
    TimedOut,
    Unavailable,
    Unreachable,
)
from autodata.models.base import Reply, ToolCall

LONGEST_TEXT = 400
SHORTEST_KEY = 8
"""Shorter ones stand in for a key where none is needed (EMPTY, test); honest replies hold them."""

# The words of OpenAI, vLLM, llama.cpp and Anthropic for "prompt and reply do not fit".
_TOO_LONG = re.compile(
    r"context_length_exceeded|exceed_context_size|maximum context length|maximum model length"
    r"|model's context length|exceeds? (?:the )?(?:available |model's )?context"
    r"|exceed context limit"
    r"|prompt is too long|input is too large to process|max_model_len|too many input tokens"
    r"|context window",
    re.IGNORECASE,
)
_NO_CREDIT = re.compile(
    r"insufficient_quota|billing_error|billing_hard_limit|spend_limit|credit balance", re.IGNORECASE
)
# The words of OpenAI and Azure for "this prompt is against our rules".
_AGAINST_RULES = re.compile(
    r"content_filter|content_policy|content management policy|ResponsibleAIPolicy|invalid_prompt"
    r"|safety_violation",
    re.IGNORECASE,
)
_LIMITS = ("requests", "tokens", "input-tokens", "output-tokens")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(ms|s|m|h|d)")
_DURATION = re.compile(f"({_PART.pattern})+")
_BUSY = {429, 503, 529}
_PASSING = {409, 425}
_LATE = {408, 504}
_OF_ACCOUNT = {400, 402, 403, 429}
_NOT_CONNECTED = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)


def failure(where: str, status: int, said: str, retry_after: float = 0.0) -> ProviderError:
    """Return the error for an HTTP status and the server's error text (code, type, message).

    `where` is how the user knows the endpoint. 429, 5xx and the like are `Unavailable` and may be
    tried again; anything else that the server refuses is final. A prompt that is against the
    provider's rules is `Refused`, as when the model itself declines: data, not a broken run.
    """
    text = shorten(said)
    if status == 402 or (status in _OF_ACCOUNT and _NO_CREDIT.search(said)):
        return NoCredit(
            f"{where} refuses to serve this account: {text}", "add credit or use another key"
        )
    if status in (401, 403):
        return AuthenticationFailed(
            f"{where} does not accept the key: {text}",
            "put a valid key into the environment variable that api_key_env names",
        )
    if status == 413 or (status < 500 and status not in _BUSY and _TOO_LONG.search(said)):
        return ContextTooLong(
            f"prompt and reply do not fit into the context of {where}: {text}",
            "use shorter documents, a smaller max_tokens or a model with a longer context",
        )
    if status >= 500 and _TOO_LONG.search(said):  # llama.cpp answers some of these with 500
        return ContextTooLong(f"prompt and reply do not fit into the context of {where}: {text}")
    passing = status >= 500 or status in _PASSING | _LATE
    if status in _BUSY or (retry_after and passing):
        return RateLimited(f"{where} is overloaded ({status}): {text}", retry_after=retry_after)
    if status in _LATE:
        return TimedOut(f"{where} timed out ({status}): {text}")
    if passing:
        return Unavailable(f"{where} failed ({status}): {text}")
    if _AGAINST_RULES.search(said):
        return Refused(f"{where} declined to answer ({status}): {text}")
    return RequestRejected(
        f"{where} refuses the request ({status}): {text}", "check model name and endpoint options"
    )


def broken(where: str, error: BaseException, words: str) -> Unavailable:
    """Return the error for a connection that failed: nobody listens, or it broke on the way.

    The SDKs tell both alike; what aiohttp said is in the chain of causes.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, _NOT_CONNECTED):
            return Unreachable(f"{where} cannot be reached: {words}")
        cause = cause.__cause__
    return Unavailable(f"{where} broke off: {words}")


def retry_after(headers: Mapping[str, str]) -> float:
    """Return the seconds that the server asks us to wait; 0 when there is no such header.

    Without Retry-After it is when a limit of which nothing remains will be whole again
    (`x-ratelimit-*` of OpenAI, `anthropic-ratelimit-*`).
    """
    exact = headers.get("retry-after-ms", "")
    if _number(exact) > 0:
        return _number(exact) / 1000
    header = headers.get("retry-after", "")
    if _number(header) > 0:
        return _number(header)
    if header:
        return _until(email.utils.parsedate_to_datetime, header)
    return max((_reset(headers[name]) for name in _spent(headers)), default=0.0)


def _spent(headers: Mapping[str, str]) -> Iterator[str]:
    """The names of the headers that say when the limits that are used up begin anew."""
    for limit in _LIMITS:
        for remaining, reset in (
            (f"x-ratelimit-remaining-{limit}", f"x-ratelimit-reset-{limit}"),
            (f"anthropic-ratelimit-{limit}-remaining", f"anthropic-ratelimit-{limit}-reset"),
        ):
            if headers.get(remaining, "").strip() == "0" and reset in headers:
                yield reset


def _reset(value: str) -> float:
    """Read `6m0s`, `1.5s`, `20ms`, a number of seconds, or a time of day as ISO has it."""
    if _DURATION.fullmatch(value):
        return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(value))
    return _number(value) or _until(datetime.fromisoformat, value)


def _until(read: Callable[[str], datetime], value: str) -> float:
    try:
        return max(0.0, read(value).timestamp() - time.time())
    except (ValueError, OverflowError):  # no date, or a year that no calendar has
        return 0.0


def shorten(text: str) -> str:
    """Make a server's text fit one line of an error message."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_TEXT else line[:LONGEST_TEXT] + "..."


def redact(text: str, keys: Iterable[str]) -> str:
    """Take keys out of a text that a server may have echoed them into, in JSON or as they are."""
    for key in keys:
        if len(key) > 3:
            text = text.replace(key, "***").replace(json.dumps(key)[1:-1], "***")
    return text


def redact_reply(reply: Reply, keys: Iterable[str]) -> Reply:
    """Take keys out of everything in a reply that the server worded."""
    long = [key for key in keys if len(key) >= SHORTEST_KEY]
    if not long:
        return reply
    calls = (_redact_json([c.id, c.name, c.arguments], long) for c in reply.tool_calls)
    return replace(
        reply,
        text=redact(reply.text, long),
        tool_calls=tuple(ToolCall(*call) for call in calls),
        model=redact(reply.model, long),
        thinking=tuple(_redact_json([*reply.thinking], long)),
    )


def _redact_json(value: Any, keys: Sequence[str]) -> Any:
    if isinstance(value, str):
        return redact(value, keys)
    if isinstance(value, list):
        return [_redact_json(item, keys) for item in value]
    if isinstance(value, dict):
        return {redact(name, keys): _redact_json(item, keys) for name, item in value.items()}
    return value


def _number(text: str) -> float:
    return float(text) if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text.strip()) else 0.0
