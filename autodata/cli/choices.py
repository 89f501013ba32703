"""Defaults and shell completion of RUN, CANDIDATE and HARNESS.

Imports nothing heavy: a shell asks at every Tab.
"""

import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from autodata.cli.base import root_of, run_names, runs_folder
from autodata.errors import AutodataError, ConfigurationError
from autodata.project import harness_names
from autodata.store import runs as run_store
from autodata.store.lines import read_records

OPTIMIZATION = "optimization"
_CANDIDATE = re.compile(r"c\d+")


def chosen_run(
    run: str | None, rest: str | None = None, kind: str | None = None
) -> tuple[Path, str | None]:
    """Return the run's folder and the word behind it, where either may have been left out.

    Without a name, or with `last`, it is the newest run, of that `kind` if one is given, and is
    said on stderr. A lone candidate or episode, such as `c7`, is taken for one of that run, unless
    there is a run of that name; candidates are those of an optimization.

    Raises:
        ConfigurationError: there is no run yet.
        StoreError: there is none of that name.
    """
    folder = runs_folder()
    names = [path.name for path in run_store.run_folders(folder)]
    if run is not None and run not in names and rest is None and _inside_a_run(run):
        run, rest = None, run
    if run is not None and run != run_store.NEWEST:
        return run_store.find_run(folder, run), rest
    if rest is not None and _CANDIDATE.fullmatch(rest):
        kind = OPTIMIZATION
    states = [s for s in run_store.list_runs(folder) if kind is None or s.kind == kind]
    if not states:
        raise ConfigurationError(f"there is no {kind or 'run'} yet", "begin one: autodata optimize")
    newest = states[-1].id
    print(f"run {newest}, the last {kind or 'one'}", file=sys.stderr)
    return folder / newest, rest


def going_run(run: str | None) -> Path | None:
    """Return the named run's folder, else that of the only one that goes on, or None.

    Raises:
        ConfigurationError: several are going on.
    """
    if run is not None:
        return chosen_run(run)[0]
    going = [s.id for s in run_store.list_runs(runs_folder()) if s.pid is not None]
    if len(going) > 1:
        raise ConfigurationError(
            f"{len(going)} runs are going on: {', '.join(going)}",
            f"name one: autodata stop {going[0]}",
        )
    return runs_folder() / going[0] if going else None


def _inside_a_run(word: str) -> bool:
    return ":" in word or _CANDIDATE.fullmatch(word) is not None


def runs_and_candidates(context: typer.Context, incomplete: str) -> list[str]:
    """Return what can stand first where RUN may be left out: runs, and candidates of the last."""
    found = run_names(context)
    if incomplete[:1] == "c" and incomplete[1:].isdigit() | (incomplete == "c"):
        with suppress(AutodataError, OSError):
            found += _candidates(root_of(context) / "runs", None)
    return found


def candidate_names(context: typer.Context) -> list[str]:
    """Return the candidates of the run that was typed before, else of the newest."""
    with suppress(AutodataError, OSError):
        return _candidates(root_of(context) / "runs", context.params.get("run"))
    return []


def harnesses(context: typer.Context) -> list[str]:
    """Return the harnesses that a command can be given by name."""
    with suppress(AutodataError, OSError):
        return harness_names(root_of(context))
    return []


def measurable(context: typer.Context, incomplete: str) -> list[str]:
    """Return harnesses, runs, and behind a run's name and `/` its candidates."""
    run, slash, _ = incomplete.partition("/")
    if not slash:
        runs = [name for name in run_names(context) if name != run_store.NEWEST]
        return [*harnesses(context), *(f"{name}/" for name in runs)]
    with suppress(AutodataError, OSError):
        return [f"{run}/{name}" for name in _candidates(root_of(context) / "runs", run)]
    return []


def _candidates(runs: Path, run: Any) -> list[str]:
    if run is None or run == run_store.NEWEST:
        searches = [s.id for s in run_store.list_runs(runs) if s.kind == OPTIMIZATION]
        run = searches[-1] if searches else ""
    found = read_records(runs / str(run), {"candidate"})
    return list(dict.fromkeys(record.key for record in found))


LastRun = Annotated[
    str | None,
    typer.Argument(
        metavar="RUN",
        help="Name of a run. Default: the last one.",
        autocompletion=runs_and_candidates,
    ),
]
LastSearch = Annotated[
    str | None,
    typer.Argument(
        metavar="RUN",
        help="Name of a run. Default: the last optimization.",
        autocompletion=runs_and_candidates,
    ),
]
CandidateName = Annotated[
    str | None,
    typer.Argument(
        metavar="CANDIDATE", help="A candidate, such as c7.", autocompletion=candidate_names
    ),
]
