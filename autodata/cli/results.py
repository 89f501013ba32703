"""What commands print at their end: a search's summary, and what a measurement took."""

from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from autodata.api.project import Config
from autodata.api.run import Run
from autodata.cli.base import draw, out_json
from autodata.report import searches, views
from autodata.types import Json

if TYPE_CHECKING:
    from autodata.api.ablation import Ablations
    from autodata.api.work import Measurement


def spent(found: "Measurement | Ablations") -> Json:
    """Return what a measurement took, and whether it was of simulated models, for `--json`."""
    return {
        "calls": found.spend.calls,
        "prompt_tokens": found.spend.prompt_tokens,
        "completion_tokens": found.spend.completion_tokens,
        "reasoning_tokens": found.reasoning_tokens,
        "cost_usd": found.spend.cost_usd,
        "unusable": found.unusable,
        "simulated": found.simulated,
    }


def show_result(run: Run, config: Config, console: Console, as_json: bool) -> None:
    """Print a search's result, what its best candidate changes, and what to do next."""
    report, result = run.show(), run.result
    assert result is not None
    if as_json:
        closed = result.closed.bound if result.closed else ""
        out_json({**report.data, "best": result.best, "closed": closed})
        return
    draw(searches.run_view(report.data, "finished", console.width), console)
    if result.closed:
        console.print(Text(views.closing_line(result.closed)), soft_wrap=True)
        larger = f"autodata optimize --run {run.name} --set {result.closed.bound}=LARGER"
        console.print(f"to go on from here: {larger}", soft_wrap=True)
    best = result.finalists[0] if result.finalists else "c0"
    if best != "c0":
        console.print(f"\nwhat {best} changes:")
        console.print(views.diff_view(run.diff(best)), soft_wrap=True)
    console.print(f"\nthe run lies in {run.folder}; next:", soft_wrap=True)
    steps = next_steps(run.name, best, result.best != "c0", config)
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
