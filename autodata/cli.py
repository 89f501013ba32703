"""The commands. The only module that prints; each one opens a project, calls one thing, shows it.

Imports of anything heavy are inside the commands that need them, so that `--help` and `status`
answer at once.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console, RenderableType
from rich.text import Text

from autodata import __version__
from autodata.errors import AutodataError, ConfigurationError, Interrupted
from autodata.project import Project, begin, find_root, open_project
from autodata.store import runs as run_store

if TYPE_CHECKING:
    import duckdb

    from autodata.optimize.search import SearchResult

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="A data scientist that is itself optimized: it turns documents into training examples "
    "that a strong solver can do and a weak one cannot, and improves its own harness.",
)
models_app = typer.Typer(no_args_is_help=True, help="Models that autodata serves itself.")
app.add_typer(models_app, name="models")
bench_app = typer.Typer(no_args_is_help=True, help="Measure autodata itself, on known truth.")
app.add_typer(bench_app, name="bench")

ConfigFile = Annotated[
    Path | None,
    typer.Option("-c", "--config", metavar="FILE", help="Use this file instead of autodata.yaml."),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Set a field, e.g. optimize.parallel=4; repeat."
    ),
]
Models = Annotated[
    str | None,
    typer.Option(
        "--models",
        metavar="KIND|FILE",
        help="Take models and roles from `local`, `simulated` or a file.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]
RunName = Annotated[str, typer.Argument(metavar="RUN", help="Name of a run, or `last`.")]


class Format(StrEnum):
    """How `sql` prints rows."""

    table = "table"
    csv = "csv"
    json = "json"


class SplitName(StrEnum):
    """Splits that may be measured by hand."""

    train = "train"
    validation = "validation"


def main(words: list[str] | None = None) -> None:
    """Run a command line, by default this process's; ends with SystemExit.

    Errors that the user can fix are printed without a traceback.
    """
    try:
        app(words, prog_name="autodata")
    except AutodataError as error:
        console = Console(stderr=True, highlight=False, soft_wrap=True)
        console.print(Text.assemble(("error: ", "bold red"), error.problem))
        if error.fix:
            console.print(Text.assemble(("fix: ", "bold"), error.fix))
        sys.exit(error.exit_code)


@app.command()
def init(
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help="local, openai, anthropic, vllm or simulated")
    ] = "local",
) -> None:
    """Write autodata.yaml and a harness here; make the git repository where there is none."""
    from autodata.harness.repository import create_repository, first_commit

    root = find_root(Path.cwd())
    made = create_repository(root)
    if made:
        _out(f"made a git repository in {root}")
    written = begin(root, kind)
    for path in written:
        _out(f"wrote {path.relative_to(root)}")
    if made and first_commit(root, written):
        _out("committed them")
    _out("next: autodata optimize")


@app.command()
def optimize(
    run: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Name of the run; an existing one resumes."),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="S", help="Seed of every random choice.")] = 0,
    iterations: Annotated[
        int | None,
        typer.Option(metavar="N", help="Iterations; short for --set optimize.iterations=N."),
    ] = None,
    config: ConfigFile = None,
    settings: Settings = None,
    models: Models = None,
    as_json: AsJson = False,
) -> None:
    """Search for a better harness and certify it on sealed test documents."""
    from autodata import lifecycle, running
    from autodata.live import LiveView
    from autodata.wiring import Reports

    changes = list(settings or [])
    if iterations is not None:
        changes.append(f"optimize.iterations={iterations}")
    project = open_project(Path.cwd(), config, changes, models)
    run_id = run_store.check_name(run or _new_run_id())
    console = _console(as_json)
    console.print(
        f"run {run_id}  harness {project.config.harness}  seed {seed}  {project.config_file}\n"
        f"kept in {project.runs / run_id}",
        soft_wrap=True,
    )
    _pull_weights(project, console)
    view = LiveView(
        console,
        f"autodata optimize  run {run_id}",
        project.config.optimize.iterations,
        project.config.budget,
        project.config.simulated,
    )
    reports = Reports(view.line, view.episode)

    def started(found: running.Running) -> None:
        view.started(found.engine.caller.status)

    with view:
        work = running.optimize(project, run_id, seed, reports, view.progress, started)
        result = lifecycle.run_until_signal(work, view.line)
    _show_result(project, run_id, result, console, as_json)


@app.command()
def evaluate(
    harness: Annotated[
        str,
        typer.Argument(metavar="HARNESS", help="A harness folder or name, RUN/CANDIDATE, or tag."),
    ],
    split: Annotated[SplitName, typer.Option(help="Documents to use.")] = SplitName.validation,
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
    from autodata import lifecycle, running
    from autodata.live import LiveView
    from autodata.report import wilson
    from autodata.types import Spend
    from autodata.views import rate
    from autodata.wiring import Reports

    project = open_project(Path.cwd(), config, list(settings or []), models)
    found = running.harness_at(project, harness)
    run_id = run or f"eval-{_new_run_id()}"
    console = _console(as_json)
    _pull_weights(project, console)
    view = LiveView(
        console,
        f"autodata evaluate {harness}  run {run_id}",
        0,
        project.config.budget,
        project.config.simulated,
    )

    def started(now: running.Running) -> None:
        view.started(now.engine.caller.status)

    with view:
        work = running.evaluate(
            project,
            run_id,
            found,
            split.value,
            repeats,
            most,
            Reports(view.line, view.episode),
            started,
        )
        outcomes = lifecycle.run_until_signal(work, view.line)
    accepted = sum(outcome.accepted for outcome in outcomes)
    low, high = wilson(accepted, len(outcomes))
    spend = sum((outcome.spend for outcome in outcomes), Spend())
    data = {
        "run_id": run_id,
        "harness": harness,
        "split": split.value,
        "episodes": len(outcomes),
        "accepted": accepted,
        "pass_rate": accepted / len(outcomes),
        "low": low,
        "high": high,
        "calls": spend.calls,
        "prompt_tokens": spend.prompt_tokens,
        "completion_tokens": spend.completion_tokens,
        "cost_usd": spend.cost_usd,
        "simulated": project.config.simulated,
    }
    if as_json:
        _out_json(data)
        return
    console.print(
        f"pass rate {rate(accepted / len(outcomes), low, high)}  ({accepted} of {len(outcomes)} "
        f"{split.value} episodes)  {spend.calls:,} calls  "
        f"{spend.prompt_tokens + spend.completion_tokens:,} tokens  ${spend.cost_usd:.2f}"
    )
    document = outcomes[0].cell.document_id[:8]
    console.print(f"look closer at one: autodata trace {run_id} c0:{document}", soft_wrap=True)


@app.command()
def status(as_json: AsJson = False) -> None:
    """Say which runs are going on and how far they are."""
    states = run_store.list_runs(_runs())
    going = [state for state in states if state.state == "running"]
    if as_json:
        _out_json([_state(state) for state in going])
        return
    if not going:
        last = ""
        if states:
            mark = ", simulated models" if states[-1].simulated else ""
            last = f"; the last one is {states[-1].id} ({states[-1].state}{mark})"
        _out(f"no run is going on{last}")
    for state in going:
        mark = "  SIMULATED MODELS" if state.simulated else ""
        _out(
            f"{state.id}  running as process {state.pid}  harness {state.harness}  "
            f"{state.counts.get('iteration', 0)} iterations decided  "
            f"{state.counts.get('episode', 0)} episodes  {state.counts.get('call', 0)} calls{mark}"
        )


@app.command()
def stop(run: RunName) -> None:
    """Stop a run from elsewhere; it can be resumed."""
    folder = _find(run)
    state = run_store.read_state(folder)
    if not state.pid:
        _out(f"{folder.name} is not running")
        return
    with suppress(ProcessLookupError):
        os.kill(state.pid, signal.SIGTERM)
    for _ in range(200):
        if run_store.read_state(folder).pid != state.pid:
            _out(f"{folder.name} has stopped; resume it: autodata optimize --run {folder.name}")
            return
        time.sleep(0.1)
    raise ConfigurationError(
        f"process {state.pid} has not stopped within 20 s", f"look at it, or: kill -9 {state.pid}"
    )


@app.command()
def runs(as_json: AsJson = False) -> None:
    """List all runs."""
    states = run_store.list_runs(_runs())
    if as_json:
        _out_json([_state(state) for state in states])
        return
    if not states:
        _out("there is no run yet; begin one: autodata optimize")
        return
    from autodata.views import rows_view

    columns = ("run", "state", "begun", "harness", "iterations", "episodes", "calls", "models")
    _print(
        rows_view(
            columns,
            [
                (
                    state.id,
                    state.state,
                    _when(state.created_at),
                    state.harness,
                    state.counts.get("iteration", 0),
                    state.counts.get("episode", 0),
                    state.counts.get("call", 0),
                    "" if not state.harness else "SIMULATED" if state.simulated else "real",
                )
                for state in states
            ],
        )
    )


@app.command()
def show(
    run: RunName,
    candidate: Annotated[
        str | None, typer.Argument(metavar="CANDIDATE", help="A candidate, such as c7.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show a run with its candidates and Pareto front, or one candidate."""
    from autodata import report, views

    folder = _find(run)
    with _tables(folder.name) as connection:
        if candidate is None:
            data = report.run_report(connection, folder.name)
            drawn: Any = views.run_view(data, run_store.read_state(folder).state, _console().width)
        else:
            data = report.candidate_report(connection, folder.name, candidate)
            drawn = views.candidate_view(data, _console().width)
    if as_json:
        _out_json(data)
    else:
        _print(drawn)


