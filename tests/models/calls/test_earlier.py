"""Earlier sessions: what they took counts, and what lies between them does not."""

from dataclasses import replace
from typing import Any

from autodata.config.schema import Budget, RoleBudget
from autodata.models.calls.budget import Accounts
from autodata.models.calls.earlier import charge_earlier
from autodata.store.facts import Fact
from autodata.store.records import SessionRecord
from autodata.types import Spend
from tests.support.fakes import Clock, Memory
from tests.support.journals import call as some_call

HOURS = Budget(hours=1, roles={"weak": RoleBudget(hours=1), "strong": RoleBudget(hours=1)})


def call(at: float, seconds: float, role: str = "weak") -> Fact[Any]:
    _, record = some_call(1)
    record = replace(record, prompt_tokens=10, completion_tokens=5, cost_usd=0.25, seconds=seconds)
    return Fact(f"{role} {at}", at, replace(record, role=role, endpoint="e"))


def begun(at: float) -> Fact[Any]:
    return Fact(f"{at}", at - 0.0005, SessionRecord(begun_at=at))


def ended(at: float) -> Fact[Any]:
    return Fact(f"{at}-end", at, SessionRecord("Interrupted", ended_at=at))


def charged(*facts: Fact[Any]) -> Accounts:
    accounts = Accounts(HOURS, now=Clock().now)
    answered = charge_earlier(accounts, Memory(*facts))
    assert answered == {"e" for fact in facts if fact.kind == "call"}
    return accounts


def test_calls_of_earlier_sessions_count() -> None:
    accounts = charged(begun(100), call(110, 2), call(120, 3, "strong"))
    assert accounts.spent == Spend(2, 20, 10, 0.5, 5)


def test_a_session_goes_on_to_its_end_or_if_killed_to_its_last_call() -> None:
    accounts = charged(
        *(begun(100), call(110, 1), ended(130)),
        *(begun(90_000), call(90_020, 1)),
        *(begun(200_000), ended(200_005), call(200_009, 9)),  # it was waited for
        begun(300_000),
    )
    assert accounts.seconds_left("judge") == 3600 - 30 - 20 - 9


def test_calls_side_by_side_keep_their_role_busy_once() -> None:
    spans = [(100, 10), (101, 5), (200, 20), (210, 5), (215, 100)]  # until when, for how long
    accounts = charged(*(call(at, seconds) for at, seconds in spans))
    assert accounts.seconds_left("weak") == 3600 - (101 - 90) - (215 - 115)
    assert accounts.seconds_left("strong") == 3600
