"""Request parameters of models and roles (`top_p`, `thinking` ...), and their validation."""

import math
import re
from collections.abc import Iterator
from typing import NamedTuple

from autodata.config.schema import ANTHROPIC_TOKENS, Config, ModelConfig, Shaping

SHAPERS = {
    "top_p": ("openai", "vllm", "local"),
    "frequency_penalty": ("openai", "vllm", "local"),
    "presence_penalty": ("openai", "vllm", "local"),
    "reasoning_effort": ("openai", "anthropic", "vllm", "local"),
    "thinking": ("anthropic",),
    "service_tier": ("openai", "anthropic"),
    "extra_body": ("openai", "anthropic", "vllm", "local"),
    "headers": ("openai", "anthropic", "vllm", "local"),
}
"""The providers that take what shapes a request."""

_SAMPLES = "set how many samples are drawn in protocol.numbers"
OURS_IN_BODY = {
    "model": "set `model`",
    "max_tokens": "set `max_tokens`",
    "max_completion_tokens": "set `max_tokens`",
    "n": _SAMPLES,
    "best_of": _SAMPLES,
    "stream": "set `first_token_s`: above 0 a reply is streamed",
    "stream_options": "set `first_token_s`: above 0 a reply is streamed",
    "response_format": "set `structured`",
    "output_config": "set `structured` and `reasoning_effort`",
    **dict.fromkeys(("messages", "prompt", "system", "echo", "suffix"), "take it out"),
    **dict.fromkeys(("seed", "stop", "stop_sequences", "cache_control"), "take it out"),
    **dict.fromkeys(("tools", "tool_choice", "functions", "function_call"), "take it out"),
}
"""What autodata puts into a request's body itself, and what to do instead."""
OURS_IN_HEADERS = {
    "authorization": "name the key's environment variable in api_key_env",
    "x-api-key": "name the key's environment variable in api_key_env",
    **dict.fromkeys(("accept", "accept-encoding", "connection", "host"), "take it out"),
    **dict.fromkeys(("content-length", "content-type", "transfer-encoding"), "take it out"),
}
"""The headers that are sent anyway, and what to do instead."""

_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
PRIVATE = re.compile(r"api_?key|secret|passw|credential|authorization|token$", re.IGNORECASE)


class Mistake(NamedTuple):
    """A setting that cannot be meant: its keys from the top, what is wrong, and the fix."""

    path: tuple[str, ...]
    problem: str
    fix: str


def shaping(at: tuple[str, str], settings: Shaping, model: ModelConfig) -> Iterator[Mistake]:
    """Look at what a model or a role of it puts into requests."""

    def mistake(path: tuple[str, ...], problem: str, fix: str) -> Mistake:
        return Mistake((*at, *path), ".".join((*at, *path)) + problem, fix)

    provider = model.provider
    for field in Shaping.model_fields:
        unset = getattr(settings, field) in (None, {})
        if provider not in SHAPERS[field] and not unset and settings is not model:
            fix = f"take it out, or give the role a model of {' or '.join(SHAPERS[field])}"
            yield mistake((field,), f": provider {provider} has no use for it", fix)
    for name, value in settings.extra_body.items():
        path = ("extra_body", name)
        ours = name == "temperature" and provider != "anthropic"
        if ours or name in OURS_IN_BODY:
            fix = OURS_IN_BODY.get(name, "set `temperature` of the role")
            yield mistake(path, " is not to be set here", fix)
        elif provider in SHAPERS.get(name, ()):
            yield mistake(path, " has a key of its own", f"set {'.'.join(at)}.{name}")
        elif PRIVATE.search(name):
            fix = "send it by headers, from an environment variable"
            yield mistake(path, ": extra_body is kept with the run, so it is no place for it", fix)
        elif not _is_json(value):
            yield mistake(path, " is no JSON value, which a request's body is made of", "quote it")
    for name in settings.headers:
        if not _HEADER.fullmatch(name):
            fix = "write letters, digits and dashes, as in X-Team"
            yield mistake(("headers",), ": one of the names is no header's", fix)
        elif name.lower() in OURS_IN_HEADERS:
            fix = OURS_IN_HEADERS[name.lower()]
            yield mistake(("headers", name), " is not to be set here", fix)
    if settings.thinking and provider == "anthropic":
        given = settings.thinking.budget_tokens is not None
        if given != (settings.thinking.type == "enabled"):
            problem = " goes with type: enabled, and only with that"
            fix = "take it out" if given else "add it, such as budget_tokens: 2000"
            yield mistake(("thinking", "budget_tokens"), problem, fix)


def _is_json(value: object) -> bool:
    if isinstance(value, list):
        return all(map(_is_json, value))
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_json(inner) for key, inner in value.items())
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, str | int)


def together(config: Config, name: str, raw_prompts: bool) -> Iterator[Mistake]:
    """Look at what a role's settings come to with its model's.

    `raw_prompts` says that the domain asks solvers with `api: completions` by raw prompts.
    """
    role = config.roles[name]
    model = config.models[role.model]

    def mistake(field: str, problem: str, fix: str) -> Mistake:
        at = ("roles", name) if getattr(role, field) else ("models", role.model)
        path = (*at, field)
        return Mistake(path, f"{'.'.join(path)}{problem}", fix)

    body = model.body | role.body
    effort = body.get("reasoning_effort")
    if model.provider == "anthropic":
        thinking = role.thinking or model.thinking
        if effort in ("none", "minimal"):
            fix = "set low, medium, high, xhigh or max; thinking: {type: disabled} ends it"
            yield mistake("reasoning_effort", f": Anthropic's API knows no {effort!r}", fix)
        if thinking and thinking.type != "disabled" and model.structured == "json":
            problem = ": structured: json forces a tool, which no model does that thinks"
            yield mistake("thinking", problem, f"set models.{role.model}.structured: schema")
        limit = role.max_tokens or model.max_tokens or ANTHROPIC_TOKENS
        if thinking and (thinking.budget_tokens or 0) >= limit:
            problem = f": budget_tokens is {thinking.budget_tokens}, and max_tokens {limit}"
            fix = f"set roles.{name}.max_tokens above it: thinking and answer both count there"
            yield mistake("thinking", problem, fix)
    if model.api == "completions" and name in ("weak", "strong") and raw_prompts:
        for field in ("reasoning_effort", "service_tier"):
            if field in body:
                problem = ": raw prompts (api: completions) take none"
                yield mistake(field, problem, f"take it out, or set models.{role.model}.api: chat")
