"""What the composition root does itself: how a run's calls are wound up."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from autodata.engine.engine import closing
from autodata.errors import (
    AuthenticationFailed,
    AutodataError,
    BudgetSpent,
    RequestRejected,
    StoreError,
)
from autodata.models.calls.caller import CallStatus
from autodata.types import Spend


class Caller:
    """Says what it was told to do."""

    def __init__(self, in_flight: int) -> None:
        self.told: list[str] = []
        self._status = CallStatus(0, 0, in_flight, 0, Spend())

    def status(self) -> CallStatus:
        return self._status

    async def answered(self) -> None:
        self.told.append("answered")

    async def close(self) -> None:
        self.told.append("close")


async def wound_up(error: BaseException | None, in_flight: int = 3) -> tuple[list[str], list[str]]:
    caller: Any = Caller(in_flight)
    said: list[str] = []
    with suppress(AutodataError, asyncio.CancelledError):
        async with closing(caller, said.append):
            if error is not None:
                raise error
    return caller.told, said


@pytest.mark.parametrize(
    "error", [BudgetSpent("enough"), RequestRejected("no model"), AuthenticationFailed("no credit")]
)
async def test_what_can_be_waited_for_is_and_that_is_said(error: AutodataError) -> None:
    told, said = await wound_up(error)
    assert told == ["answered", "close"]
    assert "3 calls in flight" in said[0]
    assert await wound_up(error, in_flight=0) == (["answered", "close"], [])


@pytest.mark.parametrize("error", [None, asyncio.CancelledError(), StoreError("disk full")])
async def test_whatever_else_ends_a_run_does_not_wait_long(error: BaseException | None) -> None:
    assert await wound_up(error) == (["close"], [])


async def test_a_signal_ends_the_waiting_for_answers() -> None:
    class Hanging(Caller):
        async def answered(self) -> None:
            await asyncio.Event().wait()

    caller: Any = Hanging(1)
    waiting = asyncio.Event()

    async def spend_all() -> None:
        async with closing(caller, lambda _: waiting.set()):
            raise BudgetSpent("enough")

    task = asyncio.create_task(spend_all())
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert caller.told == ["close"]
