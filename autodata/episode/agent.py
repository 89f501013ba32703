"""The agent loop: a model calls tools on the document until it answers or its turns are up."""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from autodata.episode.roles import Asking, sampling
from autodata.models.base import Message, Reply, Request, Tool, ToolCall
from autodata.types import Document

PAGE_CHARS = 4000
CONTEXT_CHARS = 400
MOST_HITS = 5

TOOLS = (
    Tool(
        "read",
        f"Read {PAGE_CHARS} characters of the document from an offset.",
        {
            "type": "object",
            "properties": {"offset": {"type": "integer", "minimum": 0}},
            "required": ["offset"],
            "additionalProperties": False,
        },
    ),
    Tool(
        "find",
        f"Find a phrase in the document: up to {MOST_HITS} places with the text around each.",
        {
            "type": "object",
            "properties": {"phrase": {"type": "string", "minLength": 2}},
            "required": ["phrase"],
            "additionalProperties": False,
        },
    ),
)


async def converse(
    ask: Callable[[str, Request], Awaitable[Reply]],
    base: Request,
    tools: tuple[Tool, ...],
    answer: Callable[[ToolCall], Awaitable[str]],
    turns: int,
) -> tuple[Message, ...]:
    """Let a model call tools until it answers in text or its turns are up; return the exchange.

    `ask` makes one call under an ordinal; `base` holds the opening messages and settings. When the
    turns are up the exchange ends with a plain request to answer.
    """
    messages = list(base.messages)
    for turn in range(turns):
        request = replace(base, messages=tuple(messages), tools=tools, again=True)
        reply = await ask(str(turn), request)
        said = Message("assistant", reply.text, reply.tool_calls, thinking=reply.thinking)
        messages.append(said)
        if not reply.tool_calls:
            return tuple(messages)
        for call in reply.tool_calls:
            messages.append(Message("tool", await answer(call), (), call.id))
    messages.append(Message("user", "Your turns are up. Answer now with what you have."))
    return tuple(messages)


async def run_agent(
    asking: Asking, document: Document, system: str, task: str, turns: int, ordinal: str
) -> str:
    """Let the main model work on a task with the document's tools; return its last text."""
    base = Request(messages=(Message("system", system), Message("user", task)))

    async def ask(turn: str, request: Request) -> Reply:
        place = f"{ordinal}.{turn}"
        return await asking.call(asking.at("main", place), sampling(asking, "main", place, request))

    async def answer(call: ToolCall) -> str:
        return answer_tool(document, call)

    messages = await converse(ask, base, TOOLS, answer, turns)
    if messages[-1].role == "assistant":
        return messages[-1].content
    return (await ask("last", replace(base, messages=in_words(messages)))).text


def in_words(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Return an exchange without tool calls, turns alternating: what was called stands in words.

    Servers refuse a request that holds tool calls and offers no tools, or grammar with tools.
    """
    turns: list[Message] = []
    for message in messages:
        role = "user" if message.role == "tool" else message.role
        calls = [f"[{call.name} {json.dumps(call.arguments)}]" for call in message.tool_calls]
        content = "\n".join([*([message.content] if message.content else []), *calls])
        if turns and turns[-1].role == role:
            content = f"{turns.pop().content}\n\n{content}"
        turns.append(Message(role, content))
    return tuple(turns)


def answer_tool(document: Document, call: ToolCall) -> str:
    """Return a tool's answer; a wrong call is answered with what is wrong, never raised."""
    text = document.text
    if call.name == "read":
        offset = call.arguments.get("offset", 0)
        if not isinstance(offset, int) or not 0 <= offset < len(text):
            return f"error: offset must be a whole number from 0 to {len(text) - 1}"
        more = len(text) - offset - PAGE_CHARS
        rest = f"\n[{more} more characters]" if more > 0 else ""
        return text[offset : offset + PAGE_CHARS] + rest
    if call.name == "find":
        phrase = call.arguments.get("phrase")
        if not isinstance(phrase, str) or len(phrase) < 2:
            return "error: phrase must be text of at least 2 characters"
        return _find(text, phrase)
    return f"error: no tool is named {call.name!r}; tools: {', '.join(t.name for t in TOOLS)}"


def _find(text: str, phrase: str) -> str:
    lower, at, hits = text.lower(), -1, list[str]()
    while len(hits) < MOST_HITS and (at := lower.find(phrase.lower(), at + 1)) >= 0:
        start = max(0, at - CONTEXT_CHARS)
        hits.append(f"[offset {at}] ...{text[start : at + len(phrase) + CONTEXT_CHARS]}...")
    return "\n\n".join(hits) or "not found"
