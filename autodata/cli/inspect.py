"""Commands that show runs, or stop one: none calls a model."""

import sys
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from autodata.api.project import RunState
from autodata.api.run import Report
from autodata.cli.base import (
    AsJson,
    draw,
    here,
    make_console,
    out,
    out_json,
    run_names,
    say_kept_back,
)
from autodata.cli.choices import CandidateName, LastRun, chosen_run, going_run
from autodata.cli.patience import Patience

TABLE_ROWS = 10_000


class Format(StrEnum):
    """How `sql` prints rows."""

    table = "table"
    csv = "csv"
    json = "json"


class EpisodeStatus(StrEnum):
    """What an episode may have come to."""

    accepted = "accepted"
    rejected = "rejected"
    unsuitable = "unsuitable"
    void = "void"


def status(as_json: AsJson = False) -> None:
    """Say which runs are going on and how far they are."""
    states = here().states()
    going = [state for state in states if state.state == "running"]
    if as_json:
        out_json([_state(state) for state in going])
        return
    if not going:
        last = ""
        if states:
            mark = ", simulated models" if states[-1].simulated else ""
            last = f"; the last one is {states[-1].id} ({states[-1].summary}{mark})"
        out(f"no run is going on{last}")
    for state in going:
        mark = "  SIMULATED MODELS" if state.simulated else ""
        looks = f"{state.counts['beliefs']} looks  " if state.counts.get("beliefs") else ""
        out(
            f"{state.id}  running as process {state.pid}  harness {state.harness}  "
            f"{looks}{state.counts.get('iteration', 0)} iterations decided  "
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
    chosen = going_run(run)
    if chosen is None:
        out("no run is going on")
        return
    from autodata.api import upkeep

    kind = chosen.status.kind
    if not upkeep.stop(chosen):
        out(f"{chosen.name} is not running")
        return
    again = ": autodata optimize"
    if kind == "evaluation":
        again = " with the command that began it, evaluate or estimate, and"
    out(f"{chosen.name} has stopped; resume it{again} --run {chosen.name}")


def runs(as_json: AsJson = False) -> None:
    """List all runs."""
    project = here()
    states = project.states()
    sizes = [project.run(state.id).size for state in states]
    if as_json:
        out_json([{**_state(s), "bytes": n} for s, n in zip(states, sizes, strict=True)])
        return
    if not states:
        out("there is no run yet; begin one: autodata optimize")
        return
    from autodata.report.views import WIDE, other_rules, rows_view, shown_bytes

    rows = [
        {
            "run": state.id,
            "state": state.state,
            "begun": when(state.created_at),
            "harness": state.harness,
            "iterations": max(state.counts.get(kind, 0) for kind in ("iteration", "edit")),
            "episodes": state.counts.get("episode", 0),
            "calls": state.counts.get("call", 0),
            "size": shown_bytes(size),
            "models": "" if not state.harness else "SIMULATED" if state.simulated else "real",
            "rules": f"{state.rules}, other rates" if other_rules(state.rules) else state.rules,
        }
        for state, size in zip(states, sizes, strict=True)
    ]
    narrow = make_console().width < WIDE
    left_out = ("begun", "harness", "iterations") if narrow else ()
    alike = () if any(other_rules(state.rules) for state in states) else ("rules",)
    columns = [name for name in rows[0] if name not in (*left_out, *alike)]
    draw(rows_view(columns, [[row[name] for name in columns] for row in rows]))
    if left_out:
        draw(f"From {WIDE} columns on: {', '.join(left_out)}. --json has all.")


def show(
    run: LastRun = None,
    candidate: CandidateName = None,
    as_json: AsJson = False,
) -> None:
    """Show a run (what it found or measured), a candidate, an edit (e5), or a version (v2)."""
    if candidate is None and run is not None and (version := _version(run)):
        if as_json:
            out_json(version)
        else:
            from autodata.report.searches import version_view

            draw(version_view(version, make_console().width))
        return
    chosen, candidate = chosen_run(run, candidate)
    _tell(chosen.show(candidate), as_json)


def _tell(report: Report, as_json: bool) -> None:
    if as_json:
        out_json(report.data)
    else:
        draw(report.draw(make_console().width))
    say_kept_back(report.kept_back)


def _version(name: str) -> dict[str, Any] | None:
    """Return what a version says of itself where no run has its name."""
    project = here()
    return None if name in project.run_names() else project.version(name)


def diff(
    a: Annotated[str, typer.Argument(metavar="A", help="A harness name, RUN/CANDIDATE, or tag.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The same.")],
) -> None:
    """Show what differs between two versions of a harness."""
    from autodata.report.views import diff_view

    text = here().diff(a, b)
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
    status: Annotated[EpisodeStatus | None, typer.Option(help="List these alone.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show everything that happened in an episode, or list the episodes."""
    chosen, episode = chosen_run(run, episode)
    if episode is not None and ":" in episode:
        _tell(chosen.trace(episode), as_json)
    else:
        _tell(chosen.traces(episode, status.value if status else None), as_json)


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
    with here().tables() as tables, Patience(tables.interrupt) as patience:
        simulated = tables.sql("select run_id from runs where simulated order by 1").rows()
        asked = patience.wait(lambda: tables.sql(query))
        if format is Format.table:
            out(patience.wait(lambda: asked.text(limit or TABLE_ROWS)))
        else:
            lines = asked.csv if format is Format.csv else asked.json
            for line in patience.each(patience.wait(lambda: lines(limit))):
                sys.stdout.write(line)
    say_kept_back(tables.kept_back)
    if simulated:
        names = [row["run_id"] for row in simulated]
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
    from autodata.api import upkeep

    chosen, _ = chosen_run(run)
    place = to or Path(f"{chosen.name}-bundle.zip")
    made = upkeep.bundle(chosen, place)
    for name, about in made.about.items():
        out(f"{len(made.files[name].encode()):>12,}  {name}: {about}")
    out(
        f"wrote {place} ({place.stat().st_size:,} bytes); it is plain text: look before you send it"
    )


def _state(state: RunState) -> dict[str, Any]:
    return {
        "run_id": state.id,
        "state": state.state,
        "reason": state.reason,
        "pid": state.pid,
        "created_at": when(state.created_at, "seconds"),
        "harness": state.harness,
        "simulated": state.simulated,
        "rules": state.rules,
        "counts": state.counts,
        "troubles": state.troubles,
    }


def when(created_at: str, precision: str = "") -> str:
    """Return seconds since 1970 as local time, with `precision` in ISO form; empty stays empty."""
    if not created_at:
        return ""
    begun = datetime.fromtimestamp(float(created_at)).astimezone()
    return begun.isoformat(timespec=precision) if precision else f"{begun:%Y-%m-%d %H:%M}"
