"""Scripted models: replies from a file, for tests and demonstrations."""

from typing import ClassVar, Literal

from pydantic import Field

from autodata.config.providers.base import ModelConfig


class ScriptedConfig(ModelConfig):
    """A model that answers from a script."""

    client: ClassVar[str] = "autodata.models.providers.scripted:ScriptedModel"
    simulated: ClassVar[bool] = True

    provider: Literal["scripted"] = Field(description="nobody: replies from a file")
    script: str = Field("", description="a JSON file of replies")
