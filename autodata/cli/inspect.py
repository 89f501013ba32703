"""Commands that show runs, or stop one: none calls a model."""

import os
import signal
import sys
import time
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from autodata.cli.base import (
    AsJson,
    draw,
    make_console,
    open_tables_and_say,
    out,
    out_json,
    run_names,
    runs_folder,
)
from autodata.cli.choices import OPTIMIZATION, CandidateName, LastRun, chosen_run, going_run
from autodata.cli.patience import Patience
from autodata.errors import AutodataError, ConfigurationError
from autodata.project import open_project
from autodata.store import runs as run_store
from autodata.store import space

TABLE_ROWS = 10_000


class Format(StrEnum):
    """How `sql` prints rows."""

    table = "table"
    csv = "csv"
    json = "json"


class Status(StrEnum):
    """What an episode may have come to."""

    accepted = "accepted"
    rejected = "rejected"
    void = "void"


def status(as_json: AsJson = False) -> None:
    """Say which runs are going on and how far they are."""
    states = run_store.list_runs(runs_folder())
    going = [state for state in states if state.state == "running"]
    if as_json:
        out_json([_state(state) for state in going])
        return
    if not going:
        last = ""
        if states:
            mark = ", simulated models" if states[-1].simulated else ""
            last = f"; the last one is {states[-1].id} ({states[-1].told}{mark})"
        out(f"no run is going on{last}")
    for state in going:
        mark = "  SIMULATED MODELS" if state.simulated else ""
        out(
            f"{state.id}  running as process {state.pid}  harness {state.harness}  "
            f"{state.counts.get('iteration', 0)} iterations decided  "
            f"{state.counts.get('episode', 0)} episodes  {state.counts.get('call', 0)} calls{mark}"
        )
        for trouble in state.troubles:
            out(f"  {trouble}")


def stop(
    run: Annotated[
        str | None,
        typer.Argument(
            metavar="RUN",
            help="Name of a run. Default: the one that is going on.",
            autocompletion=run_names,
        ),
    ] = None,
) -> None:
    """Stop a run from elsewhere; it can be resumed."""
    folder = going_run(run)
    if folder is None:
        out("no run is going on")
        return
    state = run_store.read_state(folder)
    if not state.pid:
        out(f"{folder.name} is not running")
        return
    try:
        os.kill(state.pid, signal.SIGTERM)
    except ProcessLookupError:
        pass
    except PermissionError as error:
        raise ConfigurationError(
            f"{folder.name} cannot be stopped: process {state.pid} is another user's",
            f"ask them, or: sudo kill {state.pid}",
        ) from error
    for _ in range(200):
        if run_store.read_state(folder).pid != state.pid:
            again = ": autodata optimize"
            if state.kind == "evaluation":
                again = " with the command that began it, evaluate or estimate, and"
            out(f"{folder.name} has stopped; resume it{again} --run {folder.name}")
            return
        time.sleep(0.1)
    raise ConfigurationError(
        f"process {state.pid} has not stopped within 20 s", f"look at it, or: kill -9 {state.pid}"
    )


def runs(as_json: AsJson = False) -> None:
    """List all runs."""
    states = run_store.list_runs(runs_folder())
    if as_json:
        sizes = [space.size(runs_folder() / state.id) for state in states]
        out_json([{**_state(s), "bytes": n} for s, n in zip(states, sizes, strict=True)])
        return
    if not states:
        out("there is no run yet; begin one: autodata optimize")
        return
    from autodata.report.views import WIDE, rows_view

    rows = [
        {
            "run": state.id,
            "state": state.state,
            "begun": when(state.created_at),
            "harness": state.harness,
            "iterations": state.counts.get("iteration", 0),
            "episodes": state.counts.get("episode", 0),
            "calls": state.counts.get("call", 0),
            "size": space.shown(space.size(runs_folder() / state.id)),
            "models": "" if not state.harness else "SIMULATED" if state.simulated else "real",
        }
        for state in states
    ]
    narrow = make_console().width < WIDE
    left_out = ("begun", "harness", "iterations") if narrow else ()
    columns = [name for name in rows[0] if name not in left_out]
    draw(rows_view(columns, [[row[name] for name in columns] for row in rows]))
    if left_out:
        draw(f"From {WIDE} columns on: {', '.join(left_out)}. --json has all.")


def show(
    run: LastRun = None,
    candidate: CandidateName = None,
    as_json: AsJson = False,
) -> None:
    """Show a run (candidates and front, or what it measured), a candidate, or a version (v2)."""
    from autodata.report import measured, queries, views

    if candidate is None and run is not None and (version := _version(run)):
        if as_json:
            out_json(version)
        else:
            draw(views.version_view(version))
        return
    folder, candidate = chosen_run(run, candidate)
    stands = run_store.read_state(folder)
    with open_tables_and_say(folder.name) as connection:
        if stands.kind != OPTIMIZATION and candidate is None:
            data = measured.evaluation_report(connection, folder.name)
            drawn: Any = measured.evaluation_view(data, stands.told)
        elif candidate is None:
            data = queries.run_report(connection, folder.name)
            drawn = views.run_view(data, stands.told, make_console().width)
        else:
            data = queries.candidate_report(connection, folder.name, candidate)
            drawn = views.candidate_view(data, make_console().width)
    if as_json:
        out_json(data)
    else:
        draw(drawn)


