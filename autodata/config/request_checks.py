"""What a model or a role puts into requests, and what is autodata's own to put there.

Knows nothing of files and of the environment; `config.checks` asks it.
"""

import math
import re
from collections.abc import Iterator
from typing import NamedTuple

from autodata.config.providers.base import ModelConfig
from autodata.config.providers.table import takers
from autodata.config.schema import Config
from autodata.config.shaping import Shaped

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


def request_mistakes(
    at: tuple[str, str], settings: Shaped, model: ModelConfig
) -> Iterator[Mistake]:
    """Look at what a model or a role of it puts into requests."""

    def mistake(path: tuple[str, ...], problem: str, fix: str) -> Mistake:
        return Mistake((*at, *path), ".".join((*at, *path)) + problem, fix)

    for field in settings.shape:
        unset = getattr(settings, field) in (None, {})
        if field not in model.shape and not unset:
            fix = f"take it out, or give the role a model of {' or '.join(takers(field))}"
            yield mistake((field,), f": provider {model.provider} has no use for it", fix)
    for name, value in settings.extra.items():
        path = ("extra_body", name)
        ours = name == "temperature" and model.takes_temperature
        if ours or name in OURS_IN_BODY:
            fix = OURS_IN_BODY.get(name, "set `temperature` of the role")
            yield mistake(path, " is not to be set here", fix)
        elif name in model.shape:
            yield mistake(path, " has a key of its own", f"set {'.'.join(at)}.{name}")
        elif PRIVATE.search(name):
            fix = "send it by headers, from an environment variable"
            yield mistake(path, ": extra_body is kept with the run, so it is no place for it", fix)
        elif not _is_json(value):
            yield mistake(path, " is no JSON value, which a request's body is made of", "quote it")
    for name in settings.header_variables:
        if not _HEADER.fullmatch(name):
            fix = "write letters, digits and dashes, as in X-Team"
            yield mistake(("headers",), ": one of the names is no header's", fix)
        elif name.lower() in OURS_IN_HEADERS:
            fix = OURS_IN_HEADERS[name.lower()]
            yield mistake(("headers", name), " is not to be set here", fix)
    thinking = getattr(settings, "thinking", None) if "thinking" in model.shape else None
    if thinking:
        given = thinking.budget_tokens is not None
        if given != (thinking.type == "enabled"):
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


def mistakes_together(
    config: Config, seat: tuple[str, str], raw_prompts: bool
) -> Iterator[Mistake]:
    """Look at what a role's settings come to with a model's that plays it: role and model by name.

    `raw_prompts` says that the domain asks solvers with `api: completions` by raw prompts.
    """
    name, player = seat
    role, model = config.roles[name], config.models[player]

    def mistake(field: str, problem: str, fix: str) -> Mistake:
        at = ("roles", name) if getattr(role, field) is not None else ("models", player)
        path = (*at, field)
        return Mistake(path, f"{'.'.join(path)}{problem}", fix)

    for fault in model.faults_with(role):
        fix = fault.fix.format(role=f"roles.{name}", model=f"models.{player}")
        yield mistake(fault.field, fault.problem, fix)
    if model.api == "completions" and name in ("weak", "strong") and raw_prompts:
        body = model.body | role.body
        for field in ("reasoning_effort", "service_tier"):
            if field in body:
                problem = ": raw prompts (api: completions) take none"
                yield mistake(field, problem, f"take it out, or set models.{player}.api: chat")
