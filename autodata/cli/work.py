"""Commands that work with models: optimize, evaluate, certify, replay, serve, estimate."""

import os
from contextlib import suppress
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from autodata.cli.base import (
    LARGEST_SEED,
    AsJson,
    ConfigFile,
    Models,
    Settings,
    make_console,
    new_run_id,
    open_tables,
    out,
    out_json,
    run_name,
)
from autodata.cli.choices import (
    OPTIMIZATION,
    CandidateName,
    LastSearch,
    chosen_run,
    measurable,
)
from autodata.cli.display import watched
from autodata.cli.results import show_result
from autodata.errors import BudgetSpent, ConfigurationError, Interrupted
from autodata.harness.knobs import nearest
from autodata.project import Project, find_root, open_project
from autodata.types import Split

SPLITS: tuple[Split, ...] = ("validation", "train")
"""Splits that may be measured by hand."""


def split_named(name: str) -> Split:
    """Return the name of a split that may be measured by hand.

    Raises:
        ConfigurationError: it may not, or there is none of that name.
    """
    if name == "test":
        raise ConfigurationError(
            "the test split is sealed: each look at it makes the next certificate harder to get",
            "measure --split validation; to test a run's candidate: autodata certify RUN CANDIDATE",
        )
    for split in SPLITS:
        if name == split:
            return split
    raise ConfigurationError(f"there is no split {name!r}", nearest(name, [*SPLITS]))


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
    from autodata.jobs import optimize as running
    from autodata.jobs.resume import Typed, open_run

    changes = list(settings or [])
    if iterations is not None:
        changes.append(f"optimize.iterations={iterations}")
    run_id = run_name(run)
    opened = open_run(Path.cwd(), run_id, Typed(config, changes, models, seed))
    project, wish = opened.project, running.Wish(opened.seed, opened.more, origin)
    console = make_console(as_json)
    if opened.told:
        console.print(opened.told, soft_wrap=True)
    pull_weights(project, console)
    result = watched(
        project,
        console,
        f"autodata optimize  run {run_id}",
        f"autodata optimize --run {run_id}",
        lambda view, reports, started: running.optimize(
            project, run_id, wish, reports, view.progress, started
        ),
        opened.more[0] if opened.more else project.config.optimize.iterations,
        f"run {run_id}  harness {project.config.harness}  seed {wish.seed}  {project.config_file}\n"
        f"kept in {project.runs / run_id}",
    )
    show_result(project, run_id, result, console, as_json)
    if result.closed:
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
    split: Annotated[
        Split,
        typer.Option(
            metavar="|".join(SPLITS),
            parser=split_named,
            autocompletion=lambda: list(SPLITS),
            help="Documents to use.",
        ),
    ] = SPLITS[0],
    repeats: Annotated[int, typer.Option(min=1, help="Episodes per document.")] = 1,
    most: Annotated[int, typer.Option(min=0, help="Documents at most; 0: all.")] = 0,
    run: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name to keep it under; resumes.")
    ] = None,
    config: ConfigFile = None,
    settings: Settings = None,
    models: Models = None,
    as_json: AsJson = False,
) -> None:
    """Measure the pass rate of one harness, without changing anything."""
    from autodata.jobs import evaluate as evaluating
    from autodata.jobs import optimize as running
    from autodata.jobs.resume import Typed, open_run
    from autodata.report import queries, views
    from autodata.types import Spend

    run_id = run_name(run, "eval-")
    opened = open_run(Path.cwd(), run_id, Typed(config, settings or [], models, kind="evaluation"))
    project = opened.project
    found = running.harness_at(project, harness)
    console = make_console(as_json)
    if opened.told:
        console.print(opened.told, soft_wrap=True)
    pull_weights(project, console)
    outcomes = watched(
        project,
        console,
        f"autodata evaluate {harness}  run {run_id}",
        f"autodata evaluate {quote(harness)} --split {split} --repeats {repeats} --most {most} "
        f"--run {run_id}",
        lambda _, reports, started: evaluating.evaluate(
            project, run_id, found, split, repeats, most, reports, started
        ),
    )
    accepted = sum(outcome.accepted for outcome in outcomes)
    low, high = queries.wilson(accepted, len(outcomes))
    spend = Spend.total(outcome.spend for outcome in outcomes)
    with open_tables(run_id) as connection:
        unusable = queries.rows(connection, queries.UNUSABLE, run_id)
        totals = queries.rows(connection, queries.TOTALS, run_id)[0]
    data = {
        "run_id": run_id,
        "harness": harness,
        "split": split,
        "episodes": len(outcomes),
        "accepted": accepted,
        "pass_rate": accepted / len(outcomes),
        "low": low,
        "high": high,
        "calls": spend.calls,
        "prompt_tokens": spend.prompt_tokens,
        "completion_tokens": spend.completion_tokens,
        "reasoning_tokens": totals["reasoning_tokens"],
        "cost_usd": spend.cost_usd,
        "unusable": unusable,
        "simulated": project.config.simulated,
    }
    if as_json:
        out_json(data)
        return
    shown = views.rate(accepted / len(outcomes), low, high)
    console.print(
        f"pass rate {shown}  ({accepted} of {len(outcomes)} "
        f"{split} episodes)  {spend.calls:,} calls  {views.tokens(data)}  ${spend.cost_usd:.2f}"
    )
    if unusable:
        console.print(views.unusable(unusable))
    document = outcomes[0].cell.document_id[:8]
    console.print(f"look closer at one: autodata trace {run_id} c0:{document}", soft_wrap=True)


