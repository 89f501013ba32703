"""Accounting of a run's earlier sessions, from its journal, so that budgets hold over all of them.

A session that was killed went on to its last call.
"""

from bisect import bisect
from collections import defaultdict
from collections.abc import Iterator
from typing import Protocol

from autodata.models.calls.budget import Ledger
from autodata.store.lines import Record
from autodata.types import Spend


class Records(Protocol):
    """The part of a journal that accounting needs: see `store.journal.Journal`."""

    def records(self, *kinds: str) -> Iterator[Record]: ...


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


def charge_earlier(ledger: Ledger, journal: Records) -> set[str]:
    """Count calls, ended episodes, the time of all sessions, and that of each role's calls.

    What lies between two sessions counts for nothing. Returns the endpoints that have answered.
    """
    sessions = [record.body for record in journal.records("session")]
    begun = [body["begun_at"] for body in sessions if "begun_at" in body]
    ends = [body["ended_at"] for body in sessions if "ended_at" in body]
    busy: defaultdict[str, _Spans] = defaultdict(_Spans)
    last = list(begun)
    answered: set[str] = set()

    def worked_until(at: float) -> None:
        if number := bisect(begun, at):
            last[number - 1] = max(last[number - 1], at)

    for record in journal.records("call", "episode"):
        body = record.body
        episode = (body["tree"], body["document_id"], body["repeat"])
        if record.kind == "episode":
            if body["status"] != "void":
                ledger.reserve.ended(episode)
            continue
        amounts = (body["prompt_tokens"], body["completion_tokens"], body["cost_usd"])
        spend = Spend(1, *amounts, body["seconds"])
        ledger.charge(body["role"], spend, episode if body["document_id"] else None)
        for role in (body["role"], ""):
            busy[role].add(record.at - body["seconds"], record.at)
        worked_until(record.at)
        answered.add(body["endpoint"])
    for end in ends:
        worked_until(end)
    ledger.charge_time(sum(last) - sum(begun))
    spent, all_busy = ledger.spent, busy.pop("", _Spans()).seconds()
    if all_busy:
        ledger.reserve.beside(spent.seconds / all_busy, spent.calls)
    for role, spans in busy.items():
        ledger.charge_time(spans.seconds(), role)
    return answered
