"""Budgets: for the run, per role, with a reserve for calls in flight."""

import asyncio

import pytest

from autodata.config import Budget, Config, RoleBudget
from autodata.config_file import load_config
from autodata.errors import BudgetSpent, ConfigurationError
from autodata.models.budget import Ledger, check_budget
from autodata.project import TEMPLATES, template
from autodata.types import Spend
from tests.models.fakes import Clock

ROLES = ("weak", "strong")


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
    ledger = Ledger(Budget(roles={"strong": RoleBudget(calls=1)}))
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


def configured(*settings: str) -> Config:
    text = """\
models:
  hosted: {provider: openai, model: gpt-5-nano-2025-08-07}
  unknown: {provider: openai, model: my-finetune}
  own: {provider: vllm, model: my-finetune}
  free: {provider: openai, model: my-finetune, price: {}}
  pretended: {provider: simulated}
roles: {weak: {model: hosted}, strong: {model: own}}
protocol: {domain: cloze}
optimize: {proposer: knobs}
"""
    return load_config(text, "a.yaml", list(settings), {})


@pytest.mark.parametrize(
    ("settings", "problem", "fix"),
    [
        (
            ["budget.usd=9", "roles.strong.model=unknown"],
            "budget.usd cannot be kept: no price is known for my-finetune",
            "set models.unknown.price:",
        ),
        (
            ["budget.roles.strong.usd=9", "roles.strong.model=unknown"],
            "budget.roles.strong.usd cannot be kept",
            "set models.unknown.price:",
        ),
        (["budget.roles.judge.calls=9"], "no model plays judge", "roles.judge.model"),
        (
            ["budget.gpu_seconds=9", "roles.strong.model=hosted"],
            "budget.gpu_seconds cannot be kept",
            "set budget.hours",
        ),
        (["budget.roles.weak.gpu_seconds=9"], "budget.roles.weak.gpu_seconds", "vllm"),
    ],
)
def test_a_budget_that_cannot_be_kept_is_refused(
    settings: list[str], problem: str, fix: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_budget(configured(*settings))
    assert problem in caught.value.problem
    assert fix in caught.value.fix


@pytest.mark.parametrize(
    "settings",
    [
        ["budget.usd=9", "budget.gpu_seconds=9", "budget.roles.strong.gpu_seconds=9"],
        ["budget.usd=9", "roles.strong.model=free"],
        ["budget.usd=9", "budget.gpu_seconds=9", *(f"roles.{r}.model=pretended" for r in ROLES)],
        ["budget.roles.weak.usd=9", "roles.strong.model=unknown"],
        ["budget.completion_tokens=9", "roles.strong.model=unknown"],
    ],
)
def test_a_model_that_costs_nothing_or_is_not_bounded_needs_no_price(settings: list[str]) -> None:
    check_budget(configured(*settings))


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_shipped_budget_can_be_kept(name: str) -> None:
    keys = {"OPENAI_API_KEY": "k", "ANTHROPIC_API_KEY": "k"}
    check_budget(load_config(template(name), name, [], keys))


@pytest.mark.parametrize("setting", ["roles: {strong: {calls: 1}}", "pause_hours: 1"])
def test_a_role_has_no_roles_and_no_outages_of_its_own(setting: str) -> None:
    with pytest.raises(ConfigurationError, match=r"unknown key 'budget\.roles\.weak\."):
        configured(f"budget.roles.weak={{{setting}}}")
