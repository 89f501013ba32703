"""Estimation of the share of calls that an endpoint rejects at random.

It is measured by sending fewer calls for a while: the owner of the limit does so while `testing`,
and reports which calls were sent so and which were rejected.
"""

LEAST, DEEPEST = 1 / 8, 1 / 2  # of the calls, by which there are fewer in a test
CALLS = 64
FEWEST = 16
SETTLING = 4  # a quarter more calls than that go first, until fewer are under way
FELL = 0.8  # of the limit, to which rejections may bring it before the next test
FIRST, LAST = 3, 96  # rejections before the next test; doubled each time
REST = 3  # times as many calls as a test takes lie between two
SURE = 1.5  # times the share of rejections that a test has to take away to show anything
_KEPT = 0.6  # of what earlier tests have shown, at each test
MOST = 0.15  # a server that rejects more than that with fewer calls is overloaded still


class Noise:
    """Estimates the share of rejections that does not depend on the number of calls.

    Where a limit that was cut by rejections turns out to have been cut by noise, it is given back.
    """

    def __init__(self, limit: float) -> None:
        self.testing = False
        self.ended = False
        self.depth = LEAST
        self.unexplained = 0
        self._share = self._before = 0.0
        self._calls = self._rejected = 0.0
        self._left = self._size = 0
        self._now_rejected = 0
        self._next = FIRST
        self._rested_at = 0
        self._highest = limit

    @property
    def floor(self) -> float:
        """The share of calls that is rejected however few there are; rather too high than too low.

        Too low a floor shrinks the limit without end, too high a one costs some rejections.
        """
        if self._calls < FEWEST:
            return 0.0
        share = (self._rejected + 0.5 * self._rejected**0.5) / self._calls
        return share if share <= MOST else 0.0

    @property
    def too_much(self) -> bool:
        """Whether more is rejected than noise could explain."""
        return self._share > DEEPEST / SURE

    def fewer(self, calls: float) -> float:
        """Return the number of concurrent calls during a test."""
        return min(calls * (1 - self.depth), calls - 2)

    def mark(self, limit: float) -> None:
        """Note how high the limit is."""
        self._highest = max(self._highest, limit)

    def accepted(self) -> None:
        """Note an answer."""
        self._share -= self._share / CALLS

    def rejected(self, *, few: bool) -> bool:
        """Note a rejection; True if it belongs to a test and means nothing by itself."""
        self._share += (1 - self._share) / CALLS
        if not few:
            return False
        self._now_rejected += 1
        return self._now_rejected <= max(4, MOST * self._size)

    def test_if_due(self, limit: float, number: int) -> None:
        """Begin a test when there are rejections to explain.

        It has to take away more than overload rejects, or there would be overload still.
        """
        fell = limit <= self._highest * FELL
        due = (fell or self.unexplained >= self._next) and number >= self._rested_at
        if not due or self.testing or self.too_much:
            return
        self.testing = True
        self.unexplained, self._next = 0, min(LAST, 2 * self._next)
        self._before = self._share
        self.depth = min(DEEPEST, max(LEAST, 2 * self._share))
        self._size, self._now_rejected = max(FEWEST, min(CALLS, 2 * int(limit))), 0
        self._left = self._size + self._size // SETTLING

    def sent(self) -> bool:
        """Note that a call of the test goes; False while earlier ones are still too many."""
        self._left -= 1
        self.ended = self._left <= 0
        return self._left < self._size

    def conclude(self, limit: float, number: int) -> float:
        """End the test, and return the limit with what noise has taken from it."""
        self.testing = self.ended = False
        self._rested_at = number + REST * self._size
        if self.depth >= SURE * self._share:
            self._calls = self._calls * _KEPT + self._size
            self._rejected = self._rejected * _KEPT + self._now_rejected
            explained = min(1.0, self._now_rejected / self._size / self._before)
            limit += max(0.0, self._highest - limit) * explained
        self._highest = limit
        return limit

    def abandon(self, number: int) -> None:
        """End the test without a result: what is rejected now is no evidence of noise."""
        self.testing = self.ended = False
        self._rested_at = number + REST * CALLS

    def forgive(self) -> None:
        """Forget the rejections so far: they are explained."""
        self._share = 0.0
