"""The sealed test split: what may be claimed of a finalist, and how often the split may be asked.

Knows nothing of how finalists were found; it gets their outcomes and a ledger of earlier looks.

Each candidate ever tested on a split has an error rate of its own, alpha / (j (j + 1)) for the
j-th one, so that all of them together stay below alpha (Bonferroni over an endless list). It is
certified when the lower end of its two-sided interval at level 1 - 2 alpha_j is above zero. For
alpha = .05 the first candidate has a 95 % interval.
"""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from math import sqrt
from statistics import NormalDist

from autodata.errors import DocumentError
from autodata.optimize.estimate import Yardstick
from autodata.types import Candidate, Json, Outcome

MOST_TESTED = 10
Claim = Callable[[Sequence[Candidate]], Awaitable["Ledger"]]
"""Writes down who is about to be tested before anything is seen; returns the ledger before that."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """Who was tested on this split, in the order of their tests, over all earlier runs.

    `split` is the fingerprint of its documents.
    A resumed run is given the ledger as it was when the run began; a candidate tested in two runs
    counts twice.
    """

    split: str
    tested: tuple[str, ...] = ()

    @classmethod
    def fresh(cls, documents: Sequence[str]) -> "Ledger":
        """The ledger of a split that nobody was tested on."""
        text = "\n".join(sorted(documents))
        return cls(hashlib.sha256(text.encode()).hexdigest()[:16])

    def check_room(self, finalists: int) -> None:
        """Refuse a test that could not be told from luck any more.

        Raises:
            DocumentError: the split is used up.
        """
        if len(self.tested) + finalists > MOST_TESTED:
            raise DocumentError(
                f"the test split {self.split} is used up: {len(self.tested)} candidates were "
                f"tested on it and the limit is {MOST_TESTED}: more could not be told from luck",
                "add documents to the corpus and give the split `test` a larger share: "
                "one of which more than half is new starts afresh",
            )

    def enter(self, tree: str, alpha: float) -> tuple["Ledger", float]:
        """The ledger with one more tested tree, and the part of `alpha` that its test may use."""
        turn = len(self.tested) + 1
        return Ledger(self.split, (*self.tested, tree)), alpha / (turn * (turn + 1))


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over documents with its two-sided confidence interval at `level`."""

    mean: float
    low: float
    high: float
    level: float


@dataclass(frozen=True, slots=True)
class Certificate:
    """What the test split says of one finalist against the baseline.

    `difference` is in the unit of the objective and decides; `rate` and `baseline_rate` are plain
    pass rates with 95 % intervals, `gain` their paired difference at the certificate's level.
    """

    candidate_id: str
    baseline_id: str
    certified: bool
    difference: Interval
    gain: Interval
    rate: Interval
    baseline_rate: Interval
    documents: int
    repeats: int
    tested_before: int

    def body(self) -> Json:
        """The certificate as JSON."""
        return asdict(self)


def certify(
    candidate_id: str,
    candidate: Sequence[Outcome],
    baseline_id: str,
    baseline: Sequence[Outcome],
    yardstick: Yardstick,
    error_rate: float,
    tested_before: int,
) -> Certificate:
    """Compare a finalist with the baseline, paired by document, at a one-sided `error_rate`."""
    plain = Yardstick()
    level = 1 - 2 * error_rate
    documents = {outcome.cell.document_id for outcome in candidate}
    difference = interval(_paired(candidate, baseline, yardstick), level)
    return Certificate(
        candidate_id,
        baseline_id,
        difference.low > 0,
        difference,
        interval(_paired(candidate, baseline, plain), level),
        interval_of(candidate),
        interval_of(baseline),
        len(documents),
        len(candidate) // len(documents),
        tested_before,
    )


def interval_of(outcomes: Sequence[Outcome], level: float = 0.95) -> Interval:
    """The pass rate of these episodes on documents like these."""
    found = interval(list(_by_document(outcomes, Yardstick()).values()), level, spare=0.25)
    return Interval(found.mean, max(0.0, found.low), min(1.0, found.high), level)


def interval(values: Sequence[float], level: float, spare: float = 1.0) -> Interval:
    """Student's interval for the mean of independent documents.

    `spare` is added to the sum of squares (like one more document at an extreme), so that a
    handful of equal values does not look like certainty.
    """
    count = len(values)
    mean = sum(values) / count
    squares = sum((value - mean) ** 2 for value in values) + spare
    error = sqrt(squares / max(1, count - 1) / count)
    reach = student_quantile((1 + level) / 2, max(1, count - 1)) * error
    return Interval(mean, mean - reach, mean + reach, level)


def student_quantile(probability: float, degrees: int) -> float:
    """Quantile of Student's t, expanded around the normal; within .1 % from 8 degrees on."""
    z = NormalDist().inv_cdf(probability)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    fourth = (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160
    return z + first / degrees + second / degrees**2 + third / degrees**3 + fourth / degrees**4


def _by_document(outcomes: Sequence[Outcome], yardstick: Yardstick) -> dict[str, float]:
    grouped: dict[str, list[float]] = {}
    for outcome in outcomes:
        grouped.setdefault(outcome.cell.document_id, []).append(yardstick.value(outcome))
    return {document: sum(values) / len(values) for document, values in grouped.items()}


def _paired(
    candidate: Sequence[Outcome], baseline: Sequence[Outcome], yardstick: Yardstick
) -> list[float]:
    new, old = _by_document(candidate, yardstick), _by_document(baseline, yardstick)
    return [new[document] - old[document] for document in new]
