"""Simulated models: a small world with known truth, at no cost."""

from typing import ClassVar, Literal

from pydantic import Field

from autodata.config.providers.base import ModelConfig


class SimulatedConfig(ModelConfig):
    """A simulated solver, challenger, judge ... in one."""

    client: ClassVar[str] = "autodata.models.providers.simulated:SimulatedModel"
    simulated: ClassVar[bool] = True

    provider: Literal["simulated"] = Field(
        description="nobody: a small world with known truth, `model` is `small` or `large`"
    )
