"""Commands that hold a run's judge against people: sample, calibrate-judge."""

import json
from pathlib import Path
from typing import Annotated

import typer

from autodata.cli.base import AsJson, here, make_console, out, out_json
from autodata.cli.choices import LastRun, chosen_run
from autodata.errors import ConfigurationError


def sample(
    run: LastRun = None,
    for_labels: Annotated[
        bool, typer.Option("--for-labels", help="Judged answers, without what the judge said.")
    ] = False,
    most: Annotated[int, typer.Option(min=1, metavar="N", help="Answers at most.")] = 30,
    seed: Annotated[int, typer.Option(min=0, help="Another number, another sample.")] = 0,
    to: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Where to; default: stdout.")
    ] = None,
) -> None:
    """Draw answers at random for people to label; fill in `met`, then calibrate-judge FILE."""
    from autodata.api import quality

    if not for_labels:
        raise ConfigurationError(
            "what shall the sample be for?", "autodata sample RUN --for-labels --out labels.json"
        )
    chosen, _ = chosen_run(run)
    drawn = quality.sample_for_labels(chosen, most, seed)
    if to is None:
        out_json(drawn)
        return
    if to.exists():
        raise ConfigurationError(f"{to} is there already", "it may hold labels: name another file")
    to.write_text(json.dumps(drawn, ensure_ascii=False, indent=1) + "\n", "utf-8")
    criteria = sum(len(answer["criteria"]) for answer in drawn)
    out(
        f"wrote {to}: {len(drawn)} answers with {criteria} criteria; set each `met` to true or "
        f"false as you read it, then: autodata calibrate-judge {to}"
    )


def calibrate_judge(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Labels, as `sample` wrote them.")],
    by: Annotated[str, typer.Option(metavar="NAME", help="Who labelled; kept and shown.")] = "",
    as_json: AsJson = False,
) -> None:
    """Hold a run's judge against labels and against itself; the result is kept with the run."""
    from autodata.api import quality
    from autodata.cli.display import watched
    from autodata.report.quality import calibration_line, criteria_view

    console = make_console(as_json)
    with watched(console) as view:
        found = quality.calibrate_judge(file, by, here(), view)
    data = found.to_json()
    if as_json:
        out_json(data)
        return
    console.print(calibration_line(data), soft_wrap=True)
    console.print(criteria_view(data))
