"""The command `ablate`: what each edit of a candidate is worth, measured."""

from dataclasses import asdict
from typing import Annotated

import typer

from autodata.api.splits import MEASURABLE, split_named
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
from autodata.cli.choices import OPTIMIZATION, CandidateName, LastSearch, chosen_run
from autodata.errors import ConfigurationError
from autodata.types import Sample, Split


def ablate(
    run: LastSearch = None,
    candidate: CandidateName = None,
    split: Annotated[
        Split,
        typer.Option(
            metavar="|".join(MEASURABLE),
            parser=split_named,
            autocompletion=lambda: list(MEASURABLE),
            help="Documents to use.",
        ),
    ] = MEASURABLE[0],
    repeats: Annotated[int, typer.Option(min=1, help="Episodes per document.")] = 1,
    most: Annotated[int, typer.Option(min=0, help="Documents at most; 0: all.")] = 0,
    kept_as: KeptAs = None,
    config: ConfigFile = None,
    settings: Settings = None,
    models: Models = None,
    as_json: AsJson = False,
) -> None:
    """Measure a candidate without each of its edits: what is each of them worth?"""
    from autodata.api import ablation
    from autodata.cli.display import watched
    from autodata.report.ablations import ablations_view

    project = here(config, settings, models)
    project.in_force()  # what is wrong there comes first
    chosen, named = chosen_run(run, candidate, OPTIMIZATION)
    if named is None:
        raise ConfigurationError(
            f"which candidate of run {chosen.name} shall be measured without its edits?",
            f"autodata show {chosen.name} lists them; autodata ablate {chosen.name} CANDIDATE",
        )
    console = make_console(as_json)
    sample = Sample(split, repeats, most)
    command = f"autodata ablate {chosen.name} {named} --split {split} --repeats {repeats}"
    with watched(console, lambda name: f"{command} --most {most} --run {name}") as view:
        found = ablation.ablate(chosen.name, named, project, kept_as, sample, view)
    data = {
        "run_id": found.run.name,
        "candidate": found.candidate,
        "split": split,
        "episodes": found.episodes,
        "rate": asdict(found.rate),
        "edits": [asdict(edit) for edit in found.edits],
        "calls": found.spend.calls,
        "prompt_tokens": found.spend.prompt_tokens,
        "completion_tokens": found.spend.completion_tokens,
        "reasoning_tokens": found.reasoning_tokens,
        "cost_usd": found.spend.cost_usd,
        "unusable": found.unusable,
        "simulated": found.simulated,
    }
    if as_json:
        out_json(data)
    else:
        console.print(ablations_view(data))
