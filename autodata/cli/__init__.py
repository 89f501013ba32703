"""The commands. Loading them takes a while, so that is done where Ctrl-C can be answered.

Knows nothing of what they are.
"""

import sys


def main(words: list[str] | None = None) -> None:
    """Run a command line, by default this process's; ends with SystemExit."""
    try:
        from autodata.cli.commands import run

        run(words)
    except KeyboardInterrupt:
        print("error: stopped by SIGINT\nfix: give the same command again", file=sys.stderr)
        sys.exit(130)
