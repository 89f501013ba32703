"""The live view of a run: a few redrawn lines, or plain lines where there is no terminal."""

import time
from collections import Counter
from collections.abc import Callable
from signal import Signals

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from autodata.config.schema import Budget
from autodata.models.calls.caller import CallStatus
from autodata.models.endpoint.throttle import Now
from autodata.report.display import Display, Job
from autodata.report.edits import believed_effect
from autodata.report.views import SIMULATED, believed, null_shown, short, signed
from autodata.search.belief import Estimate
from autodata.search.events import (
    Ahead,
    Certified,
    Certifying,
    Closed,
    Decided,
    Event,
    Looked,
    Looking,
    Raced,
    Remeasured,
    Selected,
    Started,
)
from autodata.store.episodes import EpisodeRecord
from autodata.store.records import EditState

REDRAW_PER_S = 4
EDITS_SHOWN = 5
"""Edits of a merging search that are drawn with what is believed of them, the likeliest first."""
EDIT_STATES: tuple[EditState, ...] = ("undecided", "admitted", "rejected")
PLAIN_EVERY_S = 15.0
PLAIN_STILL_S = 60.0
"""Seconds after which plain lines say how things are even where no episode ends."""


class LiveView(Display):
    """Shows a search, or with no iterations a plain measurement, on a console."""

    def __init__(self, console: Console | None = None, now: Now = time.monotonic) -> None:
        self.job: Job | None = None
        self.begun = False
        self._console = console or Console(highlight=False)
        self._title = "autodata"
        self._iterations = 0
        self._budget = Budget()
        self._simulated = False
        self._merging = False
        self._now = now
        self._began = now()
        self._decided = 0
        self._done = 0.0  # share of the search
        self._allowed = 0  # episodes
        self._looks = ""
        self._edits: dict[int, EditState] = {}
        self._believed: list[str] = []
        self._episodes = 0
        self._accepted = 0
        self._phase = "starting models"
        self._best = "-"
        self._baseline = "-"
        self._null = ""
        self._races: dict[int, str] = {}
        self._last_plain = self._began
        self._marks: list[tuple[float, int]] = []
        self._status: Callable[[], CallStatus] | None = None
        self._troubles: Callable[[], tuple[str, ...]] = tuple
        self._live = Live(
            get_renderable=self.draw,
            console=self._console,
            refresh_per_second=REDRAW_PER_S,
            transient=True,
        )

    def begins(self, job: Job) -> None:
        """Take in what begins, and draw it from now on."""
        config = job.project.config
        self.job = job
        self._title = f"autodata {job.what}  run {job.run_id}"
        self._iterations, self._budget = job.iterations, config.budget
        self._simulated = config.simulated
        self._merging = config.optimize.search == "merge"
        self._began = self._last_plain = self._now()
        if self._simulated:
            self._console.print(SIMULATED)
        if self._console.is_terminal:
            self._live.start()

    def ends(self) -> None:
        """Draw nothing any more."""
        if self._live.is_started:
            self._live.stop()

    def started(
        self, status: Callable[[], CallStatus], troubles: Callable[[], tuple[str, ...]]
    ) -> None:
        """Begin the view: models are up; `status` and `troubles` are asked at every redraw."""
        self.begun = True
        self._status = status
        self._troubles = troubles
        if self.job and self._iterations:
            project = self.job.project
            heading = (
                f"run {self.job.run_id}  harness {project.config.harness}  seed {self.job.seed}  "
                f"{project.config_file}\nkept in {project.runs / self.job.run_id}"
            )
            self._console.print(Text(heading), soft_wrap=True)
        self._phase = "first look at the baseline" if self._iterations else "measuring"

    def line(self, text: str) -> None:
        """Print a line above the live view, with the time since the job began."""
        wrapped = self.job is not None and self._console.is_terminal
        clock = f"{self._clock()}  " if self.job else ""
        self._console.print(Text(f"{clock}{text}"), soft_wrap=not wrapped)

    def stopping(self, number: Signals) -> None:
        """Say that the job ends, and what becomes of its calls."""
        self.line(f"{number.name}: stopping; calls in flight get some seconds, the rest is undone")

    def episode(self, record: EpisodeRecord) -> None:
        """Count a finished episode; one that is null says nothing of the harness."""
        if not record.void and not record.null:
            self._episodes += 1
            self._accepted += record.status == "accepted"
        self._plain(PLAIN_EVERY_S)

    def still(self) -> None:
        """Print a line if nothing was printed for long."""
        self._plain(PLAIN_STILL_S)

    def progress(self, event: Event) -> None:
        """Take in an event of the search."""
        match event:
            case Started():
                self._baseline = believed(event.baseline)
                self._null = null_shown(event.null)
                self._allowed = event.episodes
                self._phase = "searching"
            case Selected():
                what = f"edit e{event.number}" if self._merging else f"iteration {event.number}"
                self._races[event.number] = f"{what}: editing {event.parent_id}"
            case Raced():
                self._races[event.number] = (
                    f"iteration {event.number}: {event.candidate_id} against {event.parent_id} "
                    f"{signed(event.gain)} ± {event.sd:.2f} after {event.pairs} pairs"
                )
            case Decided():
                self._decided += 1
                if self._iterations and not self._looks:
                    self._done = self._decided / self._iterations
                self._races.pop(event.iteration.number, None)
                self._null = null_shown(event.null)
                self._lead(event.baseline, event.best)
            case Looking():
                for number in event.entered:
                    self._races.pop(number, None)
            case Looked():
                self._look(event)
            case Remeasured():
                self._phase = "measuring the leaders again"
                self._races.clear()
                self._lead(event.baseline, event.best)
            case Closed():
                self._races.clear()
                self._believed.clear()
            case Certifying():
                self._phase = f"test documents: {event.episodes} episodes"
                self._races.clear()
                self._believed.clear()
            case Certified() | Ahead():
                pass
        super().progress(event)

    def _look(self, event: Looked) -> None:
        """Take in what a look says of the edits of a merging search."""
        known: dict[int, EditState] = {edit.edit: edit.state for edit in event.edits}
        self._edits.update(known)
        states = Counter(self._edits.values())
        told = ", ".join(f"{states[state]} {state}" for state in EDIT_STATES if states[state])
        self._looks = f"{event.number} over  edits: {told or 'none yet'}"
        self._null = null_shown(event.null)
        self._lead(event.baseline, event.best)
        best = sorted(event.edits, key=lambda edit: -edit.good)[:EDITS_SHOWN]
        self._believed = [
            f"e{edit.edit} {believed_effect(edit.effect, edit.low, edit.high)} "
            f"P(good) {short(edit.good)}, {edit.state}"
            for edit in best
        ]
        if self._allowed:
            self._done = event.spent / self._allowed

    def _lead(self, baseline: Estimate, best: Estimate) -> None:
        self._best = f"{best.candidate_id} {believed(best)}"
        self._baseline = believed(baseline)

    def draw(self) -> RenderableType:
        """Draw how things are now."""
        grid = Table.grid(padding=(0, 2))
        for name, value in self._facts():
            grid.add_row(Text(name, style="dim"), Text(value))
        lines = [Text(f"believed: {text}", style="green") for text in self._believed]
        lines += [Text(text, style="cyan") for _, text in sorted(self._races.items())]
        head = Text(self._title, style="bold")
        return Group(*([SIMULATED] if self._simulated else []), head, grid, *lines)

    def _facts(self) -> list[tuple[str, str]]:
        share = f", {self._accepted / self._episodes:.0%} accepted" if self._episodes else ""
        facts = [("phase", self._phase)]
        if self._iterations:
            facts = [
                ("looks", f"{self._looks}  {self._phase}")
                if self._looks
                else ("iteration", f"{self._decided} of {self._iterations} decided  {self._phase}"),
                ("pass rate", f"baseline {self._baseline}  best {self._best}{self._null}"),
            ]
        facts.append(("episodes", f"{self._episodes:,}{share}"))
        if self._status is not None:
            now = self._status()
            spent = now.spent
            tokens = spent.prompt_tokens + spent.completion_tokens
            facts.append(
                (
                    "calls",
                    f"{now.answered:,}{self._speed(now.answered)}  {now.in_flight} in "
                    f"flight  {now.recalled:,} from the journal",
                )
            )
            facts.append(
                ("spent", f"{tokens:,} tokens  ${spent.cost_usd:.2f}{self._budget_left()}")
            )
        facts += [("trouble", text) for text in self._troubles()]
        return [*facts, ("time", self._clock() + self._left())]

    def _budget_left(self) -> str:
        """The bounds there are, beside what was spent."""
        budget = self._budget
        bounds = [
            f"{bound:,} {name}"
            for bound, name in (
                (budget.calls, "calls"),
                (budget.prompt_tokens, "prompt tokens"),
                (budget.completion_tokens, "completion tokens"),
            )
            if bound
        ]
        bounds += [f"${budget.usd:.2f}"] if budget.usd else []
        return f"  of {', '.join(bounds)}" if bounds else ""

    def _speed(self, answered: int) -> str:
        """Calls per second over the last half minute; nothing before the first answers."""
        now = self._now()
        self._marks.append((now, answered))
        while len(self._marks) > 2 and now - self._marks[0][0] > 30:
            self._marks.pop(0)
        then, before = self._marks[0]
        if now == then or not answered:
            return ""
        return f" ({(answered - before) / (now - then):.1f}/s)"

    def _left(self) -> str:
        """How long it may still take: the bound, else what the iterations so far foretell."""
        bound = self._budget.hours * 3600
        allowed = f" of {_minutes(bound)} allowed" if bound else ""
        if not 0.0 < self._done < 1.0:
            return allowed
        left = (self._now() - self._began) * (1 - self._done) / self._done
        return f"{allowed}, about {_minutes(left)} left"

    def _clock(self) -> str:
        return _minutes(self._now() - self._began)

    def _plain(self, every_s: float) -> None:
        """Where nothing is redrawn, say every now and then how things are."""
        now = self._now()
        if self._console.is_terminal or now - self._last_plain < every_s:
            return
        self._last_plain = now
        line = "  ".join(f"{name} {value}" for name, value in self._facts() if name != "time")
        self.line(line)


def _minutes(seconds: float) -> str:
    whole = int(seconds)
    if whole >= 3600:
        return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"
    return f"{whole // 60}:{whole % 60:02}"
