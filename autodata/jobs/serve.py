"""The job `serve`: serve the configured models of a project until cancelled."""

import asyncio
import os
from collections.abc import Callable, Sequence

from autodata.config.providers.base import ModelConfig
from autodata.config.providers.table import SERVED
from autodata.errors import ConfigurationError
from autodata.models.serving.gpus import share_out
from autodata.models.serving.servers import Servers
from autodata.models.serving.supervisor import Workplace
from autodata.project import Project
from autodata.report.display import Display

_TO_BE_SERVED = f"`provider: {'` or `'.join(SERVED)}`, and no base_url"


async def serve(
    project: Project,
    session: str,
    names: Sequence[str],
    display: Display,
    ready: Callable[[str, list[str]], None],
) -> None:
    """Serve the configured models until cancelled; report each one's addresses when it is up.

    The logs lie in a folder named after the session, which nobody else writes to.

    Raises:
        ConfigurationError: no such model, nothing to serve, or a server does not start.
    """
    models = project.config.models
    for name in names:
        if name not in models:
            raise ConfigurationError(
                f"no model is named {name!r}", f"autodata.yaml has {', '.join(models)}"
            )
        if not models[name].served:
            raise ConfigurationError(
                f"models.{name} is served elsewhere",
                f"leave it out, or give it {_TO_BE_SERVED}",
            )
    to_serve: dict[str, ModelConfig] = {
        name: model
        for name, model in models.items()
        if model.served and (not names or name in names)
    }
    if not to_serve:
        raise ConfigurationError("there is nothing to serve", f"give a model {_TO_BE_SERVED}")
    to_serve = await asyncio.to_thread(share_out, to_serve, os.environ)
    logs, key_names = project.runs / "serve" / session, tuple(project.config.secrets)
    place = Workplace(logs, project.root, key_names=key_names)
    async with Servers(place, display.line) as servers:
        await servers.start_models(to_serve, ready)
        await asyncio.Event().wait()
