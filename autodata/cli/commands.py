"""All commands: each opens a project, calls one thing and shows it. Nothing else prints.

Imports of anything heavy are inside the commands that need them, so that `--help` and `status`
answer at once.
"""

import signal
import sys
from contextlib import suppress
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from autodata import __version__
from autodata.cli import looking, preparing, promoting, running
from autodata.cli.base import out
from autodata.cli.output import checked_output
from autodata.errors import AutodataError, Interrupted, ReaderGone

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="A data scientist that is itself optimized: it turns documents into training examples "
    "that a strong solver can do and a weak one cannot, and improves its own harness.",
)
for command in (
    preparing.init,
    running.optimize,
    running.evaluate,
    looking.status,
    looking.stop,
    looking.runs,
    looking.show,
    looking.diff,
    looking.trace,
    looking.sql,
    promoting.promote,
    running.replay,
    running.certify,
    running.serve,
    running.estimate,
    promoting.versions,
    promoting.rollback,
    preparing.doctor,
):
    app.command()(command)
models_app = typer.Typer(no_args_is_help=True, help="Models that autodata serves itself.")
models_app.command("pull")(preparing.models_pull)
models_app.command("list")(preparing.models_list)
app.add_typer(models_app, name="models")
bench_app = typer.Typer(no_args_is_help=True, help="Measure autodata itself, on known truth.")
bench_app.command("search")(preparing.bench_search)
app.add_typer(bench_app, name="bench")


@app.callback(invoke_without_command=True)
def root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Shared options."""
    if version:
        out(f"autodata {__version__}")
        raise typer.Exit


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
        app(words, prog_name="autodata")
    except SystemExit as ended:
        if ended.code == Interrupted.exit_code:  # what Typer makes of it
            raise KeyboardInterrupt from ended
        sys.stdout.flush()
        raise


def _tell(error: AutodataError) -> None:
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(Text.assemble(("error: ", "bold red"), error.problem))
    if error.fix:
        console.print(Text.assemble(("fix: ", "bold"), error.fix))
