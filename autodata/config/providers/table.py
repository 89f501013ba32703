"""The providers: to add one, write a module beside this one and name its class here."""

from typing import Annotated, get_args

from pydantic import Field

from autodata.config.providers.anthropic import AnthropicConfig
from autodata.config.providers.base import ModelConfig, ServedConfig
from autodata.config.providers.local import LocalConfig
from autodata.config.providers.openai import OpenAIConfig
from autodata.config.providers.scripted import ScriptedConfig
from autodata.config.providers.simulated import SimulatedConfig
from autodata.config.providers.vllm import VllmConfig

Provider = (
    OpenAIConfig | AnthropicConfig | VllmConfig | LocalConfig | SimulatedConfig | ScriptedConfig
)
AnyModel = Annotated[Provider, Field(discriminator="provider")]

PROVIDERS: dict[str, type[ModelConfig]] = {
    get_args(kind.model_fields["provider"].annotation)[0]: kind for kind in get_args(Provider)
}
SERVED = [name for name, kind in PROVIDERS.items() if issubclass(kind, ServedConfig)]
"""Those for whose models autodata starts servers."""


def takers(setting: str) -> list[str]:
    """Return the providers whose models have this setting."""
    return [name for name, kind in PROVIDERS.items() if setting in kind.model_fields]
