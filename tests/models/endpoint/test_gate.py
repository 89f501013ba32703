"""The adaptive limit and its queue."""

import asyncio

from autodata.models.endpoint.gate import Gate
from autodata.models.endpoint.throttle import START, Sent
from tests.support.fakes import Clock


def gate(most: int, clock: Clock | None = None) -> Gate:
    clock = clock or Clock()
    return Gate(most, now=clock.now, sleep=clock.sleep)


async def fill(gate: Gate, calls: int) -> list[Sent]:
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


async def test_limit_doubles_until_a_call_is_rejected_and_grows_less_from_there() -> None:
    one = gate(1000)
    assert one.limit == START
    sent = await fill(one, START)
    waiting = [asyncio.create_task(one.enter()) for _ in range(START)]
    await asyncio.sleep(0)
    for call in sent:
        one.went_well(call, 0.0)
    assert one.limit == 2 * START
    await asyncio.gather(*waiting)
    for call in sent[::64]:
        one.rejected(call)
    lowered = one.limit
    assert lowered == 2 * START - 2
    for call in sent[:20]:
        one.went_well(call, 0.0)
    assert lowered < one.limit < lowered + 20  # less than a place for each answer


async def test_calls_that_go_well_together_raise_the_limit_together() -> None:
    one = gate(1000)
    sent = await fill(one, START)
    waiting = [asyncio.create_task(one.enter()) for _ in range(START)]
    await asyncio.sleep(0)
    for call in sent:  # none of them has left: what they got is being written down
        one.went_well(call, 0.0)
    assert (one.limit, one.in_flight) == (2 * START, 2 * START)
    await asyncio.gather(*waiting)


async def test_each_rejection_takes_one_place_of_many_and_less_of_few() -> None:
    clock = Clock()
    one = gate(32, clock)
    sent = await fill(one, 32)
    clock.time += 1
    for call in sent[::12]:
        one.rejected(call)
    assert one.limit == 29
    few = gate(2, clock)
    (call,) = await fill(few, 1)
    for _ in range(20):
        few.timed_out(call)
        clock.time += 1
    assert few.limit == 1
    few.leave()
    await few.enter()


async def test_nobody_enters_before_the_retry_after_of_a_call_that_was_alone_is_over() -> None:
    clock = Clock()
    one = gate(4, clock)
    sent = await one.enter()
    one.rejected(sent, retry_after=7)
    one.leave()
    await one.enter()
    assert clock.slept == [7]
    await one.close()


async def test_the_retry_after_of_one_call_among_others_holds_nobody_else() -> None:
    clock = Clock()
    one = gate(4, clock)
    sent = await fill(one, 3)
    one.rejected(sent[1], retry_after=7)
    one.leave()
    await one.enter()
    assert (clock.slept, one.closed_s) == ([], 0)


async def test_when_nothing_is_taken_one_call_at_a_time_finds_out_the_most_urgent_first() -> None:
    clock = Clock()
    one = gate(16, clock)
    for call in await fill(one, 16):
        one.rejected(call)
        one.leave()
    assert 0 < one.closed_s < 1
    order: list[int] = []

    async def work(priority: int) -> None:
        sent = await one.enter((priority, 0))
        order.append(priority)
        if priority < 3:
            one.rejected(sent)
        one.leave()

    await asyncio.gather(*(work(priority) for priority in (4, 2, 5, 1, 3)))
    assert order == [1, 2, 3, 4, 5]
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
