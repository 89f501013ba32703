"""The model servers of a run, started and stopped with it: from model configuration to base URLs.

Whatever is started here is gone when the `async with` ends.
"""

import asyncio
import os
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path

from autodata.concurrency import all_of
from autodata.config.schema import ModelConfig
from autodata.errors import ConfigurationError
from autodata.models.serving import llama, vllm, weights
from autodata.models.serving.supervisor import Server, ServerSpec, without_keys

READY_S = 120.0
HUB_KEYS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
S3_KEYS = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


class Servers:
    """Starts supervised servers, each with a log in `logs`; `async with Servers(...) as servers`.

    Files that a model names, and its Python, lie under `root`. `key_names` are the environment
    variables with keys, which no server gets to see.
    """

    def __init__(
        self,
        logs: Path,
        report: Callable[[str], None],
        *,
        root: Path = Path(),
        key_names: Iterable[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._logs = logs
        self._report = report
        self._root = root
        self._key_names = tuple(key_names)
        self._environment = os.environ if environment is None else environment
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

        gpus = [gpu for model in models.values() for gpu in model.gpus]
        if len(set(gpus)) == len(gpus):
            await all_of(map(start, models))
        else:
            for name in models:
                await start(name)
        return urls

    async def start(self, name: str, config: ModelConfig) -> list[str]:
        """Start what model `name` needs; return its base URLs, one a replica, when all are ready.

        Raises:
            ConfigurationError: packages or weights are missing, or a server did not come up.
        """
        if config.provider == "local":
            specs = [await asyncio.to_thread(self._local, name, config)]
        elif config.provider == "vllm":
            clean = without_keys(self._environment, self._key_names)
            await asyncio.to_thread(vllm.check_installed, name, config, clean, self._root)
            specs = [self._vllm(name, config, replica) for replica in range(config.replicas)]
        else:
            raise ConfigurationError(
                f"models.{name}: {config.provider} serves itself", "only local and vllm are started"
            )
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

    def _local(self, name: str, config: ModelConfig) -> ServerSpec:
        llama.check_installed()
        cache = weights.cache_folder(self._environment)
        path = weights.in_place(name, config.model, self._root, cache)
        path = path or weights.pull(config.model, cache)
        return ServerSpec(
            name,
            partial(llama.command, config, path),
            self._logs / f"{name}.log",
            llama.environment(without_keys(self._environment, self._key_names)),
            ready_s=config.ready_s or READY_S,
        )

    def _vllm(self, name: str, config: ModelConfig, replica: int) -> ServerSpec:
        # vLLM fetches the weights itself
        keep = S3_KEYS if config.model.startswith("s3://") else HUB_KEYS
        clean = without_keys(self._environment, self._key_names, keep)
        label = name if config.replicas == 1 else f"{name}-{replica}"
        return ServerSpec(
            label,
            partial(vllm.command, config),
            self._logs / f"{label}.log",
            vllm.environment(config, replica, clean),
            ready_s=config.ready_s or vllm.READY_S,
            folder=self._root,
        )
