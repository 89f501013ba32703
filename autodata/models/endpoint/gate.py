"""The queue in front of an endpoint: calls wait by priority until the throttle admits them.

How the limit is found is the throttle's.
"""

import asyncio
import heapq
import itertools
import time
from collections.abc import Awaitable, Callable

from autodata.models.endpoint.throttle import Now, Sent, Throttle

Sleep = Callable[[float], Awaitable[None]]

Priority = tuple[int, int]
"""The smaller goes first."""
FIRST: Priority = (-(2**31), 0)


class Gate:
    """Admits calls by priority, the smallest first, as many and as fast as the throttle allows.

    `most` is the configured bound; `ceiling` is a second one that whoever watches the server's own
    queue may move at any time.
    """

    def __init__(
        self, most: int, *, now: Now = time.monotonic, sleep: Sleep = asyncio.sleep
    ) -> None:
        self.most = most
        self.ceiling = most
        self.in_flight = 0
        self._throttle = Throttle(most, now=now)
        self._sleep = sleep
        self._waiting: list[tuple[Priority, int, asyncio.Future[Sent]]] = []
        self._order = itertools.count()
        self._waker: asyncio.Task[None] | None = None

    @property
    def limit(self) -> int:
        """The number of calls that may be in flight now."""
        return max(1, min(self._throttle.limit, self.ceiling))

    @property
    def closed_s(self) -> float:
        """The seconds for which the server wants no further calls."""
        return self._throttle.closed_s

    @property
    def waiting(self) -> int:
        """The number of queued calls."""
        return sum(not future.done() for _, _, future in self._waiting)

    async def enter(self, priority: Priority = FIRST) -> Sent:
        """Wait for a place; returns what `went_well`, `rejected` and `timed_out` want back."""
        if not self._waiting and self._open():
            return self._let_through()
        turn: asyncio.Future[Sent] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (priority, next(self._order), turn))
        self.let_in()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave()
            raise

    def leave(self) -> None:
        """Give the place to the next call."""
        self.in_flight -= 1
        self.let_in()

    def went_well(self, sent: Sent, seconds: float) -> None:
        """Note an answer and what it took: there may be room for more, which is used at once.

        The call itself holds its place for a while yet: many may have gone well before one leaves.
        """
        self._throttle.accepted(sent, seconds, full=self.in_flight >= self.limit)
        self.let_in()

    def rejected(self, sent: Sent, retry_after: float = 0.0) -> None:
        """Note that the server did not take a call (429, 503), and how long it wants us to wait."""
        self._throttle.rejected(sent, retry_after)

    def timed_out(self, sent: Sent) -> None:
        """Note that the server did not answer a call in time."""
        self._throttle.late(sent)

    def let_in(self) -> None:
        """Admit all calls that fit now; for those who moved the ceiling."""
        while self._waiting and self._open():
            turn = heapq.heappop(self._waiting)[2]
            if not turn.done():
                turn.set_result(self._let_through())

    async def close(self) -> None:
        """Stop waiting for the time of the next call."""
        if self._waker is not None:
            self._waker.cancel()
            await asyncio.gather(self._waker, return_exceptions=True)

    def _let_through(self) -> Sent:
        self.in_flight += 1
        return self._throttle.sent(self.in_flight)

    def _open(self) -> bool:
        if self.in_flight >= self.limit:
            return False
        if self._throttle.wait_s() <= 0:
            return True
        if self._waker is None:
            self._waker = asyncio.create_task(self._wake())
        return False

    async def _wake(self) -> None:
        """Let calls in when their time has come; the last one that has to wait ends it."""
        while self._waiting and self.in_flight < self.limit:
            if (rest := self._throttle.wait_s()) > 0:
                await self._sleep(rest)
            self.let_in()
        self._waker = None
