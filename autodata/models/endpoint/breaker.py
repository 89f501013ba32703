"""The circuit breaker: pauses calls to an endpoint that is down, and closes again by itself.

While an endpoint is down one call at a time finds out whether it is back; all others wait without
failing until `pause_s` is over. A server that rejects calls as too many is not down for that,
unless it has answered nobody for two minutes.
"""

import asyncio
import time
from datetime import UTC, datetime

from autodata.errors import (
    ConfigurationError,
    ProviderError,
    RateLimited,
    Unavailable,
    Unreachable,
    Unusable,
)
from autodata.models.endpoint.gate import Sleep
from autodata.models.endpoint.throttle import Now

THRESHOLD = 5  # failures in a row, without any success between, that mean "down"
FIRST_INTERVAL = 1.0
LAST_INTERVAL = 60.0
LAST_INTERVAL_PROVEN = 8.0  # asking a server of our own costs nobody anything
BUSY_S = 120.0  # for which a server may reject everything before it counts as down
FIRST_CONTACT = 20.0  # where nobody ever listened it is a mistake rather than an outage


class Breaker:
    """The state of an endpoint: up, down, or being probed.

    `proven` says that a server of our own was seen there, `contacted` that one ever was: a web page
    is none.
    """

    def __init__(
        self,
        name: str,
        pause_s: float,
        *,
        proven: bool = False,
        now: Now = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._name = name
        self._pause_s = pause_s
        self._proven = proven
        self.contacted = proven
        self._now = now
        self._sleep = sleep
        self._failures = 0
        self._failing_since: float | None = None
        self._down_since: float | None = None
        self._since = ""
        self._interval = FIRST_INTERVAL
        self._probing = False
        self._error: ProviderError | None = None
        self._changed = asyncio.Event()
        self.successes = 0

    @property
    def paused(self) -> str:
        """The reason why calls wait, in the user's words; empty when the endpoint is up."""
        if self._down_since is None:
            return ""
        return (
            f"endpoint {self._name} is down since {self._since}, "
            f"retrying every {self._interval:.0f} s: {self._error}"
        )

    async def enter(self) -> bool:
        """Wait until a call may be tried; True when it is the probe.

        Whoever got True must call `succeeded`, `failed` or `abandoned`.

        Raises:
            Unavailable: the endpoint has been down for longer than `pause_s`.
            ConfigurationError: no model server was ever reached there, for twenty seconds.
        """
        while self._down_since is not None:
            if not self._probing:
                self._probing = True
                try:
                    await self._sleep(self._interval)
                except asyncio.CancelledError:
                    self.abandoned()
                    raise
                return True
            self.check()
            changed = self._changed
            await changed.wait()
        return False

    def succeeded(self) -> None:
        """Note an answer of the endpoint, whatever it holds."""
        self.successes += 1
        self.contacted = True
        self._failures, self._failing_since = 0, None
        if self._down_since is not None:
            self._down_since = None
            self._interval = FIRST_INTERVAL
            self._wake()

    def failed(self, error: ProviderError, *, probe: bool) -> None:
        """Note a try that did not get through."""
        self._error = error
        self._failing_since = self._failing_since or self._now()
        busy = isinstance(error, RateLimited) and self._now() - self._failing_since < BUSY_S
        self._failures += not busy
        self.contacted |= not isinstance(error, Unreachable | Unusable)
        if self._down_since is None and self._failures >= THRESHOLD:
            self._down_since = self._now()
            self._since = datetime.now(UTC).astimezone().strftime("%H:%M:%S")
        elif probe:
            longest = LAST_INTERVAL_PROVEN if self._proven else LAST_INTERVAL
            self._interval = min(longest, self._interval * 2)
        if probe:
            self._wake()

    def abandoned(self) -> None:
        """Note that the probing call ended without an answer; another one takes over."""
        self._wake()

    def check(self) -> None:
        """Raise when the endpoint has been down for too long; see `enter`."""
        if self._down_since is None:
            return
        down_s = self._now() - self._down_since
        if not self.contacted and down_s >= min(FIRST_CONTACT, self._pause_s):
            raise ConfigurationError(
                f"endpoint {self._name} was never there: {self._error}",
                "check base_url, or start the server, wait until it is ready and try again",
            )
        if down_s >= self._pause_s:
            raise Unavailable(f"{self.paused} (waited {self._pause_s / 3600:g} h)")

    def _wake(self) -> None:
        self._probing = False
        self._changed.set()
        self._changed = asyncio.Event()
