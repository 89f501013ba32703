"""The model servers of a run, started and stopped with it: from model configuration to base URLs.

Whatever is started here is gone when the `async with` ends.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any

from autodata.concurrency import all_of
from autodata.config.providers.base import ModelConfig, ServedConfig
from autodata.config.providers.table import SERVED
from autodata.errors import ConfigurationError
from autodata.models.serving.gpus import share_a_gpu
from autodata.models.serving.supervisor import Server, ServerSpec, Workplace


def to_fetch(name: str, config: ModelConfig, place: Workplace) -> str:
    """Return the command that fetches what a start of this model's servers would have to.

    Raises:
        ConfigurationError: they cannot be started.
    """
    fetched: str = _module(name, config).to_fetch(name, config, place)
    return fetched


def _module(name: str, config: ModelConfig) -> Any:
    """Return what knows how to start servers of this kind: `specs` and `to_fetch`."""
    if not isinstance(config, ServedConfig):
        raise ConfigurationError(
            f"models.{name}: {config.provider} serves itself",
            f"only {' and '.join(SERVED)} are started",
        )
    return import_module(config.server)


class Servers:
    """Starts supervised servers at a workplace; `async with Servers(place, report) as servers`."""

    def __init__(self, place: Workplace, report: Callable[[str], None]) -> None:
        self._place = place
        self._report = report
        self._servers: list[Server] = []

    async def __aenter__(self) -> "Servers":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start_models(
        self,
        models: Mapping[str, ModelConfig],
        ready: Callable[[str, list[str]], None] = lambda name, urls: None,
    ) -> dict[str, list[str]]:
        """Start models side by side and return their base URLs; `ready` gets each as it is up.

        Where two share a GPU they start one after the other: vLLM takes what memory it finds free.
        """
        urls: dict[str, list[str]] = {}

        async def start(name: str) -> None:
            urls[name] = await self.start(name, models[name])
            ready(name, urls[name])

        if share_a_gpu(models.values()):
            for name in models:
                await start(name)
        else:
            await all_of(map(start, models))
        return urls

    async def start(self, name: str, config: ModelConfig) -> list[str]:
        """Start what model `name` needs; return its base URLs, one a replica, when all are ready.

        Raises:
            ConfigurationError: packages or weights are missing, or a server did not come up.
        """
        module = _module(name, config)
        specs = await asyncio.to_thread(module.specs, name, config, self._place)
        return await self.start_all(specs)

    async def start_all(self, specs: Iterable[ServerSpec]) -> list[str]:
        """Start servers side by side and return their base URLs; stops all once one fails."""
        started = [Server(spec, self._report) for spec in specs]
        self._servers += started
        await all_of(server.start() for server in started)
        return [f"{server.url}/v1" for server in started]

    async def stop(self) -> None:
        """Stop everything that was started here."""
        stopped, self._servers = self._servers, []
        await asyncio.gather(*(server.stop() for server in stopped))
