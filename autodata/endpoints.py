"""From the configuration's models to endpoints that can be called, served by us where need be.

Knows nothing of runs and roles but their deadlines.
"""

import asyncio
import math
import os
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from autodata.config import ModelConfig, RoleConfig
from autodata.errors import RequestRejected
from autodata.models.anthropic_wire import DEFAULT_MAX_TOKENS
from autodata.models.base import Deadlines, Model
from autodata.models.endpoint import Endpoint, EndpointLimits
from autodata.models.gpus import share_out
from autodata.models.prices import known_price
from autodata.models.registry import model_class
from autodata.models.router import Router
from autodata.models.scripted import ScriptedModel
from autodata.models.servers import Servers
from autodata.project import Project
from autodata.types import Document


async def start(
    project: Project,
    folder: Path,
    documents: list[Document],
    report: Callable[[str], None],
    stack: AsyncExitStack,
) -> dict[str, Endpoint]:
    """Start the servers of all models that play a role; return an endpoint for each of these.

    Servers and their logs (in `folder`) live until `stack` is left.

    Raises:
        ConfigurationError: something cannot be started; says the fix.
    """
    config = project.config
    keys = [model.api_key_env for model in config.models.values() if model.api_key_env]
    servers = await stack.enter_async_context(
        Servers(folder / "servers", report, root=project.root, key_names=keys)
    )
    served = {name: model for name, model in config.used.items() if model.served}
    served = await asyncio.to_thread(share_out, served, os.environ)
    addresses = await servers.start_models(served)
    endpoints: dict[str, Endpoint] = {}
    for name, settings in config.used.items():
        urls = addresses.get(name, settings.urls)
        endpoints[name] = Endpoint(
            name,
            _model(settings, urls, project.root, documents),
            limits_of(settings, config.budget.pause_hours or math.inf),
            provider=settings.provider,
            model_name=settings.model,
            price=settings.price or known_price(settings.model),
            queue_urls=urls if settings.provider in ("local", "vllm") else (),
            supervised=name in served,
        )
    return endpoints


def silent(name: str, settings: ModelConfig) -> Endpoint:
    """An endpoint that is known by name only."""
    nobody = ScriptedModel(lambda _: RequestRejected(f"{name} cannot be asked"))
    limits = limits_of(settings)
    return Endpoint(name, nobody, limits, provider=settings.provider, model_name=settings.model)


def limits_of(settings: ModelConfig, pause_hours: float = 0.0) -> EndpointLimits:
    """Return an endpoint's limits; a reply has one wherever the provider wants one."""
    least = DEFAULT_MAX_TOKENS if settings.provider == "anthropic" else 0
    return EndpointLimits(
        settings.concurrency,
        deadlines_of(settings),
        settings.max_tokens or least,
        pause_hours * 3600,
    )


def deadlines_of(model: ModelConfig, role: RoleConfig | None = None) -> Deadlines:
    """Return a model's deadlines, where a role does not set its own."""

    def of(name: str) -> float:
        seconds: float = (role and getattr(role, name)) or getattr(model, name)
        return seconds

    return Deadlines(of("connect_s"), of("first_token_s"), of("total_s"))


def _model(
    settings: ModelConfig, urls: Sequence[str], root: Path, documents: list[Document]
) -> Model:
    made = model_class(settings.provider)
    if settings.provider == "simulated":
        simulated: Model = made(settings.model, documents)
        return simulated
    if settings.provider == "scripted":
        scripted: Model = made.from_file(root / settings.script)
        return scripted
    key = os.environ.get(settings.api_key_env, "").strip() if settings.api_key_env else ""
    replicas: list[Model] = [
        made(
            settings.model,
            base_url=url,
            api_key=key,
            structured=settings.structured,
        )
        for url in urls
    ]
    return replicas[0] if len(replicas) == 1 else Router(replicas)
