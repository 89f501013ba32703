"""Events that change a search from outside: it was allowed more, or a budget closed it.

Both are facts of the journal, so that a resumed run and a replay take the same course.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from math import inf
from typing import Protocol

from autodata.search.plan import SearchPlan
from autodata.store.lines import Record
from autodata.store.runs import FINISHED
from autodata.types import Json


class Records(Protocol):
    """The part of a journal that a course needs: see `store.journal.Journal`."""

    def records(self, *kinds: str) -> Iterator[Record]: ...


@dataclass(frozen=True, slots=True)
class Growth:
    """More iterations or episodes than a search had.

    `decided` iterations were decided when it came. It applies from iteration `first` on, as those
    before may have been begun, or sooner where the plan before comes to its end.
    """

    iterations: int
    episodes: int
    decided: int
    first: int

    def body(self) -> Json:
        """The growth as JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Closing:
    """A search that ended because `bound`, of value `limit`, left only the sealed test's share.

    It came when `after` iterations were decided and the leaders measured again `looks` times.
    Where not even that share was left nobody is `tested`.
    """

    bound: str
    limit: float
    after: int
    looks: int
    tested: bool

    def body(self) -> Json:
        """The closing as JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Course:
    """All growths and closings of a search in their order.

    `closed`: the search ends where it closed last. `more`: it has ended once and goes on.
    """

    growths: tuple[Growth, ...] = ()
    closings: tuple[Closing, ...] = ()
    closed: bool = False
    more: bool = False


STRAIGHT = Course()


def course_so_far(journal: Records, larger: Callable[[Closing], bool]) -> Course:
    """Return the course of a run that is to go on; `larger` tells whether a budget has grown."""
    course, closings = _course(journal, inf), list(journal.records("closing"))
    end = ending(journal)
    decided = sum(1 for _ in journal.records("iteration"))
    last = course.closings[-1] if closings else None
    came_to_its_end = end is not None and not end.body.get("closed") and not _after(end, closings)
    closed = last is not None and last.after == decided and not came_to_its_end and not larger(last)
    more = end is not None and (
        _after(end, [*closings, *journal.records("growth")])
        or (bool(end.body.get("closed")) and not closed)
    )
    return replace(course, closed=closed, more=more)


def course_to_the_end(journal: Records) -> Course:
    """Return the course that a run had taken when it ended last."""
    end = ending(journal)
    if end is None:
        return STRAIGHT
    return replace(_course(journal, end.at), closed=bool(end.body.get("closed")))


def growth_of(journal: Records, plan: SearchPlan, iterations: int, episodes: int) -> Growth:
    """Return what it is for a run of this plan to be given so many iterations and episodes now."""
    decided, end = sum(1 for _ in journal.records("iteration")), ending(journal)
    ended = end is not None and not end.body.get("closed")
    begun = decided if ended else min(decided + plan.parallel, plan.iterations)
    return Growth(iterations, episodes, decided, begun + 1)


def ending(journal: Records) -> Record | None:
    """Return the latest end record of a run, if it has ended."""
    return next((r for r in journal.records("session") if r.key == FINISHED), None)


def _course(journal: Records, until: float) -> Course:
    def bodies(kind: str) -> Iterator[Json]:
        return (record.body for record in journal.records(kind) if record.at <= until)

    return Course(
        tuple(Growth(**body) for body in bodies("growth")),
        tuple(Closing(**body) for body in bodies("closing")),
    )


def _after(end: Record, records: Iterable[Record]) -> bool:
    return any(record.at > end.at for record in records)
