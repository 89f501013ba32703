"""From code that is not async to code that is: work is waited for, and Ctrl-C ends it in order.

Whatever is stopped here is in the journal and goes on when it is asked for again.
"""

import asyncio
import gc
import signal
from collections.abc import Callable, Coroutine, Iterator
from concurrent import futures
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import copy_context
from signal import Signals
from threading import current_thread, main_thread
from typing import Any, Generic, TypeVar

from autodata.errors import AutodataError, ConfigurationError, Interrupted, ReaderGone
from autodata.report.display import Display

T = TypeVar("T")
LOOK_S = 0.1
"""Seconds between two looks for signals where a thread is waited for."""
GARBAGE = 50_000
"""New objects between two looks for cyclic garbage; with Python's 700 a run with 1,024 calls in
flight spends a sixth of its CPU time on looking (benchmarks/throughput.py)."""


def wait(work: Coroutine[Any, Any, T], display: Display) -> T:
    """Carry work out to its end, or to the first SIGINT, SIGTERM or SIGHUP (unless ignored).

    Where a loop is running already, as in a notebook, the work gets a thread and a loop of its
    own. Signals are heeded in the main thread alone; those after the first change nothing.

    Raises:
        Interrupted: a signal came; the journal is closed and the run can be resumed.
    """
    ending = _Ending(work, display)
    with _garbage_collected_rarely():
        if current_thread() is main_thread() and not _loop_is_running():
            return asyncio.run(ending.with_signals_of_the_loop())
        return _in_a_thread(ending)


class _Ending(Generic[T]):
    """Work that the first signal ends in order."""

    def __init__(self, work: Coroutine[Any, Any, T], display: Display) -> None:
        self._work = work
        self._display = display
        self._task: asyncio.Future[T] | None = None
        self._caught: list[Signals] = []

    async def carry_out(self) -> T:
        """Do the work; a signal ends it, also one that came before it began.

        Raises:
            Interrupted: a signal ended it.
        """
        self._task = asyncio.ensure_future(self._work)
        if self._caught:
            self._task.cancel()
        try:
            return await self._task
        except (asyncio.CancelledError, AutodataError) as error:
            if not self._caught and isinstance(error, ReaderGone):  # a run is more than its output
                raise ConfigurationError(error.problem, error.fix) from error
            if not self._caught:
                raise
            name = self._caught[0].name
            raise Interrupted(f"stopped by {name}", "nothing is lost") from error

    async def with_signals_of_the_loop(self) -> T:
        loop = asyncio.get_running_loop()
        for number in _heeded():
            loop.add_signal_handler(number, self.stop, number)
        return await self.carry_out()

    def stop(self, number: Signals) -> None:
        """End the work; called by its loop."""
        self._caught.append(number)
        first = len(self._caught) == 1
        if first and self._task is not None:
            self._task.cancel()
        with suppress(OSError, AutodataError):  # the terminal is gone
            if first:
                self._display.stopping(number)
            else:
                self._display.line(f"{number.name}: stopping already")


def _in_a_thread(ending: _Ending[T]) -> T:
    loop = asyncio.new_event_loop()

    def work() -> T:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            return runner.run(ending.carry_out())

    def stop(number: Signals) -> None:
        with suppress(RuntimeError):  # the loop has just come to its end
            loop.call_soon_threadsafe(ending.stop, number)

    with ThreadPoolExecutor(1, "autodata") as thread, _signals_to(stop):
        done = thread.submit(copy_context().run, work)
        while not done.done():  # a signal may reach another thread, which wakes nobody here
            futures.wait([done], LOOK_S)
        return done.result()


@contextmanager
def _signals_to(stop: Callable[[Signals], None]) -> Iterator[None]:
    """Have the main thread hand signals on, which a loop in another one cannot get."""
    if current_thread() is not main_thread():
        yield
        return
    before = {n: signal.signal(n, lambda n, _: stop(Signals(n))) for n in _heeded()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _heeded() -> list[Signals]:
    ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN  # nohup wants it to go on
    return [signal.SIGINT, signal.SIGTERM, *([] if ignored else [signal.SIGHUP])]


def _loop_is_running() -> bool:
    with suppress(RuntimeError):
        return asyncio.get_running_loop().is_running()
    return False


@contextmanager
def _garbage_collected_rarely() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(GARBAGE, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
