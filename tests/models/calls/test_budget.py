"""Budgets: for the run, per role, with a reserve for calls in flight."""

import asyncio
from collections.abc import Callable

import pytest

from autodata.config.file import load_config
from autodata.config.schema import Budget, Config, RoleBudget
from autodata.errors import BudgetSpent, ConfigurationError
from autodata.models.calls.budget import FEW, Accounts, Hold, check_budget
from autodata.project import TEMPLATES, template
from autodata.types import Spend
from tests.support.fakes import Clock

ROLES = ("weak", "strong")


async def hold(accounts: Accounts, role: str, what: Spend | None = None) -> Hold:
    return await accounts.hold(role, lambda _: what or Spend(1))


async def spend(accounts: Accounts, role: str, what: Spend) -> None:
    accounts.settle(await hold(accounts, role, what), what)


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
    accounts = Accounts(budget)
    for _ in range(3):
        await spend(accounts, "weak", each)
    with pytest.raises(BudgetSpent) as caught:
        await spend(accounts, "weak", each)
    assert "budget of the run" in caught.value.problem
    assert caught.value.exit_code == 3
    assert accounts.spent.calls == 3


async def test_role_has_its_own_budget() -> None:
    accounts = Accounts(Budget(roles={"strong": RoleBudget(calls=1)}))
    await spend(accounts, "strong", Spend(1))
    with pytest.raises(BudgetSpent, match="role strong") as caught:
        await spend(accounts, "strong", Spend(1))
    assert "budget.roles.strong.calls" in caught.value.fix
    await spend(accounts, "weak", Spend(1))


async def test_no_bound_means_no_bound() -> None:
    accounts = Accounts(Budget())
    await spend(accounts, "weak", Spend(10**6, 10**12, 10**12, 1e9, 1e9))
    await spend(accounts, "weak", Spend(1))


async def test_calls_in_flight_hold_back_what_might_not_fit() -> None:
    accounts = Accounts(Budget(completion_tokens=100))
    first = await hold(accounts, "weak", Spend(1, completion_tokens=80))
    second = asyncio.create_task(hold(accounts, "weak", Spend(1, completion_tokens=80)))
    await asyncio.sleep(0)
    assert not second.done()
    accounts.settle(first, Spend(1, completion_tokens=10))
    accounts.settle(await second, Spend(1, completion_tokens=80))
    assert accounts.spent.completion_tokens == 90


async def test_calls_in_flight_that_need_all_of_it_end_the_budget() -> None:
    accounts = Accounts(Budget(completion_tokens=100))
    first = await hold(accounts, "weak", Spend(1, completion_tokens=80))
    second = asyncio.create_task(hold(accounts, "weak", Spend(1, completion_tokens=80)))
    await asyncio.sleep(0)
    accounts.settle(first, Spend(1, completion_tokens=80))
    with pytest.raises(BudgetSpent):
        await second


async def test_failed_call_gives_its_reserve_back() -> None:
    accounts = Accounts(Budget(calls=1))
    accounts.settle(await hold(accounts, "weak"), Spend())
    await spend(accounts, "weak", Spend(1))


async def test_a_runs_hours_and_gpu_seconds_go_on_whether_it_calls_or_not() -> None:
    clock = Clock()
    accounts = Accounts(Budget(hours=1.0), now=clock.now)
    accounts.charge_time(1800)  # an earlier session
    await spend(accounts, "weak", Spend(1))
    clock.time += 1800
    with pytest.raises(BudgetSpent, match="hours"):
        await hold(accounts, "weak")
    busy = Accounts(Budget(gpu_seconds=100), gpus=4, now=clock.now)
    await spend(busy, "weak", Spend(1))
    clock.time += 26
    with pytest.raises(BudgetSpent, match="104 of 100 gpu_seconds"):
        await hold(busy, "weak")


