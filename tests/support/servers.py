"""Simulated servers for tests of admission, in virtual time: an hour passes in a moment.

Knows nothing of how calls are let in: it says what a server rejects, and counts.
"""

import asyncio
import selectors
from collections import deque
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any, TypeVar

from autodata.concurrency import finish
from autodata.errors import ProviderError, RateLimited
from autodata.models.base import USUAL, Deadlines, Model, Reply, Request
from autodata.models.endpoint.endpoint import Endpoint, EndpointLimits, Timing
from tests.support.fakes import CHAT

BUSY = "server is overloaded (429)"


class _Jump(selectors.DefaultSelector):
    """Waits for nothing: the time that would pass is added up."""

    passed = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        self.passed += timeout or 0.0
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time passes only when all its tasks wait."""

    def __init__(self) -> None:
        self.jump = _Jump()
        super().__init__(self.jump)

    def time(self) -> float:
        return self.jump.passed


T = TypeVar("T")


def in_virtual_time(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end in a loop of its own."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)


def now() -> float:
    """The loop's time."""
    return asyncio.get_running_loop().time()


class World:
    """A server with rules: each may reject a call by raising, when it arrives or after a while."""

    def __init__(
        self, *rules: "Rule", latency: Callable[[Random], float] | float = 1.0, seed: int = 1
    ) -> None:
        self.rules = rules
        self.latency = latency
        self.rng = Random(seed)
        self.in_flight = 0
        self.arrived: list[float] = []
        self.rejected: list[float] = []
        self.done: list[float] = []

    async def complete(self, request: Request, deadlines: Deadlines = USUAL) -> Reply:
        """Take or reject a request and answer; it is on the way for a moment, there and back."""
        await asyncio.sleep(0.002 * self.rng.uniform(0.5, 1.5))
        self.arrived.append(now())
        for rule in self.rules:
            error = rule(self, request)
            if error is not None:
                self.rejected.append(now())
                await asyncio.sleep(0.002 * self.rng.uniform(0.5, 1.5))
                raise error
        self.in_flight += 1
        try:
            seconds = self.latency(self.rng) if callable(self.latency) else self.latency
            await asyncio.sleep(seconds)
        finally:
            self.in_flight -= 1
        self.done.append(now())
        await asyncio.sleep(0.002 * self.rng.uniform(0.5, 1.5))
        return Reply("ok", prompt_tokens=10, completion_tokens=5, seconds=seconds)

    async def close(self) -> None:
        """Nothing to close."""

    def rate(self, since: float, until: float) -> float:
        """Answers a second in a span of time."""
        return sum(since <= at < until for at in self.done) / (until - since)

    def rejected_share(self, since: float = 0.0, until: float = 1e9) -> float:
        """The share of the calls of a span of time that was rejected."""
        arrived = sum(since <= at < until for at in self.arrived)
        return sum(since <= at < until for at in self.rejected) / max(1, arrived)


Rule = Callable[[World, Request], ProviderError | None]


def noise(share: float, retry_after: float = 0.0) -> Rule:
    """Reject at random."""
    return lambda world, _: (
        RateLimited(BUSY, retry_after=retry_after) if world.rng.random() < share else None
    )


def capacity(most: Callable[[float], int] | int, retry_after: float = 0.0) -> Rule:
    """Reject what is more than a number of calls at once; it may change with time."""

    def rule(world: World, _: Request) -> ProviderError | None:
        bound = most(now()) if callable(most) else most
        full = world.in_flight >= bound
        return RateLimited(BUSY, retry_after=retry_after) if full else None

    return rule


def sliding(calls: float, minute: float = 60.0, *, said: bool = False) -> Rule:
    """Take so many calls in any minute; say when the next may come if asked to."""
    taken: deque[float] = deque()

    def rule(_: World, __: Request) -> ProviderError | None:
        while taken and taken[0] <= now() - minute:
            taken.popleft()
        if len(taken) >= calls:
            wait = taken[0] + minute - now() if said else 0.0
            return RateLimited(BUSY, retry_after=wait)
        taken.append(now())
        return None

    return rule


def fixed(calls: float, minute: float = 60.0, *, said: bool = False) -> Rule:
    """Take so many calls from one full minute to the next."""
    began, taken = 0.0, 0

    def rule(_: World, __: Request) -> ProviderError | None:
        nonlocal began, taken
        if now() >= began + minute:
            began, taken = now() // minute * minute, 0
        if taken >= calls:
            return RateLimited(BUSY, retry_after=began + minute - now() if said else 0.0)
        taken += 1
        return None

    return rule


def bucket(
    calls: float,
    minute: float = 60.0,
    *,
    size: float | None = None,
    said: bool = False,
    cost: Callable[[Random], float] = lambda _: 1.0,
) -> Rule:
    """Fill a bucket with so many tokens a minute, of which each call takes its cost."""
    tokens, at = calls if size is None else size, 0.0

    def rule(world: World, _: Request) -> ProviderError | None:
        nonlocal tokens, at
        tokens = min(calls if size is None else size, tokens + (now() - at) * calls / minute)
        at = now()
        price = cost(world.rng)
        if tokens < price:
            wait = (price - tokens) * minute / calls if said else 0.0
            return RateLimited(BUSY, retry_after=wait)
        tokens -= price
        return None

    return rule


async def drive(model: Model, seconds: float, workers: int = 128, places: int = 64) -> Endpoint:
    """Keep workers calling for a while, each one call at a time; return their endpoint."""
    loop = asyncio.get_running_loop()
    limits = EndpointLimits(concurrency=places)
    endpoint = Endpoint("e", model, limits, timing=Timing(loop.time, rng=Random(2)))

    async def work() -> None:
        while True:
            await endpoint.call(CHAT)

    tasks = [asyncio.create_task(work()) for _ in range(workers)]
    done, _ = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()
    await finish(tasks)
    await endpoint.close()
    return endpoint
