"""Commands as a user gives them: in a project of their own, in this process or in another.

Knows nothing of what they should print.
"""

import asyncio
import io
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from autodata.cli import main
from autodata.store import lines
from autodata.store.lines import Entry, read_entries
from autodata.types import Json
from tests.support.journals import changed, write_entries
from tests.support.loopback import Loopback, Script
from tests.support.repositories import git

ROOT = Path(__file__).parents[2]
SMALL = (
    "--set=documents.splits.train=4",
    "--set=documents.splits.validation=16",
    "--set=documents.splits.test=40",
    "--set=optimize.episodes=270",
    "--set=optimize.alpha=0.3",
)
"""A search that takes two seconds."""
TINY = (
    "--set=documents.splits.train=2",
    "--set=documents.splits.validation=8",
    "--set=documents.splits.test=10",
    "--set=optimize.episodes=150",
    "--iterations=1",
)
"""One that takes less than one."""
FEWEST = (
    "--set=documents.splits.train=2",
    "--set=documents.splits.validation=8",
    "--set=documents.splits.test=10",
    "--set=optimize.episodes=125",
    "--set=optimize.minibatch=2",
)
"""For a search that edits texts, whose episodes ask many roles; without `--iterations`."""
RACE = "--set=optimize.search=race"
"""Candidates are single edits, and fewer: what a search finds can be told in advance."""
RUN = "first"
NOTICE = "SIMULATED MODELS: these numbers say nothing about real models."


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, read."""
        return json.loads(self.out)


def good(done: Done) -> Done:
    """Check that a command did what was asked."""
    assert (done.code, "Traceback" in done.err) == (0, False), done.err
    return done


def keys(value: Any) -> list[str]:
    """Return the keys of a JSON object in order of the alphabet."""
    return sorted(value)


def refused(done: Done, problem: str, fix: str, code: int = 2) -> None:
    """Check the last two lines of a command that could not do what was asked."""
    assert done.code == code, done.out + done.err
    assert "Traceback" not in done.err
    errors = [line for line in done.err.splitlines() if line.startswith(("error: ", "fix: "))]
    assert [line.split(": ")[0] for line in errors] == ["error", "fix"], done.err
    assert problem in errors[0]
    assert fix in errors[1]


class Place:
    """A project's folder in which commands are given; `files` are those git does not know."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *words: str) -> Done:
        """Run a command in this process."""
        out, err = io.StringIO(), io.StringIO()
        code: object = None
        with chdir(self.folder), redirect_stdout(out), redirect_stderr(err):
            try:
                main(list(words))
            except SystemExit as ended:
                code = ended.code
        assert isinstance(code, int)
        return Done(code, out.getvalue(), err.getvalue())

    def process(self, *words: str) -> Done:
        """Run a command in a process of its own, without a terminal."""
        done = subprocess.run(
            [sys.executable, "-m", "autodata", *words],
            cwd=self.folder,
            env=_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    @contextmanager
    def begun(
        self, *words: str, output: int = subprocess.DEVNULL, errors: int = subprocess.STDOUT
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Begin a command in a process of its own that is gone at the end."""
        process = subprocess.Popen(
            [sys.executable, "-m", "autodata", *words],
            cwd=self.folder,
            env=_environment(),
            stdout=output,
            stderr=errors,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def git(self, *words: str) -> str:
        """Run git as the user would."""
        return git(self.folder, *words)

    def write(self, path: str, text: str) -> None:
        """Write a file, with its folders."""
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace a text that is there once."""
        text = (self.folder / path).read_text()
        assert text.count(old) == 1
        self.write(path, text.replace(old, new))

    def files(self) -> dict[str, bytes]:
        """Everything there is outside .git, for telling that nothing has changed."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file() and ".git" not in path.parts
        }


def edit_texts(place: Place) -> None:
    """Configure a search that moves knobs and edits texts of a harness that asks all roles."""
    config = (place.folder / "autodata.yaml").read_text()
    config = config.replace("harness: lambada", "harness: cs-research")
    config = config.replace("domain: cloze", "domain: research")
    config = config.replace("acceptance: verifiable", "acceptance: prose")
    config = config.replace("proposer: knobs", "proposer: mix")
    place.write("autodata.yaml", config.replace(", api: completions", ""))


def new_place(folder: Path) -> Place:
    """Make a project with simulated models and everything committed."""
    folder.mkdir(parents=True)
    place = Place(folder)
    place.git("init", "-q", "-b", "main")
    place.git("config", "user.name", "Test")
    place.git("config", "user.email", "test@localhost")
    done = place("init", "simulated")
    assert done.code == 0, done.err
    place.git("add", ".")
    place.git("commit", "-qm", "Begin")
    return place


def copied(place: Path, folder: Path) -> Place:
    """Copy a project with its runs and its repository."""
    shutil.copytree(place, folder, symlinks=True)
    return Place(folder)


def pretend_real(place: Place, run: str) -> None:
    """Write a run's journal and the record of tests anew, as if real models had been used."""

    def real(entry: Entry) -> Entry:
        return changed(entry, simulated=False) if "simulated" in entry.body else entry

    rewritten(place, run, lambda entry: real(entry) if entry.kind == "run" else entry)
    ledger = place.folder / "runs/test-ledger.jsonl"
    noted = [line.entry() for line in lines.scan(ledger, last=True)] if ledger.exists() else []
    ledger.write_bytes(b"".join(lines.encode(real(entry)) for entry in noted))


def long_ago(place: Place, run: str, seconds: float) -> None:
    """Write a run's journal anew, as if everything had happened so much earlier."""

    def earlier(entry: Entry) -> Entry:
        body = entry.body
        times: Json = {n: body[n] - seconds for n in ("begun_at", "ended_at") if n in body}
        return replace(changed(entry, **times), at=entry.at - seconds)

    rewritten(place, run, earlier)


def rewritten(place: Place, run: str, change: Callable[[Entry], Entry]) -> None:
    """Write a run's journal anew with other entries."""
    folder = place.folder / "runs" / run
    entries = [change(entry) for entry in read_entries(folder)]
    shutil.rmtree(folder)
    write_entries(folder, entries)


@contextmanager
def served(script: Script) -> Iterator[Loopback]:
    """Serve a scripted model on loopback from another thread, while commands run in this one."""
    server, ready, loop = Loopback(script), threading.Event(), asyncio.new_event_loop()
    over = asyncio.Event()

    async def serve() -> None:
        async with server:
            ready.set()
            await over.wait()

    def work() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(serve())

    thread = threading.Thread(target=work)
    thread.start()
    assert ready.wait(10)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()


def _environment() -> dict[str, str]:
    mine = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return {**mine, "PYTHONPATH": str(ROOT)}


def is_root() -> bool:
    """Whether file permissions mean nothing here."""
    return os.geteuid() == 0
