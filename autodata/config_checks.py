"""What settings must mean together, once each of them alone is valid.

Knows nothing of files: it finds mistakes, and `config_file` says where they are.
"""

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from itertools import chain
from typing import NamedTuple

from autodata.config import ROLES, Config, ModelConfig

USERS = {
    "base_url": ("openai", "anthropic", "vllm", "local"),
    "slots": ("local",),
    "context": ("local",),
    "threads": ("local",),
    "gpus": ("vllm",),
    "replicas": ("vllm",),
    "tensor_parallel": ("vllm",),
    "args": ("vllm",),
    "python": ("vllm",),
    "script": ("scripted",),
}
"""The providers that look at a setting; all others would ignore it without a word."""

_ADDRESS = "autodata picks the address; for one of your own start vLLM yourself and give base_url"
_NAME = "give the name or folder in `model`"
OURS = {
    "--model": _NAME,
    "--served-model-name": _NAME,
    "--host": _ADDRESS,
    "--port": _ADDRESS,
    "--uds": _ADDRESS,
    "--tensor-parallel-size": "set `tensor_parallel`",
    "-tp": "set `tensor_parallel`",
}
"""The options of vLLM that autodata sets itself, and what to do instead."""


class Mistake(NamedTuple):
    """A setting that cannot be meant: its keys from the top, what is wrong, and the fix."""

    path: tuple[str, ...]
    problem: str
    fix: str


def mistakes(config: Config, environment: Mapping[str, str]) -> Iterator[Mistake]:
    """Find what is wrong, the most telling first."""
    models = (_model(name, model) for name, model in config.models.items())
    return chain(_roles(config), *models, _keys(config, environment))


def _roles(config: Config) -> Iterator[Mistake]:
    for role, settings in config.roles.items():
        if role not in ROLES:
            yield Mistake(("roles", role), f"unknown role 'roles.{role}'", _nearest_role(role))
        if settings.model not in config.models:
            near = get_close_matches(settings.model, config.models, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"add models.{settings.model}"
            problem = f"roles.{role}.model: no model is named {settings.model!r}"
            yield Mistake(("roles", role, "model"), problem, hint)
    for role in _needed_roles(config):
        if role not in config.roles:
            fix = f"add `{role}: {{model: ...}}` under roles"
            yield Mistake(("roles",), f"roles.{role} is missing", fix)
    for role in config.budget.roles:
        if role not in ROLES:
            path = ("budget", "roles", role)
            yield Mistake(path, f"unknown role 'budget.roles.{role}'", _nearest_role(role))


def _nearest_role(role: str) -> str:
    near = get_close_matches(role, ROLES, 1)
    return f"did you mean {near[0]!r}?" if near else f"roles: {', '.join(ROLES)}"


def _needed_roles(config: Config) -> list[str]:
    needed = ["weak", "strong"]
    if config.protocol.domain == "research":
        needed += ["main", "challenger", "verifier", "judge"]
    if config.optimize.proposer != "knobs":
        needed += ["analyzer", "implementer"]
    return needed


def _model(name: str, model: ModelConfig) -> Iterator[Mistake]:
    def mistake(field: str, problem: str, fix: str) -> Mistake:
        return Mistake(("models", name, field), f"models.{name}.{field}{problem}", fix)

    unset = ModelConfig(provider=model.provider)
    for field, users in USERS.items():
        if model.provider not in users and getattr(model, field) != getattr(unset, field):
            fix = f"take it out, or set provider: {' or '.join(users)}"
            yield mistake(field, f": provider {model.provider} has no use for it", fix)
    for url in model.urls if model.base_url else []:
        if not re.match(r"https?://[^/\s]", url):
            fix = "write the whole of it, such as http://127.0.0.1:8000/v1"
            yield mistake("base_url", f": {url!r} does not begin with http:// or https://", fix)
    if model.model == unset.model and _must_be_named(model):
        yield mistake("model", " is missing", f"add models.{name}.model")
    for flag in sorted(model.flags):
        # argparse takes the beginning of an option for the option
        ours = [option for option in OURS if option.startswith(flag) and len(flag) > 2]
        if ours:
            yield mistake("args", f": {flag} is not to be set here", OURS[ours[0]])
    if model.served:
        for problem, fix in _gpus(model):
            yield mistake("gpus", problem, fix)


def _must_be_named(model: ModelConfig) -> bool:
    """Some OpenAI-compatible servers have one model and do not care about its name."""
    if model.provider == "openai":
        return not model.base_url
    return model.provider in ("anthropic", "vllm", "local")


def _gpus(model: ModelConfig) -> Iterator[tuple[str, str]]:
    for gpu in model.gpus:
        if not re.fullmatch(r"\d+|(GPU|MIG)-\S+", gpu):
            yield f": {gpu!r} is no GPU", "write numbers or ids as nvidia-smi -L shows them"
        if model.gpus.count(gpu) > 1:
            yield f": {gpu} is there twice", "list each GPU once"
    listed, needed = len(model.gpus), model.replicas * model.tensor_parallel
    if listed not in (0, needed):
        problem = f": {listed} listed, but replicas x tensor_parallel is {needed}"
        fix = f"for one server over all of them set tensor_parallel: {listed}, for one on each "
        yield problem, fix + f"replicas: {listed}"


def _keys(config: Config, environment: Mapping[str, str]) -> Iterator[Mistake]:
    for name, model in config.used.items():
        key = model.api_key_env
        if key and not environment.get(key):
            problem = f"models.{name}.api_key_env: the environment has no {key}"
            yield Mistake(("models", name, "api_key_env"), problem, f"export {key}=...")
