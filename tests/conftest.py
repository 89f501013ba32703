"""What tests of commands share: one project with a finished search, to read or to copy.

Temporary folders lie in memory where there is room: journals are synced to disk after every few
records, and a suite of small runs would spend minutes on waiting for that. The files whose tests
take longest begin first, so that no worker is left with one of them at the end.
"""

import os
import shutil
from pathlib import Path

import pytest

from tests.support.command_line import RACE, RUN, SMALL, Place, copied, new_place

os.environ.pop("COLUMNS", None)  # pytest-xdist sets it, and commands heed it

MEMORY = Path("/dev/shm")
ROOM = 2 << 30
"""Bytes that must be free in memory; one run of all tests leaves a tenth of it."""
LONGEST = (
    "engine/test_durability",
    "jobs/",
    "search/proposers/test_questions",
    "models/serving/",
    "cli/",
    "api/",
    "test_new_domain",
    "attacks/",
)
"""Where the tests stand that take longest, the longest first."""


def pytest_configure(config: pytest.Config) -> None:
    """Put temporary folders into memory, unless the user has said where they shall be."""
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK | os.X_OK):
        may_run = not os.statvfs(MEMORY).f_flag & os.ST_NOEXEC
        if may_run and shutil.disk_usage(MEMORY).free > ROOM:
            os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the files with the longest tests begin first; within a file the order stays."""
    folder = Path(__file__).parent

    def turn(item: pytest.Item) -> int:
        name = item.path.relative_to(folder).as_posix()
        return next((n for n, part in enumerate(LONGEST) if name.startswith(part)), len(LONGEST))

    items.sort(key=turn)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A project whose run `first`, a search by races, has certified c3; not to be changed."""
    place = new_place(tmp_path_factory.mktemp("finished") / "project")
    done = place("optimize", "--run", RUN, "--seed=19", "--iterations=3", *SMALL, RACE)
    assert done.code == 0, done.err
    assert "] certified" in done.out
    return place


@pytest.fixture
def mine(finished: Place, tmp_path: Path) -> Place:
    """A copy of that project, to be changed."""
    return copied(finished.folder, tmp_path / "copy")


@pytest.fixture
def fresh(tmp_path: Path) -> Place:
    """A new project with simulated models, everything committed."""
    return new_place(tmp_path / "fresh")
