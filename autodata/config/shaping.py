"""The settings that shape a request beside its words, of a model or of a role of it.

A provider's settings take those that its servers know (`config/providers`); a role's go before its
model's, and are refused where the model's provider knows them not.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from autodata.config.section import Number, Section, Whole
from autodata.types import Json

Penalty = Annotated[Number, Field(ge=-2, le=2)]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


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


class Shaped(Section):
    """Whatever is asked by requests: a model, or a role of it. Each may shape them its own way."""

    @property
    def shape(self) -> list[str]:
        """The names of the settings here that shape requests."""
        return [name for name in Shaping.model_fields if name in type(self).model_fields]

    @property
    def body(self) -> Json:
        """What goes into a request's body: the settings that are set, and `extra_body`."""
        names = {*self.shape} - {"extra_body", "headers"}
        set_here = self.model_dump(mode="json", include=names, exclude_none=True)
        return {**set_here, **self.extra}

    @property
    def extra(self) -> dict[str, Any]:
        """What of the request's body has no setting of its own."""
        return getattr(self, "extra_body", {})

    @property
    def header_variables(self) -> dict[str, str]:
        """The headers of requests, each with the environment variable of its value."""
        return {name: header.env for name, header in getattr(self, "headers", {}).items()}


class Extras(Shaped):
    """Of every model behind an API."""

    reasoning_effort: Effort | None = Field(
        None, description="how long it thinks before it answers; null: not sent"
    )
    extra_body: dict[str, Any] = Field(
        default_factory=dict,
        description="anything else for the request's body, such as `top_k` or "
        "`chat_template_kwargs`; it is kept with the run, so it is no place for keys",
    )
    headers: dict[str, Header] = Field(
        default_factory=dict, description="headers of the request: name to `{env: VARIABLE}`"
    )


class Tiers(Shaped):
    """Of hosted models."""

    service_tier: Annotated[str, Field(min_length=1)] | None = Field(
        None, description="the provider's price and speed class, such as `flex`; null: not sent"
    )


class Thoughts(Shaped):
    """Of models that are told how to think."""

    thinking: Thinking | None = Field(
        None, description="how a model of Anthropic thinks before it answers; null: not sent"
    )


class Sampling(Shaped):
    """Of models whose choice among tokens can be tuned."""

    top_p: Annotated[Number, Field(gt=0, le=1)] | None = Field(
        None, description="sample from the likeliest tokens of this share; null: not sent"
    )
    frequency_penalty: Penalty | None = Field(
        None, description="against tokens by how often they were used; null: not sent"
    )
    presence_penalty: Penalty | None = Field(
        None, description="against tokens that were used; null: not sent"
    )


class Shaping(Extras, Tiers, Thoughts, Sampling):
    """All that any provider knows: what a role may set."""
