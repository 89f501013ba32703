"""The model interfaces: `Model` (one request in, one reply out) and `Caller` (calls by role).

Each provider is a module of its own behind `Model`; retries and journal lie above it.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, Protocol

from autodata.types import EpisodeKey, Json, Spend, is_null

FinishReason = Literal["stop", "length", "tool_calls", "refused"]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A model's wish to call a tool; `arguments` is a JSON object."""

    id: str
    name: str
    arguments: Json


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that a model may call; `parameters` is a JSON schema of an object."""

    name: str
    description: str
    parameters: Json


@dataclass(frozen=True, slots=True)
class Message:
    """One turn. `tool` messages answer the call `tool_call_id`; see `Reply` for `thinking`."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    thinking: tuple[Json, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """Everything that decides a reply: chat `messages`, or a raw `prompt` to be continued.

    `schema` (a JSON schema, named `schema_name`) constrains the reply where the server can; callers
    validate always. `seed` is sent where the server knows seeds. `max_tokens` 0 means the
    endpoint's default. `extra` is what else the configuration puts into the body. The last two
    decide nothing: `again` says that the same prompt, or one that begins with it, will be sent
    soon, so that a cache pays where one has to be asked for; `headers` are pairs of a header's
    name and the environment variable with its value, which no request holds.
    """

    messages: tuple[Message, ...] = ()
    prompt: str = ""
    schema: Json | None = None
    schema_name: str = ""
    tools: tuple[Tool, ...] = ()
    temperature: float | None = None
    max_tokens: int = 0
    stop: tuple[str, ...] = ()
    seed: int | None = None
    extra: Json | None = None
    again: bool = field(default=False, compare=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), compare=False)

    def to_json(self) -> Json:
        """Return everything that decides the reply as plain JSON, without unset fields."""
        data: Json = {}
        if self.messages:
            data["messages"] = [_message_json(message) for message in self.messages]
        for name in ("prompt", "schema", "schema_name", "temperature", "max_tokens", "seed"):
            value = getattr(self, name)
            if value is not None and value != self.__dataclass_fields__[name].default:
                data[name] = value
        if self.tools:
            data["tools"] = [asdict(tool) for tool in self.tools]
        if self.stop:
            data["stop"] = list(self.stop)
        if self.extra:
            data["extra"] = self.extra
        return data


@dataclass(frozen=True, slots=True)
class Reply:
    """The reply to a request. `finish` is `length` when the text is incomplete.

    Of the prompt tokens the server took `cached_tokens` from its cache and put `stored_tokens`
    there at a higher price; `seconds` is wall time. Of the completion tokens `reasoning_tokens`
    went into thinking, where the server says so; what was thought is no part of `text`. `thinking`
    is what the server wants back, as it came, with the results of `tool_calls`. `earlier` is what
    a truncated reply cost that this one stands in for; it has a record of its own.
    """

    text: str
    finish: FinishReason = "stop"
    tool_calls: tuple[ToolCall, ...] = ()
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    model: str = ""
    seconds: float = 0.0
    cost_usd: float = 0.0
    stored_tokens: int = 0
    reasoning_tokens: int = 0
    thinking: tuple[Json, ...] = ()
    earlier: Spend = field(default=Spend(), compare=False)

    def to_json(self) -> Json:
        """The reply as plain JSON for the journal; without thinking as it was before there was."""
        data: Json = {name: getattr(self, name) for name in _REPLY_FIELDS}
        data["tool_calls"] = [asdict(call) for call in self.tool_calls]
        if self.reasoning_tokens:
            data["reasoning_tokens"] = self.reasoning_tokens
        if self.thinking:
            data["thinking"] = list(self.thinking)
        return data

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "Reply":
        """Read back what `to_json` wrote."""
        calls = tuple(ToolCall(**call) for call in data.get("tool_calls", ()))
        thinking = tuple(data.get("thinking", ()))
        return Reply(**{**data, "tool_calls": calls, "thinking": thinking})

    def whole(self) -> "Reply":
        """Return the reply without lone surrogates, which no server takes and no file holds.

        Arguments of a tool that are too deeply nested to be looked through are left out.
        """
        calls = []
        for call in self.tool_calls:
            try:
                arguments = whole(call.arguments)
            except RecursionError:
                arguments = {}
            calls.append(ToolCall(whole(call.id), whole(call.name), arguments))
        thinking = tuple(whole([*self.thinking]))
        return replace(self, text=whole(self.text), tool_calls=tuple(calls), thinking=thinking)

    @property
    def spend(self) -> Spend:
        """The cost of this reply."""
        own = Spend(1, self.prompt_tokens, self.completion_tokens, self.cost_usd, self.seconds)
        return self.earlier + own


def whole(value: Any) -> Any:
    """Put U+FFFD for every lone surrogate in JSON data; a model may have written one."""
    if isinstance(value, str):
        return value if value.isascii() else _LONE.sub("\N{REPLACEMENT CHARACTER}", value)
    if isinstance(value, dict):
        return {whole(name): whole(inner) for name, inner in value.items()}
    return [whole(inner) for inner in value] if isinstance(value, list) else value


_LONE = re.compile("[\ud800-\udfff]")
_REPLY_FIELDS = [
    name
    for name in Reply.__dataclass_fields__
    if name not in ("earlier", "reasoning_tokens", "thinking")
]


def _message_json(message: Message) -> Json:
    """Turn a message into JSON; by hand, since `asdict` copies deeply and calls are many."""
    data: Json = {
        "role": message.role,
        "content": message.content,
        "tool_calls": [asdict(call) for call in message.tool_calls],
        "tool_call_id": message.tool_call_id,
    }
    if message.thinking:
        data["thinking"] = list(message.thinking)
    return data


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds until a connection stands, the first token is there, and the whole reply is.

    With `first_token_s` 0 the reply is asked for in one piece: its first token is its last. To
    watch for the first token a reply is streamed, which costs CPU time for every token.
    """

    connect_s: float = 10.0
    first_token_s: float = 0.0
    total_s: float = 600.0


