"""The provider `openai`: chat and completions, at OpenAI or any compatible server, by its SDK.

One try, one reply or one `ProviderError`: deadlines, retries and budgets lie above it.
"""

import asyncio
import json
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import httpx2
import openai
from openai import AsyncOpenAI, AsyncStream, DefaultAioHttpClient

from autodata.config.providers.base import RemoteConfig
from autodata.errors import (
    ConfigurationError,
    ProviderError,
    RequestRejected,
    TimedOut,
    Unavailable,
    Unusable,
)
from autodata.models.base import USUAL, Deadlines, Reply, Request
from autodata.models.providers import connections, failures, openai_wire
from autodata.models.providers.listing import NO_LIST, Listing, read_listing
from autodata.models.providers.registry import Surroundings
from autodata.types import Json

_HOST = "api.openai.com"
_STATUS = re.compile("[45][0-9]{2}")
_GARBLED = (ValueError, TypeError, AttributeError, LookupError, RuntimeError)


class OpenAIModel:
    """One model of one OpenAI-compatible server.

    `base_url` empty means OpenAI itself, which alone must get a key. `structured` says how a schema
    is asked for: `schema` as a constraint, `json` as JSON mode plus words, `none` as words only.
    `secrets` are the values of the headers that requests ask for, by environment variable.
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str = "",
        api_key: str = "",
        structured: openai_wire.Structured = "schema",
        secrets: Mapping[str, str] | None = None,
    ) -> None:
        host = urlsplit(base_url).hostname or _HOST
        if not api_key and host == _HOST:
            raise ConfigurationError(
                f"no key for {host}", "name the key's environment variable in api_key_env"
            )
        self._model = model
        self._where = f"{model} at {host}"
        self._secrets = secrets or {}
        self._keys = (api_key, *self._secrets.values())
        self._structured = structured
        self._token_field = "max_completion_tokens" if host.endswith("openai.com") else "max_tokens"
        self._client = AsyncOpenAI(
            api_key=api_key or "none",
            base_url=base_url or f"https://{_HOST}/v1",
            organization="",
            project="",
            max_retries=0,
            http_client=DefaultAioHttpClient(**connections.options(host)),
        )

    @classmethod
    def of(cls, settings: RemoteConfig, place: Surroundings) -> "OpenAIModel":
        """Return what asks the model of these settings at one address."""
        return cls(
            settings.model,
            base_url=place.url,
            api_key=place.key,
            structured=settings.structured,
            secrets=place.secrets,
        )

    async def complete(self, request: Request, deadlines: Deadlines = USUAL) -> Reply:
        """Send the request once and return the reply; see `base.Model`."""
        raw = not request.messages
        body = openai_wire.request_body(request, self._model, self._structured, self._token_field)
        options = self._options(request, deadlines)
        path = "/completions" if raw else "/chat/completions"
        started = time.monotonic()
        try:
            if deadlines.first_token_s:
                data: Any = await self._stream(path, body, options, deadlines.first_token_s)
            else:
                data = await self._client.post(path, cast_to=object, body=body, options=options)
            reply = failures.redact_reply(openai_wire.read_reply(data, request), self._keys)
        except openai.APIError as error:
            raise self._failure(error) from None
        except httpx2.HTTPError as error:
            raise failures.broken(self._where, error, self._words(error)) from None
        except _GARBLED as error:
            problem = f"{self._where} sent no usable answer: {self._words(error)}"
            raise Unusable(problem) from None
        if not (raw or reply.text or reply.tool_calls or reply.completion_tokens):
            raise Unavailable(f"{self._where} sent an empty reply")
        return replace(reply, seconds=time.monotonic() - started)

    async def models(
        self, timeout_s: float, headers: Iterable[tuple[str, str]] = ()
    ) -> Listing | None:
        """Return the models that the server lists, asked once; None if it has no such list.

        `headers` are as a request has them.

        Raises:
            ProviderError: it cannot be asked, as in `complete`, or answers with no JSON.
        """
        options: openai.RequestOptions = {
            "timeout": httpx2.Timeout(timeout_s),
            "headers": {name: self._secrets[held] for name, held in headers},
        }
        try:
            listed = read_listing(
                await self._client.get("/models", cast_to=object, options=options)
            )
        except openai.APIError as error:
            if isinstance(error, openai.APIStatusError) and error.status_code in NO_LIST:
                return None
            raise self._failure(error) from None
        except httpx2.HTTPError as error:
            raise failures.broken(self._where, error, self._words(error)) from None
        except _GARBLED as error:
            raise RequestRejected(
                f"{self._where} is no API: it answers /models with {self._words(error)}",
                "let base_url end where the API begins, as in http://host:8000/v1",
            ) from None
        return listed and replace(listed, names=tuple(map(self._safe, listed.names)))

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()

    def _options(self, request: Request, deadlines: Deadlines) -> openai.RequestOptions:
        return {
            "timeout": httpx2.Timeout(None, connect=deadlines.connect_s),
            "headers": {name: self._secrets[held] for name, held in request.headers},
        }

    async def _stream(
        self, path: str, body: Json, options: openai.RequestOptions, first_token_s: float
    ) -> Json:
        body = body | {"stream": True, "stream_options": {"include_usage": True}}
        chunks: list[Any] = []
        try:
            async with asyncio.timeout(first_token_s) as first_token:
                stream = await self._client.post(
                    path,
                    cast_to=object,
                    body=body,
                    options=options,
                    stream=True,
                    stream_cls=AsyncStream[object],
                )
                async for chunk in stream:
                    if first_token.when() is not None and openai_wire.said_something(chunk):
                        first_token.reschedule(None)
                    chunks.append(chunk)
        except TimeoutError:
            problem = f"{self._where} sent no token within {first_token_s:g} s"
            raise TimedOut(problem) from None
        return openai_wire.join_chunks(chunks, raw="prompt" in body)

    def _failure(self, error: openai.APIError) -> ProviderError:
        if isinstance(error, openai.APIStatusError):
            headers = error.response.headers
            message = f"{error.code or ''} {error.type or ''} {self._message(error)}"
            wait = failures.retry_after(headers)
            return failures.failure(self._where, error.status_code, self._safe(message), wait)
        if isinstance(error, openai.APIConnectionError):
            return failures.broken(self._where, error, self._words(error.__cause__ or error))
        # an error event in the middle of a stream has a body, but no status
        status = int(error.code) if error.code and _STATUS.fullmatch(error.code) else 500
        message = f"{error.type or ''} {error.code or ''} {error.message}"
        return failures.failure(self._where, status, self._safe(message))

    def _message(self, error: openai.APIStatusError) -> str:
        body = error.body
        if isinstance(body, dict):
            return str(body.get("message") or body.get("detail") or json.dumps(body))
        return str(body or error.message)

    def _words(self, error: BaseException) -> str:
        return failures.shorten(self._safe(str(error) or type(error).__name__))

    def _safe(self, text: str) -> str:
        return failures.redact(text, self._keys)
