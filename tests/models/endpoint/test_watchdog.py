"""The watchdog: what it tells of endpoints that are down or silent, how often, and to whom."""

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress

from autodata.errors import RateLimited, StoreError, Unavailable
from autodata.models.base import Deadlines, Reply, Request
from autodata.models.endpoint.endpoint import Endpoint, EndpointLimits, Timing
from autodata.models.endpoint.watchdog import LOOK_S, SILENT_S, Watchdog
from autodata.store.format import Record
from autodata.store.records import TroubleRecord
from tests.support.fakes import CHAT, FakeModel, Memory, Play, said

STEP_S = 0.5


class Kept(Memory):
    """A journal that remembers every record it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.problems: list[str] = []

    async def append(self, key: str, record: Record) -> None:
        await super().append(key, record)
        assert isinstance(record, TroubleRecord)
        assert (key, record.pid) == ("strong", os.getpid())
        self.problems.append(record.problem)


class World:
    """An endpoint under watch, in a time that goes on when told to."""

    def __init__(self, play: Play, log: Kept | None = None) -> None:
        self.time = 0.0
        self.lines: list[str] = []
        self.log = log or Kept()
        self._looks: asyncio.Queue[None] = asyncio.Queue()
        self._turns: asyncio.Queue[None] = asyncio.Queue()
        self._sleepers: list[tuple[float, asyncio.Event]] = []
        self.endpoint = Endpoint(
            "strong",
            FakeModel(play),
            EndpointLimits(deadlines=Deadlines(total_s=3600)),
            timing=Timing(lambda: self.time, self._sleep),
        )
        self.dog = Watchdog(
            [self.endpoint],
            self.log,
            self.lines.append,
            self._looked,
            now=lambda: self.time,
            sleep=self._wait,
        )

    def _looked(self) -> None:
        self._looks.put_nowait(None)

    async def _wait(self, seconds: float) -> None:
        assert seconds == LOOK_S
        await self._turns.get()

    async def _sleep(self, seconds: float) -> None:
        woken = asyncio.Event()
        self._sleepers.append((self.time + seconds, woken))
        await woken.wait()

    async def pass_(self, seconds: float) -> None:
        """Let time pass, with a look every two seconds."""
        for _ in range(int(seconds / STEP_S)):
            self.time += STEP_S
            for until, woken in self._sleepers:
                if until <= self.time:
                    woken.set()
            await self._settle()
            if self.time % LOOK_S == 0:
                self._turns.put_nowait(None)
                await self._looks.get()

    async def _settle(self) -> None:
        for _ in range(50):
            await asyncio.sleep(0)


async def watched(world: World, calls: int, story: Callable[[], object]) -> None:
    """Run a story while the dog watches and so many calls are under way."""
    watching = asyncio.create_task(world.dog.watch())
    calling = [asyncio.create_task(world.endpoint.call(CHAT)) for _ in range(calls)]
    try:
        told = story()
        assert asyncio.iscoroutine(told)
        await told
    finally:
        for task in [watching, *calling]:
            task.cancel()
            with suppress(asyncio.CancelledError, Unavailable):
                await task
    await world.endpoint.close()


def waiting_world() -> tuple[World, asyncio.Event]:
    """A world whose endpoint answers nothing until the event is set."""
    answer = asyncio.Event()

    async def play() -> Reply:
        await answer.wait()
        return said()

    return World(lambda *_: play()), answer


async def test_an_outage_is_told_within_seconds_and_once_and_so_is_its_end() -> None:
    up = False

    def play(number: int, _: Request) -> Reply | Exception:
        return said() if up or number == 0 else Unavailable("connection refused")

    world = World(play)
    await world.endpoint.call(CHAT)

    async def story() -> None:
        nonlocal up
        await world.pass_(2 * LOOK_S + 2)
        (first,) = world.lines
        assert first.startswith("endpoint strong is down since")
        await world.pass_(600)
        assert world.lines == [first]
        (trouble,) = world.dog.troubles
        assert trouble.endswith("retrying every 60 s: connection refused")
        assert world.log.problems[-1] == trouble
        up = True
        await world.pass_(70)
        assert world.lines == [first, "endpoint strong is back"]
        assert (world.log.problems[-1], world.dog.troubles) == ("", ())
        assert len(world.log.problems) < 10  # one for each interval, not for each look

    await watched(world, 8, story)


async def test_a_server_that_wants_no_calls_is_told_once_and_asked_again() -> None:
    def play(number: int, _: Request) -> Reply | Exception:
        return said() if number else RateLimited("busy", retry_after=7200)

    world = World(play)

    async def story() -> None:
        await world.pass_(2 * LOOK_S)
        (first,) = world.lines
        assert first.startswith("endpoint strong wants no calls for a while, asking it again at")
        await world.pass_(280)
        assert world.lines == world.log.problems == [first]
        await world.pass_(60)
        assert world.lines == [first, "endpoint strong is back"]
        assert world.dog.troubles == ()

    await watched(world, 1, story)


async def test_a_short_wait_that_a_server_asks_for_is_not_worth_a_line() -> None:
    world = World(lambda n, _: said() if n else RateLimited("busy", retry_after=15))
    await watched(world, 1, lambda: world.pass_(60))
    assert world.lines == []


async def test_a_silent_endpoint_is_told_long_before_its_deadline() -> None:
    world, answer = waiting_world()

    async def story() -> None:
        await world.pass_(SILENT_S)
        assert world.lines == []
        await world.pass_(2 * LOOK_S)
        (first,) = world.lines
        assert first.startswith("endpoint strong has not answered since")
        assert first.endswith("3 calls in flight")
        assert world.log.problems == [first]
        answer.set()
        await world.pass_(LOOK_S)
        assert world.lines[1:] == ["endpoint strong is back"]
        assert world.log.problems == [first, ""]

    await watched(world, 3, story)


async def test_an_endpoint_that_answers_slowly_is_told_less_and_less() -> None:
    """Calls of 90 s are a slow model; after the first such wait they are not worth a line."""
    world, answer = waiting_world()

    async def story() -> None:
        for _ in range(5):
            call = asyncio.create_task(world.endpoint.call(CHAT))
            await world.pass_(90)
            answer.set()
            await world.pass_(LOOK_S)
            await call
            answer.clear()
        assert len(world.lines) == 2

    await watched(world, 0, story)


async def test_an_idle_endpoint_is_not_silent() -> None:
    world = World(lambda *_: said())
    await world.endpoint.call(CHAT)
    await watched(world, 0, lambda: world.pass_(10 * SILENT_S))
    assert (world.lines, world.log.problems) == ([], [])


async def test_a_moments_outage_is_not_worth_a_line() -> None:
    def play(number: int, _: Request) -> Reply | Exception:
        return Unavailable("busy") if 1 <= number <= 6 else said()  # five and a probe

    world = World(play)
    await world.endpoint.call(CHAT)

    async def story() -> None:
        await world.pass_(LOOK_S - STEP_S)
        calls = asyncio.gather(*(world.endpoint.call(CHAT) for _ in range(5)))
        await world.pass_(STEP_S)
        assert world.endpoint.breaker.paused
        await world.pass_(60)
        await calls

    await watched(world, 0, story)
    assert world.lines == []


async def test_a_full_disk_does_not_end_the_watch() -> None:
    class Full(Kept):
        async def append(self, key: str, record: Record) -> None:
            raise StoreError("no room")

    world = World(lambda n, _: said() if n == 0 else Unavailable("gone"), Full())
    await world.endpoint.call(CHAT)
    await watched(world, 8, lambda: world.pass_(20))
    assert len(world.lines) == 1
