"""Load balancing over the replicas of one model, behind the `Model` interface.

Calls go where the queue is short. Calls with the same beginning keep to one replica as long as it
is not busier than others, so that its prefix cache helps.
"""

import asyncio
import itertools
import time
import zlib
from collections.abc import Sequence

from autodata.errors import (
    ConfigurationError,
    ContextTooLong,
    RequestRejected,
    TimedOut,
    Unavailable,
    Unreachable,
)
from autodata.models.base import USUAL, Deadlines, Model, Reply, Request
from autodata.models.endpoint.throttle import Now

_SLACK = 2  # calls by which the replica that knows the prefix may be busier than the idlest
PREFIX = 1000  # characters of each message that decide which replica knows a request
FIRST_BENCH = 1.0
LAST_BENCH = 30.0
IN_A_ROW = 3  # errors of a server that has answered before; one or two may be bad luck


class Router:
    """Spreads calls over replicas; one that fails is left out for a while, longer each time.

    One that has answered before fails when nobody is there, when it is silent, or at the third
    error in a row. After the while it gets one call at a time until it has answered. A call that
    is given up by whoever keeps its deadline counts as silence.

    A request that one replica rejects is sent to another: does that take it, the first is not
    what the configuration says it is, and the next call raises so.

    `queued` holds what each server last said about its own queue, in the order of `replicas`.
    """

    def __init__(self, replicas: Sequence[Model], *, now: Now = time.monotonic) -> None:
        self._replicas = list(replicas)
        self._now = now
        self.in_flight = [0] * len(self._replicas)
        self.queued = [0] * len(self._replicas)
        self._benched_until = [float("-inf")] * len(self._replicas)
        self._bench = [FIRST_BENCH] * len(self._replicas)
        self._errors = [IN_A_ROW - 1] * len(self._replicas)
        self._mistake: ConfigurationError | None = None

    async def complete(self, request: Request, deadlines: Deadlines = USUAL) -> Reply:
        """Send the request to one replica; see `base.Model`.

        Raises:
            ConfigurationError: a replica rejects what another takes.
        """
        if self._mistake is not None:
            raise self._mistake
        index = self._choose(request)
        try:
            return await self._send(index, request, deadlines)
        except ContextTooLong:
            raise
        except RequestRejected as error:
            others = [i for i in range(len(self._replicas)) if i != index]
            another = min(others, key=lambda i: (self._benched_until[i], self.in_flight[i]))
            reply = await self._send(another, request, deadlines)
            self._mistake = ConfigurationError(
                f"a replica rejects what another takes: {error.problem}", error.fix
            )
            return reply

    async def _send(self, index: int, request: Request, deadlines: Deadlines) -> Reply:
        self.in_flight[index] += 1
        try:
            reply = await self._replicas[index].complete(request, deadlines)
        except (Unavailable, asyncio.CancelledError) as error:
            gone = isinstance(error, TimedOut | Unreachable | asyncio.CancelledError)
            self._errors[index] += IN_A_ROW if gone else 1
            if self._errors[index] < IN_A_ROW:
                raise
            self._benched_until[index] = self._now() + self._bench[index]
            self._bench[index] = min(LAST_BENCH, 2 * self._bench[index])
            raise
        finally:
            self.in_flight[index] -= 1
        self._errors[index] = 0
        self._bench[index] = FIRST_BENCH
        self._benched_until[index] = float("-inf")
        return reply

    async def close(self) -> None:
        """Close all replicas."""
        await asyncio.gather(*(replica.close() for replica in self._replicas))

    def _choose(self, request: Request) -> int:
        now = self._now()
        everyone = range(len(self._replicas))
        able = [i for i in everyone if self._benched_until[i] <= now and not self._on_trial(i)]
        if not able:
            return min(everyone, key=lambda i: self._benched_until[i])
        load = {i: self.in_flight[i] + self.queued[i] for i in able}
        idlest = min(able, key=lambda i: load[i])
        knows = able[_prefix(request) % len(able)]
        return knows if load[knows] <= load[idlest] + _SLACK else idlest

    def _on_trial(self, index: int) -> bool:
        """Tell whether a replica that failed has a call already to show that it is back."""
        return self._bench[index] > FIRST_BENCH and self.in_flight[index] > 0


def _prefix(request: Request) -> int:
    """Return what all turns of a conversation, and questions over one document, have in common."""
    first = itertools.takewhile(lambda message: message.role != "assistant", request.messages)
    text = request.prompt[:PREFIX] or "".join(message.content[:PREFIX] for message in first)
    return zlib.crc32(text.encode("utf-8", "replace"))