async def test_a_roles_time_is_wall_time_with_a_call_under_way_by_its_own_gpus() -> None:
    clock = Clock()
    budget = Budget(roles={"weak": RoleBudget(gpu_seconds=100), "judge": RoleBudget(hours=1)})
    accounts = Accounts(budget, gpus=9, role_gpus={"weak": 2, "strong": 7}, now=clock.now)
    clock.time += 10_000  # nothing is under way
    held = [await hold(accounts, "weak") for _ in range(64)]
    clock.time += 40
    for one in held:
        accounts.settle(one, Spend(1, seconds=40))
    await hold(accounts, "strong")
    clock.time += 10_000  # only the strong solver works
    assert accounts.seconds_left("weak") == 10
    assert accounts.seconds_left("judge") == 3600
    assert accounts.seconds_left("strong") is None
    await hold(accounts, "weak")
    clock.time += 10
    with pytest.raises(BudgetSpent, match="role weak is used up: 100 of 100 gpu_seconds"):
        accounts.check_time("weak")
    accounts.check_time("judge")


async def test_no_bound_in_time_sets_no_timer() -> None:
    assert Accounts(Budget(calls=1)).seconds_left("weak") is None


async def filled(
    accounts: Accounts, role: str, most: Callable[[int], Spend], calls: int
) -> list[Hold]:
    """Let so many calls go out at once, and return those that the budget lets out."""
    tasks = [asyncio.create_task(accounts.hold(role, most)) for _ in range(calls)]
    await asyncio.sleep(0)
    let_out = [task.result() for task in tasks if task.done()]
    for task in tasks:
        task.cancel()
    return let_out


@pytest.mark.parametrize("budget", [Budget(completion_tokens=100_000), Budget(usd=1.0)])
async def test_replies_without_a_limit_are_taken_to_be_as_long_as_the_longest(
    budget: Budget,
) -> None:
    def most(longest: int) -> Spend:
        return Spend(1, 10, longest, longest / 100_000)

    reply = Spend(1, 10, 8000, 0.08)
    accounts = Accounts(budget)
    first = await filled(accounts, "strong", most, 40)
    assert len(first) == FEW
    for one in first:
        accounts.settle(one, reply)
    rest = await filled(accounts, "strong", most, 40)
    assert len(rest) == 12 - FEW
    for one in rest:
        accounts.settle(one, reply)
    assert accounts.spent.completion_tokens == 96_000
    for role in ("strong", "judge"):  # nothing is known of a judge's replies, but of others'
        with pytest.raises(BudgetSpent, match="may make it"):
            await accounts.hold(role, most)


async def test_a_call_that_waits_holds_what_was_learned_meanwhile() -> None:
    accounts = Accounts(Budget(completion_tokens=100))
    first = [await accounts.hold("weak", lambda longest: Spend(1, 0, longest)) for _ in range(FEW)]
    later = [
        asyncio.create_task(accounts.hold("weak", lambda longest: Spend(1, 0, longest)))
        for _ in range(9)
    ]
    await asyncio.sleep(0)
    for one in first:
        accounts.settle(one, Spend(1, 0, 20))
    await asyncio.sleep(0)
    assert sum(task.done() for task in later) == 1
    for task in later:
        task.cancel()


async def test_a_server_that_does_not_count_tokens_gets_all_calls_after_the_first() -> None:
    accounts = Accounts(Budget(completion_tokens=1000))
    await spend(accounts, "weak", Spend(1))
    assert len(await filled(accounts, "weak", lambda longest: Spend(1, 10, longest), 500)) == 500


async def test_without_a_bound_on_replies_nobody_waits_to_see_one() -> None:
    accounts = Accounts(Budget(calls=1000, hours=1))
    assert len(await filled(accounts, "weak", lambda longest: Spend(1, 10, longest), 500)) == 500


async def test_replies_with_a_limit_need_not_be_seen_first() -> None:
    accounts = Accounts(Budget(completion_tokens=1000))
    assert len(await filled(accounts, "weak", lambda _: Spend(1, 0, 100), 40)) == 10


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
