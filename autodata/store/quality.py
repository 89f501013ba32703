"""The records of how good data and judges are: findings, gaps, and a judge's calibration."""

from dataclasses import dataclass
from typing import Annotated

from autodata.store.format import INSIDE, OWN_WORDS, Quote, Record, Word
from autodata.types import Interval, Json, Split

LABELS = "labels"
"""Where the ordinal of a call begins by which a judge is asked again about a labelled answer."""


@dataclass(frozen=True, slots=True)
class FindingRecord(Record):
    """The auditor's form on an episode's accepted example, under the episode's key.

    Without a usable reply every answer is None, `problem` says why, and the example does not hold.
    """

    KIND = "finding"
    candidate_id: Word
    commit: Word
    tree: Word
    document_id: Word
    split: Annotated[Split, OWN_WORDS]
    repeat: int
    round: int
    holds: bool
    leak: bool | None = None
    ambiguous: bool | None = None
    bare_number: bool | None = None
    rubric_fair: bool | None = None
    without_document: bool | None = None
    comment: str = ""
    problem: Quote = ""


@dataclass(frozen=True, slots=True)
class GapRecord(Record):
    """What both solvers score afresh on the example that an episode came to, under its key.

    Of the episode's round `round`; the scores are of samples that nobody chose it by. Where they
    could not be had `problem` says why and they are empty.
    """

    KIND = "gap"
    candidate_id: Word
    commit: Word
    tree: Word
    document_id: Word
    split: Annotated[Split, OWN_WORDS]
    repeat: int
    round: int
    weak: Annotated[tuple[float, ...], INSIDE] = ()
    strong: Annotated[tuple[float, ...], INSIDE] = ()
    problem: Quote = ""


@dataclass(frozen=True, slots=True)
class CalibrationRecord(Record):
    """How the judge of a run agrees with people's labels and with itself; its key is their digest.

    Counts are of criteria, `agreement` is a mean over answers. Of `negatives` labelled as not met
    the judge called `false_positives` met, of `positives` it missed `false_negatives`. Asked again
    about all of them it said the `same` about so many.
    """

    KIND = "calibration"
    labelled_by: str
    judge: str
    answers: int
    criteria: int
    agreement: Annotated[Interval, INSIDE]
    negatives: int
    false_positives: int
    positives: int
    false_negatives: int
    same: int
    by_criterion: tuple[Json, ...]
