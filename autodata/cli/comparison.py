"""The command `compare`: harnesses side by side on the same documents."""

from dataclasses import asdict
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from autodata.api.splits import MEASURABLE
from autodata.cli.base import (
    AsJson,
    ConfigFile,
    KeptAs,
    Models,
    Settings,
    here,
    make_console,
    out_json,
)
from autodata.cli.choices import MostDocuments, Repeats, SampleSplit, measurable
from autodata.types import Sample


def compare(
    harnesses: Annotated[
        list[str],
        typer.Argument(
            metavar="HARNESS",
            help="Harness folders or names, RUN/CANDIDATE, or tags; the first is the yardstick.",
            autocompletion=measurable,
        ),
    ],
    split: SampleSplit = MEASURABLE[0],
    repeats: Repeats = 1,
    most: MostDocuments = 0,
    null: Annotated[
        int, typer.Option(min=0, help="Null episodes of each, the strong solver in both seats.")
    ] = 8,
    png: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw it as a picture into this file, too.")
    ] = None,
    run: KeptAs = None,
    config: ConfigFile = None,
    settings: Settings = None,
    models: Models = None,
    as_json: AsJson = False,
) -> None:
    """Measure harnesses side by side: both solvers on every example, paired by document."""
    from autodata.api import comparison
    from autodata.cli.display import watched
    from autodata.report import pictures
    from autodata.report.comparisons import comparison_panels, comparison_view

    if png is not None:
        pictures.check_drawing(png)
    console, sample = make_console(as_json), Sample(split, repeats, most, null, full=True)
    command = f"autodata compare {' '.join(map(quote, harnesses))} --split {split} --null {null}"
    command += f" --repeats {repeats} --most {most}"
    with watched(console, lambda name: f"{command} --run {name}") as view:
        found = comparison.compare(harnesses, here(config, settings, models), run, sample, view)
    data = {
        "run_id": found.run.name,
        "split": split,
        "documents": found.documents,
        "harnesses": [asdict(one) for one in found.harnesses],
        "totals": found.totals,
        "unusable": found.unusable,
        "simulated": found.simulated,
    }
    if png is not None:
        title = f"{found.documents} {split} documents, intervals of 95 %"
        title += ", SIMULATED MODELS" * found.simulated
        pictures.save(png, pictures.dots(comparison_panels(data), title))
    if as_json:
        out_json(data)
    else:
        console.print(comparison_view(data))
