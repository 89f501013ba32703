"""The progress events of a search, for whoever draws them; they never influence it."""

from collections.abc import Callable
from dataclasses import dataclass

from autodata.search.base import Iteration
from autodata.search.belief import Estimate
from autodata.store.certificates import Certificate, NullRate
from autodata.store.records import ClosingRecord, EditBelief


@dataclass(frozen=True, slots=True)
class Started:
    """The baseline was seen for the first time."""

    baseline: Estimate
    iterations: int
    episodes: int
    null: NullRate


@dataclass(frozen=True, slots=True)
class Selected:
    """Iteration `number` edits `parent_id`; in a merging search that is edit `e<number>`."""

    number: int
    parent_id: str


@dataclass(frozen=True, slots=True)
class Raced:
    """One block of a race is in: gain so far is believed to be `gain` ± `sd`."""

    number: int
    parent_id: str
    candidate_id: str
    pairs: int
    gain: float
    sd: float


@dataclass(frozen=True, slots=True)
class Decided:
    """An iteration is over; `best` is the leader of the population now, `spent` episodes so far.

    `null` is the pooled null rate of the search.
    """

    iteration: Iteration
    baseline: Estimate
    best: Estimate
    spent: int
    null: NullRate


@dataclass(frozen=True, slots=True)
class Looking:
    """Look `number` of a merging search begins; these edits have entered the pool before it."""

    number: int
    entered: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Looked:
    """Look `number` is over: what is believed of edits that are undecided or just decided.

    `best` is the set that is believed to be best, `spent` episodes so far, `null` the pooled null
    rate of the search.
    """

    number: int
    edits: tuple[EditBelief, ...]
    baseline: Estimate
    best: Estimate
    spent: int
    null: NullRate


@dataclass(frozen=True, slots=True)
class Remeasured:
    """Survivors were measured once more; `best` leads."""

    baseline: Estimate
    best: Estimate
    spent: int


@dataclass(frozen=True, slots=True)
class Ahead:
    """The forecast size of the sealed test, in episodes; the trees that are `out` never meet it."""

    baseline: str
    baseline_episodes: int
    finalist_episodes: int
    out: frozenset[str]
    baseline_null: int
    finalist_null: int


@dataclass(frozen=True, slots=True)
class Closed:
    """A budget leaves only the sealed test's share, or not even that: the search ends here."""

    closing: ClosingRecord


@dataclass(frozen=True, slots=True)
class Certifying:
    """Baseline and finalists go to the test split: `episodes` more."""

    finalists: tuple[str, ...]
    episodes: int


@dataclass(frozen=True, slots=True)
class Certified:
    """The test split has spoken about one finalist."""

    certificate: Certificate


Event = (
    Started
    | Selected
    | Raced
    | Decided
    | Looking
    | Looked
    | Remeasured
    | Ahead
    | Closed
    | Certifying
    | Certified
)
Progress = Callable[[Event], None]
