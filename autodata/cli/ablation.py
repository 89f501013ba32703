"""The command `ablate`: what each edit of a candidate is worth, measured."""

from dataclasses import asdict

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
from autodata.cli.choices import (
    CandidateName,
    LastSearch,
    MostDocuments,
    Repeats,
    SampleSplit,
    chosen_candidate,
)
from autodata.types import Sample


def ablate(
    run: LastSearch = None,
    candidate: CandidateName = None,
    split: SampleSplit = MEASURABLE[0],
    repeats: Repeats = 1,
    most: MostDocuments = 0,
    kept_as: KeptAs = None,
    config: ConfigFile = None,
    settings: Settings = None,
    models: Models = None,
    as_json: AsJson = False,
) -> None:
    """Measure a candidate without each of its edits: what is each of them worth?"""
    from autodata.api import ablation
    from autodata.cli.display import watched
    from autodata.cli.results import spent
    from autodata.report.ablations import ablations_view

    project = here(config, settings, models)
    project.in_force()  # what is wrong there comes first
    chosen, named = chosen_candidate(run, candidate, "ablate", "measured without its edits")
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
        **spent(found),
    }
    if as_json:
        out_json(data)
    else:
        console.print(ablations_view(data))
