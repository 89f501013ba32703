"""The job `rm`: remove a run's folder and its candidates in git; its tests stay counted."""

from dataclasses import dataclass
from pathlib import Path

from autodata.errors import RepositoryError, StoreError
from autodata.harness.repository import Repository, in_repository
from autodata.store import lock, space
from autodata.store import runs as run_store


@dataclass(frozen=True, slots=True)
class Removal:
    """The plan of a removal: the folder if there is one, `size` bytes, and `candidates` in git.

    `weighty` says why it deserves a second thought, or nothing.
    """

    run: str
    folder: Path
    size: int
    calls: int
    candidates: int
    weighty: str


def foresee(root: Path, name: str) -> Removal:
    """Plan the removal of a run; also of one that is half removed already.

    Raises:
        StoreError: there is nothing of that name, or it is going on.
    """
    folder = _runs(root) / name
    candidates = _candidates(root, name)
    if not candidates and not space.remains(folder):
        run_store.find_run(_runs(root), name)  # names the nearest where there is none
    state = run_store.read_state(folder)
    if state.pid is not None:
        raise StoreError(f"run {name} is going on as process {state.pid}", f"autodata stop {name}")
    counts = state.counts
    held = [word for word in ("certification", "promotion") if counts.get(word)]
    weighty = {
        (): "",
        ("certification",): "it holds what certifies a candidate",
        ("promotion",): "a candidate of it was promoted",
    }.get(tuple(held), "a candidate of it was certified and promoted")
    return Removal(
        name, folder, space.size(folder), counts.get("call", 0), len(candidates), weighty
    )


def carry_out(root: Path, removal: Removal) -> None:
    """Remove the run. Killed at any moment, the same again finishes it.

    First the folder stops being a run, then git forgets its candidates, then the files go. What
    was promoted stays: tags and branches hold it.

    Raises:
        RunLocked: it is going on.
        StoreError, RepositoryError: something of it cannot be removed.
    """
    there = removal.folder.is_dir()
    held = lock.acquire(removal.folder) if there else None
    try:
        if there:
            space.retire(removal.folder)
        _forget(root, removal.run)
        if there:
            space.clear(removal.folder)
    finally:
        if held is not None:
            lock.release(held)


def _runs(root: Path) -> Path:
    return root / "runs"


def _candidates(root: Path, run: str) -> list[str]:
    if not in_repository(root):
        return []
    with Repository(root) as repository:
        try:
            return repository.candidates(run)
        except RepositoryError:
            return []  # no name of a run


def _forget(root: Path, run: str) -> None:
    names = _candidates(root, run)
    if not names:
        return
    with Repository(root) as repository:
        orders = "".join(f"delete refs/autodata/{run}/{name}\n" for name in names)
        repository.git("update-ref", "--stdin", stdin=orders.encode())
