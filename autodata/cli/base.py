"""Shared parts of the commands: common options, printing, and their project."""

import json
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console, RenderableType

from autodata.api.project import KINDS_OF_MODELS, NEWEST, Project, project_around
from autodata.errors import AutodataError, ConfigurationError


def project_of(context: typer.Context) -> Project:
    """Return the project that a command line is about, `-C` included, while it is completed."""
    return project_around(context.find_root().params.get("folder") or ".")


def run_names(context: typer.Context) -> list[str]:
    """Return what a shell can complete as RUN: the newest first, as names begin with their time."""
    with suppress(AutodataError, OSError):
        names = project_of(context).run_names()
        return [*reversed(names), *([NEWEST] if names else [])]
    return []


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
        autocompletion=lambda: [*KINDS_OF_MODELS],
    ),
]
KeptAs = Annotated[
    str | None, typer.Option("--run", metavar="NAME", help="Name to keep it under; resumes.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]
RunName = Annotated[
    str,
    typer.Argument(metavar="RUN", help="Name of a run, or `last`.", autocompletion=run_names),
]

LARGEST_SEED = 2**32 - 1


def make_console(stderr: bool = False) -> Console:
    """Return a console; what does not go to a terminal is COLUMNS, else 120, columns wide."""
    stream = sys.stderr if stderr else sys.stdout
    columns = os.environ.get("COLUMNS", "")
    width = int(columns) if columns.isascii() and columns.isdigit() and int(columns) > 0 else 120
    return Console(highlight=False, stderr=stderr, width=None if stream.isatty() else width)


def draw(drawn: RenderableType, console: Console | None = None) -> None:
    """Print a table or the like; where there is no terminal, without blanks at line ends."""
    console = console or make_console()
    with console.capture() as captured:
        console.print(drawn)
    text = captured.get()
    if not console.is_terminal:
        text = "".join(f"{line.rstrip()}\n" for line in text.splitlines())
    console.file.write(text)


def out(text: str) -> None:
    """Print a line on stdout, as it is."""
    print(text)


def printable(text: str) -> str:
    """Return a text in one line without characters that a terminal would obey."""
    return "".join(
        c if c.isprintable() else " " if c.isspace() else "\N{REPLACEMENT CHARACTER}" for c in text
    )


def out_json(data: Any) -> None:
    """Print data on stdout as JSON, what it has no type for as text."""
    print(json.dumps(data, indent=1, default=str, ensure_ascii=False))


def say_kept_back(notice: str) -> None:
    """Say on stderr how many rows were kept back, if any were."""
    if notice:
        print(notice, file=sys.stderr)


def go_to(folder: Path) -> None:
    """Make a folder the working directory, as `-C` of git and make does.

    Raises:
        ConfigurationError: there is no such folder, or it may not be entered.
    """
    try:
        os.chdir(folder)
    except OSError as error:
        raise ConfigurationError(
            f"-C {folder}: {(error.strerror or str(error)).lower()}", "name a folder that is there"
        ) from error


def here(
    config: Path | None = None, settings: Sequence[str] | None = None, models: str | None = None
) -> Project:
    """Return the project that a command is about; nothing is read but names."""
    return project_around(".", config, settings or (), models)
