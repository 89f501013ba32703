"""The command that shows settings: those in force, or what one means."""

from pathlib import Path
from typing import Annotated

import typer

from autodata.cli.base import AsJson, ConfigFile, Models, Settings, draw, out, out_json
from autodata.errors import ConfigurationError
from autodata.project import open_project


def config(
    key: Annotated[
        str | None,
        typer.Argument(metavar="KEY", help="A setting or section, such as optimize.alpha."),
    ] = None,
    file: ConfigFile = None,
    settings: Settings = None,
    models: Models = None,
    as_json: AsJson = False,
) -> None:
    """Show the settings in force and where each was set, or what KEY means."""
    from autodata import config_in_force, config_reference, views

    asked = config_reference.explain(key) if key else None
    lines, problem = [], ""
    try:
        project = open_project(Path.cwd(), file, list(settings or []), models)
        lines = config_in_force.in_force(project.config, project.source.place)
    except ConfigurationError as error:
        if asked is None:
            raise
        problem = error.problem
    if asked is None:
        if as_json:
            out_json([{"key": n.path, "value": n.shown, "from": n.origin} for n in lines])
            return
        shown = [(n.path, n.shown, n.origin) for n in lines if not n.idle]
        draw(views.rows_view(("setting", "value", "from"), shown))
        out("left out: defaults that change nothing. What a setting means: autodata config KEY")
        return
    told = [config_in_force.told(one, lines) for one in asked]
    if as_json:
        out_json(told)
        return
    draw(views.settings_view(told))
    if any(one.path in ("protocol.acceptance", "protocol.numbers") for one in asked):
        head, *rows = config_reference.presets()
        draw(views.rows_view(head, rows))
    if problem:
        out(f"The values in force are not known: {problem}")
