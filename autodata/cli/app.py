"""The command-line application: all commands; each opens a project, calls one thing and shows it.

Imports of anything heavy are inside the commands that need them, so that `--help` and `status`
answer at once.
"""

import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from autodata import __version__
from autodata.cli import (
    ablation,
    cleanup,
    comparison,
    inspect,
    promotion,
    quality,
    settings,
    setup,
    work,
)
from autodata.cli.base import go_to, out
from autodata.cli.mistakes import explained
from autodata.cli.output import checked_output
from autodata.errors import AutodataError, ConfigurationError, Interrupted, ReaderGone

app = typer.Typer(
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="A data scientist that is itself optimized: it turns documents into training examples "
    "that a strong solver can do and a weak one cannot, and improves its own harness.",
)


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    folder: Annotated[
        Path | None,
        typer.Option("-C", metavar="DIR", help="Act as if started in this folder."),
    ] = None,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Shared options."""
    if version:
        out(f"autodata {__version__}")
        raise typer.Exit
    if folder is not None:
        go_to(folder)
    if context.invoked_subcommand is None:
        out(context.get_help())
        raise typer.Exit(2)


def explain(
    words: Annotated[
        list[str] | None, typer.Argument(metavar="COMMAND", help="Such as: models pull")
    ] = None,
) -> None:
    """Say what a command does and what it takes; as COMMAND -h."""
    app([*(words or []), "--help"], prog_name="autodata", standalone_mode=False)


models_app = typer.Typer(help="Models that autodata serves itself.")
models_app.command("pull")(setup.models_pull)
models_app.command("list")(setup.models_list)
bench_app = typer.Typer(help="Measure the search on known truth, and your judges on attacks.")
bench_app.command("search")(setup.bench_search)
bench_app.command("attacks")(setup.bench_attacks)

GROUPS: dict[str, dict[str, Callable[..., None] | typer.Typer]] = {
    "Begin": {
        "init": setup.init,
        "doctor": setup.doctor,
        "config": settings.config,
        "estimate": work.estimate,
    },
    "Search": {
        "optimize": work.optimize,
        "evaluate": work.evaluate,
        "compare": comparison.compare,
        "ablate": ablation.ablate,
        "certify": work.certify,
        "stop": inspect.stop,
    },
    "Look": {
        "status": inspect.status,
        "runs": inspect.runs,
        "show": inspect.show,
        "trace": inspect.trace,
        "diff": inspect.diff,
        "sql": inspect.sql,
        "sample": quality.sample,
        "calibrate-judge": quality.calibrate_judge,
        "replay": work.replay,
        "bundle": inspect.bundle,
    },
    "Promote": {
        "promote": promotion.promote,
        "versions": promotion.versions,
        "rollback": promotion.rollback,
    },
    "Make room": {
        "rm": cleanup.rm,
        "gc": cleanup.gc,
    },
    "Models and tools": {
        "serve": work.serve,
        "models": models_app,
        "bench": bench_app,
        "help": explain,
    },
}
"""Every command once, in the order and under the headings of `autodata --help`."""

for _group, _commands in GROUPS.items():
    for _name, _command in _commands.items():
        if isinstance(_command, typer.Typer):
            app.add_typer(_command, name=_name, rich_help_panel=_group)
        else:
            app.command(_name, rich_help_panel=_group)(_command)


def run(words: list[str] | None) -> None:
    """Run a command line, by default this process's; ends with SystemExit.

    Errors that the user can fix are printed without a traceback.

    Raises:
        KeyboardInterrupt: Ctrl-C, where there is no run to end in order.
    """
    with checked_output():
        try:
            _answer(words)
        except ReaderGone:  # as after `| head`: nothing is wrong
            sys.exit(128 + signal.SIGPIPE)
        except AutodataError as error:
            with suppress(AutodataError):  # stderr may be what cannot be written
                _tell(error)
            sys.exit(error.exit_code)


def _answer(words: list[str] | None) -> None:
    sys.stdout.flush()  # where it is closed, nothing is begun
    try:
        code = app(words, prog_name="autodata", standalone_mode=False)
    except typer.TyperException as error:
        raise explained(error) from error
    except typer.Abort as error:
        raise ConfigurationError("nothing was done: no answer was given", "answer it") from error
    if code == Interrupted.exit_code:  # what Typer makes of Ctrl-C
        raise KeyboardInterrupt
    sys.stdout.flush()
    sys.exit(code or 0)


def _tell(error: AutodataError) -> None:
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(Text.assemble(("error: ", "bold red"), error.problem))
    if error.fix:
        console.print(Text.assemble(("fix: ", "bold"), error.fix))
