"""autodata.yaml: what it may say.

Knows names and numbers only; what they refer to (models, harnesses, presets) is built in `engine`,
and reading the file is `config_file`'s.
"""

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

from autodata.config import plugins
from autodata.errors import ConfigurationError
from autodata.types import Json


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
Penalty = Annotated[Number, Field(ge=-2, le=2)]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
Word = Annotated[str, Field(coerce_numbers_to_str=True)]
ANTHROPIC_TOKENS = 4096
"""The longest reply of a model of Anthropic where nothing sets one: its API wants a number."""
PROVIDERS = ("openai", "anthropic", "vllm", "local", "simulated", "scripted")
ROLES = {
    "main": "reads the document with tools and works on what the harness asks (`run_agent`, `ask`)",
    "challenger": "writes the example: question, reference answer and rubric",
    "verifier": "checks the example, with the harness's prompt and once more with the protocol's",
    "weak": "the solver that should fail",
    "strong": "the solver that should succeed",
    "judge": "grades an answer by the rubric; never sees who wrote it",
    "analyzer": "reads what happened on training documents and says what goes wrong",
    "implementer": "edits the harness as the analyzer says",
}
"""Every role, and what whoever plays it does."""


class Section(BaseModel):
    """A part of the configuration; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


class SplitSizes(Section):
    """How many documents each split gets."""

    train: Positive = Field(16, description="the analyzer may read what happened on these")
    validation: Positive = Field(40, description="candidates are raced on these")
    test: Positive = Field(60, description="sealed: the finalists are certified on these")


class Documents(Section):
    """Where documents come from and how they are dealt."""

    source: str = Field("pydoc", description="a folder, a .jsonl file, or the built-in `pydoc`")
    chunk_chars: Count = Field(0, description="cut texts into pieces of about this size; 0: don't")
    min_chars: Count = Field(0, description="leave shorter texts out; 0: keep all")
    strict: bool = Field(
        False, description="no run where a text is left out or cut; else it is told"
    )
    splits: SplitSizes = Field(SplitSizes(), description="how many documents each split gets")
    seed: Whole = Field(0, description="deals the documents; another number, another deal")


class Price(Section):
    """Dollars per million tokens."""

    input: Amount = Field(0.0, description="of tokens sent; 0: they cost nothing")
    output: Amount = Field(0.0, description="of tokens generated; 0: they cost nothing")
    cached_input: Amount | None = Field(
        None, description="of tokens sent that the server's cache held; null: as `input`"
    )


class Header(Section):
    """Where the value of a request's header is: never in a file."""

    env: str = Field(description="name of the environment variable with the value")


class Thinking(Section):
    """How a model of Anthropic thinks before it answers."""

    type: Literal["enabled", "disabled", "adaptive", "between_tools"] = Field(
        description="`enabled` wants `budget_tokens`; which of the others a model takes is its own"
    )
    budget_tokens: Annotated[Whole, Field(ge=1024)] | None = Field(
        None, description="most tokens of thinking; fewer than `max_tokens`, which count both"
    )


class Shaping(Section):
    """What goes into every request beside its words; a role's own go before its model's."""

    top_p: Annotated[Number, Field(gt=0, le=1)] | None = Field(
        None, description="sample from the likeliest tokens of this share; null: not sent"
    )
    frequency_penalty: Penalty | None = Field(
        None, description="against tokens by how often they were used; null: not sent"
    )
    presence_penalty: Penalty | None = Field(
        None, description="against tokens that were used; null: not sent"
    )
    reasoning_effort: Effort | None = Field(
        None, description="how long it thinks before it answers; null: not sent"
    )
    thinking: Thinking | None = Field(
        None, description="how a model of Anthropic thinks before it answers; null: not sent"
    )
    service_tier: Annotated[str, Field(min_length=1)] | None = Field(
        None, description="the provider's price and speed class, such as `flex`; null: not sent"
    )
    extra_body: dict[str, Any] = Field(
        default_factory=dict,
        description="anything else for the request's body, such as `top_k` or "
        "`chat_template_kwargs`; it is kept with the run, so it is no place for keys",
    )
    headers: dict[str, Header] = Field(
        default_factory=dict, description="headers of the request: name to `{env: VARIABLE}`"
    )

    @property
    def body(self) -> Json:
        """What goes into a request's body: the settings that are set, and `extra_body`."""
        names = [name for name in Shaping.model_fields if name not in ("extra_body", "headers")]
        set_here = self.model_dump(mode="json", include={*names}, exclude_none=True)
        return {**set_here, **self.extra_body}


