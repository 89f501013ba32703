"""The summary at the end of a search: its result, the change, and the next commands."""

from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from autodata.cli.base import draw, open_tables, out_json
from autodata.config.schema import Config
from autodata.project import Project

if TYPE_CHECKING:
    from autodata.search.search import SearchResult


def show_result(
    project: Project, run_id: str, result: "SearchResult", console: Console, as_json: bool
) -> None:
    """Print a search's result, what its best candidate changes, and what to do next."""
    from autodata.harness import spec
    from autodata.jobs.optimize import harness_at
    from autodata.report import queries, views

    with open_tables(run_id) as connection:
        data = queries.run_report(connection, run_id)
    closed = result.closed
    if as_json:
        out_json({**data, "best": result.best.id, "closed": closed.bound if closed else ""})
        return
    draw(views.run_view(data, "finished", console.width), console)
    if closed:
        console.print(Text(views.closing_line(closed)), soft_wrap=True)
        larger = f"autodata optimize --run {run_id} --set {closed.bound}=LARGER"
        console.print(f"to go on from here: {larger}", soft_wrap=True)
    best = result.finalists[0].id if result.finalists else "c0"
    if best != "c0":
        before, after = harness_at(project, f"{run_id}/c0"), harness_at(project, f"{run_id}/{best}")
        console.print(f"\nwhat {best} changes:")
        console.print(views.diff_view(spec.diff(before, after)), soft_wrap=True)
    console.print(f"\nthe run lies in {project.runs / run_id}; next:", soft_wrap=True)
    certified = result.best.id != "c0"
    steps = next_steps(run_id, best, certified, project.config)
    for command, meaning in steps:
        console.print(f"  {command}    # {meaning}", soft_wrap=True)


def next_steps(run: str, best: str, certified: bool, config: Config) -> list[tuple[str, str]]:
    """Return commands that would work now, each with what it is good for, the likeliest first."""
    question = "select candidate_id, avg(score) from episodes where split = 'validation' group by 1"
    look = [
        (f"autodata show {run} {best}", "look at a candidate closely"),
        (f'autodata sql "{question}"', "ask anything"),
    ]
    if config.simulated:
        why = "real models: simulated ones show nothing, and are not promoted"
        return [*look, ("autodata optimize --models local", why)]
    if certified:
        return [(f"autodata promote {run}", f"make {best} the new version"), *look]
    further = 2 * config.optimize.iterations
    return [
        (f"autodata optimize --run {run} --iterations {further}", "search on: none is certified"),
        (
            f"autodata optimize --set documents.splits.test={2 * config.documents.splits.test}",
            "a new search whose test can make a smaller gain certain",
        ),
        *look,
    ]
