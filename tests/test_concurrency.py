"""Running things side by side: what fails, and what becomes of the others."""

import asyncio
import gc
import warnings

import pytest

from autodata.concurrency import Shared, all_of


async def after(steps: int, result: int | Exception, ended: list[int]) -> int:
    for _ in range(steps):
        await asyncio.sleep(0)
    ended.append(steps)
    if isinstance(result, Exception):
        raise result
    return result


async def test_results_come_in_order() -> None:
    assert await all_of(after(steps, steps, []) for steps in (3, 1, 2)) == [3, 1, 2]
    assert await all_of(after(0, 1, []) for _ in ()) == []


async def test_a_failure_ends_the_others_at_once() -> None:
    ended: list[int] = []
    with pytest.raises(KeyError):
        await all_of(
            [after(90, 1, ended), after(1, KeyError(), ended), after(50, ValueError(), ended)]
        )
    assert ended == [1]


async def test_a_patient_failure_lets_the_others_end_and_the_first_in_order_is_raised() -> None:
    ended: list[int] = []
    work = [after(5, 1, ended), after(3, KeyError("early"), ended), after(1, KeyError(), ended)]
    with pytest.raises(KeyError, match="early"):
        await all_of(work, (KeyError,))
    assert ended == [1, 3, 5]


async def test_another_failure_ends_the_patience() -> None:
    ended: list[int] = []
    work = [after(1, KeyError(), ended), after(9, ZeroDivisionError(), ended), after(90, 1, ended)]
    with pytest.raises(ZeroDivisionError):
        await all_of(work, (KeyError,))
    assert ended == [1, 9]


async def test_what_is_cancelled_leaves_nothing_behind() -> None:
    ended: list[int] = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):  # over before any of them has begun
                await all_of([after(9, 1, ended) for _ in range(3)], (KeyError,))
        gc.collect()
    assert ended == []


async def test_shared_work_is_done_once_and_ends_when_nobody_waits_any_more() -> None:
    shared, begun, ended = Shared[str, int](), list[str](), list[str]()

    async def work() -> int:
        begun.append("work")
        try:
            await asyncio.sleep(0.01)
            return 7
        finally:
            ended.append("work")

    assert await asyncio.gather(*(shared.get("a", work) for _ in range(3))) == [7, 7, 7]
    assert await shared.get("a", work) == 7
    assert begun == ["work"]
    waiting = [asyncio.create_task(shared.get("b", work)) for _ in range(2)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.sleep(0)
    assert (len(begun), len(ended)) == (2, 1)  # one still waits
    waiting[1].cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert len(ended) == 2
    assert await shared.get("b", work) == 7


async def test_all_who_wait_for_shared_work_are_told_that_it_failed() -> None:
    shared = Shared[int, int]()
    found = await asyncio.gather(
        *(shared.get(1, lambda: after(1, KeyError("no"), [])) for _ in range(2)),
        return_exceptions=True,
    )
    assert [type(one) for one in found] == [KeyError, KeyError]
