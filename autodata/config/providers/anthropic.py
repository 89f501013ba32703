"""Anthropic's hosted models."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from autodata.config.providers.base import Fault, RemoteConfig
from autodata.config.roles import RoleConfig
from autodata.config.shaping import Thoughts, Tiers


class AnthropicConfig(Tiers, Thoughts, RemoteConfig):
    """A model of Anthropic."""

    client: ClassVar[str] = "autodata.models.providers.anthropic:AnthropicModel"
    paid: ClassVar[bool] = True
    takes_temperature: ClassVar[bool] = False
    reply_tokens: ClassVar[int] = 4096
    api_begins: ClassVar[str] = ""

    provider: Literal["anthropic"] = Field(description="Anthropic")

    @property
    def must_be_named(self) -> bool:
        """Whether nobody knows which model is meant without its name."""
        return True

    def faults_with(self, role: RoleConfig) -> Iterator[Fault]:
        """Find what the API refuses of temperature, effort, thinking and length."""
        if role.fixed_temperature is not None:
            fix = "leave it out: every role then samples at the API's own"
            yield Fault("temperature", ": Anthropic's API takes no temperature", fix)
        effort = (self.body | role.body).get("reasoning_effort")
        thinking = role.thinking or self.thinking
        if effort in ("none", "minimal"):
            fix = "set low, medium, high, xhigh or max; thinking: {{type: disabled}} ends it"
            yield Fault("reasoning_effort", f": Anthropic's API knows no {effort!r}", fix)
        if thinking and thinking.type != "disabled" and self.structured == "json":
            problem = ": structured: json forces a tool, which no model does that thinks"
            yield Fault("thinking", problem, "set {model}.structured: schema")
        limit = role.max_tokens or self.max_tokens or self.reply_tokens
        if thinking and (thinking.budget_tokens or 0) >= limit:
            problem = f": budget_tokens is {thinking.budget_tokens}, and max_tokens {limit}"
            fix = "set {role}.max_tokens above it: thinking and answer both count there"
            yield Fault("thinking", problem, fix)
