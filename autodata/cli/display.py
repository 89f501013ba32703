"""The display of a running command: its live view, and the hint how to resume it."""

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from rich.console import Console

from autodata.errors import AutodataError, Interrupted
from autodata.project import Project

if TYPE_CHECKING:
    from autodata.engine.engine import Reports
    from autodata.jobs.optimize import Running
    from autodata.report.live import LiveView

T = TypeVar("T")


def watched(
    project: Project,
    console: Console,
    title: str,
    resume: str,
    work: "Callable[[LiveView, Reports, Callable[[Running], None]], Coroutine[Any, Any, T]]",
    iterations: int = 0,
    heading: str = "",
) -> T:
    """Carry work out under a live view, to its end or to a signal.

    `resume` is the command that goes on: an error of a run that had begun says it, as the same
    command alone may begin another one and pay again.
    """
    from autodata.engine import lifecycle
    from autodata.engine.engine import Reports
    from autodata.report.live import LiveView

    view = LiveView(console, title, iterations, project.config.budget, project.config.simulated)
    begun = False

    def started(now: "Running") -> None:
        nonlocal begun
        begun = True
        if heading:
            console.print(heading, soft_wrap=True)
        engine = now.engine
        view.started(engine.caller.status, lambda: engine.watchdog.troubles)

    with view:
        reports = Reports(view.line, view.episode, view.still)
        try:
            return lifecycle.run_until_signal(work(view, reports, started), view.line)
        except AutodataError as error:
            if resume and (begun or isinstance(error, Interrupted)):
                resumed = f"go on with: {resume}"
                error.fix = f"{error.fix}; {resumed}" if error.fix else resumed
            raise
