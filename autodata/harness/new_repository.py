"""Creation of a project's git repository with a first commit, and the check that it is writable.

What goes wrong in the middle leaves no repository behind.
"""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from autodata.errors import RepositoryError
from autodata.harness.repository import Repository, create_repository, in_repository

PROBE = "refs/autodata/doctor@"  # no run has such a name


@contextmanager
def new_repository(root: Path) -> Iterator[bool]:
    """Make `root` a git repository unless it lies in one; undone if the body fails."""
    with ExitStack() as undo:
        if not in_repository(root):
            undo.callback(shutil.rmtree, root / ".git", ignore_errors=True)
        yield create_repository(root)
        undo.pop_all()


def first_commit(root: Path, paths: Iterable[Path]) -> bool:
    """Commit these files of a new repository; False where git does not know who the user is."""
    with Repository(root) as repository:
        try:
            repository.identity()
        except RepositoryError:
            return False
        repository.git("add", "--", *(str(path) for path in paths))
        repository.git("commit", "--quiet", "-m", "Begin")
    return True


def check_writable(root: Path) -> None:
    """Write an object and a ref, as every candidate needs them, and take the ref away again.

    Raises:
        RepositoryError: git's own words.
    """
    with Repository(root) as repository:
        written = repository.git("hash-object", "-w", "--stdin", stdin=b"autodata doctor\n")
        repository.git("update-ref", PROBE, written.strip())
        repository.git("update-ref", "-d", PROBE)
