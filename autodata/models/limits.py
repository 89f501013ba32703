"""How many calls an endpoint gets at once: an adaptive limit and a queue in order of urgency.

Knows nothing of requests, retries and budgets. Additive increase, multiplicative decrease (Chiu and
Jain, 1989), with a doubling start as in TCP.
"""

import asyncio
import heapq
import itertools
import time
from collections.abc import Awaitable, Callable

Sleep = Callable[[float], Awaitable[None]]
Now = Callable[[], float]

Priority = tuple[int, int]
"""The smaller goes first."""
FIRST: Priority = (-(2**31), 0)
START = 128
LONGEST_WAIT = 300.0  # seconds; a server that asks for more is asked again sooner


class Gate:
    """Lets calls through, at most `limit` at a time, the smallest priority first.

    `most` is the configured bound; `ceiling` is a second one that whoever watches the server's own
    queue may move at any time.
    """

    def __init__(
        self, most: int, *, now: Now = time.monotonic, sleep: Sleep = asyncio.sleep
    ) -> None:
        self.most = most
        self.ceiling = most
        self.in_flight = 0
        self._limit = float(min(most, START))
        self._doubling = True
        self._now = now
        self._sleep = sleep
        self._waiting: list[tuple[Priority, int, asyncio.Future[None]]] = []
        self._order = itertools.count()
        self._decreased_at = float("-inf")
        self._closed_until = float("-inf")
        self._waker: asyncio.Task[None] | None = None

    @property
    def limit(self) -> int:
        """How many calls may be in flight now."""
        return max(1, min(int(self._limit), self.ceiling, self.most))

    @property
    def closed_s(self) -> float:
        """For how many seconds more the server wants to be left alone."""
        return max(0.0, self._closed_until - self._now())

    @property
    def waiting(self) -> int:
        """How many calls wait for their turn."""
        return sum(not future.done() for _, _, future in self._waiting)

    async def enter(self, priority: Priority = FIRST) -> float:
        """Wait for a place; returns the time of entering, which `overloaded` wants back."""
        if self._waiting or not self._open():
            turn = asyncio.get_running_loop().create_future()
            heapq.heappush(self._waiting, (priority, next(self._order), turn))
            self.let_in()
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self.leave()
                raise
        else:
            self.in_flight += 1
        return self._now()

    def leave(self) -> None:
        """Give the place to the next call."""
        self.in_flight -= 1
        self.let_in()

    def went_well(self) -> None:
        """Raise the limit a little, if it is what holds calls back, and use that at once.

        The call itself holds its place for a while yet: many may have gone well before one leaves.
        """
        if self.in_flight >= self.limit and self._limit < self.most:
            self._limit = min(self.most, self._limit + (1 if self._doubling else 1 / self._limit))
            self.let_in()

    def overloaded(self, entered: float, retry_after: float = 0.0) -> None:
        """Halve the limit, once for all calls that were in flight together, and keep the wait."""
        now = self._now()
        if entered >= self._decreased_at:
            self._decreased_at = now
            self._doubling = False
            self._limit = max(1.0, min(self._limit, self.in_flight) / 2)
        if retry_after > 0:
            until = now + min(retry_after, LONGEST_WAIT)
            self._closed_until = max(self._closed_until, until)
            if self._waker is None:
                self._waker = asyncio.create_task(self._wake())

    def let_in(self) -> None:
        """Let in whoever fits now; for those who moved the ceiling."""
        while self._waiting and self._open():
            turn = heapq.heappop(self._waiting)[2]
            if not turn.done():
                self.in_flight += 1
                turn.set_result(None)

    async def close(self) -> None:
        """Stop waiting for a server's Retry-After."""
        if self._waker is not None:
            self._waker.cancel()
            await asyncio.gather(self._waker, return_exceptions=True)

    def _open(self) -> bool:
        return self.in_flight < self.limit and self._now() >= self._closed_until

    async def _wake(self) -> None:
        while (rest := self.closed_s) > 0:
            await self._sleep(rest)
        self._waker = None
        self.let_in()
