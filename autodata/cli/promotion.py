"""Commands that change which version of a harness counts: `promote`, `versions`, `rollback`."""

from dataclasses import replace
from typing import Annotated

import typer

from autodata.cli.base import AsJson, ConfigFile, draw, here, out, out_json
from autodata.cli.choices import (
    OPTIMIZATION,
    LastSearch,
    candidate_names,
    chosen_run,
    harnesses,
)


def promote(
    run: LastSearch = None,
    candidate: Annotated[
        str | None,
        typer.Argument(
            metavar="CANDIDATE",
            help="Default: the certified one.",
            autocompletion=candidate_names,
        ),
    ] = None,
    force: Annotated[
        bool,
        typer.Option("--force", help="Go ahead against missing evidence; it is recorded."),
    ] = False,
    config: ConfigFile = None,
) -> None:
    """Make a certified candidate the new version of its harness."""
    from autodata.api import upkeep
    from autodata.report.views import SIMULATED

    here(config).in_force()  # what is wrong there comes first
    chosen, candidate = chosen_run(run, candidate, OPTIMIZATION)
    version, new = upkeep.promote(replace(chosen, project=here(config)), candidate, force)
    if version.evidence.get("simulated"):
        draw(SIMULATED)
    result = "promoted" if new else "nothing to do, this is the current version"
    out(f"{result}: {version.tag} is commit {version.commit[:10]}")
    for problem in version.evidence.get("overridden", []) if new else []:
        out(f"forced, and recorded: {problem}")
    out(f"see it: git show {version.tag}")


def versions(
    harness: Annotated[
        str | None,
        typer.Argument(
            metavar="HARNESS", help="Default: the configured one.", autocompletion=harnesses
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the promoted versions of a harness."""
    from autodata.report.views import rows_view

    project = here()
    harness = harness or project.in_force().config.harness
    rows = project.versions(harness)
    if as_json:
        out_json(rows)
    elif not rows:
        out(f"{harness} has no promoted version yet")
    else:
        columns = tuple(rows[0])
        draw(rows_view(columns, [tuple(line.values()) for line in rows]))


def rollback(
    version: Annotated[
        str, typer.Argument(metavar="VERSION", help="v2 or harness/NAME/v2; v0: before v1.")
    ],
    harness: Annotated[
        str | None, typer.Option(help="Default: the configured one.", autocompletion=harnesses)
    ] = None,
) -> None:
    """Return a harness to an earlier version, by a new commit."""
    from autodata.api import upkeep

    project = here()
    made, gone = upkeep.rollback(project, version, harness)
    out(f"rolled back to {version}: {made.tag} is commit {made.commit[:10]}")
    if gone:
        shipped = made.harness in project.harness_names()
        instead = f": the shipped {made.harness} is used" if shipped else ""
        out(f"harnesses/{made.harness} is gone, as before the first version{instead}")
