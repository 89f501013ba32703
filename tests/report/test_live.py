"""The live view where there is no terminal: what it says, and how often."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from autodata.config.file import load_config
from autodata.models.calls.caller import CallStatus
from autodata.project import Project, template
from autodata.report.display import Job
from autodata.report.live import PLAIN_STILL_S, LiveView
from autodata.search.base import Iteration, Proposal
from autodata.search.belief import Estimate
from autodata.search.events import Decided, Remeasured, Started
from autodata.search.null import null_rate
from autodata.types import Spend, Status
from tests.support.journals import episode


class Screen:
    """A view whose time goes on when told to."""

    def __init__(self, iterations: int = 0) -> None:
        self.time = 0.0
        self.answered = 7
        self.troubles: tuple[str, ...] = ()
        self.text = io.StringIO()
        console = Console(file=self.text, width=120)
        self.view = LiveView(console, now=lambda: self.time)
        config = load_config(template("simulated"), "simulated", [])
        project = Project(Path(), config, "autodata.yaml")
        self.view.begins(Job("optimize", "a-run", project, iterations))

    def begin(self) -> None:
        self.view.started(self.status, lambda: self.troubles)

    def status(self) -> CallStatus:
        return CallStatus(self.answered, 0, 4, 0, Spend())

    def still(self, seconds: float) -> list[str]:
        """Let so many seconds pass in which nothing happens; return what was said."""
        before = len(self.text.getvalue())
        for _ in range(int(seconds)):
            self.time += 1.0
            self.view.still()
        return self.text.getvalue()[before:].splitlines()


def test_plain_output_says_each_minute_what_a_run_waits_for() -> None:
    screen = Screen()
    screen.begin()
    screen.troubles = ("endpoint strong is down since 10:00:00, retrying every 60 s: refused",)
    said = screen.still(5 * PLAIN_STILL_S)
    assert len(said) == 5
    assert all(f"trouble {screen.troubles[0]}" in line and "4 in flight" in line for line in said)
    screen.troubles = ()
    (well,) = screen.still(PLAIN_STILL_S)
    assert "trouble" not in well


@pytest.mark.parametrize("status", ["accepted", "void"])
def test_plain_output_that_just_spoke_waits_a_minute(status: Status) -> None:
    screen = Screen()
    screen.begin()
    screen.time += 20
    screen.view.episode(episode("d", "train", status)[1])
    assert "episodes" in screen.text.getvalue()
    assert screen.still(PLAIN_STILL_S - 1) == []
    assert len(screen.still(1)) == 1


def test_no_speed_is_told_before_there_is_one() -> None:
    screen = Screen()
    screen.answered = 0
    screen.begin()
    assert all("/s" not in line for line in screen.still(PLAIN_STILL_S))
    screen.answered = 120
    (line,) = screen.still(PLAIN_STILL_S)
    assert "120 (2.0/s)" in line


def believed(candidate: str, mean: float) -> Estimate:
    return Estimate(candidate, mean, 0.1, 8, 20)


def test_the_baseline_is_shown_as_it_is_believed_now() -> None:
    screen = Screen(iterations=3)
    screen.begin()
    screen.view.progress(Started(believed("c0", 0.2), 3, 0, null_rate(0, 0)))
    assert "baseline .20 [" in screen.still(PLAIN_STILL_S)[0]
    refused = Iteration(1, "c0", Proposal("knobs", None), "refused", "tried before")
    now, best = believed("c0", 0.45), believed("c1", 0.6)
    screen.view.progress(Decided(refused, now, best, 40, null_rate(0, 30)))
    line = screen.still(PLAIN_STILL_S)[0]
    assert "baseline .45 [.25, .65]  best c1 .60 [" in line
    assert "null .00 [.00, .10]" in line
    screen.view.progress(Remeasured(believed("c0", 0.5), best, 50))
    assert "baseline .50 [" in screen.still(PLAIN_STILL_S)[0]
