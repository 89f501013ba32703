"""The lifecycle of a run's process: open journal, sealing in the background, and signals.

Whatever is stopped here goes on when the same command is given.
"""

import asyncio
import gc
import os
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from threading import Timer
from typing import Any, TypeVar

from autodata.errors import AutodataError, ConfigurationError, Interrupted, ReaderGone, StoreError
from autodata.project import Project
from autodata.store.journal import Journal
from autodata.store.runs import check_name, check_name_kept
from autodata.store.tables import seal

T = TypeVar("T")
SEAL_EVERY_S = 5.0
GARBAGE = 50_000
"""New objects between two looks for cyclic garbage; with Python's 700 a run with 1,024 calls in
flight spends a sixth of its CPU time on looking (benchmarks/throughput.py)."""
STOP_S = 9.0
"""Seconds after the first signal at which the process ends, whatever still hangs."""


def run_until_signal(work: Coroutine[Any, Any, T], report: Callable[[str], None]) -> T:
    """Run a coroutine to its end, or to the first SIGINT, SIGTERM or SIGHUP (unless ignored).

    Signals after the first change nothing. A clean stop that takes longer than `STOP_S` seconds is
    cut short: the journal bears that like any kill.

    Raises:
        Interrupted: a signal came; the journal is closed and the run can be resumed.
    """

    async def main() -> T:
        task = asyncio.ensure_future(work)
        loop = asyncio.get_running_loop()
        caught: list[signal.Signals] = []

        def stop(number: signal.Signals) -> None:
            caught.append(number)
            if len(caught) > 1:
                report(f"{number.name}: stopping already")
                return
            watchdog.start()
            task.cancel()
            with suppress(OSError, AutodataError):  # the terminal is gone
                report(
                    f"{number.name}: stopping; calls in flight get some seconds, the rest is undone"
                )

        watchdog = Timer(STOP_S, os._exit, [Interrupted.exit_code])
        watchdog.daemon = True
        signals = [signal.SIGINT, signal.SIGTERM]
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup wants it to go on
            signals.append(signal.SIGHUP)
        for number in signals:
            loop.add_signal_handler(number, stop, number)
        try:
            return await task
        except (asyncio.CancelledError, AutodataError) as error:
            if not caught and isinstance(error, ReaderGone):  # a run is more than what it prints
                raise ConfigurationError(error.problem, error.fix) from error
            if not caught:
                raise
            raise Interrupted(f"stopped by {caught[0].name}", "nothing is lost") from error
        finally:
            watchdog.cancel()

    gc.set_threshold(GARBAGE)
    return asyncio.run(main())


@asynccontextmanager
async def open_journal(project: Project, run_id: str) -> AsyncIterator[Journal]:
    """Open a run's journal for writing, seal it now and then, and close it whatever happens."""
    check_name(run_id)
    folder = project.runs / run_id
    check_name_kept(folder)
    journal = Journal.open(folder, linger=0.0 if project.config.simulated else 0.005)
    try:
        async with sealing(folder):
            yield journal
    finally:
        await journal.close()
        await _seal(folder)


@asynccontextmanager
async def sealing(folder: Path, every_s: float = SEAL_EVERY_S) -> AsyncIterator[None]:
    """Seal a run's full segments while the body runs; no thread is left behind."""
    over = asyncio.Event()

    async def work() -> None:
        while not over.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), every_s)
                return
            await _seal(folder)

    task = asyncio.create_task(work())
    try:
        yield
    finally:
        over.set()
        await task


async def _seal(folder: Path) -> None:
    """Seal, or let it be: tables are a projection, and whoever reads them seals what is missing."""
    with suppress(OSError, StoreError):
        await asyncio.to_thread(seal, folder)
