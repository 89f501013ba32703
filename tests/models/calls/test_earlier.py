"""Earlier sessions: what they took counts, and what lies between them does not."""

from collections.abc import Iterator

from autodata.config.schema import Budget, RoleBudget
from autodata.models.calls.budget import Ledger
from autodata.models.calls.earlier import charge_earlier
from autodata.store.lines import Record
from autodata.types import Spend
from tests.support.fakes import Clock

HOURS = Budget(hours=1, roles={"weak": RoleBudget(hours=1), "strong": RoleBudget(hours=1)})


class Journal:
    """Records as a journal gives them."""

    def __init__(self, *records: Record) -> None:
        self._records = records

    def records(self, *kinds: str) -> Iterator[Record]:
        return (record for record in self._records if record.kind in kinds)


def call(at: float, seconds: float, role: str = "weak") -> Record:
    tokens = {"prompt_tokens": 10, "completion_tokens": 5, "cost_usd": 0.25}
    place = {"tree": "t", "document_id": "d", "repeat": 0}
    body = {"role": role, "endpoint": "e", **tokens, **place, "seconds": seconds}
    return Record("call", f"{role} {at}", at, body)


def begun(at: float) -> Record:
    return Record("session", f"{at}", at - 0.0005, {"ended": None, "begun_at": at})


def ended(at: float) -> Record:
    return Record("session", f"{at}-end", at, {"ended": "Interrupted", "ended_at": at})


def charged(*records: Record) -> Ledger:
    ledger = Ledger(HOURS, now=Clock().now)
    answered = charge_earlier(ledger, Journal(*records))
    assert answered == {"e" for record in records if record.kind == "call"}
    return ledger


def test_calls_of_earlier_sessions_count() -> None:
    ledger = charged(begun(100), call(110, 2), call(120, 3, "strong"))
    assert ledger.spent == Spend(2, 20, 10, 0.5, 5)


def test_a_session_goes_on_to_its_end_or_if_killed_to_its_last_call() -> None:
    ledger = charged(
        *(begun(100), call(110, 1), ended(130)),
        *(begun(90_000), call(90_020, 1)),
        *(begun(200_000), ended(200_005), call(200_009, 9)),  # it was waited for
        begun(300_000),
    )
    assert ledger.seconds_left("judge") == 3600 - 30 - 20 - 9


def test_calls_side_by_side_keep_their_role_busy_once() -> None:
    spans = [(100, 10), (101, 5), (200, 20), (210, 5), (215, 100)]  # until when, for how long
    ledger = charged(*(call(at, seconds) for at, seconds in spans))
    assert ledger.seconds_left("weak") == 3600 - (101 - 90) - (215 - 115)
    assert ledger.seconds_left("strong") == 3600
