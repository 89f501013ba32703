"""A model server on loopback that speaks OpenAI's and Anthropic's wire formats, as scripted.

A script turns each recorded request into what happens: `Say`, `Changed`, `Status`, `Reset`
or `Silence`.
Knows nothing of the package's code.
"""

import asyncio
import json
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

SIGNATURE = "c2lnbmVk"
"""With what Anthropic signs a thought; it must come back as it was."""


@dataclass(frozen=True)
class Seen:
    """A request as it arrived; `index` counts from 0."""

    index: int
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass(frozen=True)
class Say:
    """Answer with this reply, in the format (and stream) the request asks for.

    `tools` are (id, name, arguments) with arguments as a JSON text. `finish` is OpenAI's word or
    Anthropic's, whatever the path needs. `thought` is what the model thinks before it answers.
    """

    text: str = "ok"
    finish: str = ""
    tools: tuple[tuple[str, str, str], ...] = ()
    refusal: str = ""
    prompt_tokens: int = 10
    completion_tokens: int = 5
    cached_tokens: int = 0
    stored_tokens: int = 0
    after_s: float = 0.0
    thought: str = ""
    reasoning_tokens: int = 0


@dataclass(frozen=True)
class Changed:
    """Answer with this reply after `how` has changed its JSON, of a stream that of each event."""

    say: Say
    how: Callable[[Any], Any]


@dataclass(frozen=True)
class Status:
    """Answer with an HTTP error."""

    code: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reset:
    """Break the connection: at once, or in the middle of the reply (also of a streamed one)."""

    midway: bool = False


@dataclass(frozen=True)
class Silence:
    """Accept the request and never answer."""


Action = Say | Changed | Status | Reset | Silence
Script = Callable[[Seen], Action]
Models = dict[str, Any] | str | Status | Silence
"""What `/v1/models` answers: JSON, a web page, an error, or nothing at all."""


class Loopback:
    """The server; `async with Loopback(script) as server`, then `server.url`."""

    def __init__(self, script: Script | None = None, port: int = 0) -> None:
        self.script: Script = script or (lambda _: Say())
        self.seen: list[Seen] = []
        self.metrics = ""
        self.models: Models | None = None
        self.listed: list[dict[str, str]] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self._port = port
        self._over = asyncio.Event()
        self._arrived = asyncio.Condition()

    async def __aenter__(self) -> "Loopback":
        app = web.Application()
        app.router.add_post("/{path:.*}", self._post)
        app.router.add_get("/metrics", self._get_metrics)
        for place in ("/models{tail:/?}{name:.*}", "/v1/models{tail:/?}{name:.*}"):
            app.router.add_get(place, self._get_models)
        app.router.add_get("/{path:.*}", self._get)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        self._socket = socket.create_server(("127.0.0.1", self._port))
        self._port = self._socket.getsockname()[1]
        await web.SockSite(self._runner, self._socket).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._over.set()
        await self._runner.cleanup()

    def left(self) -> bool:
        """Whether every client has gone, so that whatever was sent has been seen."""
        assert self._runner.server
        return not self._runner.server.connections

    @property
    def url(self) -> str:
        """The base URL for OpenAI's SDK; Anthropic's wants `root`."""
        return f"{self.root}/v1"

    @property
    def root(self) -> str:
        """The URL without a path."""
        return f"http://127.0.0.1:{self._port}"

    async def until(self, requests: int) -> None:
        """Wait until so many requests have arrived in all."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: len(self.seen) >= requests)

    async def _get(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def _get_models(self, request: web.Request) -> web.StreamResponse:
        """Answer with `models`, and a list's entry by its name; `listed` has who asked for it."""
        self.listed.append(dict(request.headers))
        name, models = request.match_info["name"], self.models
        if request.path.startswith("/v1/") and isinstance(models, dict):
            if not name:
                return web.json_response(models)
            for model in models["data"]:
                if name in (model["id"], model.get("alias")):
                    return web.json_response(model)
        match models:
            case str():
                return web.Response(text=models, content_type="text/html")
            case Status(code, body):
                return web.json_response(body, status=code)
            case Silence():
                await self._over.wait()
        return web.json_response({"detail": "Not Found"}, status=404)

    async def _get_metrics(self, _: web.Request) -> web.Response:
        return web.Response(text=self.metrics)

    async def _post(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        seen = Seen(len(self.seen), request.path, dict(request.headers), body)
        self.seen.append(seen)
        async with self._arrived:
            self._arrived.notify_all()
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            return await self._act(self.script(seen), seen, request)
        finally:
            self.in_flight -= 1

    async def _act(self, action: Action, seen: Seen, request: web.Request) -> web.StreamResponse:
        match action:
            case Say():
                await asyncio.sleep(action.after_s)
                if seen.body.get("stream"):
                    return await _send_events(request, _events(seen, action))
                return web.json_response(_answer(seen, action))
            case Changed():
                if seen.body.get("stream"):
                    events = _events(seen, action.say)
                    changed = [(name, _change(data, action.how)) for name, data in events]
                    return await _send_events(request, changed)
                return web.json_response(action.how(_answer(seen, action.say)))
            case Status():
                if isinstance(action.body, str):
                    return web.Response(
                        status=action.code, text=action.body, headers=action.headers
                    )
                return web.json_response(action.body, status=action.code, headers=action.headers)
            case Reset(midway=True) if seen.body.get("stream"):
                await _send_events(request, _events(seen, Say("half a reply"))[:2], abort=True)
            case Reset(midway=True):
                response = web.StreamResponse(headers={"content-type": "application/json"})
                response.content_length = 1000
                await response.prepare(request)
                await response.write(b'{"choices": [')
                _abort(request)
            case Reset():
                _abort(request)
            case Silence():
                await self._over.wait()
        return web.Response(status=500)


def _abort(request: web.Request) -> None:
    assert request.transport is not None
    raw = request.transport.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    request.transport.abort()


async def _send_events(
    request: web.Request, events: list[tuple[str, Any]], *, abort: bool = False
) -> web.StreamResponse:
    response = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await response.prepare(request)
    for name, data in events:
        line = f"event: {name}\n" if name else ""
        text = data if isinstance(data, str) else json.dumps(data)
        await response.write(f"{line}data: {text}\n\n".encode())
    if abort:
        await asyncio.sleep(0.05)
        _abort(request)
    return response


def _change(data: Any, how: Callable[[Any], Any]) -> Any:
    return data if isinstance(data, str) else how(data)


def _answer(seen: Seen, say: Say) -> dict[str, Any]:
    if seen.path.endswith("/messages"):
        return _anthropic_answer(seen, say)
    choice: dict[str, Any] = {"index": 0, "finish_reason": say.finish or "stop"}
    if seen.path.endswith("/chat/completions"):
        choice["message"] = {
            "role": "assistant",
            "content": say.text,
            "refusal": say.refusal or None,
            "tool_calls": [_openai_tool(tool) for tool in say.tools],
        }
        if say.thought:
            choice["message"]["reasoning_content"] = say.thought
    else:
        choice["text"] = say.text
    model = seen.body["model"]
    return {"id": "x", "model": model, "choices": [choice], "usage": _openai_usage(say)}


def _openai_tool(tool: tuple[str, str, str]) -> dict[str, Any]:
    return {"id": tool[0], "type": "function", "function": {"name": tool[1], "arguments": tool[2]}}


def _openai_usage(say: Say) -> dict[str, Any]:
    usage: dict[str, Any] = {
        "prompt_tokens": say.prompt_tokens,
        "completion_tokens": say.completion_tokens,
        "total_tokens": say.prompt_tokens + say.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": say.cached_tokens},
    }
    if say.reasoning_tokens:
        usage["completion_tokens_details"] = {"reasoning_tokens": say.reasoning_tokens}
    return usage


def _anthropic_answer(seen: Seen, say: Say) -> dict[str, Any]:
    content: list[dict[str, Any]] = []
    if say.thought:
        content.append({"type": "thinking", "thinking": say.thought, "signature": SIGNATURE})
    content += [{"type": "text", "text": say.text}] if say.text else []
    content += [
        {"type": "tool_use", "id": tool[0], "name": tool[1], "input": json.loads(tool[2])}
        for tool in say.tools
    ]
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": seen.body["model"],
        "content": content,
        "stop_reason": say.finish or "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": say.prompt_tokens,
            "output_tokens": say.completion_tokens,
            "cache_read_input_tokens": say.cached_tokens,
            "cache_creation_input_tokens": say.stored_tokens,
            "output_tokens_details": _thinking(say),
        },
    }


