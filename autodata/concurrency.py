"""Running things side by side: the first error cancels the rest and is raised as itself."""

import asyncio
from collections.abc import Awaitable, Coroutine, Iterable
from typing import Any, TypeVar

T = TypeVar("T")


async def all_of(coroutines: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Run coroutines concurrently and return their results in order.

    The first failure cancels and awaits the others and is raised, not wrapped in a group.
    """
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    try:
        return list(await asyncio.gather(*tasks))
    except BaseException:
        await finish(tasks)
        raise


async def finish(tasks: Iterable[Awaitable[Any]]) -> None:
    """Cancel tasks and wait until each has ended, whatever it ends with."""
    pending = [task for task in tasks if isinstance(task, asyncio.Future)]
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