@app.command()
def diff(
    a: Annotated[str, typer.Argument(metavar="A", help="A harness name, RUN/CANDIDATE, or tag.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The same.")],
) -> None:
    """Show what differs between two versions of a harness."""
    from autodata.harness import spec
    from autodata.running import harness_at
    from autodata.views import diff_view

    project = open_project(Path.cwd(), None, [], None)
    text = spec.diff(harness_at(project, a), harness_at(project, b))
    _console().print(diff_view(text) if text else "no difference", soft_wrap=True)


@app.command()
def trace(
    run: RunName,
    episode: Annotated[
        str,
        typer.Argument(
            metavar="EPISODE",
            help="CANDIDATE:DOCUMENT[:REPEAT]; a document's first letters are enough.",
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Show everything that happened in an episode."""
    from autodata import report, views

    folder = _find(run)
    with _tables(folder.name) as connection:
        data = report.trace_report(connection, folder.name, episode)
    if as_json:
        _out_json(data)
    else:
        _print(views.trace_view(data, run_store.read_state(folder).simulated))


@app.command()
def sql(
    query: Annotated[str, typer.Argument(metavar="QUERY", help="One SELECT, in DuckDB's SQL.")],
    format: Annotated[Format, typer.Option(help="How to print rows.")] = Format.table,
) -> None:
    """Query all runs, also while they are going on."""
    from autodata.store import render, tables

    with _tables(None) as connection:
        found = tables.query(connection, query)
        simulated = tables.query(connection, "select run_id from runs where simulated order by 1")
    _out(render.render(found, format.value))
    if simulated.rows:
        names = [str(row[0]) for row in simulated.rows]
        shown = ", ".join(names[:3]) + (" ..." if len(names) > 3 else "")
        print(f"SIMULATED MODELS in run {shown}", file=sys.stderr)


@app.command()
def promote(
    run: RunName,
    candidate: Annotated[
        str | None, typer.Argument(metavar="CANDIDATE", help="Default: the certified one.")
    ] = None,
    force: Annotated[
        bool,
        typer.Option("--force", help="Go ahead against missing evidence; it is recorded."),
    ] = False,
    config: ConfigFile = None,
) -> None:
    """Make a certified candidate the new version of its harness."""
    from autodata.promoting import promote_run
    from autodata.views import SIMULATED

    project = open_project(Path.cwd(), config, [], None)
    folder = _find(run)
    version, new = promote_run(project, folder, candidate, force)
    if version.evidence.get("simulated"):
        _print(SIMULATED)
    said = "promoted" if new else "nothing to do, this is the current version"
    _out(f"{said}: {version.tag} is commit {version.commit[:10]}")
    for problem in version.evidence.get("overridden", []) if new else []:
        _out(f"forced, and recorded: {problem}")
    _out(f"see it: git show {version.tag}")


@app.command()
def replay(run: RunName, as_json: AsJson = False) -> None:
    """Carry a finished run out again from its journal, without any model, and compare."""
    from dataclasses import asdict

    from autodata import lifecycle, replaying, views

    folder = _find(run)
    work = replaying.replay(find_root(Path.cwd()), folder)
    data = asdict(lifecycle.run_until_signal(work, _out))
    if as_json:
        _out_json({**data, "equal": True})
    else:
        _out(views.replayed(data))


@app.command()
def certify(
    run: RunName,
    candidate: Annotated[
        str, typer.Argument(metavar="CANDIDATE", help="The candidate to test, such as c7.")
    ],
    config: ConfigFile = None,
    settings: Settings = None,
    models: Models = None,
    as_json: AsJson = False,
) -> None:
    """Let a candidate meet the baseline on the sealed test documents; every look counts."""
    from autodata import lifecycle, measuring, running, views
    from autodata.live import LiveView
    from autodata.wiring import Reports

    project = open_project(Path.cwd(), config, list(settings or []), models)
    run_id = _find(run).name
    console = _console(as_json)
    view = LiveView(
        console,
        f"autodata certify {run_id} {candidate}",
        0,
        project.config.budget,
        project.config.simulated,
    )

    def started(now: running.Running) -> None:
        view.started(now.engine.caller.status)

    with view:
        work = measuring.certify_candidate(
            project, run_id, candidate, Reports(view.line, view.episode), started
        )
        found = lifecycle.run_until_signal(work, view.line)
    if as_json:
        _out_json({"run_id": run_id, **found, "simulated": project.config.simulated})
    else:
        console.print(views.certificate_line(candidate, found), soft_wrap=True)


@app.command()
def serve(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="MODEL", help="Default: all of them.")
    ] = None,
    config: ConfigFile = None,
    settings: Settings = None,
    models: Models = None,
) -> None:
    """Serve the configured vLLM and local models until Ctrl-C."""
    from autodata import lifecycle, measuring
    from autodata.wiring import Reports

    project = open_project(Path.cwd(), config, list(settings or []), models)
    console = _console()

    def say(text: str) -> None:
        console.print(Text(text), soft_wrap=True)

    _pull_weights(project, console)
    work = measuring.serve(
        project,
        names or [],
        Reports(say),
        lambda name, urls: say(f"{name} is ready: base_url: {' '.join(urls)}"),
    )
    with suppress(Interrupted):
        lifecycle.run_until_signal(work, say)


@app.command()
def estimate(
    episodes: Annotated[int, typer.Option(min=2, help="Episodes of the pilot.")] = 8,
    config: ConfigFile = None,
    settings: Settings = None,
    models: Models = None,
    as_json: AsJson = False,
) -> None:
    """Predict tokens, dollars and hours of a search from a pilot of a few episodes."""
    from dataclasses import asdict

    from autodata import lifecycle, measuring
    from autodata.wiring import Reports

    project = open_project(Path.cwd(), config, list(settings or []), models)
    console = _console(as_json)
    _pull_weights(project, console)
    run_id = f"pilot-{_new_run_id()}"
    work = measuring.estimate(project, run_id, episodes, Reports(), lambda _: None)
    found = lifecycle.run_until_signal(work, lambda text: console.print(Text(text)))
    if as_json:
        _out_json({**asdict(found), "simulated": project.config.simulated})
        return
    if project.config.simulated:
        from autodata.views import SIMULATED

        console.print(SIMULATED)
    _out(
        f"a search takes {found.fewest_episodes:,} to {found.most_episodes:,} episodes "
        f"(pilot of {found.pilot_episodes}, kept as {run_id})"
    )
    for name, amount, form in (
        ("prompt tokens", found.prompt_tokens, ",.0f"),
        ("completion tokens", found.completion_tokens, ",.0f"),
        ("dollars", found.usd, ",.2f"),
        ("hours", found.hours, ",.2f"),
    ):
        low, high = format(amount.low, form), format(amount.high, form)
        _out(f"{name:<18}{format(amount.mean, form):>14}   [{low} to {high}]")
    if project.config.optimize.proposer != "knobs":
        _out("not in it: what analyzer and implementer will use")


@app.command()
def versions(
    harness: Annotated[
        str | None, typer.Argument(metavar="HARNESS", help="Default: the configured one.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the promoted versions of a harness."""
    from autodata.promoting import list_versions
    from autodata.views import rows_view

    project = open_project(Path.cwd(), None, [], None)
    found = list_versions(project, harness or project.config.harness)
    if as_json:
        _out_json(found)
    elif not found:
        _out(f"{harness or project.config.harness} has no promoted version yet")
    else:
        columns = tuple(found[0])
        _print(rows_view(columns, [tuple(line.values()) for line in found]))


@app.command()
def rollback(
    version: Annotated[str, typer.Argument(metavar="VERSION", help="A version, such as v2.")],
    harness: Annotated[str | None, typer.Option(help="Default: the configured one.")] = None,
) -> None:
    """Return a harness to an earlier version, by a new commit."""
    from autodata.promoting import roll_back

    project = open_project(Path.cwd(), None, [], None)
    made = roll_back(project, harness or project.config.harness, version)
    _out(f"rolled back to {version}: {made.tag} is commit {made.commit[:10]}")


@models_app.command("pull")
def models_pull(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A model that autodata can serve.")
    ] = "smollm2",
) -> None:
    """Fetch a model's weights into the cache ahead of time."""
    from autodata.models.weights import cache_folder, pull

    _out(str(pull(name, cache_folder(os.environ))))


@models_app.command("list")
def models_list() -> None:
    """List the models that autodata can fetch, and whether they are there."""
    from autodata.models.weights import KNOWN, cache_folder, cached

    for name in KNOWN:
        found = cached(name, cache_folder(os.environ))
        _out(f"{name}  {found or 'not fetched: autodata models pull ' + name}")


@bench_app.command("search")
def bench_search(
    landscape: Annotated[str, typer.Option(help="A landscape, or `all`.")] = "all",
    policy: Annotated[str, typer.Option(help="A policy, or `all`.")] = "all",
    budget: Annotated[
        list[int] | None, typer.Option(help="Episodes; repeat for several. [1500 2400 5000 14000]")
    ] = None,
    runs: Annotated[int, typer.Option(min=1, help="Seeded runs each.")] = 100,
    seed: Annotated[int, typer.Option(help="First seed.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Run search policies on simulated landscapes whose truth is known (no model is called)."""
    from autodata.bench import run as bench

    rows = bench.bench_search(
        bench.landscapes_named(landscape),
        bench.policies_named(policy),
        budget or bench.BUDGETS,
        runs,
        seed,
        lambda line: print(line, file=sys.stderr),
        os.cpu_count() or 1,
    )
    if as_json:
        _out_json(rows)
    else:
        _out(bench.render(rows))


@app.command()
def doctor(config: ConfigFile = None) -> None:
    """Check what a run would need on this machine, without starting one."""
    from autodata.checks import check_all

    project_error = None
    project: Project | None = None
    try:
        project = open_project(Path.cwd(), config, [], None)
    except AutodataError as error:
        project_error = error
    bad = 0
    for check in check_all(find_root(Path.cwd()), project, project_error):
        bad += not check.good
        _out(f"{'ok ' if check.good else 'BAD'}  {check.what}")
        if check.fix:
            _out(f"     fix: {check.fix}")
    if bad:
        raise typer.Exit(2)


@app.callback(invoke_without_command=True)
def root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Shared options."""
    if version:
        _out(f"autodata {__version__}")
        raise typer.Exit


def _show_result(
    project: Project, run_id: str, result: "SearchResult", console: Console, as_json: bool
) -> None:
    from autodata import report, views
    from autodata.harness import spec
    from autodata.running import harness_at

    with _tables(run_id) as connection:
        data = report.run_report(connection, run_id)
    if as_json:
        _out_json({**data, "best": result.best.id})
        return
    _print(views.run_view(data, "finished", console.width), console)
    best = result.finalists[0].id if result.finalists else "c0"
    if best != "c0":
        before, after = harness_at(project, f"{run_id}/c0"), harness_at(project, f"{run_id}/{best}")
        console.print(f"\nwhat {best} changes:")
        console.print(views.diff_view(spec.diff(before, after)), soft_wrap=True)
    console.print(f"\nthe run lies in {project.runs / run_id}; next:", soft_wrap=True)
    steps = [
        (f"autodata show {run_id} {best}", "look at a candidate closely"),
        ('autodata sql "select split, avg(score) from episodes group by split"', "ask anything"),
    ]
    if result.best.id != "c0":
        steps.insert(0, (f"autodata promote {run_id}", f"make {best} the new version"))
    for command, meaning in steps:
        console.print(f"  {command}    # {meaning}", soft_wrap=True)


def _pull_weights(project: Project, console: Console) -> None:
    """Fetch weights that a local model needs, before anything is drawn."""
    from autodata.models.weights import KNOWN, cache_folder, cached, pull

    used = {role.model for role in project.config.roles.values()}
    for name in sorted(used):
        settings = project.config.models[name]
        wanted = settings.provider == "local" and not settings.base_url
        cache = cache_folder(os.environ)
        if wanted and settings.model in KNOWN and cached(settings.model, cache) is None:
            console.print(f"fetching {settings.model} into {cache} (once)")
            pull(settings.model, cache)


@contextmanager
def _tables(run: str | None) -> Iterator["duckdb.DuckDBPyConnection"]:
    from autodata.store import tables

    connection = tables.connect(_runs(), run)
    try:
        yield connection
    finally:
        connection.close()


def _find(run: str) -> Path:
    if run == "last":
        states = run_store.list_runs(_runs())
        if not states:
            raise ConfigurationError("there is no run yet", "begin one: autodata optimize")
        run = states[-1].id
    return run_store.find_run(_runs(), run)


def _runs() -> Path:
    return find_root(Path.cwd()) / "runs"


def _state(state: run_store.RunState) -> dict[str, Any]:
    return {
        "run_id": state.id,
        "state": state.state,
        "pid": state.pid,
        "created_at": _when(state.created_at, "seconds"),
        "harness": state.harness,
        "simulated": state.simulated,
        "counts": state.counts,
    }


def _when(created_at: str, precision: str = "") -> str:
    """Return seconds since 1970 as local time, with `precision` in ISO form; empty stays empty."""
    if not created_at:
        return ""
    begun = datetime.fromtimestamp(float(created_at)).astimezone()
    return begun.isoformat(timespec=precision) if precision else f"{begun:%Y-%m-%d %H:%M}"


def _new_run_id() -> str:
    return run_store.new_run_id(datetime.now().astimezone(), Random())


def _console(stderr: bool = False) -> Console:
    """Return a console; what does not go to a terminal is 120 columns wide."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(highlight=False, stderr=stderr, width=None if stream.isatty() else 120)


def _print(drawn: RenderableType, console: Console | None = None) -> None:
    """Print a table or the like; where there is no terminal, without blanks at line ends."""
    console = console or _console()
    with console.capture() as captured:
        console.print(drawn)
    text = captured.get()
    if not console.is_terminal:
        text = "".join(f"{line.rstrip()}\n" for line in text.splitlines())
    console.file.write(text)


def _out(text: str) -> None:
    print(text)


def _out_json(data: Any) -> None:
    print(json.dumps(data, indent=1, default=str, ensure_ascii=False))


if __name__ == "__main__":
    main()