def certify(
    run: LastSearch = None,
    candidate: CandidateName = None,
    config: ConfigFile = None,
    settings: Settings = None,
    models: Models = None,
    as_json: AsJson = False,
) -> None:
    """Let a candidate meet the baseline on the sealed test documents; every look counts."""
    from autodata.jobs import certify as measuring
    from autodata.report import views

    project = open_project(Path.cwd(), config, list(settings or []), models)
    folder, named = chosen_run(run, candidate, OPTIMIZATION)
    if named is None:
        raise ConfigurationError(
            f"which candidate of run {folder.name} shall be tested?",
            f"autodata show {folder.name} lists them; autodata certify {folder.name} CANDIDATE",
        )
    project, run_id = measuring.project_of_run(project, folder), folder.name
    console = make_console(as_json)
    pull_weights(project, console)
    found = watched(
        project,
        console,
        f"autodata certify {run_id} {named}",
        "",
        lambda _, reports, started: measuring.certify_candidate(
            project, run_id, named, reports, started
        ),
    )
    if as_json:
        out_json({"run_id": run_id, **found, "simulated": project.config.simulated})
    else:
        console.print(views.certificate_line(named, found), soft_wrap=True)


def replay(run: LastSearch = None, as_json: AsJson = False) -> None:
    """Carry a finished run out again from its journal, without any model, and compare."""
    from dataclasses import asdict

    from autodata.engine import lifecycle
    from autodata.jobs import replay as replaying
    from autodata.report import views

    folder, _ = chosen_run(run, kind=OPTIMIZATION)
    work = replaying.replay(find_root(Path.cwd()), folder)
    data = asdict(lifecycle.run_until_signal(work, out))
    if as_json:
        out_json({**data, "equal": True})
    else:
        out(views.replayed(data))


def serve(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="MODEL", help="Default: all of them.")
    ] = None,
    config: ConfigFile = None,
    settings: Settings = None,
    models: Models = None,
) -> None:
    """Serve the configured vLLM and local models until Ctrl-C."""
    from autodata.engine import lifecycle
    from autodata.engine.engine import Reports
    from autodata.jobs import serve as serving

    project = open_project(Path.cwd(), config, list(settings or []), models)
    console = make_console()

    def say(text: str) -> None:
        console.print(Text(text), soft_wrap=True)

    pull_weights(project, console)
    work = serving.serve(
        project,
        new_run_id(),
        names or [],
        Reports(say),
        lambda name, urls: say(f"{name} is ready: base_url: {' '.join(urls)}"),
    )
    with suppress(Interrupted):
        lifecycle.run_until_signal(work, say)


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
    from dataclasses import asdict

    from autodata.jobs import estimate as estimating
    from autodata.jobs.resume import Typed, open_run
    from autodata.report import views

    run_id = run_name(run, "pilot-")
    opened = open_run(Path.cwd(), run_id, Typed(config, settings or [], models, kind="evaluation"))
    project = opened.project
    console = make_console(as_json)
    if opened.told:
        console.print(opened.told, soft_wrap=True)
    pull_weights(project, console)
    found = watched(
        project,
        console,
        f"autodata estimate  run {run_id}",
        f"autodata estimate --episodes {episodes} --run {run_id}",
        lambda _, reports, started: estimating.estimate(
            project, run_id, episodes, reports, started
        ),
    )
    data = {"run_id": run_id, **asdict(found), "simulated": project.config.simulated}
    if as_json:
        out_json(data)
    else:
        out(views.estimated(data))


def pull_weights(project: Project, console: Console) -> None:
    """Fetch weights that a local model needs, before anything is drawn."""
    from autodata.models.serving.weights import KNOWN, cache_folder, cached, pull

    for settings in project.config.used.values():
        cache = cache_folder(os.environ)
        if settings.weights in KNOWN and cached(settings.weights, cache) is None:
            console.print(f"fetching {settings.weights} into {cache} (once)")
            pull(settings.weights, cache)
