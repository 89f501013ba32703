"""Adaptive concurrency and rate limit of an endpoint, learned from which calls it rejects.

`gate.Gate` asks it before it lets a call through and tells it what became of the call.
docs/architecture.md has the rule in words ("Too many, too fast, or bad luck").
"""

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from autodata.models.endpoint.noise import Noise

Now = Callable[[], float]

START = 128
LONGEST_WAIT = 300.0  # seconds; a server that asks for more is asked again sooner

SEARCH = 1 / 64  # share of rejections that it may cost to know where the limit is
CALM = 64  # answers without a rejection after which the search is twice as fast
FASTEST = -math.log2(SEARCH)  # doublings until every answer makes room for one call more
EVEN = 2.0  # calls are sent at most that much faster than the limit and their time allow

MANY, OF_LAST = 8, 10  # rejections among calls sent one after the other: a wall
FIRST_HOLD = 0.25
LAST_HOLD = 5.0
LONGER = 1.2
TRIALS = 3  # rejected before a wall counts as that of a limit on calls in a span of time
CYCLE = 4.0  # calls in the span of such a limit by which an even search goes beyond it
LEARNT = 3  # answers from which a rate is learned
_SLACK = 0.05  # seconds by which a call may make up for others that were late


@dataclass(frozen=True, slots=True)
class Sent:
    """A call as it was let through: when, as which, with how many in flight.

    `paced` says that the rate held it back, `few` that there were fewer calls for a test.
    """

    at: float
    number: int
    level: int
    paced: bool
    few: bool


class Throttle:
    """The limit on calls in flight, and on calls a second where these turned out to be limited.

    `most` bounds the calls in flight.
    """

    def __init__(self, most: int, *, now: Now = time.monotonic) -> None:
        self.most = most
        self._now = now
        self._limit = float(min(most, START))
        self._calm = FASTEST
        self._noise = Noise(self._limit)
        self._peak = 0.0
        self._cut_at, self._cut_from = float("-inf"), self._limit
        self._number = 0
        self._wall = _Wall()
        self._cycle = _Cycle(now())
        self._rate = math.inf
        self._unit = 0.01
        self._next_at = float("-inf")
        self._latency = 0.0

    @property
    def limit(self) -> int:
        """The number of calls that may be in flight now."""
        limit = min(int(self._limit), self.most)
        if self._noise.testing:
            limit = int(self._noise.fewer(min(limit, self._peak)))
        return max(1, limit)

    @property
    def closed_s(self) -> float:
        """The seconds for which no further call is admitted."""
        return max(0.0, self._wall.closed_until - self._now())

    def wait_s(self) -> float:
        """The seconds that the next call has to wait; 0 when it may go."""
        if (closed := self.closed_s) > 0:
            return closed
        if self._wall.over:
            self._open()
        return max(0.0, self._next_at - self._now())

    def sent(self, in_flight: int) -> Sent:
        """Note that a call goes; with it so many are in flight."""
        now = self._now()
        self._number += 1
        self._cycle.taken += 1
        few = self._noise.testing and not self._wall.up and in_flight <= self.limit
        self._peak = max(float(in_flight), self._peak - (self._peak - in_flight) / 64)
        apart, even = self._apart(), self._latency / (EVEN * self.limit)
        if self._cut_at == float("-inf"):  # nothing was ever rejected: no reason to go easy
            even = 0.0
        paced = apart >= even and self._next_at > now - apart
        slack = _SLACK if apart >= even else self._latency / (8 * EVEN)
        self._next_at = max(self._next_at, now - slack) + max(apart, even)
        if self._wall.up:
            self._wall.sent(self._number, now)
        few = few and self._noise.sent()
        if self._noise.ended:
            self._limit = min(float(self.most), self._noise.conclude(self._limit, self._number))
        return Sent(now, self._number, in_flight, paced, few)

    def accepted(self, sent: Sent, seconds: float, *, full: bool) -> None:
        """Search upwards: a little for each answer, faster the longer nothing was rejected.

        `seconds` is what the answer took, `full` that it is the limit that holds calls back.
        """
        self._latency += (seconds - self._latency) / 64 if self._latency else seconds
        self._noise.accepted()
        if sent.at >= self._cycle.began:
            self._cycle.answered += 1
            self._cycle.highest = max(self._cycle.highest, sent.level)
        step = self._tolerated()
        if full or sent.paced:
            self._calm = min(FASTEST, self._calm + self._patience(sent))
            step = min(1.0, step * 2**self._calm)
        if sent.paced:
            self._rate *= 1 + step * self._unit
        elif not self._noise.testing:
            self._limit = min(float(self.most), self._limit + step * self._place())
            self._noise.mark(self._limit)

    def rejected(self, sent: Sent, retry_after: float = 0.0) -> None:
        """Lower the limit, unless it is noise; when nothing is taken at all, hold all calls."""
        now = self._now()
        wait = min(retry_after, LONGEST_WAIT)
        self._cycle.taken -= 1
        wall = self._wall
        wall.verdict_s += (now - sent.at - wall.verdict_s) / 8
        if wall.up:
            if wall.rejected(sent.number, now, wait):
                return
        elif wall.rises(sent.number) or (wait > 0 and sent.level == 1):
            wall.begin(now, wait)
            self._noise.abandon(self._number)
        self.late(sent)

    def late(self, sent: Sent) -> None:
        """Lower the limit for a call that timed out, unless that is noise."""
        if self._noise.rejected(few=sent.few):
            return
        self._calm = max(0.0, self._calm - self._patience(sent) / self._tolerated())
        if sent.paced:
            self._rate *= 1 - self._unit
            self._noise.unexplained += 1
        else:
            if sent.at >= self._cut_at:  # for calls that were in flight together not below half
                self._cut_at, self._cut_from = self._now(), self._limit
                self._noise.unexplained += 1
            self._limit = max(1.0, self._cut_from / 2, self._limit - self._place())
        if not self._wall.up:
            self._noise.test_if_due(self._limit, self._number)

    def _patience(self, sent: Sent) -> float:
        """What an answer adds to the doublings of the search."""
        return self._unit / CYCLE if sent.paced else 1 / max(CALM, self._limit)

    def _place(self) -> float:
        """What a rejection takes away: a place, or of few places an eighth."""
        return min(1.0, self._limit / 8)

    def _tolerated(self) -> float:
        """Rejections for each answer that leave everything as it is."""
        noise = self._noise.floor
        return SEARCH + noise / (1 - noise)

    def _apart(self) -> float:
        """Seconds between two calls at the rate that was learned; 0 where there is none."""
        slower = 1 - self._noise.depth if self._noise.testing else 1.0
        return 1 / (self._rate * slower)

    def _open(self) -> None:
        """Take calls again as before the wall; from the second wall on as fast as was taken."""
        now, wall, cycle = self._now(), self._wall, self._cycle
        wall.up = False
        self._noise.unexplained, self._calm = 0, 0.0
        if wall.trials < TRIALS and not wall.waited:
            return  # it was too many at once, and the limit has fallen for it
        self._limit = max(self._limit, float(cycle.highest))
        self._noise.forgive()
        cycle.longest = max(wall.ended - wall.began, cycle.longest * 0.9)
        span = wall.ended - cycle.began
        if span < cycle.longest or cycle.answered < max(LEARNT, cycle.taken / 2):
            return  # too short to say how many calls a span of time has room for
        if cycle.whole:
            self._rate = max(LEARNT, cycle.taken - 1) / span
            self._unit = min(0.05, CYCLE / cycle.taken)
            self._next_at = now
        self._cycle = _Cycle(wall.tried, cycle.longest, taken=1, whole=True)