def _thinking(say: Say) -> dict[str, int] | None:
    return {"thinking_tokens": say.reasoning_tokens} if say.reasoning_tokens else None


def _events(seen: Seen, say: Say) -> list[tuple[str, Any]]:
    if seen.path.endswith("/messages"):
        return _anthropic_events(seen, say)
    chat = seen.path.endswith("/chat/completions")

    def chunk(finish: str | None = None, **delta: Any) -> tuple[str, Any]:
        choice = {"index": 0, "delta": delta} if chat else {"index": 0, **delta}
        return "", {"model": seen.body["model"], "choices": [choice | {"finish_reason": finish}]}

    half = len(say.text) // 2
    name = "content" if chat else "text"
    events = [chunk(reasoning_content=part) for part in (say.thought[:3], say.thought[3:]) if part]
    events += [chunk(**{name: say.text[:half]}), chunk(**{name: say.text[half:]})]
    for index, tool in enumerate(say.tools):
        first = _openai_tool((tool[0], tool[1], tool[2][:3])) | {"index": index}
        rest = {"index": index, "function": {"arguments": tool[2][3:]}}
        events += [chunk(tool_calls=[first]), chunk(tool_calls=[rest])]
    events += [
        chunk(say.finish or "stop"),
        ("", {"model": seen.body["model"], "choices": [], "usage": _openai_usage(say)}),
        ("", "[DONE]"),
    ]
    return events


def _anthropic_events(seen: Seen, say: Say) -> list[tuple[str, Any]]:
    whole = _anthropic_answer(seen, say)
    blocks, stop = whole["content"], whole["stop_reason"]
    started = whole | {"content": [], "stop_reason": None}
    events: list[Any] = [{"type": "message_start", "message": started}]
    for index, block in enumerate(blocks):
        if block["type"] == "text":
            begin = {"type": "text", "text": ""}
            deltas = [{"type": "text_delta", "text": block["text"]}]
        elif block["type"] == "thinking":
            begin = block | {"thinking": "", "signature": ""}
            deltas = [
                {"type": "thinking_delta", "thinking": block["thinking"]},
                {"type": "signature_delta", "signature": block["signature"]},
            ]
        else:
            begin = block | {"input": {}}
            deltas = [{"type": "input_json_delta", "partial_json": json.dumps(block["input"])}]
        events += [
            {"type": "content_block_start", "index": index, "content_block": begin},
            *({"type": "content_block_delta", "index": index, "delta": d} for d in deltas),
            {"type": "content_block_stop", "index": index},
        ]
    events += [
        {
            "type": "message_delta",
            "delta": {"stop_reason": stop, "stop_sequence": None},
            "usage": {
                "output_tokens": say.completion_tokens,
                "output_tokens_details": _thinking(say),
            },
        },
        {"type": "message_stop"},
    ]
    return [(event["type"], event) for event in events]
