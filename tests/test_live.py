"""The live view where there is no terminal: what it says, and how often."""

import io

import pytest
from rich.console import Console

from autodata.config import Budget
from autodata.live import PLAIN_STILL_S, LiveView
from autodata.models.calls import CallStatus
from autodata.types import Spend


class Screen:
    """A view whose time goes on when told to."""

    def __init__(self) -> None:
        self.time = 0.0
        self.troubles: tuple[str, ...] = ()
        self.text = io.StringIO()
        console = Console(file=self.text, width=120)
        self.view = LiveView(console, "a run", 0, Budget(), False, now=lambda: self.time)

    def begin(self) -> None:
        status = CallStatus(7, 0, 4, 0, Spend())
        self.view.started(lambda: status, lambda: self.troubles)

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
def test_plain_output_that_just_spoke_waits_a_minute(status: str) -> None:
    screen = Screen()
    screen.begin()
    screen.time += 20
    screen.view.episode({"status": status})
    assert "episodes" in screen.text.getvalue()
    assert screen.still(PLAIN_STILL_S - 1) == []
    assert len(screen.still(1)) == 1
