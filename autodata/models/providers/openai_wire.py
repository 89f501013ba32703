"""The OpenAI wire format: requests to JSON bodies, JSON answers and streams to replies.

What a server sent is not trusted to have any shape.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Literal

from autodata.models.base import FinishReason, Message, Reply, Request, Tool, ToolCall
from autodata.types import Json

Structured = Literal["schema", "json", "none"]

_CHARS_PER_TOKEN = 4
MOST_TOKENS = 2**53
"""Larger counts are no counts, and would not fit a table."""

# Arguments of a tool call that are no JSON object arrive under this name, so that the tool refuses
# them in words the model can read.
UNPARSED = "_unparsed"

# Where servers put what a model thought: DeepSeek, llama.cpp and older vLLM; newer vLLM and others.
_THOUGHTS = ("reasoning_content", "reasoning")

_FINISH: dict[str, FinishReason] = {
    "stop": "stop",
    "eos": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "refused",
}


def request_body(request: Request, model: str, structured: Structured, token_field: str) -> Json:
    """Build the body for `chat/completions`, or for `completions` from a raw prompt."""
    body: Json = {"model": model}
    if request.messages:
        body["messages"] = [_message(message) for message in request.messages]
    else:
        body["prompt"] = request.prompt
    if request.schema is not None:
        _constrain(body, request, structured)
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
    if request.max_tokens:
        body[token_field if request.messages else "max_tokens"] = request.max_tokens
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.seed is not None:
        body["seed"] = request.seed
    if request.stop:
        body["stop"] = list(request.stop)
    return body | (request.extra or {})


def read_reply(data: Any, request: Request) -> Reply:
    """Read the answer to a chat, or to a raw prompt; tokens that it does not count are estimated.

    Raises:
        ValueError: it is not an answer; says what is missing.
    """
    raw = not request.messages
    choice = _first(_object(data).get("choices"))
    message: Json = {"content": choice.get("text")} if raw else _object(choice.get("message"))
    said = choice.get("finish_reason")
    if said not in _FINISH:  # such as vLLM's abort: nobody knows whether the reply is whole
        raise ValueError(f"finish_reason {json.dumps(said)}")
    calls = tuple(_tool_call(call) for call in _list(message.get("tool_calls")))
    finish = _FINISH[said]
    text = message.get("content") or ""
    if message.get("refusal"):
        finish, text = "refused", str(message["refusal"])
    elif calls and finish == "stop":
        finish = "tool_calls"
    usage = _part(data, "usage")
    thoughts = {
        name: said for name in _THOUGHTS if isinstance(said := message.get(name), str) and said
    }
    reply = Reply(
        text=text if isinstance(text, str) else "",
        finish=finish,
        tool_calls=calls,
        cached_tokens=count(_part(usage, "prompt_tokens_details").get("cached_tokens")),
        reasoning_tokens=count(_part(usage, "completion_tokens_details").get("reasoning_tokens")),
        model=str(data.get("model") or ""),
        thinking=(thoughts,) if thoughts else (),
    )
    return counted(reply, request, usage.get("prompt_tokens"), usage.get("completion_tokens"))


def counted(reply: Reply, request: Request, prompt: Any, completion: Any) -> Reply:
    """Put the numbers of tokens into a reply; one that the server left out is estimated.

    Where there is nothing but thinking it took all tokens. It is kept where the server wants it
    back, which is with the results of tools.
    """
    output = _estimate(_said(reply)) if completion is None else count(completion)
    nothing_else = reply.thinking and not (reply.text or reply.tool_calls)
    thought = reply.reasoning_tokens or (output if nothing_else else 0)
    return replace(
        reply,
        prompt_tokens=_estimate(_sent(request)) if prompt is None else count(prompt),
        completion_tokens=output,
        reasoning_tokens=min(thought, output),
        thinking=reply.thinking if reply.tool_calls else (),
    )


def count(value: Any) -> int:
    """Read a number of tokens; 0 for what is none."""
    plain = isinstance(value, int) and not isinstance(value, bool)
    return value if plain and 0 < value <= MOST_TOKENS else 0


def said_something(chunk: Any) -> bool:
    """Whether a stream's chunk carries anything the model generated."""
    choices = chunk.get("choices") if isinstance(chunk, dict) else None
    for choice in _list(choices):
        delta = choice.get("delta") if isinstance(choice, dict) else None
        if isinstance(delta, dict) and any(v for k, v in delta.items() if k != "role"):
            return True
        if isinstance(choice, dict) and (choice.get("text") or choice.get("finish_reason")):
            return True
    return False


