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
    removal = upkeep.foresee(project, project.run().name if run == NEWEST else run)
    out(
        f"run {removal.run}: {shown_bytes(removal.size)}, {removal.calls:,} calls, "
        f"{removal.candidates} candidates in git"
    )
    if removal.weighty:
        out(f"{removal.weighty}; only its journal can replay that")
    if yes and removal.weighty and not certified:
        raise ConfigurationError(
            f"run {removal.run} is not removed by --yes alone: {removal.weighty}",
            f"autodata rm {removal.run} --yes --certified",
        )
    if not yes:
        typer.confirm("remove it for good?", abort=True)
        question = "type its name to remove it all the same"
        if removal.weighty and typer.prompt(question) != removal.run:
            raise ConfigurationError(
                f"nothing was done: that is not {removal.run}", f"autodata rm {removal.run}"
            )
    upkeep.remove(project, removal)
    out(f"removed {removal.run}; its looks at the test split stay counted")


def gc(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Remove what is left over or is made again when asked for; runs stay as they are."""
    from autodata.api import upkeep
    from autodata.report.views import shown_bytes

    project = here()
    leftovers = upkeep.leftovers(project)
    whole = sum(item.size for item in leftovers)
    if as_json:
        out_json([{"path": str(i.path), "bytes": i.size, "why": i.why} for i in leftovers])
    else:
        for item in leftovers:
            place = item.path.relative_to(project.folder)
            out(f"{shown_bytes(item.size):>8}  {place}  {item.why}")
        total = f"{shown_bytes(whole):>8}  in {len(leftovers)} places"
        out(total if leftovers else "nothing is left over")
    if not leftovers or dry_run:
        return
    if not yes:
        typer.confirm("remove all of that?", abort=True)
    upkeep.clear(leftovers)
    if not as_json:
        out(f"removed {shown_bytes(whole)}")