USUAL = Deadlines()


class Model(Protocol):
    """One endpoint that answers requests.

    `complete` makes exactly one try and raises a `ProviderError`; it keeps the first two deadlines.
    Whoever calls it owns the third, retries, concurrency and budgets. It may be called
    concurrently and must be cancellable. `close` releases connections.
    """

    async def complete(self, request: Request, deadlines: Deadlines = USUAL) -> Reply: ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Site:
    """The place of a call in a run: its identity, and what tables show of it.

    `ordinal` is the call's path inside its episode or iteration, such as `r2.weak.1`. `turn` says
    how many steps and rounds of its episode had asked this role before: it deals a role that
    several models play.
    """

    role: str
    ordinal: str
    tree: str = ""
    document_id: str = ""
    split: str = ""
    repeat: int = 0
    candidate_id: str = field(default="", compare=False)
    commit: str = field(default="", compare=False)
    turn: int = field(default=0, compare=False)

    @property
    def episode(self) -> EpisodeKey | None:
        """The episode that a call belongs to, if it does."""
        if not self.document_id:
            return None
        return EpisodeKey(self.tree, self.document_id, self.repeat)


@dataclass(frozen=True, slots=True)
class Place:
    """The place of an episode or iteration in a run, where each of its calls has a site."""

    tree: str = ""
    document_id: str = ""
    split: str = ""
    repeat: int = 0
    candidate_id: str = ""
    commit: str = ""

    @property
    def null(self) -> bool:
        """Whether the strong role plays both solvers here."""
        return is_null(self.repeat)

    def site(self, role: str, ordinal: str) -> Site:
        """Return the site of a role's call."""
        return Site(
            role,
            ordinal,
            self.tree,
            self.document_id,
            self.split,
            self.repeat,
            self.candidate_id,
            self.commit,
        )


CheckReply = Callable[[str], str]
"""Says what is wrong with a reply's text, or nothing."""


class Caller(Protocol):
    """Answers calls by role: journaled answers at once, new ones through limits and budgets.

    A reply that does not pass `check` is journaled as `Malformed`, and returned all the same.

    Raises:
        Unavailable: the endpoint stayed down through all retries; not evidence.
        AuthenticationFailed, RequestRejected, ContextTooLong, Truncated, Refused: see `errors`.
        BudgetSpent: nothing was sent.
    """

    async def call(
        self, site: Site, request: Request, check: CheckReply | None = None
    ) -> Reply: ...


def call_key(site: Site, endpoint: str, model: str, request: Request) -> str:
    """Return the stable key under which a call's answer is journaled.

    Covers role, endpoint, model, full request, harness tree, document, repeat and ordinal, so an
    equal key means that the same code would ask the same thing in the same place.
    """
    place = [site.role, site.ordinal, site.tree, site.document_id, site.repeat, endpoint, model]
    text = json.dumps([place, request.to_json()], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]
