"""Runs that tests can kill: a process that has imported everything forks one for each command.

Runs begin a new segment every 60 kB, not every 8 MB, and seal full ones ten times a second, so that
a small run does all that a large one does. Knows nothing of what is tested. A project here asks an
OpenAI-compatible server on loopback whose answers follow from the request alone.
"""

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from autodata.config.schema import Documents
from autodata.documents.corpus import read_corpus
from tests.support.command_line import ROOT, Place, new_place
from tests.support.loopback import Say, Seen
from tests.support.repositories import CLEAN

KEY_NAME, KEY = "AUTODATA_TEST_LLM", "planted-7f3a91-do-not-tell"
RUN = "r"
CONCURRENCY = 8
_FORK = """
import functools, json, os, signal, sys
import alembic.command, numpy.random, sqlalchemy.dialects.sqlite, sqlalchemy.orm
import autodata.cli, autodata.engine.lifecycle, autodata.report.live, autodata.report.queries
import autodata.jobs.certify, autodata.jobs.replay, autodata.report.views
import autodata.harness.workflow, autodata.models.providers.openai
from autodata.engine import lifecycle
lifecycle.Journal.open = functools.partial(lifecycle.Journal.open, segment_bytes=60_000)
lifecycle.sealing = functools.partial(lifecycle.sealing, every_s=0.1)
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup has it ignored
for line in sys.stdin:
    order = json.loads(line)
    if "wait" in order:
        print(os.waitstatus_to_exitcode(os.waitpid(order["wait"], 0)[1]), flush=True)
        continue
    pid = os.fork()
    if not pid:
        os.chdir(order["folder"])
        out = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(out, 1)
        os.dup2(out, 2)
        autodata.cli.main(order["words"])
        sys.exit(0)
    print(pid, flush=True)
"""
_WORD = re.compile(r"[A-Za-z]+(?:[-_'][A-Za-z]+)*")


class Forks:
    """Starts commands quickly, all with the planted key in their environment."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.begun: list[Command] = []
        self._process = subprocess.Popen(
            [sys.executable, "-c", _FORK],
            env={**CLEAN, "PYTHONPATH": str(ROOT), KEY_NAME: KEY, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def begin(self, place: Place, *words: str) -> "Command":
        """Begin a command in a project."""
        log = self.folder / f"{len(self.begun)}.log"
        pid = self.order({"words": words, "folder": str(place.folder), "log": str(log)})
        self.begun.append(Command(self, pid, log))
        return self.begun[-1]

    def run(self, place: Place, *words: str) -> tuple[int, str]:
        """Run a command to its end; return its exit code and what it printed."""
        command = self.begin(place, *words)
        return command.wait(), command.said

    def order(self, order: dict[str, object]) -> int:
        """Tell the process that forks, and return the number it answers."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        """End everything that still runs."""
        for command in self.begun:
            command.kill()
        self._process.kill()
        self._process.communicate()


class Command:
    """A command that goes on; `wait` gives its exit code, minus the signal that ended it."""

    def __init__(self, forks: Forks, pid: int, log: Path) -> None:
        self.pid = pid
        self._forks = forks
        self._log = log
        self._code: int | None = None

    @property
    def said(self) -> str:
        """What it has printed so far."""
        return self._log.read_text() if self._log.exists() else ""

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        state = Path(f"/proc/{self.pid}/stat").read_text().rpartition(") ")[2]
        return self._code is None and state[0] != "Z"

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send a signal, if it has not been waited for."""
        if self._code is None:
            os.kill(self.pid, number)

    def wait(self) -> int:
        """Wait for its end, but not for ever."""
        if self._code is None:
            assert not until(lambda: False, self, within_s=300)
            self._code = self._forks.order({"wait": self.pid})
        return self._code


@contextmanager
def forks(folder: Path, **environment: str) -> Iterator[Forks]:
    """Give a way to start commands; what they print is kept in `folder`."""
    folder.mkdir()
    made = Forks(folder, environment)
    try:
        yield made
    finally:
        made.close()


def small_project(folder: Path, url: str, **optimize: object) -> Place:
    """Make a project whose solvers are a model on loopback."""
    place = new_place(folder)
    model = {
        "provider": "openai",
        "model": "tiny",
        "api": "completions",
        "base_url": url,
        "api_key_env": KEY_NAME,
        "concurrency": CONCURRENCY,
        "price": {"input": 0.15, "output": 0.6},
    }
    search = {"proposer": "knobs", "iterations": 4, "parallel": 2, "episodes": 130, **optimize}
    config = {
        "harness": "lambada",
        "documents": {
            "source": "pydoc",
            "chunk_chars": 3000,
            "min_chars": 1500,
            "splits": {"train": 2, "validation": 8, "test": 10},
        },
        "models": {"small": model},
        "roles": {"weak": {"model": "small"}, "strong": {"model": "small", "mode": "privileged"}},
        "protocol": {"domain": "cloze", "acceptance": "verifiable"},
        "optimize": search,
    }
    place.write("autodata.yaml", json.dumps(config))
    return place


def solver(after_s: float = 0.01) -> Callable[[Seen], Say]:
    """Return a script that continues a text of the corpus, as its hash has it: rightly or not,
    sooner or later than `after_s`, in more or fewer tokens.
    """
    documents = read_corpus(Documents(chunk_chars=3000, min_chars=1500)).documents
    texts = [" ".join(document.text.split()) for document in documents]

    def answer(seen: Seen) -> Say:
        prompt = seen.body["prompt"]
        rng = Random(hashlib.sha256(json.dumps(asked(seen)).encode()).digest())
        tail = prompt[-60:]
        text = next((text for text in texts if tail in text), "")
        found = _WORD.search(text, text.find(tail) + len(tail))
        word = found.group() if found else "unknown"
        right = rng.random() < (0.85 if word in prompt else 0.15)
        return Say(
            f" {word if right else 'something'}",
            prompt_tokens=len(prompt) // 4,
            completion_tokens=rng.randrange(1, 6),
            after_s=2 * rng.random() * after_s,
        )

    return answer


def asked(seen: Seen) -> tuple[str, int]:
    """What makes a request this request."""
    return seen.body["prompt"], seen.body["seed"]


def until(happened: Callable[[], bool], command: Command, within_s: float = 60.0) -> bool:
    """Wait for something that a command does; False when it ended first."""
    deadline = time.monotonic() + within_s
    while not happened():
        if not command.alive:
            return False
        assert time.monotonic() < deadline
        time.sleep(0.001)
    return True


def lines(place: Place, kind: str) -> int:
    """How many records of a kind are on disk."""
    paths = (place.folder / "runs" / RUN / "journal").glob("*.jsonl")
    return sum(path.read_bytes().count(b'{"kind":"%b"' % kind.encode()) for path in paths)
