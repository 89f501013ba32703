"""From a model's settings to what asks it: a provider's module is imported only when a run uses it.

A client is a class whose `of(settings, place)` returns a `Model`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from autodata.config.providers.base import ModelConfig
from autodata.types import Document


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a client may need beside the settings of its model.

    `url` is the one address that it asks, empty for the provider's own; `key` is the key itself,
    and `secrets` are the values of headers by environment variable. Files that settings name lie
    under `root`; `documents` is the whole corpus, which simulated models have read.
    """

    url: str = ""
    key: str = ""
    secrets: Mapping[str, str] = field(default_factory=dict)
    root: Path = Path()
    documents: Sequence[Document] = ()


def client_class(kind: type[ModelConfig]) -> Any:
    """Import and return what asks models with these settings."""
    module, name = kind.client.split(":")
    return getattr(import_module(module), name)


def client_of(settings: ModelConfig, place: Surroundings) -> Any:
    """Return what asks one model at one address: a `Model`.

    Raises:
        ConfigurationError: it cannot be asked; says the fix.
    """
    return client_class(type(settings)).of(settings, place)
