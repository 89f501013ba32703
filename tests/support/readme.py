"""What the program prints into README and docs; `python -m tests.support.readme` writes it.

tests/test_readme.py checks that they are what the program says today.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import typer.main

from autodata.cli.app import app
from autodata.report import settings
from autodata.store.schema import describe

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
QUERIES = ROOT / "docs" / "queries.md"
CONFIGURATION = ROOT / "docs" / "configuration.md"
TABLES = ROOT / "docs" / "tables.md"
WHOLE_SESSION = ROOT / "docs" / "session.md"
SESSION = (
    "autodata init simulated",
    "autodata optimize --run demo --set optimize.episodes=400",
    "autodata promote demo",
    'autodata sql "select candidate_id, count(score) n, avg(score) rate '
    "from episodes where split = 'validation' group by all order by 1\"",
)
TELLING = re.compile(r"\$ |baseline |edit e[45] |sealed |test documents |difference |error: |fix: ")
"""How the lines begin that the README shows of a session."""
TIMES = re.compile(r"^\d+:\d\d  ", re.MULTILINE)
BETWEEN = re.compile(r"looks? \d+ over|iteration \d+ of \d+ decided|first look at the baseline")
"""How a line begins that a slow machine prints every now and then."""

WHO = {
    f"GIT_{role}_{field}": value
    for role in ("AUTHOR", "COMMITTER")
    for field, value in (("NAME", "Demo"), ("EMAIL", "demo@localhost"))
}
"""`init` commits for whoever git knows; a machine that only tests may know nobody."""


def run(folder: Path, command: str) -> str:
    """Return what a command prints in a folder, errors included."""
    line = command.replace("autodata", f"{sys.executable} -m autodata", 1)
    environment = {**os.environ, **WHO, "PYTHONPATH": str(ROOT), "COLUMNS": "120"}
    done = subprocess.run(
        line, shell=True, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    return (done.stdout + done.stderr).replace(str(folder), "~/demo").rstrip()


def session(folder: Path) -> str:
    """Return a whole session as a README shows it; times are cut, they differ."""
    parts = []
    for command in SESSION:
        shown = TIMES.sub("", run(folder, command))
        kept = [line.rstrip() for line in shown.splitlines() if not BETWEEN.match(line)]
        parts.append(f"$ {command}\n" + "\n".join(kept))
    return "```\n" + "\n".join(parts) + "\n```"


def excerpt(whole: str) -> str:
    """Return the telling lines of a session's first three commands, `...` for all between."""
    shown: list[str] = []
    for line in whole.partition("\n$ autodata sql")[0].splitlines():
        if line == "```" or TELLING.match(line):
            shown.append(line)
        elif shown[-1] != "...":
            shown.append("...")
    return "\n".join([*shown, "```"])


def commands() -> str:
    """Return the table of commands from their help."""
    found = typer.main.get_command(app)
    lines = ["| command | what it does |", "|---|---|"]
    for name, command in sorted(getattr(found, "commands", {}).items()):
        inner = getattr(command, "commands", None)
        for label, one in (
            [(name, command)]
            if inner is None
            else sorted((f"{name} {sub}", made) for sub, made in inner.items())
        ):
            names = [
                ((p.metavar or p.name or "").strip("[]").upper().rstrip("."), p.required)
                for p in one.params
                if p.param_type_name == "argument"
            ]
            arguments = "".join(f" {n}" if needed else f" [{n}]" for n, needed in names)
            lines.append(f"| `{label}{arguments}` | {(one.help or '').splitlines()[0]} |")
    return "\n".join(lines)


def tables() -> str:
    """Return all tables and columns."""
    return describe().rstrip()


def reference() -> str:
    """Return every setting with its type, default, unit and meaning, and the presets."""
    return settings.document()


def block(text: str, name: str) -> str:
    """Return what stands between a block's markers."""
    found = re.search(rf"<!-- {name} -->\n(.*?)<!-- end {name} -->", text, re.DOTALL)
    assert found is not None, f"no block {name}"
    return found.group(1).rstrip("\n")


def put(text: str, name: str, content: str) -> str:
    """Return the text with a block replaced."""
    pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end {name} -->)", re.DOTALL)
    return pattern.sub(lambda found: f"{found[1]}{content}\n{found[2]}", text)


def with_outputs(text: str, folder: Path) -> str:
    """Return docs/queries.md with what each query prints on the folder's runs behind it."""

    def answered(found: re.Match[str]) -> str:
        quoted = found[1].strip().replace('"', '\\"')
        shown = run(folder, f'autodata sql "{quoted}"')
        return f"```sql\n{found[1]}```\n\n```\n{shown}\n```\n\n"

    return (
        re.sub(
            r"```sql\n(.*?)```\n.*?(?=^## |\Z)", answered, text, flags=re.DOTALL | re.MULTILINE
        ).rstrip()
        + "\n"
    )


def main() -> None:
    """Write all blocks anew."""
    text = put(README.read_text(), "commands", commands())
    with tempfile.TemporaryDirectory() as name:
        whole = session(Path(name))
        QUERIES.write_text(with_outputs(QUERIES.read_text(), Path(name)))
    README.write_text(put(text, "session", excerpt(whole)))
    WHOLE_SESSION.write_text(put(WHOLE_SESSION.read_text(), "session", whole))
    TABLES.write_text(put(TABLES.read_text(), "tables", tables()))
    CONFIGURATION.write_text(put(CONFIGURATION.read_text(), "reference", reference()))


if __name__ == "__main__":
    main()
