"""Structured concurrency: run coroutines side by side; the first error cancels the others."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Iterable
from types import NoneType
from typing import Any, Generic, TypeVar

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)


async def all_of(
    coroutines: Iterable[Coroutine[Any, Any, T]], patient: tuple[type[Exception], ...] = ()
) -> list[T]:
    """Run coroutines concurrently and return their results in order.

    The first failure cancels and awaits the others and is raised, not wrapped in a group. One that
    is `patient` lets the others come to their ends first, and of several the first in order is
    raised: so what has happened by then does not depend on who was faster.
    """
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    try:
        running = set(tasks)
        while running:
            ended, running = await asyncio.wait(running, return_when=asyncio.FIRST_EXCEPTION)
            for task in ended:
                if not isinstance(task.exception(), (NoneType, *patient)):
                    task.result()
    except BaseException:
        await finish(tasks)
        raise
    return [task.result() for task in tasks]


async def finish(tasks: Iterable[Awaitable[Any]]) -> None:
    """Cancel tasks and wait until each has ended, whatever it ends with."""
    pending = [task for task in tasks if isinstance(task, asyncio.Future)]
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)


class Shared(Generic[K, T]):
    """Work that several wait for under a key: done once, cancelled when nobody waits any more."""

    def __init__(self) -> None:
        self._tasks: dict[K, asyncio.Task[T]] = {}
        self._waiting = Counter[K]()

    async def get(self, key: K, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Return what the work under this key comes to; the first who asks has it begun."""
        if key not in self._tasks:
            self._tasks[key] = asyncio.ensure_future(work())
        task = self._tasks[key]
        self._waiting[key] += 1
        try:
            return await asyncio.shield(task)
        finally:
            self._waiting[key] -= 1
            if not self._waiting[key] and not task.done():
                del self._tasks[key]
                await finish([task])
