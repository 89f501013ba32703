"""Pictures of measured values as PNG: dots with their intervals, small panels side by side.

Whatever shows numbers as a picture asks for it here. Nothing else knows how one is drawn.
"""

import io
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from autodata.errors import ConfigurationError
from autodata.report.views import plain
from autodata.types import Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
"""Told apart by the colour-blind as well (M. Okabe, K. Ito, 2008)."""
MARKERS = ("o", "s", "D", "^")
PANEL_INCHES = 3.6
ROW_INCHES = 0.45
DOTS_PER_INCH = 160
LONGEST_WORDS = 60
"""Characters of a text that are drawn."""


@dataclass(frozen=True, slots=True)
class Plot:
    """Values of one kind: for each of the `labels` a dot with its interval, in every series.

    `span` are the ends of their scale, None where it has none.
    """

    title: str
    labels: tuple[str, ...]
    series: Mapping[str, Sequence[Interval | None]]
    span: tuple[float, float] | None = None


def check_drawing(into: Path) -> None:
    """Refuse where nothing can be drawn into a file: asked before a measurement is paid for.

    Raises:
        ConfigurationError: matplotlib is not installed, or there is no place for the file.
    """
    if into.is_dir() or not into.absolute().parent.is_dir():
        raise ConfigurationError(
            f"{into} is a folder, or in none", "name a file in a folder that is there"
        )
    _check_installed()


def save(into: Path, picture: bytes) -> None:
    """Write a picture.

    Raises:
        ConfigurationError: the file cannot be written.
    """
    try:
        into.write_bytes(picture)
    except OSError as error:
        problem = f"{into}: {(error.strerror or str(error)).lower()}"
        raise ConfigurationError(problem, "name another file, and the same --run") from error


def _check_installed() -> None:
    try:
        import matplotlib  # noqa: F401 - it is asked for before anything is measured
    except ImportError as error:
        raise ConfigurationError(
            "no picture can be drawn: matplotlib is not installed",
            "pip install 'autodata[pictures]'",
        ) from error


def dots(panels: Sequence[Plot], title: str = "") -> bytes:
    """Draw panels side by side; equal values give equal bytes.

    Raises:
        ConfigurationError: matplotlib is not installed.
        ValueError: there is no panel.
    """
    _check_installed()
    from matplotlib.figure import Figure

    if not panels:
        raise ValueError("a picture needs a panel")
    rows = max(len(panel.labels) for panel in panels)
    size = (PANEL_INCHES * len(panels), 1.3 + ROW_INCHES * rows)
    figure = Figure(figsize=size, dpi=DOTS_PER_INCH, layout="constrained")
    if title:
        figure.suptitle(_words(title), fontsize=10, parse_math=False)
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for number, (panel, ax) in enumerate(zip(panels, axes, strict=True)):
        _draw(panel, ax, named=number == 0 or panel.labels != panels[0].labels)
    drawn = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of characters that its font has not
        figure.savefig(drawn, format="png", metadata={"Software": None})
    return drawn.getvalue()


def _words(text: str) -> str:
    """Return a text as it can be drawn: in one line, whole characters only, not too long."""
    return " ".join(plain(text).split())[:LONGEST_WORDS]


def _draw(panel: Plot, ax: "Axes", named: bool) -> None:
    places = range(len(panel.labels))
    apart = 0.5 / max(1, len(panel.series))
    for number, (name, values) in enumerate(panel.series.items()):
        shift = (number - (len(panel.series) - 1) / 2) * apart
        known = [(place, value) for place, value in zip(places, values, strict=True) if value]
        ax.errorbar(
            [value.mean for _, value in known],
            [place + shift for place, _ in known],
            xerr=[
                [value.mean - value.low for _, value in known],
                [value.high - value.mean for _, value in known],
            ],
            fmt=MARKERS[number % len(MARKERS)],
            color=COLOURS[number % len(COLOURS)],
            markersize=5,
            elinewidth=1.2,
            capsize=2.5,
            label=_words(name).replace("$", r"\$"),  # a legend would read it as a formula
        )
    labels = [_words(label) if named else "" for label in panel.labels]
    ax.set_yticks(places, labels=labels, fontsize=8, parse_math=False)
    ax.set_ylim(len(panel.labels) - 0.5, -0.5)  # the first on top
    if panel.span:
        room = 0.03 * (panel.span[1] - panel.span[0])
        ax.set_xlim(panel.span[0] - room, panel.span[1] + room)
    ax.set_title(_words(panel.title), fontsize=9, parse_math=False)
    ax.locator_params(axis="x", nbins=5)
    ax.tick_params(axis="x", labelsize=8)
    ax.grid(axis="x", linewidth=0.4, alpha=0.5)
    ax.spines[["top", "right"]].set_visible(False)
    if len(panel.series) > 1:
        ax.legend(
            fontsize=7, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=4
        )