class ModelConfig(Shaping):
    """One endpoint. Which fields matter depends on the provider."""

    provider: Literal["openai", "anthropic", "vllm", "local", "simulated", "scripted"] = Field(
        description="`openai`: OpenAI, or any server that speaks as it does; `vllm` and `local` "
        "are served by autodata where there is no `base_url`"
    )
    model: str = Field("default", description="the model's name at the provider, or its folder")
    base_url: str | list[str] = Field(
        "", description="one address, or several replicas; empty: the provider's own"
    )
    api_key_env: str = Field("", description="name of the environment variable with the key")
    api: Literal["chat", "completions"] = Field(
        "chat", description="`completions`: a solver gets raw prompts, if its domain has any"
    )
    structured: Literal["schema", "json", "none"] = Field(
        "schema", description="how JSON is asked for: as a schema, in JSON mode, in words alone"
    )
    concurrency: Positive = Field(32, description="most calls in flight")
    connect_s: Seconds = Field(10.0, description="deadline of the connection")
    first_token_s: Amount = Field(
        0.0, description="deadline of the first token, which streams; 0: the whole reply's"
    )
    total_s: Seconds = Field(600.0, description="deadline of the whole reply")
    max_tokens: Count = Field(
        0, description="longest reply, thinking included, where a role sets none; 0: provider's"
    )
    price: Price | None = Field(
        None, description="dollars per million tokens; null: from the table that is shipped"
    )
    ready_s: Amount = Field(
        0.0, description="local, vllm: deadline of getting ready; 0: 120 s for local, 1800 for vllm"
    )
    slots: Positive = Field(8, description="local: parallel sequences")
    context: Positive = Field(1024, description="local: tokens per slot")
    threads: Count = Field(0, description="local: CPU threads; 0: all cores")
    gpus: list[Word] = Field(default_factory=list, description="vllm: numbers or ids; empty: dealt")
    replicas: Positive = Field(1, description="vllm: servers side by side")
    tensor_parallel: Positive = Field(1, description="vllm: GPUs of one server")
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


class RoleConfig(Shaping):
    """Which model plays a role, and how it is asked."""

    model: str = Field(description="its name under `models`")
    mode: Literal["plain", "privileged", "majority"] = Field(
        "plain", description="of a solver; `privileged` sees the document, `majority` votes"
    )
    majority: Positive = Field(1, description="answers per attempt in mode `majority`")
    temperature: Amount | Literal["server"] | None = Field(
        None,
        description="0: the likeliest token; `server`: not sent, as some thinking models want it; "
        "null: 1 where samples are drawn, else 0",
    )
    max_tokens: Count = Field(0, description="longest reply, thinking included; 0: the model's")
    connect_s: Amount = Field(0.0, description="deadline of the connection; 0: the model's")
    first_token_s: Amount = Field(0.0, description="deadline of the first token; 0: the model's")
    total_s: Amount = Field(0.0, description="deadline of the whole reply; 0: the model's")

    @property
    def warmth(self) -> float | None:
        """The temperature where it is a number."""
        return None if self.temperature == "server" else self.temperature


class Protocol(Section):
    """What a harness may not change."""

    domain: str = Field("research", description=plugins.described("domain"))
    acceptance: str = Field("deployed", description="when an example is accepted: a preset")
    numbers: dict[str, float | int | bool | None] = Field(
        default_factory=dict, description="single numbers of the preset, replaced"
    )
    max_rounds: Positive = Field(6, description="examples tried per episode")
    max_calls: Positive = Field(500, description="model calls per episode")


