"""What tests of commands share: one project with a finished search, to read or to copy."""

import os
from pathlib import Path

import pytest

from tests.support.command_line import RACE, RUN, SMALL, Place, copied, new_place

os.environ.pop("COLUMNS", None)  # pytest-xdist sets it, and commands heed it


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
