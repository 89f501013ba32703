"""How full each client keeps a slow server, and what a call costs its process.

    python benchmarks/throughput.py [--slots 512] [--latency 2] [--calls N] [--json]

Every subject runs in a process of its own against the same kind of loopback server, which answers
each request after exactly `latency` seconds; one call at a time in each of `slots` places. The mean
in flight is the server's own count between the first and the last tenth of the calls.
`autodata-caller` is everything a run does per call: limits, budget, retries, call key, journal with
fsync. `autodata-evaluate` is the command as a user types it, on a project of made-up documents:
workflows in their sandbox, episodes, tables' facts, start-up. `cpu_ms_per_call` is the CPU time of
the process that makes the calls, `cpu_ms_with_helpers` also that of its sandbox's processes.
`autosynth-client` is the part of autosynth 0.4.0 that calls models, without its loop and store; it
runs where `--autosynth PYTHON` names an interpreter that has it (its dependencies and ours differ).
"""

import argparse
import asyncio
import json
import os
import random
import resource
import shutil
import string
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.request import urlopen

RIVAL = "autosynth-client"
SUBJECTS = ("aiohttp", "openai-sdk", "openai-sdk-aiohttp", "autodata-caller", "autodata-evaluate")
REPOSITORY = Path(__file__).resolve().parents[1]
CALLS_PER_EPISODE = 20
FEWEST_PER_SLOT = 50  # calls of an evaluation, whose last episodes cannot fill all slots
PROMPT = "Some words of a document that a question is asked about. " * 40
REPLY = {
    "id": "x",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [
        {
            "index": 0,
            "finish_reason": "stop",
            "message": {"role": "assistant", "content": "An answer of some length. " * 20},
        }
    ],
    "usage": {"prompt_tokens": 450, "completion_tokens": 120, "total_tokens": 570},
}
Call = Callable[[int], Awaitable[object]]


@dataclass(frozen=True)
class Row:
    """What one subject did."""

    subject: str
    slots: int
    latency_s: float
    calls: int
    mean_in_flight: float
    cpu_ms_per_call: float
    cpu_ms_with_helpers: float
    rss_mb: float
    """At its highest, of the process that makes the calls."""
    rss_early_mb: float
    """The same after a quarter of the time; as much as `rss_mb` where memory stays flat."""


class SlowServer(asyncio.Protocol):
    """A connection to a server that answers after a while; all share `spans`."""

    def __init__(self, latency: float, spans: list[tuple[float, float]]) -> None:
        body = json.dumps(REPLY).encode()
        head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: "
        self._reply = f"{head}{len(body)}\r\n\r\n".encode() + body
        self._latency = latency
        self._spans = spans
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            length = 0
            for line in head.split(b"\r\n"):
                if line.startswith(b"content-length:"):
                    length = int(line[15:])
            if len(self._buffer) < end + 4 + length:
                return
            self._buffer = self._buffer[end + 4 + length :]
            self._answer(head)

    def _answer(self, head: bytes) -> None:
        loop = asyncio.get_running_loop()
        if head.startswith(b"get /spans"):
            text = json.dumps(self._spans).encode()
            self._transport.write(
                b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(text) + text
            )
            return
        began = loop.time()
        loop.call_later(self._latency, self._finish, began)

    def _finish(self, began: float) -> None:
        self._spans.append((began, asyncio.get_running_loop().time()))
        if not self._transport.is_closing():
            self._transport.write(self._reply)


async def serve(latency: float) -> None:
    """Serve on a free port, which is the first line of the output, until killed."""
    spans: list[tuple[float, float]] = []
    server = await asyncio.get_running_loop().create_server(
        lambda: SlowServer(latency, spans), "127.0.0.1", 0, backlog=4096
    )
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


async def drive(call: Call, calls: int, slots: int) -> float:
    """Make `calls` calls, `slots` at a time; return CPU seconds of this process."""
    turns = asyncio.Semaphore(slots)

    async def one(number: int) -> None:
        async with turns:
            await call(number)

    before = cpu_s()
    await asyncio.gather(*(one(number) for number in range(calls)))
    return cpu_s() - before


