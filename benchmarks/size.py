"""What a run's calls take of the disk, and what packing them costs whoever reads them.

    python benchmarks/size.py [--calls 4000] [--documents FOLDER] [--before CHECKOUT]

Makes a `cs-research` run with simulated models that write about as much as real ones do, in words
of the documents (each follows one that it follows there, so nothing repeats), and copies it with
its segments as they were written. `bytes_per_call` counts journal and tables. The times are those
of the packed run over those of the plain one, best of `--rounds` taken in turn; the plain one is
read by the code of `--before`, a checkout of an earlier version, or by this one:
`find` reads records at their places in random order, `resume` opens the journal and counts what
was spent, `seal` makes the tables, `sql` reads all requests from them.
"""

import argparse
import asyncio
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from autodata.config.providers.simulated import SimulatedConfig
from autodata.config.schema import Budget
from autodata.models.base import USUAL, Deadlines, Reply, Request, ToolCall
from autodata.models.calls.budget import Accounts
from autodata.models.calls.earlier import charge_earlier
from autodata.models.providers import simulated
from autodata.store import lines, tables
from autodata.store.episodes import CallRecord
from autodata.store.journal import Journal
from autodata.types import Document

RUN = "measured"
REPOSITORY = Path(__file__).resolve().parents[1]
PARAGRAPH = 80
CONFIG = """
harness: cs-research
documents: {{source: {documents}, splits: {{train: 30, validation: 40, test: 40}}}}
models:
  strong: {{provider: simulated, model: large}}
  small: {{provider: simulated, model: small}}
roles:
  main: {{model: strong}}
  challenger: {{model: strong}}
  verifier: {{model: strong}}
  weak: {{model: small}}
  strong: {{model: strong}}
  judge: {{model: strong}}
  analyzer: {{model: strong}}
  implementer: {{model: strong}}
protocol: {{domain: research, acceptance: deployed, max_rounds: 8}}
optimize: {{proposer: mix, iterations: 20, parallel: 2}}
budget: {{calls: {calls}}}
"""


class Talkative(simulated.SimulatedModel):
    """A simulated model whose replies are as long as real ones."""

    def __init__(self, name: str, documents: list[Document]) -> None:
        super().__init__(name, documents)
        self._next = defaultdict[str, list[str]](list)
        for document in documents:
            words = document.text.split()
            for one, other in pairwise(words):
                self._next[one].append(other)
        self._first = list(self._next)

    async def complete(self, request: Request, deadlines: Deadlines = USUAL) -> Reply:
        """Answer as the simulated world has it, at length."""
        reply = await super().complete(request, deadlines)
        rng = random.Random(json.dumps(request.to_json(), sort_keys=True))

        def words(mean: int) -> str:
            found = [rng.choice(self._first)]
            for _ in range(max(5, int(rng.gauss(mean, mean / 4)))):
                found.append(rng.choice(self._next.get(found[-1]) or self._first))
            return "\n\n".join(
                " ".join(found[at : at + PARAGRAPH]) for at in range(0, len(found), PARAGRAPH)
            )

        if "read" in {tool.name for tool in request.tools}:
            if sum(message.role == "assistant" for message in request.messages) == 3:
                return replace(reply, text=words(80))
            name = f"call_{rng.randrange(16**12):012x}"
            calls = (ToolCall(name, "read", {"offset": rng.randrange(12_000)}),)
            return replace(reply, text=words(50), tool_calls=calls, finish="tool_calls")
        if request.schema is not None and reply.text:
            return replace(reply, text=json.dumps(_at_length(json.loads(reply.text), words)))
        if reply.text.startswith("Simulated answer"):
            return replace(reply, text=f"{words(250)}\n\n{reply.text}")
        return reply


def _at_length(said: Any, words: Callable[[int], str]) -> Any:
    if "context" in said:
        item = simulated.ITEM.search(said["question"])
        assert item is not None
        lines = [{"criterion": words(20), "weight": 3, "category": "merit"} for _ in range(12)]
        said |= {"context": words(250), "question": f"{words(60)} {item.group()}"}
        said |= {"answer": words(100), "rubric": lines}
    for name, mean in (("feedback", 60), ("root_cause", 150), ("advice", 100)):
        if name in said:
            said[name] = words(mean)
    return said


