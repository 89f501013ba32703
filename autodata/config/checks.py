"""Cross-field validation of a configuration: what settings must satisfy together."""

import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from ipaddress import ip_address
from itertools import chain
from typing import Any
from urllib.parse import urlsplit

from autodata.config import plugins
from autodata.config.schema import ROLES, Config, ModelConfig, Shaping
from autodata.config.shaping import SHAPERS, Mistake, shaping, together
from autodata.errors import ConfigurationError

USERS = {
    "base_url": ("openai", "anthropic", "vllm", "local"),
    "ready_s": ("local", "vllm"),
    "slots": ("local",),
    "context": ("local",),
    "threads": ("local",),
    "gpus": ("vllm",),
    "replicas": ("vllm",),
    "tensor_parallel": ("vllm",),
    "args": ("vllm",),
    "python": ("vllm",),
    "script": ("scripted",),
    **SHAPERS,
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


VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")  # others may name variables, too, but could be keys
_URL = re.compile(r"https?://([\w.-]+|\[[0-9A-Fa-f:]+\])(:\d+)?(/[^\s?#@]*)?")
_NUMBERS = re.compile(r"[\d.]+|.*:.*")


def mistakes(config: Config, environment: Mapping[str, str]) -> Iterator[Mistake]:
    """Find what is wrong, the most telling first."""
    found, wrong = _found(config)
    raw = "domain" in found and found["domain"].raw_prompts
    models = (_model(name, model) for name, model in config.models.items())
    asked = (
        chain(
            shaping(("roles", name), role, config.models[role.model]), together(config, name, raw)
        )
        for name, role in config.roles.items()
        if role.model in config.models
    )
    needed = ["weak", "strong", *(role for made in found.values() for role in made.roles)]
    return chain(wrong, _roles(config, needed), *models, *asked, _keys(config, environment))


def _roles(config: Config, needed: Iterable[str]) -> Iterator[Mistake]:
    for role, settings in config.roles.items():
        if role not in ROLES:
            yield Mistake(("roles", role), f"unknown role 'roles.{role}'", _nearest_role(role))
        if settings.model not in config.models:
            near = get_close_matches(settings.model, config.models, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"add models.{settings.model}"
            problem = f"roles.{role}.model: no model is named {settings.model!r}"
            yield Mistake(("roles", role, "model"), problem, hint)
        elif config.models[settings.model].provider == "anthropic" and (
            settings.warmth is not None
        ):
            problem = f"roles.{role}.temperature: Anthropic's API takes no temperature"
            fix = "leave it out: every role then samples at the API's own"
            yield Mistake(("roles", role, "temperature"), problem, fix)
    for role in needed:
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


def _found(config: Config) -> tuple[dict[plugins.Kind, Any], list[Mistake]]:
    """Return the domain and the proposer that are configured, and what is wrong with them."""
    names: dict[plugins.Kind, str] = {
        "domain": config.protocol.domain,
        "proposer": config.optimize.proposer,
    }
    found, wrong = dict[plugins.Kind, Any](), list[Mistake]()
    for kind, name in names.items():
        try:
            found[kind] = plugins.find(kind, name).made
        except ConfigurationError as error:
            path = tuple(plugins.SETTINGS[kind].split("."))
            wrong.append(Mistake(path, error.problem, error.fix))
    return found, wrong


def _model(name: str, model: ModelConfig) -> Iterator[Mistake]:
    def mistake(field: str, problem: str, fix: str) -> Mistake:
        return Mistake(("models", name, field), f"models.{name}.{field}{problem}", fix)

    unset = ModelConfig(provider=model.provider)
    for field, users in USERS.items():
        if model.provider not in users and getattr(model, field) != getattr(unset, field):
            fix = f"take it out, or set provider: {' or '.join(users)}"
            yield mistake(field, f": provider {model.provider} has no use for it", fix)
    yield from shaping(("models", name), model, model)
    if model.base_url and not all(_is_address(url) for url in model.urls):
        fix = "write it like http://host:8000/v1; a key goes into the environment variable that "
        yield mistake("base_url", " is no address of a server", f"{fix}api_key_env names")
    if model.base_url and model.replicas not in (1, len(model.urls)):
        addresses = f"{len(model.urls)} address{'es' if len(model.urls) > 1 else ''}"
        problem = f" is {model.replicas}, and base_url has {addresses}"
        fix = "list the addresses of all replicas in base_url, or take replicas out"
        yield mistake("replicas", problem, fix)
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


def _is_address(url: str) -> bool:
    """Say whether a URL is protocol, host, port and path, and nothing else."""
    if not _URL.fullmatch(url):
        return False
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        return (parts.port is None or parts.port > 0) and (
            not _NUMBERS.fullmatch(host) or bool(ip_address(host))
        )
    except ValueError:  # a port too high, or numbers that are no address
        return False


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
    """Look at keys and headers; quote neither them nor what could be one in the wrong place."""
    for name, model in config.used.items():
        path: tuple[str, ...] = ("models", name, "api_key_env")
        if variable := model.api_key_env:
            yield from _variable(path, variable, "key", environment)
    shaped: list[tuple[str, str, Shaping]] = [("models", *item) for item in config.used.items()]
    shaped += [("roles", *item) for item in config.roles.items()]
    for section, name, settings in shaped:
        for header, value in settings.headers.items():
            path = (section, name, "headers", header, "env")
            yield from _variable(path, value.env, "header", environment)


def _variable(
    path: tuple[str, ...], variable: str, kind: str, environment: Mapping[str, str]
) -> Iterator[Mistake]:
    example, thing = ("OPENAI_API_KEY", "key") if kind == "key" else ("TEAM", "value")
    value = environment.get(variable, "").strip()
    if not value and not VARIABLE.fullmatch(variable):
        problem = f" names no environment variable (is it the {thing} itself?)"
        fix = f"export the {thing}, as in {example}=..., and write {example} here"
    elif not value:
        problem, fix = f": the environment has no {variable}", f"export {variable}=..."
    elif not (value.isascii() and value.isprintable()):
        problem = f": the value of {variable} has characters that no {kind} has"
        fix = f"export {variable}=... again, in plain letters"
    else:
        return
    yield Mistake(path, f"{'.'.join(path)}{problem}", fix)
