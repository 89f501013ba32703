"""The certificate: what the sealed test says of one finalist against the baseline.

The null rates beside its rates say how much of them luck alone would give.
"""

from dataclasses import dataclass
from typing import Annotated

from autodata.store.format import INSIDE, Record, Word
from autodata.types import Interval


@dataclass(frozen=True, slots=True)
class NullRate:
    """How often null episodes were accepted: the strong role had both seats.

    Each end of the interval is one-sided and holds at `rate.level`.
    """

    accepted: int
    episodes: int
    rate: Interval


@dataclass(frozen=True, slots=True)
class Audited:
    """Of so many accepted examples of a harness the auditor let so many stand."""

    accepted: int
    holds: int


@dataclass(frozen=True, slots=True)
class Certificate(Record):
    """The result of one finalist against the baseline on the test split.

    `difference` is in the unit of the objective; `rate` and `baseline_rate` are plain pass rates
    with 95 % intervals, `gain` their paired difference at the certificate's level. `refused` says
    why it is not certified. Certificates of the acceptance rules 1 have no null rates. With an
    auditor seated, all rates are of examples that hold, and `audited` says of how many.
    """

    KIND = "certification"
    candidate_id: Word
    baseline_id: Word
    certified: bool
    difference: Annotated[Interval, INSIDE]
    gain: Annotated[Interval, INSIDE]
    rate: Annotated[Interval, INSIDE]
    baseline_rate: Annotated[Interval, INSIDE]
    documents: int
    repeats: int
    tested_before: int
    null: Annotated[NullRate | None, INSIDE] = None
    baseline_null: Annotated[NullRate | None, INSIDE] = None
    refused: Annotated[tuple[Word, ...], INSIDE] = ()
    audited: Annotated[Audited | None, INSIDE] = None
    baseline_audited: Annotated[Audited | None, INSIDE] = None
