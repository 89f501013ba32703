"""The live view where there is no terminal: what it says, and how often."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from autodata.config.file import load_config
from autodata.models.calls.caller import CallStatus
from autodata.project import Project, template
from autodata.report.display import Job, event_line
from autodata.report.live import EDITS_SHOWN, PLAIN_STILL_S, LiveView
from autodata.search.base import Iteration, Proposal
from autodata.search.belief import Estimate
from autodata.search.events import (
    Certifying,
    Decided,
    Looked,
    Looking,
    Remeasured,
    Selected,
    Started,
)
from autodata.search.null import null_rate
from autodata.store.records import EditBelief, EditState
from autodata.types import Candidate, Spend, Status
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

    def drawn(self) -> list[str]:
        """Return what a terminal would show now."""
        screen = io.StringIO()
        Console(file=screen, width=120).print(self.view.draw())
        return screen.getvalue().splitlines()

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


def believed_of(edit: int, good: float, state: EditState = "undecided") -> EditBelief:
    return EditBelief(edit, 0.04, -0.01, 0.09, good, None, 60, state)


def test_a_merging_search_tells_its_looks_and_what_is_believed_of_edits() -> None:
    screen = Screen(iterations=9)
    screen.begin()
    screen.view.progress(Started(believed("c0", 0.2), 9, 1_000, null_rate(0, 0)))
    best = believed("c7", 0.6)
    first = (believed_of(1, 0.9), believed_of(2, 0.97, "admitted"), believed_of(3, 0.1))
    screen.view.progress(Looked(1, first, believed("c0", 0.3), best, 200, null_rate(0, 30)))
    line = screen.still(PLAIN_STILL_S)[0]
    assert "looks 1 over  edits: 2 undecided, 1 admitted  searching" in line
    assert "baseline .30 [.10, .50]  best c7 .60 [" in line
    second = (believed_of(3, 0.02, "rejected"),)
    screen.view.progress(Looked(2, second, believed("c0", 0.3), best, 250, null_rate(0, 30)))
    line = screen.still(PLAIN_STILL_S)[0]
    assert "looks 2 over  edits: 1 undecided, 1 admitted, 1 rejected" in line


def test_a_screen_draws_the_likeliest_edits_and_those_that_are_being_made() -> None:
    screen = Screen(iterations=9)
    screen.begin()
    screen.view.progress(Started(believed("c0", 0.2), 9, 400, null_rate(0, 0)))
    for number in (7, 8):
        screen.view.progress(Selected(number, "c3"))
    screen.view.progress(Looking(2, (7,)))
    screen.time += 60
    edits = tuple(believed_of(n, n / 10) for n in range(1, EDITS_SHOWN + 2))
    now, best = believed("c0", 0.3), believed("c7", 0.6)
    screen.view.progress(Looked(2, edits, now, best, 100, null_rate(0, 30)))
    lines = screen.drawn()
    told = [line for line in lines if line.startswith("believed: ")]
    assert told[0] == "believed: e6 +.04 [-.01, +.09] P(good) .60, undecided"
    assert len(told) == EDITS_SHOWN
    assert [line for line in lines if "editing" in line] == ["edit e8: editing c3"]
    assert any("about 3:00 left" in line for line in lines)
    screen.view.progress(Certifying(("c7",), 80))
    assert not any("believed" in line or "editing" in line for line in screen.drawn())


def test_a_decided_edit_is_told_as_an_edit() -> None:
    made = Candidate("e5", "commit", "tree", "c0", {}, 9, "Ask for less\n\nIt passes.")
    past = Iteration(5, "c0", Proposal("text", made), "admitted", "good at .97")
    now = believed("c0", 0.3)
    line = event_line(Decided(past, now, now, 100, null_rate(0, 30)))
    assert line == "edit e5 admitted: good at .97  (Ask for less)"
