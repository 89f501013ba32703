"""A run's open journal: written, sealed while the run goes on, and closed whatever happens."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from autodata.errors import StoreError
from autodata.project import Project
from autodata.store.journal import Journal
from autodata.store.runs import check_name, check_name_kept
from autodata.store.tables import seal

SEAL_EVERY_S = 5.0


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
