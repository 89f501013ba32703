"""A small model on the CPU: llama.cpp, served by autodata, or wherever its server is."""

from typing import ClassVar, Literal

from pydantic import Field

from autodata.config.providers.base import ServedConfig
from autodata.config.section import Amount, Count, Positive
from autodata.config.shaping import Sampling


class LocalConfig(Sampling, ServedConfig):
    """A model that llama.cpp serves."""

    client: ClassVar[str] = "autodata.models.providers.openai:OpenAIModel"
    server: ClassVar[str] = "autodata.models.serving.llama"

    provider: Literal["local"] = Field(
        description="llama.cpp on the CPU, served by autodata where there is no `base_url`"
    )
    slots: Positive = Field(8, description="parallel sequences")
    context: Positive = Field(1024, description="tokens per slot")
    threads: Count = Field(0, description="CPU threads; 0: all cores")
    ready_s: Amount = Field(0.0, description="deadline of getting ready; 0: 120 s")

    @property
    def weights(self) -> str:
        """The name of weights that autodata itself fetches before they are served, if it does."""
        return self.model if self.served else ""
