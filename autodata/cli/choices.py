"""Defaults and shell completion of RUN, CANDIDATE and HARNESS, and the options of a sample.

Imports nothing heavy: a shell asks at every Tab.
"""

import re
import sys
from contextlib import suppress
from typing import Annotated, Any

import typer

from autodata.api.project import NEWEST, Kind, Project
from autodata.api.run import Run
from autodata.api.splits import MEASURABLE, split_named
from autodata.cli.base import here, project_of, run_names
from autodata.errors import AutodataError, ConfigurationError
from autodata.types import Split

OPTIMIZATION: Kind = "optimization"
_CANDIDATE = re.compile(r"[ce]\d+")


def chosen_run(
    run: str | None, rest: str | None = None, kind: Kind | None = None
) -> tuple[Run, str | None]:
    """Return the run and the word behind it, where either may have been left out.

    Without a name, or with `last`, it is the newest run, of that `kind` if one is given, and is
    said on stderr. A lone candidate, edit or episode, such as `c7`, is taken for one of that run,
    unless there is a run of that name; candidates and edits are those of an optimization.

    Raises:
        ConfigurationError: there is no run yet.
        StoreError: there is none of that name.
    """
    project = here()
    if run is not None and rest is None and _inside_a_run(run) and run not in project.run_names():
        run, rest = None, run
    if run is not None and run != NEWEST:
        return project.run(run), rest
    if rest is not None and _CANDIDATE.fullmatch(rest):
        kind = OPTIMIZATION
    newest = project.run(NEWEST, kind)
    print(f"run {newest.name}, the last {kind or 'one'}", file=sys.stderr)
    return newest, rest


def chosen_candidate(
    run: str | None, candidate: str | None, command: str, done_to_it: str
) -> tuple[Run, str]:
    """Return the run of a search and one of its candidates, which must be named.

    Raises:
        ConfigurationError: no candidate is named for what `command` does to one.
    """
    chosen, named = chosen_run(run, candidate, OPTIMIZATION)
    if named is None:
        raise ConfigurationError(
            f"which candidate of run {chosen.name} shall be {done_to_it}?",
            f"autodata show {chosen.name} lists them; autodata {command} {chosen.name} CANDIDATE",
        )
    return chosen, named


def going_run(run: str | None) -> Run | None:
    """Return the named run, else the only one that goes on, or None.

    Raises:
        ConfigurationError: several are going on.
    """
    if run is not None:
        return chosen_run(run)[0]
    project = here()
    going = [state.id for state in project.states() if state.pid is not None]
    if len(going) > 1:
        raise ConfigurationError(
            f"{len(going)} runs are going on: {', '.join(going)}",
            f"name one: autodata stop {going[0]}",
        )
    return project.run(going[0]) if going else None


def _inside_a_run(word: str) -> bool:
    return ":" in word or _CANDIDATE.fullmatch(word) is not None


def runs_and_candidates(context: typer.Context, incomplete: str) -> list[str]:
    """Return what can stand first where RUN may be left out: runs, and candidates of the last."""
    names = run_names(context)
    if incomplete[:1] == "c" and incomplete[1:].isdigit() | (incomplete == "c"):
        with suppress(AutodataError, OSError):
            names += _candidates(project_of(context), None)
    return names


def candidate_names(context: typer.Context) -> list[str]:
    """Return the candidates of the run that was typed before, else of the newest."""
    with suppress(AutodataError, OSError):
        return _candidates(project_of(context), context.params.get("run"))
    return []


def harnesses(context: typer.Context) -> list[str]:
    """Return the harnesses that a command can be given by name."""
    with suppress(AutodataError, OSError):
        return project_of(context).harness_names()
    return []


def measurable(context: typer.Context, incomplete: str) -> list[str]:
    """Return harnesses, runs, and behind a run's name and `/` its candidates."""
    run, slash, _ = incomplete.partition("/")
    if not slash:
        runs = [name for name in run_names(context) if name != NEWEST]
        return [*harnesses(context), *(f"{name}/" for name in runs)]
    with suppress(AutodataError, OSError):
        return [f"{run}/{name}" for name in _candidates(project_of(context), run)]
    return []


def _candidates(project: Project, run: Any) -> list[str]:
    if run is None or run == NEWEST:
        return project.run(NEWEST, OPTIMIZATION).candidate_names()
    return project.run(str(run)).candidate_names()


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
SampleSplit = Annotated[
    Split,
    typer.Option(
        "--split",
        metavar="|".join(MEASURABLE),
        parser=split_named,
        autocompletion=lambda: list(MEASURABLE),
        help="Documents to use.",
    ),
]
Repeats = Annotated[int, typer.Option("--repeats", min=1, help="Episodes per document.")]
MostDocuments = Annotated[int, typer.Option("--most", min=0, help="Documents at most; 0: all.")]