def join_chunks(chunks: Iterable[Any], *, raw: bool) -> Json:
    """Put a stream's chunks together to the answer that would have come without streaming."""
    text: list[str] = []
    refusal: list[str] = []
    thoughts: dict[str, str] = dict.fromkeys(_THOUGHTS, "")
    calls: dict[int, list[Json]] = {}
    joined: Json = {"usage": None, "model": "", "choices": []}
    finish = None
    for chunk in chunks:
        data = _object(chunk)
        joined["model"] = data.get("model") or joined["model"]
        joined["usage"] = data.get("usage") or joined["usage"]
        for choice in _list(data.get("choices")):
            finish = _object(choice).get("finish_reason") or finish
            delta = choice if raw else choice.get("delta") or {}
            text.append(delta.get("text" if raw else "content") or "")
            refusal.append(delta.get("refusal") or "")
            for name in _THOUGHTS:
                thoughts[name] += delta.get(name) or ""
            for call in _list(delta.get("tool_calls")):
                _join_call(calls, _object(call))
    message = {
        "content": "".join(text),
        "refusal": "".join(refusal),
        "tool_calls": [call for index in sorted(calls) for call in calls[index]],
        **thoughts,
    }
    joined["choices"] = [{"message": message, "text": "".join(text), "finish_reason": finish}]
    return joined


def schema_words(schema: Json) -> str:
    """Return the instruction for a server that cannot constrain the reply to a schema."""
    return (
        "Answer with one JSON object and nothing else. It must fit this JSON schema:\n"
        + json.dumps(schema, ensure_ascii=False)
    )


def _constrain(body: Json, request: Request, structured: Structured) -> None:
    if structured == "schema":
        schema = {"name": request.schema_name or "reply", "schema": request.schema, "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
        return
    if structured == "json":
        body["response_format"] = {"type": "json_object"}
    words = schema_words(request.schema or {})
    if request.messages:
        body["messages"].append({"role": "user", "content": words})
    else:
        body["prompt"] += f"\n\n{words}\n"


def _message(message: Message) -> Json:
    if message.role == "tool":
        return {"role": "tool", "tool_call_id": message.tool_call_id, "content": message.content}
    data: Json = {"role": message.role, "content": message.content}
    if message.tool_calls:
        data["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": json.dumps(call.arguments)},
            }
            for call in message.tool_calls
        ]
        for thought in message.thinking:
            data |= thought
    return data


def _tool(tool: Tool) -> Json:
    function = {
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters,
    }
    return {"type": "function", "function": function}


def _tool_call(call: Any) -> ToolCall:
    data = _object(call)
    function = _object(data.get("function"))
    said = function.get("arguments") or "{}"
    try:
        arguments = json.loads(said) if isinstance(said, str) else said
    except (ValueError, RecursionError):
        arguments = None
    if not isinstance(arguments, dict):
        arguments = {UNPARSED: str(said)}
    return ToolCall(str(data.get("id") or ""), str(function.get("name") or ""), arguments)


def _join_call(calls: dict[int, list[Json]], part: Json) -> None:
    """Put a part of a tool call to those of its index; another id there begins another call."""
    same = calls.setdefault(count(part.get("index")), [])
    called = part.get("id")
    if not same or (called and same[-1]["id"] and called != same[-1]["id"]):
        same.append({"id": "", "function": {"name": "", "arguments": ""}})
    call, function = same[-1], _object(part.get("function") or {})
    call["id"] = called or call["id"]
    call["function"]["name"] += function.get("name") or ""
    call["function"]["arguments"] += function.get("arguments") or ""


def _part(data: Json, name: str) -> Json:
    part = data.get(name)
    return part if isinstance(part, dict) else {}


def _object(value: Any) -> Json:
    if not isinstance(value, dict):
        raise ValueError(f"not an object where one belongs: {json.dumps(value)}")
    return value


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _first(value: Any) -> Json:
    if not isinstance(value, list) or not value:
        raise ValueError("no choices")
    return _object(value[0])


def _sent(request: Request) -> Iterator[str]:
    yield request.prompt
    yield from (message.content for message in request.messages)
    calls = (call for message in request.messages for call in message.tool_calls)
    yield from (json.dumps(call.arguments) for call in calls)
    yield from (json.dumps(part) for message in request.messages for part in message.thinking)
    yield from (json.dumps(_tool(tool)) for tool in request.tools)
    if request.schema:
        yield json.dumps(request.schema)


def _said(reply: Reply) -> Iterator[str]:
    yield reply.text
    yield from (str(text) for part in reply.thinking for text in part.values())
    yield from (call.name + json.dumps(call.arguments) for call in reply.tool_calls)


def _estimate(texts: Iterable[str]) -> int:
    """One token per 4 characters, at least one unless there is nothing."""
    return -(-sum(map(len, texts)) // _CHARS_PER_TOKEN)
