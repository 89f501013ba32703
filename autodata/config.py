"""autodata.yaml: what it may say.

Knows names and numbers only; what they refer to (models, harnesses, presets) is built in `wiring`,
and reading the file is `config_file`'s.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError


def _number(value: Any) -> Any:
    """Let through what may be a number; pydantic takes `true` for 1."""
    if isinstance(value, bool):
        raise PydanticCustomError("number", "input should be a number")
    return value


Whole = Annotated[int, BeforeValidator(_number)]
Number = Annotated[float, BeforeValidator(_number)]
Positive = Annotated[Whole, Field(ge=1)]
Count = Annotated[Whole, Field(ge=0)]
Amount = Annotated[Number, Field(ge=0)]
Seconds = Annotated[Number, Field(gt=0)]
Share = Annotated[Number, Field(gt=0, lt=1)]
Word = Annotated[str, Field(coerce_numbers_to_str=True)]
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
    strict: bool = Field(
        False, description="no run where a text is left out or cut; else it is told"
    )
    splits: SplitSizes = SplitSizes()
    seed: Whole = 0


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
    connect_s: Seconds = Field(10.0, description="deadline of the connection")
    first_token_s: Amount = Field(
        0.0, description="deadline of the first token, which streams; 0: the whole reply's"
    )
    total_s: Seconds = Field(600.0, description="deadline of the whole reply")
    max_tokens: Count = Field(0, description="reply limit where a role sets none; 0: provider's")
    price: Price | None = None
    ready_s: Amount = Field(
        0.0, description="local, vllm: deadline of getting ready; 0: 120 s for local, 1800 for vllm"
    )
    slots: Positive = Field(8, description="local: parallel sequences")
    context: Positive = Field(1024, description="local: tokens per slot")
    threads: Count = Field(0, description="local: CPU threads; 0: all cores")
    gpus: list[Word] = Field(default_factory=list, description="vllm: numbers or ids; empty: dealt")
    replicas: Positive = 1
    tensor_parallel: Positive = 1
    args: list[Word] = Field(default_factory=list, description="vllm: extra server arguments")
    python: str = Field("", description="vllm: the Python that has vllm, if not this one")
    script: str = Field("", description="scripted: a JSON file of replies")

    @property
    def served(self) -> bool:
        """True when autodata starts a server for it."""
        return self.provider in ("local", "vllm") and not self.base_url

    @property
    def urls(self) -> list[str]:
        """The addresses in `base_url`; one that is empty when there is none."""
        return [self.base_url] if isinstance(self.base_url, str) else self.base_url

    @property
    def flags(self) -> set[str]:
        """The options that `args` sets, spelled with dashes."""
        named = (arg.split("=")[0] for arg in self.args if arg.startswith("-"))
        return {flag.replace("_", "-") for flag in named}


class RoleConfig(Section):
    """Which model plays a role, and how it is asked."""

    model: str
    mode: Literal["plain", "privileged", "majority"] = "plain"
    majority: Positive = Field(1, description="answers per attempt in mode `majority`")
    temperature: Amount | None = None
    max_tokens: Count = 0
    connect_s: Amount = Field(0.0, description="deadlines as the model's; 0: just those")
    first_token_s: Amount = 0.0
    total_s: Amount = 0.0


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
    temperature: Annotated[Number, Field(gt=0)] = 0.1
    objective: Literal["pass_rate", "pass_rate_per_cost"] = "pass_rate"
    alpha: Share = Field(0.05, description="chance of certifying a harness that is no better")
    finalists: Positive = 1
    test_repeats: Count = Field(0, description="runs per test document; 0: what episodes allow")
    max_prompt_chars: Count = Field(20_000, description="longest prompts together; 0: no bound")


class RoleBudget(Section):
    """When to stop; 0 means no bound."""

    calls: Count = 0
    prompt_tokens: Count = 0
    completion_tokens: Count = 0
    usd: Amount = 0.0
    gpu_seconds: Amount = Field(0.0, description="seconds by GPUs of vLLM models")
    hours: Amount = Field(0.0, description="of work; for a role: with a call of it under way")


class Budget(RoleBudget):
    """When to stop the whole run, by all roles together or by one; 0 means no bound."""

    roles: dict[str, RoleBudget] = Field(default_factory=dict, description="the same, per role")
    pause_hours: Amount = Field(6.0, description="wait this long for a dead endpoint; 0: for ever")


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
    def used(self) -> dict[str, ModelConfig]:
        """The models that play a role, in the order of the file."""
        names = {role.model for role in self.roles.values()}
        return {name: model for name, model in self.models.items() if name in names}

    @property
    def simulated(self) -> bool:
        """True when any model is simulated or scripted: nothing here is about real models."""
        return any(model.provider in ("simulated", "scripted") for model in self.used.values())
