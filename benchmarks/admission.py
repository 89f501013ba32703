"""How much of a server that rejects calls is used: five worlds, each beside one without faults.

    python benchmarks/admission.py [--seconds 60] [--minute 10] [--evaluate]

Each world is a loopback server in a process of its own (1 s, 64 slots) that our endpoint calls for
`seconds`, with 128 calls wanting 64 places. `of it` is what was answered of what could have been:
of the faultless run, of the capacity of 32 (32, 48, then 16), or of a limit of 20 calls a second
counted over a window of `minute` seconds. With `--evaluate` the command `autodata evaluate` runs
against the first three worlds for the same time.
"""

import argparse
import asyncio
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.request import urlopen

sys.path.insert(0, str(Path(__file__).parent))
throughput: Any = import_module("throughput")

SLOTS, LATENCY, RATE = 64, 1.0, 20.0
Json = dict[str, int]
WORLDS = ("no faults", "5 % 429", "3 % 503", "capacity", "capacity changes", "a minute")


class Server:
    """What one world rejects, and what it counts."""

    def __init__(self, world: str, seconds: float, minute: float) -> None:
        self.world, self.seconds, self.minute = world, seconds, minute
        self.began = 0.0
        self.in_flight = self.answered = self.rejected = 0
        self.taken: deque[float] = deque()
        self.rng = random.Random(0)

    def capacity(self, now: float) -> int:
        """How many calls the server takes at once."""
        part = 3 * (now - self.began) / self.seconds
        return 32 if self.world == "capacity" or part < 1 else 48 if part < 2 else 16

    def refuses(self, now: float) -> int:
        """The status that a call is rejected with, or 0."""
        self.began = self.began or now
        if self.world == "5 % 429":
            return 429 if self.rng.random() < 0.05 else 0
        if self.world == "3 % 503":
            return 503 if self.rng.random() < 0.03 else 0
        if self.world.startswith("capacity"):
            return 429 if self.in_flight >= self.capacity(now) else 0
        if self.world == "a minute":
            while self.taken and self.taken[0] <= now - self.minute:
                self.taken.popleft()
            if len(self.taken) >= RATE * self.minute:
                return 429
            self.taken.append(now)
        return 0

    def counts(self) -> str:
        """Return the counts up to now as JSON."""
        return json.dumps({"answered": self.answered, "rejected": self.rejected})


async def serve(server: Server) -> None:
    """Serve on a free port, which is the first line of the output, until killed."""
    from aiohttp import web

    async def post(request: web.Request) -> web.Response:
        await request.read()
        loop = asyncio.get_running_loop()
        if status := server.refuses(loop.time()):
            server.rejected += 1
            return web.json_response({"error": {"message": "busy"}}, status=status)
        server.in_flight += 1
        await asyncio.sleep(LATENCY)
        server.in_flight -= 1
        server.answered += 1
        return web.json_response(throughput.REPLY)

    async def get(_: web.Request) -> web.Response:
        return web.Response(text=server.counts())

    app = web.Application()
    app.router.add_post("/{path:.*}", post)
    app.router.add_get("/{path:.*}", get)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    sys.stdout.write(f"{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


async def call(url: str, seconds: float) -> None:
    """Let our endpoint make calls for a while, twice as many at a time as it has places."""
    from autodata.models.base import Message, Request
    from autodata.models.endpoint.endpoint import Endpoint, EndpointLimits
    from autodata.models.providers.openai import OpenAIModel

    model = OpenAIModel("m", base_url=url)
    endpoint = Endpoint("server", model, EndpointLimits(concurrency=SLOTS))
    ask = Request((Message("user", "Some words."),), max_tokens=100)

    async def work() -> None:
        while True:
            await endpoint.call(ask)

    tasks = [asyncio.create_task(work()) for _ in range(2 * SLOTS)]
    await asyncio.sleep(seconds)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await endpoint.close()


def evaluate(url: str, seconds: float) -> None:
    """Let `autodata evaluate` run for a while, start-up included."""
    with tempfile.TemporaryDirectory() as folder:
        throughput.write_project(Path(folder), url, SLOTS, 5000)
        command = [sys.executable, "-m", "autodata.cli", "evaluate", "lambada", "--json"]
        with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL) as process:
            time.sleep(seconds)
            process.terminate()


def measure(world: str, run: Callable[[str, float], None], seconds: float, minute: float) -> Json:
    """Return what the server of a world counted while `run` called it."""
    me = [sys.executable, __file__, "--serve", world]
    me += ["--seconds", str(seconds), "--minute", str(minute)]
    with subprocess.Popen(me, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            root = f"http://127.0.0.1:{int(server.stdout.readline())}"
            run(f"{root}/v1", seconds)
            with urlopen(root, timeout=30) as answer:
                counts: Json = json.load(answer)
                return counts
        finally:
            server.kill()


def main() -> int:
    """Measure the worlds one after the other and print what was used of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--minute", type=float, default=10.0, help="60 for a true one")
    parser.add_argument("--evaluate", action="store_true", help="through the command, too")
    parser.add_argument("--world", choices=WORLDS, action="append")
    parser.add_argument("--serve", choices=WORLDS)
    options = parser.parse_args()
    seconds, minute = options.seconds, options.minute
    if options.serve:
        asyncio.run(serve(Server(options.serve, seconds, minute)))
        return 0
    answering = seconds - LATENCY  # nothing can be answered before
    there = {
        "capacity": 32 * answering / LATENCY,
        "capacity changes": 32 * answering / LATENCY,
        "a minute": RATE * answering,
    }
    runs: dict[str, Callable[[str, float], None]] = {
        "endpoint": lambda url, span: asyncio.run(call(url, span))
    }
    if options.evaluate:
        runs["evaluate"] = evaluate
    print(f"{'caller':10} {'world':18} {'answered':>9} {'rejected':>9} {'share':>6} {'of it':>7}")
    for caller, run in runs.items():
        faultless = 0
        for world in WORLDS if caller == "endpoint" else WORLDS[:3]:
            if options.world and world not in ("no faults", *options.world):
                continue
            counts = measure(world, run, seconds, minute)
            answered, rejected = counts["answered"], counts["rejected"]
            faultless = faultless or answered
            share = rejected / max(1, answered + rejected)
            used = answered / there.get(world, faultless)
            print(
                f"{caller:10} {world:18} {answered:9} {rejected:9} {share:6.1%} {used:7.1%}",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
