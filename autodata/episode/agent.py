"""The agent loop: a model calls tools on the document until it answers or its turns are up."""

import json
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from autodata.episode.roles import Asking, sampling
from autodata.models.base import Message, Reply, Request, Tool, ToolCall
from autodata.types import Document

PAGE_CHARS = 12_000
"""Characters of a page; where a conversation does not fit its model, pages get smaller."""
CONTEXT_CHARS = 400
MOST_HITS = 5

TOOLS = (
    Tool(
        "read",
        "Read a page of the document from an offset; the answer says where the next page begins.",
        {
            "type": "object",
            "properties": {"offset": {"type": "integer", "minimum": 0}},
            "required": ["offset"],
            "additionalProperties": False,
        },
    ),
    Tool(
        "find",
        f"Find a phrase in the document: up to {MOST_HITS} places, each with the text around it.",
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
    asking: Asking, document: Document, base: Request, turns: int, ordinal: str, cuts: int = 0
) -> str:
    """Let the main model work with the document's tools; return its last text.

    Its task is in `base`; each of the `cuts` halves the pages of the document.
    """
    page = PAGE_CHARS >> cuts

    async def ask(turn: str, request: Request) -> Reply:
        place = f"{ordinal}.{turn}"
        return await asking.call(asking.at("main", place), sampling(asking, "main", place, request))

    async def answer(call: ToolCall) -> str:
        return answer_tool(document, call, page)

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


def answer_tool(document: Document, call: ToolCall, page: int = PAGE_CHARS) -> str:
    """Return a tool's answer; a wrong call is answered with what is wrong, never raised."""
    text = document.text
    if call.name == "read":
        offset = call.arguments.get("offset", 0)
        if not isinstance(offset, int) or not 0 <= offset < len(text):
            return f"error: offset must be a whole number from 0 to {len(text) - 1}"
        end = _page_end(text, offset, page)
        more = f"the next page begins at {end}" if end < len(text) else "the document ends here"
        return f"{text[offset:end]}\n[{offset} to {end} of {len(text)} characters; {more}]"
    if call.name == "find":
        phrase = call.arguments.get("phrase")
        if not isinstance(phrase, str) or len(phrase.strip()) < 2:
            return "error: phrase must be text of at least 2 characters"
        return _find(text, phrase)
    return f"error: no tool is named {call.name!r}; tools: {', '.join(t.name for t in TOOLS)}"


def _page_end(text: str, offset: int, page: int) -> int:
    """Return where a page ends: after a line, else a word, if one ends in its second half."""
    end = offset + page
    if end >= len(text):
        return len(text)
    half = offset + page // 2
    cut = max(text.rfind("\n", half, end), -1)
    if cut < 0:
        cut = text.rfind(" ", half, end)
    return cut + 1 if cut >= 0 else end


def _find(text: str, phrase: str) -> str:
    """Show the places of a phrase, those that lie near each other as one."""
    wanted = r"\s+".join(re.escape(word) for word in phrase.split())
    spans: list[tuple[int, int]] = []
    for hit in re.finditer(wanted, text, re.IGNORECASE):
        start, end = max(0, hit.start() - CONTEXT_CHARS), hit.end() + CONTEXT_CHARS
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], end)
        elif len(spans) == MOST_HITS:
            spans.append((start, end))
            break
        else:
            spans.append((start, end))
    shown = [f"[from offset {start}] ...{text[start:end]}..." for start, end in spans[:MOST_HITS]]
    more = ["[there are more places]"] * (len(spans) > MOST_HITS)
    return "\n\n".join(shown + more) or "not found"
