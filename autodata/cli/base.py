"""Shared parts of the commands: common options, printing, and finding a run."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console, RenderableType

from autodata.errors import ConfigurationError
from autodata.project import CONFIG_FILE, TEMPLATES, find_root
from autodata.store import runs as run_store

if TYPE_CHECKING:
    import duckdb


def root_of(context: typer.Context) -> Path:
    """Return the project that a command line is about, `-C` included, while it is completed."""
    return find_root(Path(context.find_root().params.get("folder") or "").resolve())


def run_names(context: typer.Context) -> list[str]:
    """Return what a shell can complete as RUN: the newest first, as names begin with their time."""
    with suppress(OSError):
        names = [path.name for path in run_store.run_folders(root_of(context) / "runs")]
        return [*reversed(names), *([run_store.NEWEST] if names else [])]
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
        autocompletion=lambda: [*TEMPLATES],
    ),
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
    told = os.environ.get("COLUMNS", "")
    width = int(told) if told.isascii() and told.isdigit() and int(told) > 0 else 120
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
    print(text)


def printable(text: str) -> str:
    """Return a text in one line without characters that a terminal would obey."""
    return "".join(
        c if c.isprintable() else " " if c.isspace() else "\N{REPLACEMENT CHARACTER}" for c in text
    )


def out_json(data: Any) -> None:
    print(json.dumps(data, indent=1, default=str, ensure_ascii=False))


@contextmanager
def open_tables(run: str | None) -> Iterator["duckdb.DuckDBPyConnection"]:
    from autodata.store import tables

    connection = tables.connect(runs_folder(), run)
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def open_tables_and_say(run: str | None) -> Iterator["duckdb.DuckDBPyConnection"]:
    """Open tables and say at the end, on stderr, how many rows were kept back from them."""
    from autodata.store import audience

    with open_tables(run) as connection:
        told = audience.told(audience.counts(connection))
        yield connection
    if told:
        print(told, file=sys.stderr)


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


def find_run(run: str) -> Path:
    if run == run_store.NEWEST:
        states = run_store.list_runs(runs_folder())
        if not states:
            raise ConfigurationError("there is no run yet", "begin one: autodata optimize")
        run = states[-1].id
    return run_store.find_run(runs_folder(), run)


def runs_folder() -> Path:
    """Return where this project's runs are.

    Raises:
        ConfigurationError: the working directory is in no project.
    """
    root = find_root(Path.cwd())
    if not any((root / name).exists() for name in (CONFIG_FILE, ".git", "runs")):
        raise ConfigurationError(
            f"there is no project in {root} or above it: no {CONFIG_FILE}, no git repository",
            "begin one: autodata init; or name its folder: autodata -C DIR ...",
        )
    return root / "runs"


def run_name(given: str | None, prefix: str = "") -> str:
    """Return the name of a run to begin or resume: the user's if it can be one, else a new one."""
    return run_store.check_name(prefix + new_run_id() if given is None else given)


def new_run_id() -> str:
    return run_store.new_run_id(datetime.now().astimezone(), Random())
