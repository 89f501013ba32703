"""Anthropic's messages format: requests to bodies, messages to replies.

Roles `system` and `tool` of our requests have other places there.
"""

import json
from typing import Any, Literal

from autodata.config.providers.anthropic import AnthropicConfig
from autodata.models.base import FinishReason, Message, Reply, Request, ToolCall
from autodata.models.providers.openai_wire import UNPARSED, count, counted, schema_words
from autodata.types import Json

FORCED = "reply"
EFFORT = "reasoning_effort"

# The blocks that say what the model thought, in words or sealed, and what they hold.
_THOUGHTS = {"thinking": ("thinking", "signature"), "redacted_thinking": ("data",)}

_FINISH: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "refused",
}


def request_body(
    request: Request, model: str, structured: Literal["schema", "json", "none"]
) -> Json:
    """Build the body of a messages request, but for what `extra_body` adds to it.

    A schema is put in as it is.
    """
    system = "\n\n".join(m.content for m in request.messages if m.role == "system")
    body: Json = {
        "model": model,
        "max_tokens": request.max_tokens or AnthropicConfig.reply_tokens,
        "messages": _turns([m for m in request.messages if m.role != "system"]),
    }
    if system:
        body["system"] = system
    if request.again:
        body["cache_control"] = {"type": "ephemeral"}  # all of this prompt, for 5 minutes
    if request.stop:
        body["stop_sequences"] = list(request.stop)
    if request.tools:
        body["tools"] = [
            {"name": tool.name, "description": tool.description, "input_schema": tool.parameters}
            for tool in request.tools
        ]
    if effort := (request.extra or {}).get(EFFORT):
        body["output_config"] = {"effort": effort}
    if request.schema is None:
        return body
    if structured == "schema":
        form = {"type": "json_schema", "schema": request.schema}
        body["output_config"] = {**body.get("output_config", {}), "format": form}
    elif structured == "json" and not request.tools:
        words = "Give the whole reply as this tool's input."
        tool = {"name": FORCED, "description": words, "input_schema": request.schema}
        body |= {"tools": [tool], "tool_choice": {"type": "tool", "name": FORCED}}
    else:
        body["system"] = f"{system}\n\n{schema_words(request.schema)}".strip()
    return body


def extra_body(request: Request) -> Json:
    """Return what the configuration adds, without what has another name and place there."""
    return {name: value for name, value in (request.extra or {}).items() if name != EFFORT}


def read_reply(message: Any, request: Request) -> Reply:
    """Read the SDK's message; tokens that it does not count are estimated.

    Raises:
        ValueError: nobody knows whether it is whole: it stopped for another reason (pause_turn).
        AttributeError, TypeError: it is no message.
    """
    if message.stop_reason not in _FINISH:
        raise ValueError(f"stop_reason {json.dumps(message.stop_reason)}")
    text: list[str] = []
    thinking: list[Json] = []
    calls: list[ToolCall] = []
    for block in message.content:
        if block.type in _THOUGHTS:
            names = ("type", *_THOUGHTS[block.type])
            thinking.append({name: str(getattr(block, name)) for name in names})
        elif block.type == "text":
            text.append(block.text)
        elif block.type == "tool_use" and block.name == FORCED:
            text.append(json.dumps(block.input, ensure_ascii=False))
        elif block.type == "tool_use":
            arguments = block.input
            if not isinstance(arguments, dict):
                arguments = {UNPARSED: str(arguments)}
            calls.append(ToolCall(str(block.id), str(block.name), arguments))
    finish = _FINISH[message.stop_reason]
    names = ("input", "output", "cache_read_input", "cache_creation_input")
    fresh, output, *of_cache = (getattr(message.usage, f"{name}_tokens", None) for name in names)
    cached, stored = map(count, of_cache)
    details = getattr(message.usage, "output_tokens_details", None)
    reply = Reply(
        text="".join(text),
        finish="stop" if finish == "tool_calls" and not calls else finish,
        tool_calls=tuple(calls),
        cached_tokens=cached,
        stored_tokens=stored,
        reasoning_tokens=count(getattr(details, "thinking_tokens", None)),
        thinking=tuple(thinking),
        model=str(message.model or ""),
    )
    whole = None if fresh is None else count(fresh) + cached + stored
    return counted(reply, request, whole, output)


def _turns(messages: list[Message]) -> list[Json]:
    turns: list[Json] = []
    for message in messages:
        role = "assistant" if message.role == "assistant" else "user"
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += _blocks(message)
        else:
            turns.append({"role": role, "content": _blocks(message)})
    return turns


def _blocks(message: Message) -> list[Json]:
    if message.role == "tool":
        answers = message.tool_call_id
        return [{"type": "tool_result", "tool_use_id": answers, "content": message.content}]
    blocks: list[Json] = list(message.thinking)
    if message.content:
        blocks.append({"type": "text", "text": message.content})
    for call in message.tool_calls:
        use = {"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments}
        blocks.append(use)
    return blocks
