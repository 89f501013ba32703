"""Construction of endpoints from the configured models, served by autodata where need be."""

import asyncio
import math
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from autodata.config.providers.base import ModelConfig
from autodata.config.roles import RoleConfig
from autodata.config.schema import Config
from autodata.errors import RequestRejected
from autodata.models.base import Deadlines, Model
from autodata.models.endpoint.endpoint import Endpoint, EndpointLimits, Service
from autodata.models.endpoint.router import Router
from autodata.models.prices import known_price
from autodata.models.providers.registry import Surroundings, client_of
from autodata.models.providers.scripted import ScriptedModel
from autodata.models.serving.gpus import share_out
from autodata.models.serving.servers import Servers
from autodata.models.serving.supervisor import Workplace
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
    place = Workplace(folder / "servers", project.root, key_names=tuple(config.secrets))
    servers = await stack.enter_async_context(Servers(place, report))
    served = {name: model for name, model in config.used.items() if model.served}
    served = await asyncio.to_thread(share_out, served, os.environ)
    addresses = await servers.start_models(served)
    endpoints: dict[str, Endpoint] = {}
    common = Surroundings(root=project.root, documents=documents)
    for name, settings in config.used.items():
        urls = addresses.get(name, settings.urls)
        endpoints[name] = Endpoint(
            name,
            _model(settings, urls, replace(common, secrets=_secrets(config, name))),
            limits_of(settings, config.budget.pause_hours or math.inf),
            Service(
                settings.provider,
                settings.model,
                settings.price or known_price(settings.model),
                queue_urls=urls if settings.tells_queue else (),
                supervised=name in served,
            ),
        )
    return endpoints


def silent(name: str, settings: ModelConfig) -> Endpoint:
    """An endpoint that is known by name only."""
    nobody = ScriptedModel(lambda _: RequestRejected(f"{name} cannot be asked"))
    limits = limits_of(settings)
    return Endpoint(name, nobody, limits, Service(settings.provider, settings.model))


def limits_of(settings: ModelConfig, pause_hours: float = 0.0) -> EndpointLimits:
    """Return an endpoint's limits; a reply has one wherever the provider wants one."""
    return EndpointLimits(
        settings.concurrency,
        deadlines_of(settings),
        settings.max_tokens or settings.reply_tokens,
        pause_hours * 3600,
    )


def deadlines_of(model: ModelConfig, role: RoleConfig | None = None) -> Deadlines:
    """Return a model's deadlines, where a role does not set its own."""

    def of(name: str) -> float:
        seconds: float = (role and getattr(role, name)) or getattr(model, name)
        return seconds

    return Deadlines(of("connect_s"), of("first_token_s"), of("total_s"))


def headers_of(model: ModelConfig, role: RoleConfig) -> tuple[tuple[str, str], ...]:
    """Return the headers of a role's requests with the environment variables of their values."""
    both = [*model.header_variables.items(), *role.header_variables.items()]
    return tuple({pair[0].lower(): pair for pair in both}.values())


def _secrets(config: Config, name: str) -> dict[str, str]:
    """Return the values of all headers that a model is sent, by environment variable."""
    roles = [role for role in config.roles.values() if name in role.players]
    asked = [config.models[name], *roles]
    return values_of(variable for one in asked for variable in one.header_variables.values())


def values_of(variables: Iterable[str]) -> dict[str, str]:
    """Return the values of headers by environment variable."""
    return {variable: os.environ.get(variable, "").strip() for variable in variables}


def _model(settings: ModelConfig, urls: Sequence[str], place: Surroundings) -> Model:
    replicas: list[Model] = [replica(settings, url, place) for url in urls]
    return replicas[0] if len(replicas) == 1 else Router(replicas)


def replica(settings: ModelConfig, url: str, place: Surroundings) -> Any:
    """Return what asks the server at one address, with the key of its model."""
    key = os.environ.get(settings.api_key_env, "").strip() if settings.api_key_env else ""
    return client_of(settings, replace(place, url=url, key=key))