def cpu_s() -> float:
    """Return the CPU seconds of all threads of this process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def run_aiohttp(url: str, calls: int, slots: int) -> float:
    """Bare aiohttp: what is left when all comfort is taken away."""
    import aiohttp

    messages = [{"role": "user", "content": PROMPT}]
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def call(number: int) -> None:
            body = {"model": "m", "messages": messages, "max_tokens": 200, "seed": number}
            async with session.post(f"{url}/chat/completions", json=body) as response:
                await response.json()

        return await drive(call, calls, slots)


async def run_sdk(url: str, calls: int, slots: int, *, fast: bool) -> float:
    """The official SDK as its documentation has it, on its default or its aiohttp transport."""
    import openai

    http = openai.DefaultAioHttpClient() if fast else None
    client = openai.AsyncOpenAI(api_key="none", base_url=url, http_client=http)

    async def call(number: int) -> None:
        await client.chat.completions.create(
            model="m",
            messages=[{"role": "user", "content": PROMPT}],
            max_tokens=200,
            seed=number,
        )

    try:
        return await drive(call, calls, slots)
    finally:
        await client.close()


async def run_autodata(url: str, calls: int, slots: int) -> float:
    """Our recorded caller with a real journal."""
    from autodata.config.schema import Budget
    from autodata.models.base import Deadlines, Message, Request, Site
    from autodata.models.calls.budget import Accounts
    from autodata.models.calls.caller import RecordedCaller
    from autodata.models.calls.seat import Seat
    from autodata.models.endpoint.endpoint import Endpoint, EndpointLimits, Service
    from autodata.models.providers.openai import OpenAIModel
    from autodata.store.journal import Journal

    limits = EndpointLimits(concurrency=slots, deadlines=Deadlines(total_s=60))
    endpoint = Endpoint("strong", OpenAIModel("m", base_url=url), limits, Service(model_name="m"))
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal.open(Path(folder))
        caller = RecordedCaller(journal, {"strong": Seat(endpoint)}, Accounts(Budget(calls=10**9)))

        async def call(number: int) -> None:
            site = Site("strong", f"r0.strong.{number}", "tree", f"document {number // 10}")
            ask = Request((Message("user", PROMPT),), max_tokens=200, seed=number)
            await caller.call(site, ask)

        try:
            return await drive(call, calls, 2 * slots)  # as episodes do: some always wait
        finally:
            await caller.close()
            await journal.close()


async def run_autosynth(url: str, calls: int, slots: int) -> float:
    """Call models as autosynth does: one thread for each call, litellm below."""
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    llm = import_module("autosynth.llm")
    extras = {"api_base": url, "api_key": "none"}
    client = llm.LLMClient(llm.LLMConfig(model_extras={"openai/m": extras}))
    messages = [{"role": "user", "content": PROMPT}]

    def ask(number: int) -> None:
        names = {"request_id": f"call {number}", "item_id": "item", "round_n": 1, "role": "weak"}
        asked = {"model_key": "openai/m", "messages": messages, "max_tokens": 200}
        client.complete(llm.LLMRequest(**names, **asked))

    with ThreadPoolExecutor(slots) as pool:
        loop = asyncio.get_running_loop()
        return await drive(lambda number: loop.run_in_executor(pool, ask, number), calls, slots)


def measure(subject: str, url: str, calls: int, slots: int) -> dict[str, float]:
    """Run one subject in this process."""
    runs: dict[str, Callable[[], Any]] = {
        "aiohttp": lambda: run_aiohttp(url, calls, slots),
        "openai-sdk": lambda: run_sdk(url, calls, slots, fast=False),
        "openai-sdk-aiohttp": lambda: run_sdk(url, calls, slots, fast=True),
        RIVAL: lambda: run_autosynth(url, calls, slots),
        "autodata-caller": lambda: run_autodata(url, calls, slots),
    }
    return {"cpu_ms_per_call": 1000 * asyncio.run(runs[subject]()) / calls}


def mean_in_flight(spans: list[tuple[float, float]]) -> float:
    """Average the server's requests in progress between the first and the last tenth of calls."""
    ends = sorted(end for _, end in spans)
    first, last = ends[len(ends) // 10], ends[-1 - len(ends) // 10]
    inside = sum(max(0.0, min(end, last) - max(began, first)) for began, end in spans)
    return inside / (last - first)


def write_project(folder: Path, url: str, slots: int, documents: int) -> None:
    """Write a project whose strong and weak solver are the slow server: always wrong, no accepts.

    With four rounds of 4 weak and 1 or 4 strong samples an episode makes about 20 calls.
    """
    rng = random.Random(0)
    letters = string.ascii_lowercase
    words = ["".join(rng.choices(letters, k=rng.randint(3, 9))) for _ in range(2000)]

    def sentence() -> str:
        return " ".join(rng.sample(words, 12)).capitalize() + "."

    with (folder / "documents.jsonl").open("w") as file:
        for _ in range(documents + 4):
            file.write(json.dumps({"text": " ".join(sentence() for _ in range(30))}) + "\n")
    shutil.copytree(REPOSITORY / "harnesses" / "lambada", folder / "harnesses" / "lambada")
    manifest = folder / "harnesses" / "lambada" / "harness.yaml"
    one, four = "high: 4, value: 1", "high: 4, value: 4"
    assert one in manifest.read_text()
    manifest.write_text(manifest.read_text().replace(one, four, 1))
    model = {"provider": "openai", "model": "m", "base_url": url, "concurrency": slots}
    config = {
        "harness": "lambada",
        "documents": {
            "source": "documents.jsonl",
            "splits": {"train": 2, "validation": documents, "test": 2},
        },
        "models": {"slow": model},
        "roles": {"weak": {"model": "slow"}, "strong": {"model": "slow", "mode": "privileged"}},
        "protocol": {"domain": "cloze", "acceptance": "verifiable", "max_rounds": 4},
        "optimize": {"proposer": "knobs"},
    }
    (folder / "autodata.yaml").write_text(json.dumps(config))


def watch(process: subprocess.Popen[str]) -> tuple[list[float], float]:
    """Sample a process until it ends: its resident memory in MB, and at last its CPU seconds."""
    samples: list[float] = []
    ticks = 0
    while process.poll() is None:
        with suppress(OSError, IndexError):  # it may end in between
            pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
            after_name = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
            ticks = max(ticks, int(after_name[11]) + int(after_name[12]))
            samples.append(pages * resource.getpagesize() / 2**20)
        time.sleep(0.1)
    return samples, ticks / os.sysconf("SC_CLK_TCK")


def in_own_process(
    subject: str, slots: int, latency: float, calls: int, python: str = sys.executable
) -> Row:
    """Start a server and a process for the subject, and collect what both measured."""
    me = [sys.executable, __file__]
    serving = [*me, "--serve", "--latency", str(latency)]
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(serving, stdout=subprocess.PIPE, text=True) as server,
    ):
        try:
            assert server.stdout is not None
            root = f"http://127.0.0.1:{int(server.stdout.readline())}"
            if subject == "autodata-evaluate":
                episodes = max(calls, FEWEST_PER_SLOT * slots) // CALLS_PER_EPISODE
                write_project(Path(folder), f"{root}/v1", slots, episodes)
                command = [sys.executable, "-m", "autodata", "evaluate", "lambada", "--json"]
            else:
                command = [python, __file__, "--subject", subject, "--url", f"{root}/v1"]
                command += ["--slots", str(slots), "--calls", str(calls)]
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            done = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder)
            samples, own = watch(done)
            used = resource.getrusage(resource.RUSAGE_CHILDREN)
            if done.returncode:
                raise SystemExit(f"{subject} failed with exit code {done.returncode}")
            with urlopen(f"{root}/spans", timeout=30) as answer:
                spans = json.load(answer)
        finally:
            server.kill()
    assert done.stdout is not None
    measured = json.loads(done.stdout.read())
    whole = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    cpu = measured.get("cpu_ms_per_call", 1000 * own / len(spans))
    return Row(
        subject,
        slots,
        latency,
        len(spans),
        mean_in_flight(spans),
        cpu,
        measured.get("cpu_ms_per_call", 1000 * whole / len(spans)),
        max(samples),
        max(samples[: max(1, len(samples) // 4)]),
    )


def main() -> int:
    """Measure all subjects one after the other and print a table with ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slots", type=int, default=512)
    parser.add_argument("--latency", type=float, default=2.0)
    parser.add_argument("--calls", type=int, default=0, help="default: 15 for each slot")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--subject", choices=(*SUBJECTS, RIVAL), help="only this one")
    parser.add_argument("--autosynth", metavar="PYTHON", help="measure autosynth too")
    parser.add_argument("--url", default="")
    parser.add_argument("--serve", action="store_true")
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve(options.latency))
        return 0
    if options.url:
        measured = measure(options.subject, options.url, options.calls, options.slots)
        print(json.dumps(measured))
        return 0
    calls = options.calls or 15 * options.slots
    sizes = (options.slots, options.latency, calls)
    rows = [in_own_process(s, *sizes) for s in SUBJECTS if options.subject in (s, None)]
    if options.autosynth:
        rows.append(in_own_process(RIVAL, *sizes, python=options.autosynth))
    if options.json:
        print(json.dumps([asdict(row) for row in rows], indent=1))
        return 0
    base = next((row.cpu_ms_per_call for row in rows if row.subject == "openai-sdk"), None)
    titles = f"{'of slots':>9} {'CPU ms':>7} {'/ SDK':>6} {'all':>6} {'MB':>6} {'MB early':>9}"
    print(f"{'subject':20} {'in flight':>10} {titles}")
    for row in rows:
        share = f"{row.cpu_ms_per_call / base:.2f}" if base else "-"
        print(
            f"{row.subject:20} {row.mean_in_flight:10.0f} {row.mean_in_flight / row.slots:9.1%} "
            f"{row.cpu_ms_per_call:7.2f} {share:>6} {row.cpu_ms_with_helpers:6.2f} "
            f"{row.rss_mb:6.0f} {row.rss_early_mb:9.0f}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
