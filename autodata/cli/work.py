"""Commands that work with models: optimize, evaluate, certify, replay, serve, estimate."""

from contextlib import suppress
from dataclasses import asdict
from shlex import quote
from typing import Annotated

import typer

from autodata.api.splits import MEASURABLE
from autodata.cli.base import (
    LARGEST_SEED,
    AsJson,
    ConfigFile,
    KeptAs,
    Models,
    Settings,
    here,
    make_console,
    out,
    out_json,
)
from autodata.cli.choices import (
    OPTIMIZATION,
    CandidateName,
    LastSearch,
    MostDocuments,
    Repeats,
    SampleSplit,
    chosen_candidate,
    chosen_run,
    measurable,
)
from autodata.errors import BudgetSpent, Interrupted
from autodata.types import Sample


def optimize(
    run: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Name of the run; an existing one resumes."),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(min=0, max=LARGEST_SEED, help="Seed of every random choice.  [default: 0]"),
    ] = None,
    iterations: Annotated[
        int | None,
        typer.Option(metavar="N", help="Iterations; short for --set optimize.iterations=N."),
    ] = None,
    origin: Annotated[
        str, typer.Option("--from", metavar="RUN/CANDIDATE", help="Begin with a candidate's files.")
    ] = "",
    config: ConfigFile = None,
    settings: Settings = None,
    models: Models = None,
    as_json: AsJson = False,
) -> None:
    """Search for a better harness and certify it on sealed test documents."""
    from autodata.api import work
    from autodata.cli.display import watched
    from autodata.cli.results import show_result

    changes = list(settings or [])
    if iterations is not None:
        changes.append(f"optimize.iterations={iterations}")
    console, project = make_console(as_json), here(config, changes, models)
    with watched(console, lambda name: f"autodata optimize --run {name}") as view:
        search = work.optimize(project, run, seed=seed, origin=origin, display=view)
    show_result(search, view.shown.project.config, console, as_json)
    if search.result and search.result.closed:
        raise typer.Exit(BudgetSpent.exit_code)


def evaluate(
    harness: Annotated[
        str,
        typer.Argument(
            metavar="HARNESS",
            help="A harness folder or name, RUN/CANDIDATE, or tag.",
            autocompletion=measurable,
        ),
    ],
    split: SampleSplit = MEASURABLE[0],
    repeats: Repeats = 1,
    most: MostDocuments = 0,
    full: Annotated[
        bool, typer.Option("--full", help="Ask both solvers afresh on every episode's example.")
    ] = False,
    run: KeptAs = None,
    config: ConfigFile = None,
    settings: Settings = None,
    models: Models = None,
    as_json: AsJson = False,
) -> None:
    """Measure the pass rate of one harness, without changing anything."""
    from autodata.api import work
    from autodata.cli.display import watched
    from autodata.cli.results import spent
    from autodata.report import comparisons, views

    console = make_console(as_json)
    command = f"autodata evaluate {quote(harness)} --split {split} --repeats {repeats}"
    command += f" --most {most}{' --full' * full}"
    sample = Sample(split, repeats, most, full=full)
    with watched(console, lambda name: f"{command} --run {name}") as view:
        project = here(config, settings, models)
        measurement = work.evaluate(harness, project, run, sample, display=view)
    data = {
        "run_id": measurement.run.name,
        "harness": harness,
        "split": split,
        "episodes": measurement.episodes,
        "accepted": measurement.accepted,
        "pass_rate": measurement.pass_rate,
        "low": measurement.low,
        "high": measurement.high,
        **spent(measurement),
    }
    measures = measurement.measures or {}
    values = {name: value and asdict(value) for name, value in measures.items()}
    if full:
        data["measures"] = values
    if as_json:
        out_json(data)
        return
    shown = views.rate(measurement.pass_rate, measurement.low, measurement.high)
    console.print(
        f"pass rate {shown}  ({measurement.accepted} of {measurement.episodes} "
        f"{split} episodes)  {data['calls']:,} calls  {views.tokens(data)}  ${data['cost_usd']:.2f}"
    )
    if full:
        console.print(comparisons.measures_view(values))
    if measurement.unusable:
        console.print(views.unusable(measurement.unusable))
    console.print(
        f"look closer at one: autodata trace {measurement.run.name} {measurement.first}",
        soft_wrap=True,
    )


def certify(
    run: LastSearch = None,
    candidate: CandidateName = None,
    config: ConfigFile = None,
    settings: Settings = None,
    models: Models = None,
    as_json: AsJson = False,
) -> None:
    """Let a candidate meet the baseline on the sealed test documents; every look counts."""
    from autodata.api import work
    from autodata.cli.display import watched
    from autodata.report import views

    project = here(config, settings, models)
    project.in_force()  # what is wrong there comes first
    chosen, named = chosen_candidate(run, candidate, "certify", "tested")
    console = make_console(as_json)
    with watched(console) as view:
        certificate = work.certify(chosen.name, named, project, view)
    if as_json:
        simulated = view.shown.project.config.simulated
        out_json({"run_id": chosen.name, **certificate.to_json(), "simulated": simulated})
    else:
        console.print(views.certificate_line(certificate), soft_wrap=True)


def replay(run: LastSearch = None, as_json: AsJson = False) -> None:
    """Carry a finished run out again from its journal, without any model, and compare."""
    from autodata.api import work
    from autodata.cli.display import watched
    from autodata.report import lines

    chosen, _ = chosen_run(run, kind=OPTIMIZATION)
    with watched(make_console(as_json)) as view:
        data = asdict(work.replay(chosen, display=view))
    if as_json:
        out_json({**data, "equal": True})
    else:
        out(lines.replayed(data))


def serve(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="MODEL", help="Default: all of them.")
    ] = None,
    config: ConfigFile = None,
    settings: Settings = None,
    models: Models = None,
) -> None:
    """Serve the configured vLLM and local models until Ctrl-C."""
    from autodata.api import work
    from autodata.cli.display import watched

    with watched(make_console()) as view, suppress(Interrupted):
        work.serve(
            here(config, settings, models),
            names or [],
            lambda name, urls: view.line(f"{name} is ready: base_url: {' '.join(urls)}"),
            view,
        )


def estimate(
    episodes: Annotated[int, typer.Option(min=2, help="Episodes of the pilot.")] = 8,
    run: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name to keep the pilot under; resumes.")
    ] = None,
    config: ConfigFile = None,
    settings: Settings = None,
    models: Models = None,
    as_json: AsJson = False,
) -> None:
    """Predict tokens, dollars and hours of a search from a pilot of a few episodes."""
    from autodata.api import work
    from autodata.cli.display import watched
    from autodata.report import lines

    command = f"autodata estimate --episodes {episodes}"
    with watched(make_console(as_json), lambda name: f"{command} --run {name}") as view:
        forecast = work.estimate(here(config, settings, models), run, episodes, display=view)
    simulated = view.shown.project.config.simulated
    data = {"run_id": view.shown.run_id, **asdict(forecast), "simulated": simulated}
    if as_json:
        out_json(data)
    else:
        out(lines.estimated(data))
