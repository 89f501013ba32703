"""OpenAI, and every server that speaks as it does."""

from typing import ClassVar, Literal

from pydantic import Field

from autodata.config.providers.base import RemoteConfig
from autodata.config.shaping import Sampling, Tiers


class OpenAIConfig(Tiers, Sampling, RemoteConfig):
    """A model of OpenAI, or of any server that speaks as it does."""

    client: ClassVar[str] = "autodata.models.providers.openai:OpenAIModel"
    paid: ClassVar[bool] = True

    provider: Literal["openai"] = Field(description="OpenAI, or any server that speaks as it does")

    @property
    def must_be_named(self) -> bool:
        """Some compatible servers have one model and do not care about its name."""
        return not self.base_url