def make(folder: Path, documents: Path, calls: int) -> None:
    """Make the run in a process of its own; it ends with its budget of calls."""
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    (folder / "autodata.yaml").write_text(CONFIG.format(documents=documents, calls=calls))
    command = [sys.executable, __file__, "--make"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 3:
        raise SystemExit(done.stdout + done.stderr)


def unpacked(run: Path, other: Path) -> None:
    """Copy a run's journal with its segments as they were written."""
    (other / "journal").mkdir(parents=True)
    for path in lines.segments(run / "journal"):
        with (other / "journal" / path.name).open("wb") as file:
            for line in lines.scan(path, last=False):
                file.write(lines.encode(line.entry()))


def size(folder: Path) -> int:
    """Return the bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def find(run: Path) -> float:
    """Return the seconds for reading each call once in random order."""
    journal = Journal.open(run)
    keys = [fact.key for fact in journal.records(CallRecord)]
    random.Random(0).shuffle(keys)
    started = time.perf_counter()
    for key in keys:
        assert journal.find(CallRecord, key)
    spent = time.perf_counter() - started
    asyncio.run(journal.close())
    return spent


def resume(run: Path) -> float:
    """Return the seconds until a run knows what it did and what that took."""
    started = time.perf_counter()
    journal = Journal.open(run)
    charge_earlier(Accounts(Budget()), journal)
    spent = time.perf_counter() - started
    asyncio.run(journal.close())
    return spent


def seal(run: Path) -> float:
    """Return the seconds for making all tables."""
    shutil.rmtree(run / "tables", ignore_errors=True)
    started = time.perf_counter()
    tables.seal(run)
    return time.perf_counter() - started


def sql(run: Path) -> float:
    """Return the seconds for a query over all requests and replies."""
    started = time.perf_counter()
    with tables.connect(run.parent, run.name) as connection:
        found = "select sum(length(request::varchar) + length(reply->>'text')) from calls"
        assert tables.query(connection, found).rows[0][0]
    return time.perf_counter() - started


def read(run: Path, code: Path) -> dict[str, float]:
    """Return what reading a run takes the code of a checkout, in a process of its own."""
    command = [sys.executable, str(code / "benchmarks" / "size.py"), "--read", str(run)]
    place = {**os.environ, "PYTHONPATH": str(code)}
    found: dict[str, float] = json.loads(subprocess.check_output(command, env=place))
    return found


def measure(folder: Path, rounds: int, before: Path) -> dict[str, Any]:
    """Compare the packed run with the plain one."""
    packed, plain = folder / "runs" / RUN, folder / "plain" / RUN
    unpacked(packed, plain)
    pairs = [(read(packed, REPOSITORY), read(plain, before)) for _ in range(rounds)]
    times = {
        name: [min(pair[side][name] for pair in pairs) for side in (0, 1)] for name in pairs[0][0]
    }
    tables.seal(packed)
    calls = sum(entry.kind == CallRecord.KIND for entry in lines.read_entries(packed))
    room = {
        name: round(sum(size(run / part) for part in ("journal", "tables")) / calls)
        for name, run in (("packed", packed), ("plain", plain))
    }
    full = [lines.is_packed(path) for path in lines.segments(packed / "journal")]
    return {
        "calls": calls,
        "segments_packed": f"{sum(full)} of {len(full)}",
        "bytes_per_call": room,
        "journal_bytes_per_call": round(size(packed / "journal") / calls),
        "seconds_plain": {name: round(pair[1], 3) for name, pair in times.items()},
        "times_packed_over_plain": {n: round(one / two, 2) for n, (one, two) in times.items()},
    }


def main() -> None:
    """Make the run, measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--calls", type=int, default=4000)
    parser.add_argument("--documents", type=Path, default=Path("/work/shared/corpora/cs-papers"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--before", type=Path, default=REPOSITORY)
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--make", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.make:
        SimulatedConfig.client = "__main__:Talkative"
        from autodata.cli import main as autodata

        autodata(["optimize", "--run", RUN])
    if options.read:
        print(json.dumps({work.__name__: work(options.read) for work in (find, resume, seal, sql)}))
        return
    with tempfile.TemporaryDirectory() as name:
        make(Path(name), options.documents.resolve(), options.calls)
        found = measure(Path(name), options.rounds, options.before.resolve())
        print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
