"""Certification statistics: what the sealed test split shows, over all its uses.

Each candidate ever tested on a split has an error rate of its own, alpha / (j (j + 1)) for the
j-th one, so that all of them together stay below alpha (Bonferroni over an endless list). It is
certified when the lower end of its two-sided interval at level 1 - 2 alpha_j is above zero, and
the null rates of both harnesses are low (`search.null`). For alpha = .05 the first candidate has a
95 % interval.
"""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

from autodata.errors import DocumentError
from autodata.search.belief import Yardstick
from autodata.search.null import FIRST_STAGE, NULL_BOUND, null_cells, stage_rate, within
from autodata.search.plan import SearchPlan
from autodata.store.certificates import Audited, Certificate
from autodata.types import Candidate, Cell, Interval, Outcome

MOST_TESTED = 10
NO_GAIN = "no gain is certain"
Claim = Callable[[Sequence[Candidate]], Awaitable[Sequence[int]]]
"""Writes down who is about to be tested before anything is seen; returns, for each of them, how
many were ever tested on the split before. Asked again for the same ones it answers the same."""


def fingerprint(documents: Sequence[str]) -> str:
    """Return the name of a test split, whatever the order of its documents."""
    return hashlib.sha256("\n".join(sorted(documents)).encode()).hexdigest()[:16]


def check_room(documents: Sequence[str], tested: int, finalists: int) -> None:
    """Refuse a test on a split that was tested too often to tell a gain from luck.

    Raises:
        DocumentError: the split is used up.
    """
    if tested + finalists > MOST_TESTED:
        raise DocumentError(
            f"the test split {fingerprint(documents)} is used up: {tested} candidates were "
            f"tested on it and the limit is {MOST_TESTED}: more could not be told from luck",
            "add documents to the corpus and give the split `test` a larger share: "
            "one of which more than half is new starts afresh",
        )


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of a certificate beside the outcomes; they are the run's, whoever asks and when."""

    documents: tuple[str, ...]
    repeats: int
    alpha: float
    yardstick: Yardstick
    audited: bool = False

    @classmethod
    def of(
        cls, plan: SearchPlan, test_documents: Sequence[str], first_look: Sequence[Outcome]
    ) -> "Rules":
        """The rules of a search; the baseline's `first_look` at validation prices the cost."""
        return cls(
            tuple(test_documents),
            plan.repeats_on_test(len(test_documents)),
            plan.alpha,
            Yardstick.fit(plan.objective, first_look),
            plan.audited,
        )

    @property
    def cells(self) -> list[Cell]:
        """The episodes of each candidate that is tested."""
        return [Cell(d, "test", repeat) for repeat in range(self.repeats) for d in self.documents]

    @property
    def episodes(self) -> int:
        """How many these are."""
        return self.repeats * len(self.documents)

    def null_cells(self, episodes: int = FIRST_STAGE) -> list[Cell]:
        """The null episodes of each harness that is tested, up to so many.

        They go by the documents' ids, whatever their order: no more than these are recorded.
        """
        return null_cells(sorted(self.documents), "test", episodes)

    def error_rate(self, tested_before: int) -> float:
        """The part of `alpha` that the test after so many others may use."""
        turn = tested_before + 1
        return self.alpha / (turn * (turn + 1))


@dataclass(frozen=True, slots=True)
class Side:
    """A harness in a sealed test: its outcomes on all of `rules.cells`, and its null ones."""

    id: str
    outcomes: Sequence[Outcome]
    null: Sequence[Outcome]


def certify(rules: Rules, tested_before: int, finalist: Side, baseline: Side) -> Certificate:
    """Compare a finalist with the baseline, paired by document.

    With an auditor seated an example counts only if it holds.
    """
    level = 1 - 2 * rules.error_rate(tested_before)
    ours, theirs = finalist.outcomes, baseline.outcomes
    difference = interval(_paired(ours, theirs, rules.yardstick), level)
    null, baseline_null = stage_rate(finalist.null), stage_rate(baseline.null)
    refused = [] if difference.low > 0 else [NO_GAIN]
    for side, found in ((finalist, null), (baseline, baseline_null)):
        if not within(found):
            high = f"{found.rate.high:.2f}, more than {NULL_BOUND:.2f}"
            refused.append(f"the null rate of {side.id} may be {high}")
    return Certificate(
        finalist.id,
        baseline.id,
        not refused,
        difference,
        difference_of(ours, theirs, level),
        interval_of(ours),
        interval_of(theirs),
        len(rules.documents),
        rules.repeats,
        tested_before,
        null,
        baseline_null,
        tuple(refused),
        *(_audited(each) if rules.audited else None for each in (ours, theirs)),
    )


def _audited(outcomes: Sequence[Outcome]) -> Audited:
    """Count accepted examples, and those that hold.

    Raises:
        ValueError: nobody has looked at one.
    """
    accepted = [outcome for outcome in outcomes if outcome.accepted]
    if any(outcome.held is None for outcome in accepted):
        raise ValueError("an accepted example was not audited")
    return Audited(len(accepted), sum(outcome.counts for outcome in accepted))


def difference_of(
    ours: Sequence[Outcome], theirs: Sequence[Outcome], level: float = 0.95
) -> Interval:
    """The difference in pass rates of two harnesses on the same documents, paired by document."""
    return interval(_paired(ours, theirs, Yardstick()), level)


def interval_of(outcomes: Sequence[Outcome], level: float = 0.95) -> Interval:
    """The pass rate of these episodes on documents like these."""
    bounds = interval(list(_by_document(outcomes, Yardstick()).values()), level, spare=0.25)
    return Interval(bounds.mean, max(0.0, bounds.low), min(1.0, bounds.high), level)


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
