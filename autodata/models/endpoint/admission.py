"""Backpressure by a server's own queue metrics, for servers that never send a 429.

It reads `/metrics` of vLLM or llama.cpp and moves the ceiling of a gate.
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass

from autodata.models import plain_http
from autodata.models.base import Model
from autodata.models.endpoint.gate import Gate, Sleep
from autodata.models.endpoint.router import Router

EVERY = 1.0  # seconds
FULL = 0.95  # share of the cache from which on a server starts to preempt
_LINE = re.compile(r"^([a-z_]+:[a-z_]+)(?:\{[^}]*\})?\s+([0-9.eE+-]+)\s*$", re.MULTILINE)
_WAITING = {"vllm:num_requests_waiting", "llamacpp:requests_deferred"}
_RUNNING = {"vllm:num_requests_running", "llamacpp:requests_processing"}
_CACHE = {
    "vllm:kv_cache_usage_perc",
    "vllm:gpu_cache_usage_perc",
    "llamacpp:kv_cache_usage_ratio",
}


@dataclass(frozen=True, slots=True)
class Load:
    """A server's queue metrics: requests running and waiting, and how full its cache is."""

    running: int = 0
    waiting: int = 0
    cache: float = 0.0


def read_load(metrics: str) -> Load | None:
    """Parse a server's Prometheus metrics; None when they hold nothing about a queue."""
    running = waiting = 0
    cache, any_metric = 0.0, False
    for name, value in _LINE.findall(metrics):
        try:
            number = float(value)
        except ValueError:
            continue
        if name in _WAITING:
            waiting, any_metric = waiting + int(number), True
        elif name in _RUNNING:
            running += int(number)
        elif name in _CACHE:
            cache = max(cache, number)
    return Load(running, waiting, cache) if any_metric else None


def next_ceiling(load: Load, in_flight: int, ceiling: int, most: int) -> int:
    """Return the new limit on calls in flight, given the servers' load.

    A short queue keeps a server busy between our looks at it; what waits beyond an eighth of what
    runs only adds latency and is taken back. A full cache shrinks, an idle server lets it grow.
    """
    slack = max(2, load.running // 8)
    if load.waiting > slack:
        return max(1, min(most, in_flight - load.waiting + slack))
    if load.cache >= FULL:
        return max(1, min(most, in_flight * 9 // 10))
    return min(most, ceiling + max(1, ceiling // 8))


class QueueWatch:
    """Polls the servers' queue metrics every second while calls are made."""

    def __init__(
        self, gate: Gate, urls: Sequence[str], model: Model, *, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._gate = gate
        self._urls = [url.removesuffix("/").removesuffix("/v1") + "/metrics" for url in urls]
        self._router = model if isinstance(model, Router) else None
        self._sleep = sleep
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start looking, unless that goes on already; needs a running loop."""
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop looking."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def look(self) -> None:
        """Poll once, and move the ceiling by the load.

        While they say nothing it rises as for an idle server: the gate's own limit remains.
        """
        loads = await asyncio.gather(*(self._load(url) for url in self._urls))
        readable = [load for load in loads if load is not None]
        if self._router is not None:
            for index, load in enumerate(loads):
                self._router.queued[index] = load.waiting if load is not None else 0
        total = Load(
            sum(load.running for load in readable),
            sum(load.waiting for load in readable),
            max((load.cache for load in readable), default=0.0),
        )
        gate = self._gate
        gate.ceiling = next_ceiling(total, gate.in_flight, gate.ceiling, gate.most)
        gate.let_in()

    async def _run(self) -> None:
        while True:
            await self.look()
            await self._sleep(EVERY)

    async def _load(self, url: str) -> Load | None:
        if not url.startswith("http://"):  # nothing is read over TLS
            return None
        try:
            status, text = await plain_http.get(url, 5 * EVERY)
        except OSError:
            return None
        return read_load(text) if status == 200 else None