def _version(name: str) -> dict[str, Any] | None:
    """Return what a version says of itself where no run has its name."""
    from autodata.harness.versions import spelled

    if not spelled(name, "") or (runs_folder() / name / "journal").exists():
        return None
    from autodata.jobs.promote import version_report

    return version_report(open_project(Path.cwd(), None, [], None), name)


def diff(
    a: Annotated[str, typer.Argument(metavar="A", help="A harness name, RUN/CANDIDATE, or tag.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The same.")],
) -> None:
    """Show what differs between two versions of a harness."""
    from autodata.harness import spec
    from autodata.jobs.optimize import harness_at
    from autodata.report.views import diff_view

    project = open_project(Path.cwd(), None, [], None)
    text = spec.diff(harness_at(project, a), harness_at(project, b))
    make_console().print(diff_view(text) if text else "no difference", soft_wrap=True)


def trace(
    run: LastRun = None,
    episode: Annotated[
        str | None,
        typer.Argument(
            metavar="EPISODE",
            help="CANDIDATE:DOCUMENT[:REPEAT]; a document's first letters are enough. "
            "Default: all are listed, or those of a CANDIDATE.",
        ),
    ] = None,
    status: Annotated[Status | None, typer.Option(help="List these alone.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show everything that happened in an episode, or list the episodes."""
    from autodata.report import traces

    folder, episode = chosen_run(run, episode)
    one = episode is not None and ":" in episode
    with open_tables_and_say(folder.name) as connection:
        if episode is not None and one:
            data = traces.trace_report(connection, folder.name, episode)
        else:
            wanted = status.value if status else None
            data = traces.list_episodes(connection, folder.name, episode, wanted)
    simulated = run_store.read_state(folder).simulated
    if as_json:
        out_json([{**line, "simulated": simulated} for line in data])
    elif one:
        draw(traces.trace_view(data, simulated))
    else:
        draw(traces.listed_view(folder.name, data, simulated))


def sql(
    query: Annotated[str, typer.Argument(metavar="QUERY", help="One SELECT, in DuckDB's SQL.")],
    format: Annotated[
        Format, typer.Option(help="How to print rows; csv and json print all of them.")
    ] = Format.table,
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Rows at most; a table has 10000.")
    ] = None,
) -> None:
    """Query all runs, also while they are going on."""
    from autodata.store import render, tables

    with open_tables_and_say(None) as connection, Patience(connection.interrupt) as patience:
        simulated = tables.query(connection, "select run_id from runs where simulated order by 1")
        if format is Format.table:
            most = limit or TABLE_ROWS
            out(render.table(patience.wait(lambda: tables.query(connection, query, most))))
        else:
            found = patience.wait(lambda: tables.stream(connection, query, limit))
            lines = render.csv_lines if format is Format.csv else render.json_lines
            for line in lines(replace(found, rows=patience.each(found.rows))):
                sys.stdout.write(line)
    if simulated.rows:
        names = [str(row[0]) for row in simulated.rows]
        shown = ", ".join(names[:3]) + (" ..." if len(names) > 3 else "")
        print(f"SIMULATED MODELS in run {shown}", file=sys.stderr)


def bundle(
    run: LastRun = None,
    to: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Where to; default: RUN-bundle.zip here."),
    ] = None,
) -> None:
    """Put what helps about a run into one file for a bug report, without documents or keys."""
    from autodata.jobs.bundle import bundle as bundles

    project, trouble = None, ""
    try:
        project = open_project(Path.cwd(), None, [], None)
    except AutodataError as error:
        trouble = error.problem
    folder, _ = chosen_run(run)
    place = to or Path(f"{folder.name}-bundle.zip")
    made = bundles.make(folder, project, trouble, place)
    for name, about in made.about.items():
        out(f"{len(made.files[name].encode()):>12,}  {name}: {about}")
    out(
        f"wrote {place} ({place.stat().st_size:,} bytes); it is plain text: look before you send it"
    )


def _state(state: run_store.RunState) -> dict[str, Any]:
    return {
        "run_id": state.id,
        "state": state.state,
        "reason": state.reason,
        "pid": state.pid,
        "created_at": when(state.created_at, "seconds"),
        "harness": state.harness,
        "simulated": state.simulated,
        "counts": state.counts,
        "troubles": state.troubles,
    }


def when(created_at: str, precision: str = "") -> str:
    """Return seconds since 1970 as local time, with `precision` in ISO form; empty stays empty."""
    if not created_at:
        return ""
    begun = datetime.fromtimestamp(float(created_at)).astimezone()
    return begun.isoformat(timespec=precision) if precision else f"{begun:%Y-%m-%d %H:%M}"
