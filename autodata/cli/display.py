"""The display of a running command: its live view, the end of one that hangs, how to resume it."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from signal import Signals
from threading import Timer

from rich.console import Console

from autodata.errors import AutodataError, Interrupted
from autodata.report.display import Job
from autodata.report.live import LiveView

STOP_S = 9.0
"""Seconds after the first signal at which the process ends, whatever still hangs: the journal
bears that like any kill."""


class CommandView(LiveView):
    """The live view of a process that runs nothing else, and so may end at once."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self.watchdog = Timer(STOP_S, os._exit, [Interrupted.exit_code])
        self.watchdog.daemon = True

    @property
    def shown(self) -> Job:
        """The job that was begun."""
        assert self.job is not None
        return self.job

    def stopping(self, number: Signals) -> None:
        """Say so, and give it some seconds."""
        self.watchdog.start()
        super().stopping(number)


@contextmanager
def watched(
    console: Console, resume: Callable[[str], str] = lambda run: ""
) -> Iterator[CommandView]:
    """Give a view for a job, and say how a run goes on that had begun when an error came.

    `resume` returns the command for a run's name: the same command alone may begin another run
    and pay again.
    """
    view = CommandView(console)
    try:
        yield view
    except AutodataError as error:
        again = resume(view.job.run_id) if view.job else ""
        if again and (view.begun or isinstance(error, Interrupted)):
            resumed = f"go on with: {again}"
            error.fix = f"{error.fix}; {resumed}" if error.fix else resumed
        raise
    finally:
        view.watchdog.cancel()
