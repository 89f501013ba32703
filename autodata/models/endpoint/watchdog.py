"""Health monitoring of a run's endpoints: which one is down, silent or busy, and when it is back.

It looks every two seconds and journals what it sees, so that `autodata status` can show it from
another process.
"""

import asyncio
import os
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from autodata.errors import StoreError
from autodata.models.endpoint.endpoint import Endpoint
from autodata.models.endpoint.gate import Sleep
from autodata.models.endpoint.throttle import Now
from autodata.store.facts import JournalWriter
from autodata.store.records import TroubleRecord

LOOK_S = 2.0
SILENT_S = 60.0
"""Seconds without any answer to calls in flight after which that is worth a line; doubled for an
endpoint that then did answer: it is slow."""
LONG_S = 20.0
"""Seconds from which on it is worth a line that a server has asked us to wait."""


@dataclass(slots=True)
class _Watched:
    endpoint: Endpoint
    answers: int
    patience_s: float = SILENT_S
    waits_since: float | None = None
    waits_since_clock: str = ""
    closed_until: float = 0.0
    closed_until_clock: str = ""
    was_down: bool = False
    state: Literal["well", "closed", "silent", "down"] = "well"
    trouble: str = ""


class Watchdog:
    """Monitors endpoints for as long as `watch` runs.

    `tell` gets a line when trouble begins or ends. `looked` is called after every look, for whoever
    wants to say from time to time how things still are.
    """

    def __init__(
        self,
        endpoints: Iterable[Endpoint],
        journal: JournalWriter,
        notify: Callable[[str], None],
        looked: Callable[[], None],
        *,
        now: Now = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._watched = [_Watched(each, each.breaker.successes) for each in endpoints]
        self._journal = journal
        self._tell = notify
        self._looked = looked
        self._now = now
        self._sleep = sleep

    @property
    def troubles(self) -> tuple[str, ...]:
        """The current troubles, a sentence for each endpoint that is down or silent."""
        return tuple(watched.trouble for watched in self._watched if watched.trouble)

    async def watch(self) -> None:
        """Look until cancelled, and then once more."""
        try:
            while True:
                await self._sleep(LOOK_S)
                await self._look_at_all()
                self._looked()
        finally:
            await self._look_at_all()

    async def _look_at_all(self) -> None:
        for watched in self._watched:
            await self._look(watched)

    async def _look(self, watched: _Watched) -> None:
        before, trouble = watched.state, watched.trouble
        answered = self._see(watched)
        if watched.state != before:
            if watched.trouble:
                self._tell(watched.trouble)
            elif answered:
                self._tell(f"endpoint {watched.endpoint.name} is back")
        if watched.trouble != trouble:
            record = TroubleRecord(watched.trouble, os.getpid())
            with suppress(StoreError):  # whoever else writes the journal will say so
                await self._journal.append(watched.endpoint.name, record)

    def _see(self, watched: _Watched) -> bool:
        """Bring up to date what is known; return whether there were answers since the last look.

        Down is what is down at two looks in a row: a moment is not worth a line.
        """
        endpoint, breaker = watched.endpoint, watched.endpoint.breaker
        answered = breaker.successes > watched.answers
        watched.answers = breaker.successes
        if answered and watched.state == "silent":
            watched.patience_s *= 2
        if answered or not endpoint.sending:
            watched.waits_since = None
        elif watched.waits_since is None:
            watched.waits_since = self._now()
            watched.waits_since_clock = _clock()
        down, watched.was_down = bool(breaker.paused) and watched.was_down, bool(breaker.paused)
        since = watched.waits_since
        closed_s = endpoint.gate.closed_s
        if abs(self._now() + closed_s - watched.closed_until) > 1:
            watched.closed_until = self._now() + closed_s
            watched.closed_until_clock = _clock(closed_s)
        if down:
            watched.state, watched.trouble = "down", breaker.paused
        elif since is not None and self._now() - since >= watched.patience_s:
            watched.state = "silent"
            watched.trouble = (
                f"endpoint {endpoint.name} has not answered since {watched.waits_since_clock}, "
                f"{len(endpoint.sending)} calls in flight"
            )
        elif closed_s > (0 if watched.state == "closed" else LONG_S):
            watched.state = "closed"
            watched.trouble = (
                f"endpoint {endpoint.name} wants no calls for a while, "
                f"asking it again at {watched.closed_until_clock}"
            )
        else:
            watched.state, watched.trouble = "well", ""
        return answered


def _clock(in_s: float = 0.0) -> str:
    return (datetime.now(UTC) + timedelta(seconds=in_s)).astimezone().strftime("%H:%M:%S")
