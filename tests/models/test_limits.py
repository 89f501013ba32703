"""The adaptive limit and its queue."""

import asyncio

from autodata.models.limits import START, Gate
from tests.models.fakes import Clock


def gate(most: int, clock: Clock | None = None) -> Gate:
    clock = clock or Clock()
    return Gate(most, now=clock.now, sleep=clock.sleep)


async def fill(gate: Gate, calls: int) -> list[float]:
    return [await gate.enter() for _ in range(calls)]


async def test_no_more_than_the_limit_are_let_in() -> None:
    one = gate(2)
    await fill(one, 2)
    third = asyncio.create_task(one.enter())
    await asyncio.sleep(0)
    assert (one.in_flight, one.waiting, third.done()) == (2, 1, False)
    one.leave()
    await third
    assert (one.in_flight, one.waiting) == (2, 0)


async def test_smallest_priority_goes_first_and_equals_keep_their_order() -> None:
    one = gate(1)
    await one.enter()
    order: list[str] = []

    async def work(name: str, priority: int) -> None:
        await one.enter((priority, 0))
        order.append(name)
        one.leave()

    names = [("late", 9), ("early", 1), ("early too", 1), ("first", 0)]
    tasks = [asyncio.create_task(work(*name)) for name in names]
    await asyncio.sleep(0)
    one.leave()
    await asyncio.gather(*tasks)
    assert order == ["first", "early", "early too", "late"]


async def test_limit_doubles_at_first_and_grows_by_one_a_round_after_an_overload() -> None:
    clock = Clock()
    one = gate(1000, clock)
    assert one.limit == START
    await fill(one, START)
    one.went_well()
    one.went_well()
    assert one.limit == START + 1  # only while all places are taken
    await one.enter()
    one.went_well()
    assert one.limit == START + 2
    one.overloaded(clock.now())
    halved = one.limit
    before = one._limit
    for _ in range(halved):
        one.went_well()
    assert before < one._limit < before + 1.01


async def test_calls_that_go_well_together_raise_the_limit_together() -> None:
    one = gate(1000)
    await fill(one, START)
    waiting = [asyncio.create_task(one.enter()) for _ in range(START)]
    await asyncio.sleep(0)
    for _ in range(START):  # none of them has left: what they got is being written down
        one.went_well()
    assert (one.limit, one.in_flight) == (2 * START, 2 * START)
    await asyncio.gather(*waiting)


async def test_one_overload_counts_once_for_all_that_were_in_flight() -> None:
    clock = Clock()
    one = gate(32, clock)
    entered = await fill(one, 32)
    clock.time += 1
    for moment in entered:
        one.overloaded(moment)
    assert one.limit == 16
    clock.time += 1
    one.overloaded(clock.now())
    assert one.limit == 8


async def test_limit_never_falls_below_one() -> None:
    clock = Clock()
    one = gate(4, clock)
    for _ in range(10):
        clock.time += 1
        one.overloaded(clock.now())
    assert one.limit == 1
    await one.enter()


async def test_nobody_enters_before_retry_after_is_over() -> None:
    clock = Clock()
    one = gate(4, clock)
    entered = await one.enter()
    one.overloaded(entered, retry_after=7)
    one.leave()
    await one.enter()
    assert clock.slept == [7]
    await one.close()


async def test_ceiling_holds_back_and_lets_in() -> None:
    one = gate(8)
    await fill(one, 4)
    one.ceiling = 4
    task = asyncio.create_task(one.enter())
    await asyncio.sleep(0)
    assert not task.done()
    one.ceiling = 5
    one.let_in()
    await task


async def test_cancelled_waiter_leaves_no_hole() -> None:
    one = gate(1)
    await one.enter()
    tasks = [asyncio.create_task(one.enter()) for _ in range(2)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    one.leave()
    await tasks[1]
    one.leave()
    assert one.in_flight == 0


async def test_waiter_cancelled_after_being_let_in_gives_its_place_back() -> None:
    one = gate(1)
    await one.enter()
    task = asyncio.create_task(one.enter())
    await asyncio.sleep(0)
    one.leave()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert one.in_flight == 0
