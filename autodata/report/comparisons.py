"""How harnesses are shown side by side: a line for each measure, a column for each harness."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from autodata.report.pictures import Plot
from autodata.report.views import plain, tokens, unusable
from autodata.search.measures import MEASURES
from autodata.types import Interval, Json

NOTE = (
    "weak, strong and gap: fresh samples on what each document came to, accepted or not; "
    "[95 %] over documents, differences paired; each stands alone: one in twenty misleads by luck"
)
PANELS: tuple[tuple[str, tuple[str, ...], tuple[float, float] | None], ...] = (
    ("what every document came to", ("weak", "strong"), (0, 1)),
    ("accepted examples", ("accepted_weak", "accepted_strong"), (0, 1)),
    ("episodes", ("acceptance", "null_rate"), (0, 1)),
    ("tokens per accepted", ("tokens_per_accepted",), None),
)
"""The panels of a picture: title, measures, and the ends of their scale."""

SIDE_BY_SIDE = 2
"""Harnesses whose differences fit beside their values."""
HarnessColumn = tuple[str, Json]
"""A column's head, and its values by measure."""


def comparison_view(report: Json) -> RenderableType:
    """Draw `compare A B ...`: values with intervals, and differences to the first."""
    found = report["harnesses"]
    shown = [name for name in MEASURES if any(_telling(one["measures"][name]) for one in found)]
    values = [(plain(one["harness"]), one["measures"]) for one in found]
    first = plain(found[0]["harness"])
    gains = [(f"{plain(one['harness'])} - {first}", one["against"]) for one in found[1:]]
    wide = len(found) > SIDE_BY_SIDE  # then differences get a table of their own
    tables = [_table(shown, values, gains)] if not wide else [
        _table(shown, values, []), Text(""), _table(shown, [], gains)
    ]  # fmt: skip
    counted = ", ".join(f"{one['harness']} {one['accepted']} of {one['episodes']}" for one in found)
    head = f"accepted {report['split']} episodes on {report['documents']} documents: {counted}"
    totals = report["totals"]
    took = f"{totals['calls']:,} calls  {tokens(totals)}  ${totals['usd']:.2f} in all"
    left = [f"of {one['harness']} {one['unscored']} of {one['examples']} examples were not scored "
            "by both solvers" for one in found if one["unscored"]]  # fmt: skip
    left += [unusable(report["unusable"])] if report["unusable"] else []
    return Group(
        Text(plain(head)),
        *tables,
        *(Text(plain(line)) for line in left),
        Text(took),
        Text(NOTE, style="dim"),
    )


def measures_view(measures: Json) -> RenderableType:
    """Draw what is known of one harness that was measured with `--full`."""
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, measure in MEASURES.items():
        if _telling(measures[name]):
            table.add_row(measure.label, interval(measures[name], measure.form))
    return Group(table, Text(NOTE, style="dim"))


def interval(value: Json | None, form: str) -> str:
    """Return a value with its interval in a measure's form, `-` where there is none."""
    if value is None:
        return "-"
    mean, low, high = (_number(value[end], form) for end in ("mean", "low", "high"))
    return f"{mean} [{low}, {high}]"


def _telling(value: Json | None) -> bool:
    """Whether there is a value other than a 0 that is certain, as of models without a price."""
    return value is not None and (value["high"] > 0 or value["low"] < 0)


def _table(
    shown: Sequence[str], values: Sequence[HarnessColumn], gains: Sequence[HarnessColumn]
) -> Table:
    """Return lines for these measures: values, and behind them differences with their signs."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("", no_wrap=True)
    for head, _ in (*values, *gains):
        table.add_column(head, justify="right", overflow="fold")
    for name in shown:
        form = MEASURES[name].form
        signed = form if form.startswith("+") else f"+{form}"
        cells = [interval(column[name], form) for _, column in values]
        table.add_row(
            MEASURES[name].label, *cells, *(interval(column[name], signed) for _, column in gains)
        )
    return table


def _number(value: float, form: str) -> str:
    """Return a number in this form; between -1 and 1 without the zero before the point."""
    text = format(value, form)
    head = text[:1] if text[:1] in "+-" else ""
    return (
        head + text[len(head) :].removeprefix("0") if "0." in text[:3] and abs(value) < 1 else text
    )


def comparison_panels(report: Json) -> list[Plot]:
    """Return what a picture of `compare A B ...` shows; a panel of nothing is left out."""
    found = report["harnesses"]
    labels = tuple(one["harness"] for one in found)

    def values(name: str) -> list[Interval | None]:
        return [
            Interval(**one["measures"][name]) if one["measures"][name] else None for one in found
        ]

    panels = [
        Plot(title, labels, {MEASURES[name].label: values(name) for name in names}, span)
        for title, names, span in PANELS
    ]
    return [panel for panel in panels if any(any(each) for each in panel.series.values())]