@dataclass(slots=True)
class _Cycle:
    """The time from the end of a wall to the end of the next: what was taken, at which level.

    `whole` says that it began with a wall, so that what was taken is what a span has room for.
    """

    began: float
    longest: float = 0.0
    taken: int = 0
    answered: int = 0
    highest: int = 0
    whole: bool = False


class _Wall:
    """A time in which nothing is taken, and one call at a time finds out whether it is over."""

    def __init__(self) -> None:
        self.up = False
        self.closed_until = float("-inf")
        self.began = 0.0
        self.trials = 0
        self.waited = False
        self.verdict_s = 0.0
        self.tried = 0.0
        self._hold = FIRST_HOLD
        self._trial: int | None = None
        self._last: deque[int] = deque(maxlen=MANY)

    @property
    def over(self) -> bool:
        """Whether a trial was made and not rejected."""
        return self.up and self._trial is not None

    @property
    def ended(self) -> float:
        """When it was over, as far as the last two trials can tell."""
        return self.tried - (0.0 if self.waited else self._hold / 2)

    def rises(self, number: int) -> bool:
        """Whether with this one nearly all of the last calls were rejected."""
        self._last.append(number)
        return len(self._last) == MANY and max(self._last) - min(self._last) < OF_LAST

    def begin(self, now: float, wait: float) -> None:
        """Close for a moment, or for as long as the server says."""
        self._last.clear()
        self.up, self.began, self.trials, self.waited = True, now, 0, wait > 0
        self._hold, self._trial = FIRST_HOLD, None
        self.closed_until = now + max(wait, self._hold)

    def sent(self, number: int, now: float) -> None:
        """Close until the trial must have been rejected if it is."""
        self._trial, self.tried = number, now
        self.closed_until = now + max(FIRST_HOLD, min(LAST_HOLD, 2 * self.verdict_s))

    def rejected(self, number: int, now: float, wait: float) -> bool:
        """Close for longer; True for the trial itself, which does not say how many go at once."""
        trial = self._trial == number
        if trial:
            self._trial = None
            self.trials += 1
            self._hold = min(LAST_HOLD, self._hold * LONGER)
            wait = max(wait, self._hold)
        self.waited |= wait > self._hold
        self.closed_until = max(self.closed_until, now + wait)
        return trial
