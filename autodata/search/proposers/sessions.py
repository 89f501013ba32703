"""A working session of a model: it calls tools until it hands in what it was asked for.

It hands in by the tool `finish`, whose arguments are the result: no further call is made for it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import BaseModel, ValidationError

from autodata.episode.agent import in_words
from autodata.episode.roles import Asking
from autodata.errors import HarnessError
from autodata.models.base import Message, Request, Tool, ToolCall
from autodata.models.structured import json_in, reply_schema
from autodata.types import Json

Shape = TypeVar("Shape", bound=BaseModel)
Result = TypeVar("Result")

SESSION_TURNS = 12
HAND_INS = 3
"""Results that are handed in and turned down before a session comes to nothing."""
FINISH = "finish"


def finish_tool(shape: type[BaseModel]) -> Tool:
    """Return the tool by which a result of this shape is handed in."""
    return Tool(FINISH, "Hand in your result; this ends the session.", reply_schema(shape))


@dataclass(slots=True)
class Session(Generic[Shape, Result]):
    """One session: who is asked and where, for a result of which shape.

    `tools` are those it may use beside `finish`, and `answer` answers them. `accept` makes of what
    is handed in what is wanted, or raises HarnessError, which the model is told so that it mends
    it.
    """

    asking: Asking
    role: str
    ordinal: str
    shape: type[Shape]
    tools: tuple[Tool, ...]
    answer: Callable[[ToolCall], Awaitable[str]]
    accept: Callable[[Shape], Awaitable[Result]]
    turned_down: int = 0

    async def run(self, *opening: Message) -> Result:
        """Let the model work; return what was accepted.

        Raises:
            HarnessError: every result was turned down.
            Malformed, Truncated, Refused, ContextTooLong, CallFailed: a reply was of no use.
        """
        messages = list(opening)
        tools = (*self.tools, finish_tool(self.shape))
        for turn in range(SESSION_TURNS):
            request = Request(messages=tuple(messages), tools=tools, again=True)
            site = self.asking.at(self.role, f"{self.ordinal}.{turn}")
            reply = await self.asking.call(site, request)
            messages.append(
                Message("assistant", reply.text, reply.tool_calls, thinking=reply.thinking)
            )
            if not reply.tool_calls:
                handed_in = _object_in(reply.text)
                if handed_in is None:
                    break
                found = await self._hand_in(handed_in)
                if not isinstance(found, str):
                    return found
                messages.append(Message("user", found))
            for call in reply.tool_calls:
                if call.name == FINISH:
                    found = await self._hand_in(call.arguments)
                    if not isinstance(found, str):
                        return found
                else:
                    found = await self.answer(call)
                messages.append(Message("tool", found, (), call.id))
        return await self._close(messages)

    async def _hand_in(self, result: Json) -> Result | str:
        """Return what is made of a result, or what is wrong with it."""
        try:
            return await self.accept(self.shape.model_validate(result))
        except ValidationError as error:
            first = error.errors()[0]
            problem = f"{'.'.join(map(str, first['loc'])) or 'all of it'}: {first['msg']}"
        except HarnessError as error:
            problem = error.problem
        self.turned_down += 1
        if self.turned_down >= HAND_INS:
            raise HarnessError(f"what the {self.role} hands in is not valid: {problem}", "mend it")
        return f"That is not valid: {problem}. Call `{FINISH}` with all of it again, mended."

    async def _close(self, messages: list[Message]) -> Result:
        """Ask for the result by its schema: of a model that does not call `finish` itself."""
        closing = Message("user", "Now hand in your result, as JSON of the schema.")
        messages = [*in_words((*messages, closing))]
        while True:
            request = Request(messages=tuple(messages))
            place = f"{self.ordinal}.result" + (f".{self.turned_down}" if self.turned_down else "")
            reply = await self.asking.structured(self.role, place, request, self.shape)
            found = await self._hand_in(reply.model_dump(mode="json"))
            if not isinstance(found, str):
                return found
            messages += [Message("assistant", reply.model_dump_json()), Message("user", found)]


def _object_in(text: str) -> Json | None:
    """Return the JSON object of a reply in words, or None where it is none."""
    try:
        found = json_in(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
