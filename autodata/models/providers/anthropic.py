"""The provider `anthropic`: messages through the official SDK, with tools and structured output.

One try, one reply or one `ProviderError`: deadlines, retries and budgets lie above it.
"""

import asyncio
import json
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, Literal
from urllib.parse import urlsplit

import anthropic
import httpx2
from anthropic import AsyncAnthropic, DefaultAioHttpClient

from autodata.config.providers.anthropic import AnthropicConfig
from autodata.errors import (
    ConfigurationError,
    ContextTooLong,
    ProviderError,
    RequestRejected,
    TimedOut,
    Unavailable,
    Unusable,
)
from autodata.models.base import USUAL, Deadlines, Reply, Request
from autodata.models.providers import anthropic_wire, connections, failures
from autodata.models.providers.listing import NO_LIST, Listing, read_listing
from autodata.models.providers.registry import Surroundings
from autodata.types import Json

_HOST = "api.anthropic.com"
_GARBLED = (ValueError, TypeError, AttributeError, LookupError, RuntimeError)

# What an error event in the middle of a stream would have been as an HTTP status.
_STATUS = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "rate_limit_error": 429,
    "overloaded_error": 529,
    "timeout_error": 504,
}


class AnthropicModel:
    """One model of Anthropic's messages API.

    `structured` says how a schema is asked for: `schema` as an output format, `json` as a forced
    tool (models that know no output format), `none` as words. The API knows neither seeds nor, from
    SDK 2 on, a temperature, so both are left out. `secrets` are the values of the headers that
    requests ask for, by environment variable.
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str = "",
        api_key: str = "",
        structured: Literal["schema", "json", "none"] = "schema",
        secrets: Mapping[str, str] | None = None,
    ) -> None:
        base_url = base_url or f"https://{_HOST}"
        host = urlsplit(base_url).hostname or base_url
        if not api_key and host == _HOST:
            raise ConfigurationError(
                f"no key for {host}", "name the key's environment variable in api_key_env"
            )
        self._model = model
        self._where = f"{model} at {host}"
        self._secrets = secrets or {}
        self._keys = (api_key, *self._secrets.values())
        self._structured = structured
        self._client = AsyncAnthropic(
            api_key=api_key or "none",
            base_url=base_url,
            max_retries=0,
            http_client=DefaultAioHttpClient(**connections.options(host)),
        )

    @classmethod
    def of(cls, settings: AnthropicConfig, place: Surroundings) -> "AnthropicModel":
        """Return what asks the model of these settings at one address."""
        return cls(
            settings.model,
            base_url=place.url,
            api_key=place.key,
            structured=settings.structured,
            secrets=place.secrets,
        )

    async def complete(self, request: Request, deadlines: Deadlines = USUAL) -> Reply:
        """Send the request once and return the reply; see `base.Model`.

        Raises:
            ConfigurationError: the request is a raw prompt, which this API does not serve.
        """
        if not request.messages:
            raise ConfigurationError(
                f"{self._where} serves chats, not raw completions",
                "give this role an openai, vllm or local endpoint",
            )
        body: Json = anthropic_wire.request_body(request, self._model, self._structured)
        schema = body.get("output_config", {}).get("format")
        if schema:
            schema["schema"] = anthropic.transform_schema(schema["schema"])
        body["extra_body"] = anthropic_wire.extra_body(request)
        body["extra_headers"] = {name: self._secrets[held] for name, held in request.headers}
        started = time.monotonic()
        try:
            message = await self._send(body, deadlines)
            reply = failures.redact_reply(anthropic_wire.read_reply(message, request), self._keys)
        except anthropic.APIError as error:
            raise self._failure(error) from None
        except httpx2.HTTPError as error:
            raise failures.broken(self._where, error, self._words(error)) from None
        except _GARBLED as error:
            problem = f"{self._where} sent no usable answer: {self._words(error)}"
            raise Unusable(problem) from None
        reply = replace(reply, seconds=time.monotonic() - started)
        if message.stop_reason == "model_context_window_exceeded":
            late = ContextTooLong(f"the reply of {self._where} ran into the end of the context")
            late.spend = reply.spend  # it is paid for
            raise late
        if not (reply.text or reply.tool_calls or reply.completion_tokens):
            raise Unavailable(f"{self._where} sent an empty reply")
        return reply

    async def models(
        self, timeout_s: float, headers: Iterable[tuple[str, str]] = ()
    ) -> Listing | None:
        """Return the models that the server lists, asked once; None if it has no such list.

        This model is among them if the server knows its name, which may be short for another.
        `headers` are as a request has them.

        Raises:
            ProviderError: it cannot be asked, as in `complete`, or answers with no JSON.
        """
        shaped = {name: self._secrets[held] for name, held in headers}
        client = self._client.with_options(timeout=timeout_s, default_headers=shaped)
        try:
            listed = read_listing(
                await client.get("/v1/models", cast_to=object, options={"params": {"limit": 1000}})
            )
            if listed and not listed.has(self._model):
                with suppress(anthropic.NotFoundError):
                    await client.models.retrieve(self._model)
                    listed = replace(listed, names=(*listed.names, self._model))
        except anthropic.APIError as error:
            if isinstance(error, anthropic.APIStatusError) and error.status_code in NO_LIST:
                return None
            raise self._failure(error) from None
        except httpx2.HTTPError as error:
            raise failures.broken(self._where, error, self._words(error)) from None
        except _GARBLED as error:
            raise RequestRejected(
                f"{self._where} is no API: it answers /v1/models with {self._words(error)}",
                "let base_url end before /v1, as in http://host:8000",
            ) from None
        return listed and replace(listed, names=tuple(map(self._safe, listed.names)))

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()

    async def _send(self, body: Json, deadlines: Deadlines) -> Any:
        create = self._client.messages
        body["timeout"] = httpx2.Timeout(None, connect=deadlines.connect_s)
        if not deadlines.first_token_s:
            return await create.create(**body, stream=False)
        try:
            async with asyncio.timeout(deadlines.first_token_s) as first_token:
                async with create.stream(**body) as stream:
                    async for event in stream:
                        if event.type == "content_block_start" and first_token.when() is not None:
                            first_token.reschedule(None)
                    return await stream.get_final_message()
        except AssertionError:  # of the SDK
            raise ValueError("the stream ended before a message began") from None
        except TimeoutError:
            problem = f"{self._where} sent no token within {deadlines.first_token_s:g} s"
            raise TimedOut(problem) from None

    def _failure(self, error: anthropic.APIError) -> ProviderError:
        if isinstance(error, anthropic.APIStatusError):
            kind = str(error.type or "")
            message = f"{kind} {error.error_code or ''} {error.api_message or self._body(error)}"
            status = error.status_code
            if status < 400:
                status = _STATUS.get(kind, 500)
            wait = failures.retry_after(error.response.headers)
            return failures.failure(self._where, status, self._safe(message), wait)
        return failures.broken(self._where, error, self._words(error.__cause__ or error))

    def _body(self, error: anthropic.APIStatusError) -> str:
        return error.body if isinstance(error.body, str) else json.dumps(error.body)

    def _words(self, error: BaseException) -> str:
        return failures.shorten(self._safe(str(error) or type(error).__name__))

    def _safe(self, text: str) -> str:
        return failures.redact(text, self._keys)
