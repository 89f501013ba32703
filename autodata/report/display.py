"""What a job tells while it runs, to whoever shows it; the display here shows nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from signal import Signals

from autodata.models.calls.caller import CallStatus
from autodata.project import Project
from autodata.report.views import believed, closing_line
from autodata.search.events import Certifying, Closed, Decided, Event, Started
from autodata.store.episodes import EpisodeRecord


@dataclass(frozen=True, slots=True)
class Job:
    """What is about to run: `what` in words, and the iterations of a search (0: a measurement)."""

    what: str
    run_id: str
    project: Project
    iterations: int = 0
    seed: int = 0


class Display:
    """Takes in what a job tells and shows nothing of it; override what shall be shown.

    All methods are called in the thread that the job runs in, and should not wait.
    """

    def begins(self, job: Job) -> None:
        """The job's settings are known; nothing was started yet."""

    def started(
        self, status: Callable[[], CallStatus], troubles: Callable[[], tuple[str, ...]]
    ) -> None:
        """Models are up; the functions return the counters of calls and what is waited for."""

    def line(self, text: str) -> None:
        """Something to read, in one line."""

    def episode(self, record: EpisodeRecord) -> None:
        """An episode has ended."""

    def still(self) -> None:
        """Two seconds have passed, whatever happened."""

    def progress(self, event: Event) -> None:
        """A search has come further; what is worth a line becomes one."""
        if text := event_line(event):
            self.line(text)

    def stopping(self, number: Signals) -> None:
        """A signal, such as Ctrl-C's, ends the job in order; more of them change nothing."""

    def ends(self) -> None:
        """Nothing more comes, whether the job has come to its end or not."""


def event_line(event: Event) -> str:
    """Say an event of a search in a line, if it is worth one."""
    match event:
        case Started():
            return f"baseline c0: first look {believed(event.baseline)}"
        case Decided():
            past = event.iteration
            candidate = past.proposal.candidate
            if candidate is None:
                return f"proposal {past.number} of {past.parent_id} {past.decision}: {past.reason}"
            name, message = candidate.id, candidate.message
            change = f"  ({message.splitlines()[0]})" if message else ""
            if name == f"e{past.number}":  # of a merging search
                return f"edit {name} {past.decision}: {past.reason}{change}"
            return (
                f"iteration {past.number}: {past.parent_id} -> {name} {past.decision}: "
                f"{past.reason}{change}"
            )
        case Closed():
            return closing_line(event.closing)
        case Certifying():
            against = f"against {', '.join(event.finalists)}"
            if not event.finalists:
                against = "alone: no candidate is believed to be better"
            return f"sealed test split: c0 {against}"
    return ""
