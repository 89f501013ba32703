"""The settings of a role: which models play it, and how they are asked."""

from typing import Literal

from pydantic import Field

from autodata.config.section import Amount, Count, Positive
from autodata.config.shaping import Shaping

Pick = Literal["by_document", "in_turn"]
"""Which of several models of a role plays it."""


class RoleConfig(Shaping):
    """Which model plays a role, or which of several, and how it is asked."""

    model: str = Field("", description="its name under `models`")
    models: list[str] = Field(
        default_factory=list, description="several names in place of one: `pick` says who plays"
    )
    pick: Pick = Field(
        "by_document",
        description="of several; `by_document`: one for all of an episode, dealt by the document; "
        "`in_turn`: the next at each step or round of it that asks the role",
    )
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
    def players(self) -> tuple[str, ...]:
        """The names of the models that play it."""
        return tuple(self.models) or ((self.model,) if self.model else ())

    def played_by(self, model: str) -> "RoleConfig":
        """Return the same role with this model alone."""
        return self.model_copy(update={"model": model, "models": []})

    @property
    def fixed_temperature(self) -> float | None:
        """The temperature where it is a number."""
        return None if self.temperature == "server" else self.temperature
