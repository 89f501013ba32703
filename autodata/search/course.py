"""Events that change a search from outside: it was allowed more, or a budget closed it.

Both are facts of the journal, so that a resumed run and a replay take the same course.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from math import inf
from typing import Any

from autodata.search.plan import SearchPlan
from autodata.store.facts import Fact, JournalReader
from autodata.store.records import (
    FINISHED,
    ClosingRecord,
    GrowthRecord,
    IterationRecord,
    LookRecord,
    SessionRecord,
)


@dataclass(frozen=True, slots=True)
class Course:
    """All growths and closings of a search in their order.

    `closed`: the search ends where it closed last. `more`: it has ended once and goes on.
    """

    growths: tuple[GrowthRecord, ...] = ()
    closings: tuple[ClosingRecord, ...] = ()
    closed: bool = False
    more: bool = False


STRAIGHT = Course()


def course_so_far(journal: JournalReader, larger: Callable[[ClosingRecord], bool]) -> Course:
    """Return the course of a run that is to go on; `larger` tells whether a budget has grown."""
    course, closings = _course(journal, inf), list(journal.records(ClosingRecord))
    end = ending(journal)
    decided = _begun(journal) or sum(1 for _ in journal.records(IterationRecord))
    last = course.closings[-1] if closings else None
    came_to_its_end = end is not None and not end.record.closed and not _after(end, closings)
    closed = last is not None and last.after == decided and not came_to_its_end and not larger(last)
    more = end is not None and (
        _after(end, [*closings, *journal.records(GrowthRecord)])
        or (bool(end.record.closed) and not closed)
    )
    return replace(course, closed=closed, more=more)


def course_to_the_end(journal: JournalReader) -> Course:
    """Return the course that a run had taken when it ended last."""
    end = ending(journal)
    if end is None:
        return STRAIGHT
    return replace(_course(journal, end.at), closed=bool(end.record.closed))


def growth_of(
    journal: JournalReader, plan: SearchPlan, iterations: int, episodes: int
) -> GrowthRecord:
    """Return what it is for a run of this plan to be given so many iterations and episodes now."""
    decided, end = sum(1 for _ in journal.records(IterationRecord)), ending(journal)
    ended = end is not None and not end.record.closed
    if plan.search == "merge":
        begun = _begun(journal)
        return GrowthRecord(iterations, episodes, begun, begun + (2 if ended else 1))
    begun = decided if ended else min(decided + plan.parallel, plan.iterations)
    return GrowthRecord(iterations, episodes, decided, begun + 1)


def _begun(journal: JournalReader) -> int:
    """Return how many looks of a merging search have begun."""
    return sum(1 for _ in journal.records(LookRecord))


def ending(journal: JournalReader) -> Fact[SessionRecord] | None:
    """Return the latest end record of a run, if it has ended."""
    return next((r for r in journal.records(SessionRecord) if r.key == FINISHED), None)


def _course(journal: JournalReader, until: float) -> Course:
    growths = journal.records(GrowthRecord)
    closings = journal.records(ClosingRecord)
    return Course(
        tuple(growth.record for growth in growths if growth.at <= until),
        tuple(closing.record for closing in closings if closing.at <= until),
    )


def _after(end: Fact[Any], facts: Iterable[Fact[Any]]) -> bool:
    return any(fact.at > end.at for fact in facts)
