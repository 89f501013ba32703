"""Budgets: for the run, per role, with a reserve for calls in flight."""

import asyncio

import pytest

from autodata.config import Budget
from autodata.errors import BudgetSpent
from autodata.models.budget import Ledger
from autodata.types import Spend
from tests.models.fakes import Clock


async def spend(ledger: Ledger, role: str, what: Spend) -> None:
    ledger.settle(await ledger.hold(role, what), what)


@pytest.mark.parametrize(
    ("budget", "each"),
    [
        (Budget(calls=3), Spend(1)),
        (Budget(prompt_tokens=30), Spend(1, prompt_tokens=10)),
        (Budget(completion_tokens=30), Spend(1, completion_tokens=10)),
        (Budget(usd=0.3), Spend(1, cost_usd=0.1)),
    ],
)
async def test_budget_is_spent_to_the_end_and_no_further(budget: Budget, each: Spend) -> None:
    ledger = Ledger(budget)
    for _ in range(3):
        await spend(ledger, "weak", each)
    with pytest.raises(BudgetSpent) as caught:
        await spend(ledger, "weak", each)
    assert "budget of the run" in caught.value.problem
    assert caught.value.exit_code == 3
    assert ledger.spent.calls == 3


async def test_role_has_its_own_budget() -> None:
    ledger = Ledger(Budget(roles={"strong": Budget(calls=1)}))
    await spend(ledger, "strong", Spend(1))
    with pytest.raises(BudgetSpent, match="role strong") as caught:
        await spend(ledger, "strong", Spend(1))
    assert "budget.roles.strong.calls" in caught.value.fix
    await spend(ledger, "weak", Spend(1))


async def test_no_bound_means_no_bound() -> None:
    ledger = Ledger(Budget())
    await spend(ledger, "weak", Spend(10**6, 10**12, 10**12, 1e9, 1e9))
    await spend(ledger, "weak", Spend(1))


async def test_calls_in_flight_hold_back_what_might_not_fit() -> None:
    ledger = Ledger(Budget(completion_tokens=100))
    first = await ledger.hold("weak", Spend(1, completion_tokens=80))
    second = asyncio.create_task(ledger.hold("weak", Spend(1, completion_tokens=80)))
    await asyncio.sleep(0)
    assert not second.done()
    ledger.settle(first, Spend(1, completion_tokens=10))
    ledger.settle(await second, Spend(1, completion_tokens=80))
    assert ledger.spent.completion_tokens == 90


async def test_calls_in_flight_that_need_all_of_it_end_the_budget() -> None:
    ledger = Ledger(Budget(completion_tokens=100))
    first = await ledger.hold("weak", Spend(1, completion_tokens=80))
    second = asyncio.create_task(ledger.hold("weak", Spend(1, completion_tokens=80)))
    await asyncio.sleep(0)
    ledger.settle(first, Spend(1, completion_tokens=80))
    with pytest.raises(BudgetSpent):
        await second


async def test_failed_call_gives_its_reserve_back() -> None:
    ledger = Ledger(Budget(calls=1))
    ledger.settle(await ledger.hold("weak", Spend(1)), Spend())
    await spend(ledger, "weak", Spend(1))


async def test_hours_and_gpu_seconds_run_by_the_clock() -> None:
    clock = Clock()
    ledger = Ledger(Budget(hours=1.0), spent_s=1800, now=clock.now)
    await ledger.hold("weak", Spend(1))
    clock.time += 1800
    with pytest.raises(BudgetSpent, match="hours"):
        await ledger.hold("weak", Spend(1))
    busy = Ledger(Budget(gpu_seconds=100), gpus=4, now=clock.now)
    await busy.hold("weak", Spend(1))
    clock.time += 26
    with pytest.raises(BudgetSpent, match="gpu_seconds"):
        await busy.hold("weak", Spend(1))


def test_reserve_follows_what_replies_really_take() -> None:
    ledger = Ledger(Budget())
    assert ledger.reserve_for("weak", 7, 4000) == Spend(1, 7, 4000)
    ledger.charge("weak", Spend(20, completion_tokens=20 * 300))
    assert ledger.reserve_for("weak", 7, 4000).completion_tokens == 600
    assert ledger.reserve_for("weak", 7, 100).completion_tokens == 100
