"""The records of how good the data and its judges are: the auditor's findings on examples."""

from dataclasses import dataclass
from typing import Annotated

from autodata.store.format import OWN_WORDS, Quote, Record, Word
from autodata.types import Split


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
