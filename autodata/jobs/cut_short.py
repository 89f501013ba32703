"""Which facts of a run its replay need not come to: those of what was cut short or never used."""

import re

from autodata.search.repeats import Repeat
from autodata.store.episodes import CallRecord, EpisodeRecord
from autodata.store.format import Record
from autodata.store.quality import FindingRecord
from autodata.store.records import CandidateRecord, Certificate, ClosingRecord, IterationRecord

_NUMBER = re.compile(r"[ci](\d+)")


def of_a_test(record: Record) -> bool:
    """Whether a fact is of a sealed test."""
    if isinstance(record, CallRecord | EpisodeRecord | FindingRecord):
        return record.split == "test"
    return isinstance(record, Certificate)


def never_entered(record: Record, entered: set[int]) -> bool:
    """Whether a fact is of a proposal that was still under way when a merging search ended."""
    if isinstance(record, CallRecord) and (named := _NUMBER.match(record.ordinal)):
        return int(named[1]) not in entered
    if isinstance(record, CallRecord | EpisodeRecord | FindingRecord) and record.split == "train":
        return Repeat.read(record.repeat).of not in entered
    return False


def of_a_look_cut_short(record: Record, closed: ClosingRecord) -> bool:
    """Whether a fact is of a look that a closing cut short."""
    if not isinstance(record, CallRecord | EpisodeRecord | FindingRecord):
        return False
    repeat = Repeat.read(record.repeat)
    look = repeat.of - 1 if repeat.purpose == "null" else repeat.of
    return record.split == "validation" and look > closed.looks


def was_under_way(record: Record, closed: ClosingRecord, parallel: int) -> bool:
    """Whether a fact may be of an iteration, or of a look, that a closing cut short."""
    if isinstance(record, CandidateRecord | IterationRecord | Certificate):
        named = _NUMBER.match(str(record.candidate_id))
        return named is not None and int(named[1]) > closed.after
    if not isinstance(record, CallRecord | EpisodeRecord | FindingRecord):
        return False
    named = _NUMBER.match(record.candidate_id)
    if named is None and isinstance(record, CallRecord):
        named = _NUMBER.match(record.ordinal)
    if named and int(named[1]) > closed.after:
        return True
    repeat = Repeat.read(record.repeat)
    if record.split == "train":
        return repeat.purpose == "iteration" and repeat.of > closed.after
    if record.split == "validation" and repeat.purpose == "iteration":
        return repeat.of + parallel > closed.after  # its youngest sibling
    return record.split == "validation" and repeat.purpose == "look" and repeat.of > closed.looks
