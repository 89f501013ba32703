"""Commands that free disk space: `rm` takes a whole run, `gc` what nothing needs."""

from typing import Annotated

import typer

from autodata.api.project import NEWEST
from autodata.cli.base import AsJson, RunName, here, out, out_json
from autodata.errors import ConfigurationError

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def rm(
    run: RunName,
    yes: Yes = False,
    certified: Annotated[
        bool, typer.Option("--certified", help="With --yes: also a certified or promoted run.")
    ] = False,
) -> None:
    """Remove a run and its candidates in git; its looks at the test split stay counted."""
    from autodata.api import upkeep
    from autodata.report.views import shown_bytes

    project = here()
    found = upkeep.foresee(project, project.run().name if run == NEWEST else run)
    out(
        f"run {found.run}: {shown_bytes(found.size)}, {found.calls:,} calls, "
        f"{found.candidates} candidates in git"
    )
    if found.weighty:
        out(f"{found.weighty}; only its journal can replay that")
    if yes and found.weighty and not certified:
        raise ConfigurationError(
            f"run {found.run} is not removed by --yes alone: {found.weighty}",
            f"autodata rm {found.run} --yes --certified",
        )
    if not yes:
        typer.confirm("remove it for good?", abort=True)
        if found.weighty and typer.prompt("type its name to remove it all the same") != found.run:
            raise ConfigurationError(
                f"nothing was done: that is not {found.run}", f"autodata rm {found.run}"
            )
    upkeep.remove(project, found)
    out(f"removed {found.run}; its looks at the test split stay counted")


def gc(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Remove what is left over or is made again when asked for; runs stay as they are."""
    from autodata.api import upkeep
    from autodata.report.views import shown_bytes

    project = here()
    found = upkeep.leftovers(project)
    whole = sum(item.size for item in found)
    if as_json:
        out_json([{"path": str(i.path), "bytes": i.size, "why": i.why} for i in found])
    else:
        for item in found:
            place = item.path.relative_to(project.folder)
            out(f"{shown_bytes(item.size):>8}  {place}  {item.why}")
        out(f"{shown_bytes(whole):>8}  in {len(found)} places" if found else "nothing is left over")
    if not found or dry_run:
        return
    if not yes:
        typer.confirm("remove all of that?", abort=True)
    upkeep.clear(found)
    if not as_json:
        out(f"removed {shown_bytes(whole)}")
