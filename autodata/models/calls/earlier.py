"""Accounting of a run's earlier sessions, from its journal, so that budgets hold over all of them.

A session that was killed went on to its last call.
"""

from bisect import bisect
from collections import defaultdict

from autodata.models.calls.budget import Accounts
from autodata.store.episodes import CallRecord, EpisodeRecord
from autodata.store.facts import JournalReader
from autodata.store.records import SessionRecord
from autodata.types import EpisodeKey


class _Spans:
    """Stretches of time that may overlap, added in the order of their ends."""

    def __init__(self) -> None:
        self._apart: list[tuple[float, float]] = []

    def add(self, begin: float, end: float) -> None:
        while self._apart and self._apart[-1][1] >= begin:
            begin = min(begin, self._apart.pop()[0])
        self._apart.append((begin, end))

    def seconds(self) -> float:
        return sum(end - begin for begin, end in self._apart)


def charge_earlier(accounts: Accounts, journal: JournalReader) -> set[str]:
    """Count calls, ended episodes, the time of all sessions, and that of each role's calls.

    What lies between two sessions counts for nothing. Returns the endpoints that have answered.
    """
    sessions = [fact.record for fact in journal.records(SessionRecord)]
    begun = [session.begun_at for session in sessions if session.begun_at is not None]
    ends = [session.ended_at for session in sessions if session.ended_at is not None]
    busy: defaultdict[str, _Spans] = defaultdict(_Spans)
    last = list(begun)
    answered: set[str] = set()

    def worked_until(at: float) -> None:
        if number := bisect(begun, at):
            last[number - 1] = max(last[number - 1], at)

    for fact in journal.records(CallRecord, EpisodeRecord):
        record = fact.record
        if isinstance(record, EpisodeRecord):
            if not record.void:
                episode = EpisodeKey(record.tree, record.document_id, record.repeat)
                accounts.reserve.ended(episode)
        elif isinstance(record, CallRecord):
            episode = EpisodeKey(record.tree, record.document_id, record.repeat)
            accounts.charge(record.role, record.spend, episode if record.document_id else None)
            for role in (record.role, ""):
                busy[role].add(fact.at - record.seconds, fact.at)
            worked_until(fact.at)
            answered.add(record.endpoint)
    for end in ends:
        worked_until(end)
    accounts.charge_time(sum(last) - sum(begun))
    spent, all_busy = accounts.spent, busy.pop("", _Spans()).seconds()
    if all_busy:
        accounts.reserve.beside(spent.seconds / all_busy, spent.calls)
    for role, spans in busy.items():
        accounts.charge_time(spans.seconds(), role)
    return answered
