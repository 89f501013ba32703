"""The command line: loads the commands, which takes a while, where Ctrl-C can be answered."""

import sys


def main(words: list[str] | None = None) -> None:
    """Run a command line, by default this process's; ends with SystemExit."""
    if sys.platform == "win32":  # before an import fails for want of its file locks
        print(
            "error: autodata does not run on Windows itself: its locks and servers need a Unix\n"
            "fix: use it in WSL 2 (wsl --install), where it is as on Linux",
            file=sys.stderr,
        )
        sys.exit(2)
    try:
        from autodata.cli.app import run

        run(words)
    except KeyboardInterrupt:
        print("error: stopped by SIGINT\nfix: give the same command again", file=sys.stderr)
        sys.exit(130)