class Optimize(Section):
    """How the search goes about it."""

    proposer: str = Field("knobs", description=plugins.described("proposer"))
    iterations: Positive = Field(10, description="edits that are tried")
    parallel: Positive = Field(2, description="iterations under way at a time")
    episodes: Count = Field(0, description="the whole search and certification; 0: no bound")
    minibatch: Count = Field(
        8, description="training documents the analyzer reads per iteration; 0: none"
    )
    selection: str = Field(
        "thompson", description="which candidate is edited next: `thompson`, `boltzmann`, `pareto`"
    )
    temperature: Annotated[Number, Field(gt=0)] = Field(
        0.1, description="boltzmann: higher, and weaker candidates are edited more often"
    )
    objective: Literal["pass_rate", "pass_rate_per_cost"] = Field(
        "pass_rate", description="what is made better: accepted documents, or those by their cost"
    )
    alpha: Share = Field(0.05, description="chance of certifying a harness that is no better")
    finalists: Positive = Field(1, description="candidates that meet the test split")
    test_repeats: Count = Field(0, description="runs per test document; 0: what episodes allow")
    max_prompt_chars: Count = Field(20_000, description="longest prompts together; 0: no bound")


class RoleBudget(Section):
    """When to stop; 0 means no bound."""

    calls: Count = Field(0, description="calls that were answered; 0: no bound")
    prompt_tokens: Count = Field(0, description="tokens sent; 0: no bound")
    completion_tokens: Count = Field(0, description="tokens generated, thinking too; 0: no bound")
    usd: Amount = Field(0.0, description="both kinds of tokens by their price; 0: no bound")
    gpu_seconds: Amount = Field(0.0, description="seconds by GPUs of vLLM models; 0: no bound")
    hours: Amount = Field(
        0.0, description="of work; for a role: with a call of it under way; 0: no bound"
    )


class Budget(RoleBudget):
    """When to stop the whole run, by all roles together or by one; 0 means no bound."""

    roles: dict[str, RoleBudget] = Field(default_factory=dict, description="the same, per role")
    pause_hours: Amount = Field(6.0, description="wait this long for a dead endpoint; 0: for ever")


class Config(Section):
    """The whole of autodata.yaml."""

    harness: str = Field("lambada", description="its folder under harnesses/, or a shipped one")
    documents: Documents = Field(Documents(), description="what examples are made from")
    models: dict[str, ModelConfig] = Field(description="the endpoints, by names of your own")
    roles: dict[str, RoleConfig] = Field(description="which model does what")
    protocol: Protocol = Field(Protocol(), description="what a harness may not change")
    domain: Any = Field(
        default_factory=dict, validate_default=True, description="settings of the domain's own"
    )
    optimize: Optimize = Field(Optimize(), description="how the search goes about it")
    budget: Budget = Field(Budget(), description="when to stop")

    @field_validator("domain")
    @classmethod
    def _of_the_domain(cls, value: Any, info: ValidationInfo) -> Any:
        """Read the section as the domain wants it; a domain that is none is told by `checks`."""
        if (protocol := info.data.get("protocol")) is None:
            return value
        try:
            found = plugins.find("domain", protocol.domain)
        except ConfigurationError:
            return value
        return found.made.settings_type.model_validate(value)

    @property
    def used(self) -> dict[str, ModelConfig]:
        """The models that play a role, in the order of the file."""
        names = {role.model for role in self.roles.values()}
        return {name: model for name, model in self.models.items() if name in names}

    @property
    def simulated(self) -> bool:
        """True when any model is simulated or scripted: nothing here is about real models."""
        return any(model.provider in ("simulated", "scripted") for model in self.used.values())

    @property
    def secrets(self) -> list[str]:
        """The environment variables with keys and header values; no server is started with them."""
        keys = [model.api_key_env for model in self.models.values() if model.api_key_env]
        shaped = [*self.models.values(), *self.roles.values()]
        return keys + [header.env for one in shaped for header in one.headers.values()]
