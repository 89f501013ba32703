"""What is kept of each bound for the sealed test, from what episodes have taken."""

from dataclasses import replace

import pytest

from autodata.config.schema import Budget, RoleBudget
from autodata.errors import BudgetSpent
from autodata.models.base import Site
from autodata.models.calls.budget import Accounts, is_larger
from autodata.models.calls.reserve import Wanted
from autodata.types import EpisodeKey, Spend
from tests.support.fakes import Clock

EACH = Spend(1, 10, 5, 0.1, 2.0)
TEST = Wanted("c0", 10, 10)


def site(tree: str, number: int, split: str = "validation") -> Site:
    return Site("weak", "r0", tree, f"d{number}", split)


async def call(accounts: Accounts, where: Site, spend: Spend = EACH) -> None:
    accounts.settle(await accounts.hold("weak", lambda _: spend, where), spend)


async def episodes(accounts: Accounts, tree: str, numbers: range, calls: int = 1) -> None:
    for number in numbers:
        for _ in range(calls):
            await call(accounts, site(tree, number))
        accounts.reserve.ended(EpisodeKey(tree, f"d{number}", 0))


@pytest.mark.parametrize(
    ("budget", "bound"),
    [
        (Budget(calls=60), "budget.calls"),
        (Budget(prompt_tokens=600), "budget.prompt_tokens"),
        (Budget(completion_tokens=300), "budget.completion_tokens"),
        (Budget(usd=6), "budget.usd"),
        (Budget(roles={"weak": RoleBudget(usd=6)}), "budget.roles.weak.usd"),
    ],
)
async def test_only_the_sealed_test_may_take_its_share(budget: Budget, bound: str) -> None:
    accounts = Accounts(budget)
    accounts.reserve.keep(TEST)
    with pytest.raises(BudgetSpent) as caught:
        await episodes(accounts, "c0", range(100))
    assert (caught.value.bound, caught.value.kept) == (bound, True)
    assert 20 <= 60 - accounts.spent.calls <= 30
    for number in range(20):
        await call(accounts, site("c0", number, "test"))


@pytest.mark.parametrize(
    ("budget", "gpus", "bound"),
    [
        (Budget(hours=100 / 3600), 0, "budget.hours"),
        (Budget(gpu_seconds=400), 4, "budget.gpu_seconds"),
        (Budget(roles={"weak": RoleBudget(hours=100 / 3600)}), 0, "budget.roles.weak.hours"),
    ],
)
async def test_time_is_kept_for_the_sealed_test_too(budget: Budget, gpus: int, bound: str) -> None:
    clock = Clock()
    accounts = Accounts(budget, gpus=gpus, now=clock.now)
    accounts.reserve.keep(TEST)

    async def search() -> None:
        for number in range(100):
            held = await accounts.hold("weak", lambda _: EACH, site("c0", number))
            clock.time += 2
            accounts.settle(held, EACH)
            accounts.reserve.ended(EpisodeKey("c0", f"d{number}", 0))

    with pytest.raises(BudgetSpent) as caught:
        await search()
    number = accounts.spent.calls
    assert (caught.value.bound, caught.value.kept) == (bound, True)
    assert 40 <= 100 - 2 * number <= 60
    left = accounts.seconds_left("weak", sealed=True)
    assert left is not None
    assert left == pytest.approx(100 - 2 * number)
    assert (accounts.seconds_left("weak") or 0) < left - 30
    accounts.check_time("weak", sealed=True)


async def test_a_server_that_begins_slowly_does_not_end_the_search() -> None:
    clock = Clock()
    accounts = Accounts(Budget(hours=1000 / 3600), now=clock.now)
    accounts.reserve.keep(TEST)
    began = clock.time
    for number in range(200):
        took = 40 if number == 0 else 1
        held = await accounts.hold("weak", lambda _: EACH, site("c0", number))
        clock.time += took
        accounts.settle(held, replace(EACH, seconds=took))
        accounts.reserve.ended(EpisodeKey("c0", f"d{number}", 0))
    assert clock.time - began < 300
    assert accounts.reserve.share().kept_s > 20


async def test_many_calls_side_by_side_take_less_time() -> None:
    clock = Clock()
    accounts = Accounts(Budget(hours=1), now=clock.now)
    accounts.reserve.keep(TEST)
    for number in range(100):
        held = await accounts.hold("weak", lambda _: EACH, site("c0", number))
        accounts.settle(held, EACH, beside=10)
        accounts.reserve.ended(EpisodeKey("c0", f"d{number}", 0))
    assert accounts.reserve.share().expected_s == pytest.approx(4.0)


async def test_the_dearest_harness_that_may_become_a_finalist_counts() -> None:
    accounts = Accounts(Budget(calls=10_000))
    await episodes(accounts, "c0", range(10))
    await episodes(accounts, "c1", range(10), calls=3)
    await episodes(accounts, "c2", range(10), calls=9)
    accounts.reserve.keep(TEST)
    assert accounts.reserve.share().expected.calls == 10 + 90
    accounts.reserve.keep(Wanted("c0", 0, 10, frozenset({"c2"})))
    assert accounts.reserve.share().expected.calls == 30


async def test_null_episodes_are_kept_for_at_what_null_episodes_took() -> None:
    accounts = Accounts(Budget(calls=10_000))
    await episodes(accounts, "c0", range(10))
    accounts.reserve.keep(Wanted("c0", 10, 10, baseline_null=31, finalist_null=31))
    assert accounts.reserve.share().expected.calls == 20 + 62  # at what is known, the dearest
    for number in range(4):
        for _ in range(5):
            await call(accounts, Site("strong", "r0", "c0", f"d{number}", "validation", -1))
        accounts.reserve.ended(EpisodeKey("c0", f"d{number}", -1))
    assert accounts.reserve.share().expected.calls == 20 + 5 * 62


async def test_calls_of_an_episode_count_once_it_has_ended() -> None:
    accounts = Accounts(Budget(calls=10_000))
    accounts.reserve.keep(TEST)
    await call(accounts, site("c0", 1))
    assert accounts.reserve.share().kept.calls == 0
    await call(accounts, site("c0", 1))
    accounts.reserve.ended(EpisodeKey("c0", "d1", 0))
    assert accounts.reserve.share().expected.calls == 40


async def test_a_call_after_its_end_counts_to_an_episode_as_the_auditors_does() -> None:
    accounts = Accounts(Budget(calls=10_000))
    accounts.reserve.keep(TEST)
    await episodes(accounts, "c0", range(1, 3), calls=2)
    assert accounts.reserve.share().expected.calls == 40
    for number in (1, 2):
        await call(accounts, site("c0", number))
    assert accounts.reserve.share().expected.calls == 60


async def test_a_share_that_is_not_there_is_not_kept() -> None:
    accounts = Accounts(Budget(calls=15))
    accounts.reserve.keep(TEST)
    with pytest.raises(BudgetSpent) as caught:
        await episodes(accounts, "c0", range(100))
    assert accounts.spent.calls == 15
    assert not caught.value.kept


def test_a_bound_is_larger_when_it_is_higher_or_none() -> None:
    budget = Budget(usd=5, roles={"weak": RoleBudget(calls=7)})
    assert is_larger(budget, "budget.usd", 4)
    assert not is_larger(budget, "budget.usd", 5)
    assert is_larger(budget, "budget.calls", 5)
    assert not is_larger(budget, "budget.roles.weak.calls", 7)
    assert is_larger(budget, "budget.roles.strong.calls", 7)
