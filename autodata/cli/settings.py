"""The command `config`: show the settings in force, or what one means."""

from typing import TYPE_CHECKING, Annotated

import typer

from autodata.cli.base import AsJson, ConfigFile, Models, Settings, draw, here, out, out_json
from autodata.errors import ConfigurationError
from autodata.types import Json

if TYPE_CHECKING:
    from autodata.report.settings import Setting


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
    from autodata.report import in_force, views
    from autodata.report import settings as reference

    project, reading = here(file, settings, models).examined()
    domain = project.config.protocol.domain if project else ""
    asked = reference.explain(key, domain) if key else None
    lines, faults = [], list(reading.faults)
    if project is not None:
        try:
            lines = in_force.in_force(project.config, project.source.place)
        except ConfigurationError as error:
            faults.append(error)
    if asked is not None:
        _explain(asked, [in_force.explanation(one, lines) for one in asked], as_json)
        if faults and not as_json:
            out(f"The configuration is not in order: {faults[0].problem}")
        return
    if as_json:
        out_json([{"key": n.path, "value": n.shown, "from": n.origin} for n in lines])
    elif lines:
        shown = [(n.path, n.shown, n.origin) for n in lines if not n.idle]
        draw(views.rows_view(("setting", "value", "from"), shown))
        out("left out: defaults that change nothing. What a setting means: autodata config KEY")
    if faults:
        raise faults[0]


def _explain(asked: list["Setting"], entries: list[Json], as_json: bool) -> None:
    from autodata.report import in_force, views
    from autodata.report import settings as reference

    if as_json:
        out_json(entries)
        return
    draw(in_force.settings_view(entries))
    if any(one.path in ("protocol.acceptance", "protocol.numbers") for one in asked):
        for head, *rows in (reference.presets(), reference.lucky()):
            draw(views.rows_view(head, rows))
