"""autodata.yaml: what it may say, and one clear error for everything it may not.

Knows names and numbers only; what they refer to (models, harnesses, presets) is built in `wiring`.
"""

import os
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from autodata.errors import ConfigurationError

Positive = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=0)]
Amount = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(gt=0, lt=1)]
PROVIDERS = ("openai", "anthropic", "vllm", "local", "simulated", "scripted")
ROLES = (
    "main",
    "challenger",
    "verifier",
    "weak",
    "strong",
    "judge",
    "analyzer",
    "implementer",
)


class Section(BaseModel):
    """A part of the configuration; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


class SplitSizes(Section):
    """How many documents each split gets."""

    train: Positive = 16
    validation: Positive = 40
    test: Positive = 60


class Documents(Section):
    """Where documents come from and how they are dealt."""

    source: str = Field("pydoc", description="a folder, a .jsonl file, or the built-in `pydoc`")
    chunk_chars: Count = Field(0, description="cut texts into pieces of about this size; 0: don't")
    min_chars: Count = Field(0, description="leave shorter texts out; 0: keep all")
    splits: SplitSizes = SplitSizes()
    seed: int = 0


class Price(Section):
    """Dollars per million tokens."""

    input: Amount = 0.0
    output: Amount = 0.0
    cached_input: Amount | None = None


class ModelConfig(Section):
    """One endpoint. Which fields matter depends on the provider."""

    provider: Literal["openai", "anthropic", "vllm", "local", "simulated", "scripted"]
    model: str = "default"
    base_url: str | list[str] = Field("", description="one address, or several replicas")
    api_key_env: str = Field("", description="name of the environment variable with the key")
    api: Literal["chat", "completions"] = "chat"
    structured: Literal["schema", "json", "none"] = "schema"
    concurrency: Positive = Field(32, description="most calls in flight")
    connect_s: Amount = 10.0
    first_token_s: Amount = Field(0.0, description="deadline of the first token; 0: only total_s")
    total_s: Amount = Field(600.0, description="deadline of one call, whatever it does")
    max_tokens: Count = Field(0, description="reply limit where a role sets none; 0: provider's")
    price: Price | None = None
    slots: Positive = Field(8, description="local: parallel sequences")
    context: Positive = Field(1024, description="local: tokens per slot")
    threads: Count = Field(0, description="local: CPU threads; 0: all cores")
    gpus: list[int] = Field(default_factory=list, description="vllm: devices; empty: all")
    replicas: Positive = 1
    tensor_parallel: Positive = 1
    args: list[str] = Field(default_factory=list, description="vllm: extra server arguments")
    python: str = Field("", description="vllm: the Python that has vllm; empty: this one")
    script: str = Field("", description="scripted: a JSON file of replies")


class RoleConfig(Section):
    """Which model plays a role, and how it is asked."""

    model: str
    mode: Literal["plain", "privileged", "majority"] = "plain"
    majority: Positive = Field(1, description="answers per attempt in mode `majority`")
    temperature: Amount | None = None
    max_tokens: Count = 0
    total_s: Amount = Field(0.0, description="deadline of one call; 0: the model's")


class Protocol(Section):
    """What a harness may not change."""

    domain: Literal["cloze", "research"] = "research"
    acceptance: str = "deployed"
    numbers: dict[str, float | int | bool | None] = Field(
        default_factory=dict, description="single numbers of the preset, replaced"
    )
    max_rounds: Positive = Field(6, description="examples tried per episode")
    max_calls: Positive = Field(500, description="model calls per episode")
    min_context_chars: Count = Field(200, description="research: shortest context accepted")


class Optimize(Section):
    """How the search goes about it."""

    proposer: Literal["knobs", "llm", "mix"] = "knobs"
    iterations: Positive = 10
    parallel: Positive = 2
    episodes: Count = Field(0, description="the whole search and certification; 0: no bound")
    minibatch: Count = 8
    selection: str = "thompson"
    temperature: Annotated[float, Field(gt=0)] = 0.1
    objective: Literal["pass_rate", "pass_rate_per_cost"] = "pass_rate"
    alpha: Share = Field(0.05, description="chance of certifying a harness that is no better")
    finalists: Positive = 1
    test_repeats: Count = Field(0, description="runs per test document; 0: what episodes allow")
    max_prompt_chars: Count = Field(20_000, description="longest prompts together; 0: no bound")


class Budget(Section):
    """When to stop; 0 means no bound."""

    calls: Count = 0
    prompt_tokens: Count = 0
    completion_tokens: Count = 0
    usd: Amount = 0.0
    gpu_seconds: Amount = 0.0
    hours: Amount = 0.0
    roles: dict[str, "Budget"] = Field(default_factory=dict, description="the same, per role")
    pause_hours: Amount = Field(6.0, description="wait this long for a dead endpoint")


class Config(Section):
    """The whole of autodata.yaml."""

    harness: str = "lambada"
    documents: Documents = Documents()
    models: dict[str, ModelConfig]
    roles: dict[str, RoleConfig]
    protocol: Protocol = Protocol()
    optimize: Optimize = Optimize()
    budget: Budget = Budget()

    @property
    def simulated(self) -> bool:
        """True when any model is simulated or scripted: nothing here is about real models."""
        used = {role.model for role in self.roles.values()}
        return any(self.models[name].provider in ("simulated", "scripted") for name in used)


def load_config(
    text: str, file: str, settings: list[str], environment: Mapping[str, str] | None = None
) -> Config:
    """Read a configuration, apply `--set key=value` settings, and check it as a whole.

    Raises:
        ConfigurationError: names file, line, field and fix of the first thing that is wrong.
    """
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{file}, line {mark.line + 1}" if mark else file
        problem = getattr(error, "problem", None) or "not YAML"
        raise ConfigurationError(f"{place}: {problem}", "mend the YAML there") from error
    if not isinstance(data, dict):
        raise ConfigurationError(f"{file} holds no settings", "start from `autodata init`")
    for setting in settings:
        _apply(data, setting)
    try:
        config = Config.model_validate(data)
    except ValidationError as error:
        raise _explain(error, file, node) from None
    _check_references(config, file, node, os.environ if environment is None else environment)
    return config


def _apply(data: dict[str, Any], setting: str) -> None:
    key, equals, value = setting.partition("=")
    if not equals:
        raise ConfigurationError(f"--set {setting}: no value", "write --set key=value")
    *parents, last = key.strip().split(".")
    target = data
    for part in parents:
        target = target.setdefault(part, {})
        if not isinstance(target, dict):
            raise ConfigurationError(f"--set {key}: {part} is no section", "check the key")
    try:
        target[last] = yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise ConfigurationError(f"--set {setting}: not a YAML value", "quote it") from error


def _explain(error: ValidationError, file: str, node: yaml.Node | None) -> ConfigurationError:
    first = error.errors()[0]
    path = [str(part) for part in first["loc"]]
    field = ".".join(path)
    place = _place(file, node, path)
    if first["type"] == "extra_forbidden":
        known = _known_keys(path[:-1])
        near = get_close_matches(path[-1], known, 1)
        fix = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(known)}"
        return ConfigurationError(f"{place}: unknown key {field!r}", fix)
    if first["type"] == "missing":
        return ConfigurationError(f"{place}: {field} is missing", f"add {field}")
    shown = repr(first["input"]) if not isinstance(first["input"], dict) else "a section"
    message = first["msg"][0].lower() + first["msg"][1:]
    return ConfigurationError(f"{place}: {field}: {shown}: {message}", f"change {field}")


def _known_keys(path: list[str]) -> list[str]:
    """Field names of the section at `path`, walking through dictionaries of sections."""
    section: Any = Config
    for part in path:
        if isinstance(section, type) and issubclass(section, BaseModel):
            annotation = section.model_fields[part].annotation
            inner = [a for a in getattr(annotation, "__args__", ()) if a is not type(None)]
            section = annotation
            if inner:
                section = inner[-1]
                if getattr(annotation, "__origin__", None) is dict:
                    section = {"*": inner[-1]}
        elif isinstance(section, dict):
            section = section["*"]
    if isinstance(section, type) and issubclass(section, BaseModel):
        return list(section.model_fields)
    return []


def _place(file: str, node: yaml.Node | None, path: list[str]) -> str:
    """File and line of the deepest part of `path` that the YAML has."""
    line = node.start_mark.line if node else 0
    for part in path:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == part:
                    line, node = key.start_mark.line, value
                    break
            else:
                break
        elif isinstance(node, yaml.SequenceNode) and part.isdigit():
            node = node.value[int(part)]
            line = node.start_mark.line
    return f"{file}, line {line + 1}"


def _check_references(
    config: Config, file: str, node: yaml.Node | None, environment: Mapping[str, str]
) -> None:
    for role, settings in config.roles.items():
        place = _place(file, node, ["roles", role])
        if role not in ROLES:
            near = get_close_matches(role, ROLES, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"roles: {', '.join(ROLES)}"
            raise ConfigurationError(f"{place}: unknown role {role!r}", hint)
        if settings.model not in config.models:
            near = get_close_matches(settings.model, config.models, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"add models.{settings.model}"
            raise ConfigurationError(
                f"{place}: roles.{role}.model: no model is named {settings.model!r}", hint
            )
    for role in _needed_roles(config):
        if role not in config.roles:
            raise ConfigurationError(
                f"{_place(file, node, ['roles'])}: roles.{role} is missing",
                f"add `{role}: {{model: ...}}` under roles",
            )
    for role in config.budget.roles:
        if role not in ROLES:
            raise ConfigurationError(
                f"{_place(file, node, ['budget', 'roles', role])}: unknown role {role!r}",
                f"roles: {', '.join(ROLES)}",
            )
    for name in sorted({role.model for role in config.roles.values()}):
        key = config.models[name].api_key_env
        if key and not environment.get(key):
            place = _place(file, node, ["models", name, "api_key_env"])
            raise ConfigurationError(
                f"{place}: models.{name}.api_key_env: the environment has no {key}",
                f"export {key}=...",
            )


def _needed_roles(config: Config) -> list[str]:
    needed = ["weak", "strong"]
    if config.protocol.domain == "research":
        needed += ["main", "challenger", "verifier", "judge"]
    if config.optimize.proposer != "knobs":
        needed += ["analyzer", "implementer"]
    return needed


def read_config_file(path: Path) -> str:
    """Return a configuration file's text.

    Raises:
        ConfigurationError: it is not there or cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}", "check -c FILE") from error
