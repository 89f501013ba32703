"""autodata.yaml: what it may say.

Names and numbers only; what they refer to (models, harnesses, presets) is built in `engine`, and
reading the file is `config.file`'s. The settings of a model are its provider's (`providers`).
"""

from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from autodata.config import plugins
from autodata.config.providers.base import ModelConfig
from autodata.config.providers.table import AnyModel
from autodata.config.roles import RoleConfig
from autodata.config.section import (
    Amount,
    Count,
    Fraction,
    Number,
    Positive,
    Seconds,
    Section,
    Whole,
)
from autodata.errors import ConfigurationError

ROLES = {
    "main": "reads the document with tools and works on what the harness asks (`run_agent`, `ask`)",
    "challenger": "writes the example: question, reference answer and rubric",
    "verifier": "checks the example, with the harness's prompt and once more with the protocol's",
    "weak": "the solver that should fail",
    "strong": "the solver that should succeed",
    "judge": "grades an answer by the rubric; never sees who wrote it",
    "loop_judge": "of domains that ask both solvers together: accepts an example, or says how to "
    "improve it",
    "auditor": "of another family than the others: looks at accepted examples afterwards, and only "
    "those count that hold; optional",
    "analyzer": "reads what happened on training documents and says what goes wrong",
    "implementer": "edits the harness as the analyzer says",
}
"""Every role, and what whoever plays it does."""


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


class Protocol(Section):
    """What a harness may not change."""

    domain: str = Field("research", description=plugins.described("domain"))
    acceptance: str = Field("deployed", description="when an example is accepted: a preset")
    numbers: dict[str, float | int | bool | None] = Field(
        default_factory=dict, description="single numbers of the preset, replaced"
    )
    max_rounds: Positive = Field(6, description="examples tried per episode")
    max_calls: Positive = Field(500, description="model calls per episode")


class Command(Section):
    """A program that proposes edits; what it may take, and what it gets of the environment."""

    command: list[str] = Field(
        min_length=1, description="the program and its arguments; files of the project by name"
    )
    seconds: Seconds = Field(600.0, description="longest that it may take for one proposal")
    megabytes: Positive = Field(100, description="most that its folder and its log may hold")
    environment: list[str] = Field(
        default_factory=list,
        description="variables that it gets beside `PATH`, `HOME` and the like",
    )


class Optimize(Section):
    """How the search goes about it."""

    search: Literal["merge", "race"] = Field(
        "merge", description="edits are measured merged, many at once, or raced one by one"
    )
    proposer: str | Command = Field(
        "knobs",
        description=plugins.described("proposer") + "; or the section of a program that edits",
    )
    iterations: Positive = Field(10, description="edits that are tried")
    parallel: Positive = Field(2, description="looks, or iterations of a race, under way at a time")
    episodes: Count = Field(0, description="the whole search and certification; 0: no bound")
    minibatch: Count = Field(
        8, description="training documents an analyzer reads at a time; 0: none"
    )
    selection: str = Field(
        "thompson", description="of a race, who is edited next: `thompson`, `boltzmann`, `pareto`"
    )
    temperature: Annotated[Number, Field(gt=0)] = Field(
        0.1, description="boltzmann: higher, and weaker candidates are edited more often"
    )
    objective: Literal["pass_rate", "pass_rate_per_cost"] = Field(
        "pass_rate", description="what is made better: accepted documents, or those by their cost"
    )
    alpha: Fraction = Field(0.05, description="chance of certifying a harness that is no better")
    finalists: Positive = Field(1, description="candidates that meet the test split")
    test_repeats: Count = Field(0, description="runs per test document; 0: what episodes allow")
    max_prompt_chars: Count = Field(20_000, description="longest prompts together; 0: no bound")
    cost_bound: Amount = Field(
        5.0, description="most that an episode may cost, times the parent's; 0: no bound"
    )

    @property
    def proposer_name(self) -> str:
        """The name under which `plugins` finds the proposer."""
        return self.proposer if isinstance(self.proposer, str) else plugins.COMMAND


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
    models: dict[str, AnyModel] = Field(description="the endpoints, by names of your own")
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
        names = {name for role in self.roles.values() for name in role.players}
        return {name: model for name, model in self.models.items() if name in names}

    @property
    def simulated(self) -> bool:
        """True when any model is: nothing here is about real models."""
        return any(model.simulated for model in self.used.values())

    @property
    def secrets(self) -> list[str]:
        """The environment variables with keys and header values; no server is started with them."""
        keys = [model.api_key_env for model in self.models.values() if model.api_key_env]
        asked = [*self.models.values(), *self.roles.values()]
        return keys + [variable for one in asked for variable in one.header_variables.values()]
