"""What changes a project and searches nothing: beginning it, versions, removing runs, bundles.

Models are called by `doctor` alone, and only where it is asked for.
"""

import os
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from autodata import project as projects
from autodata.api.loops import wait
from autodata.api.project import Project, Where, project_around
from autodata.api.run import Run, run_at
from autodata.errors import AutodataError, ConfigurationError
from autodata.harness.new_repository import first_commit, new_repository
from autodata.harness.versions import Version
from autodata.jobs import promote as promoting
from autodata.jobs import remove as removing
from autodata.jobs.bundle import bundle as bundling
from autodata.jobs.doctor import checks, trials
from autodata.jobs.doctor.probes import Check as Check
from autodata.jobs.doctor.probes import ask_all
from autodata.models.serving import weights
from autodata.report.display import Display
from autodata.store import space, tables


@dataclass(frozen=True, slots=True)
class Begun:
    """What beginning a project made, and what a first search would still fail for."""

    repository: bool
    files: tuple[Path, ...]
    committed: bool
    missing: tuple[Check, ...]


def init(project: Project, kind: str = "local") -> Begun:
    """Write autodata.yaml and a harness; make the git repository where there is none.

    Raises:
        ConfigurationError: there is an autodata.yaml already, or no such kind.
    """
    root = project.folder
    files = projects.plan_project(root, kind)
    with new_repository(root) as made, projects.written(files):
        committed = made and first_commit(root, files)
    return Begun(made, tuple(files), committed, tuple(wait(_missing(project), Display())))


def init_project(folder: str | Path = ".", kind: str = "local") -> Project:
    """Begin a project in a folder, which is made if it is not there; return it.

    `kind` is `local`, `openai`, `anthropic`, `vllm` or `simulated`.

    Raises:
        ConfigurationError: there is an autodata.yaml already, or no such kind.
    """
    place = Path(folder).resolve()
    place.mkdir(parents=True, exist_ok=True)
    project = project_around(place)
    init(project, kind)
    return project


async def _missing(project: Project) -> list[Check]:
    """Return what a first search would fail for; a name for commits can wait."""
    opened, reading = project.examined()
    made = await checks.check_all(project.folder, opened, reading)
    if opened is not None:
        made += checks.check_models(opened, checks.sound(opened, reading))[0]
    return [check for check in made if not check.good and "needed to promote" not in check.what]


def doctor(
    project: Project, show: Callable[[Check], None] = lambda check: None, call: bool = False
) -> list[Check]:
    """Check what a run would need, all faults at once; with `call`, make a paid call for each role.

    Each check is shown when it was made.
    """
    made: list[Check] = []

    def tell(batch: Iterable[Check]) -> None:
        for check in batch:
            made.append(check)
            show(check)

    async def look() -> None:
        opened, reading = project.examined()
        tell(await checks.check_all(project.folder, opened, reading))
        if opened is not None:
            sound = checks.sound(opened, reading)
            model_checks, ready = checks.check_models(opened, sound)
            tell([*model_checks, *await ask_all(sound)])
            if call:
                await trials.call_all(opened, ready, lambda check: tell([check]))

    wait(look(), Display())
    return made


def promote(
    run: str | Run, candidate: str | None = None, force: bool = False, project: Where = None
) -> tuple[Version, bool]:
    """Make a certified candidate the new version of its harness; say if that was news.

    With `force` it goes ahead against missing evidence, which is recorded.

    Raises:
        RepositoryError: not certified, simulated, a moved incumbent or a dirty tree.
        StoreError: the run has no such candidate, or another process writes it.
    """
    found = run_at(run, project)
    work = promoting.promote_run(found.project.in_force(), found.folder, candidate, force)
    return wait(work, Display())


def rollback(project: Project, version: str, harness: str | None = None) -> tuple[Version, bool]:
    """Return a harness to an earlier version, by a new commit; say if none is left of it.

    Raises:
        ConfigurationError: there is no such harness.
        RepositoryError: there is no such version, or the tree is dirty.
    """
    return promoting.roll_back(project.in_force(), harness, version)


def stop(run: Run) -> bool:
    """Stop a run that another process carries out; it can be resumed. False: nobody does.

    Raises:
        ConfigurationError: it is another user's, or does not stop.
    """
    pid = run.status.pid
    if not pid:
        return False
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        pass
    except PermissionError as error:
        raise ConfigurationError(
            f"{run.name} cannot be stopped: process {pid} is another user's",
            f"ask them, or: sudo kill {pid}",
        ) from error
    for _ in range(200):
        if run.status.pid != pid:
            return True
        time.sleep(0.1)
    raise ConfigurationError(
        f"process {pid} has not stopped within 20 s", f"look at it, or: kill -9 {pid}"
    )


def bundle(run: Run, out: Path) -> bundling.Bundle:
    """Put what helps about a run into one file for a bug report, without documents or keys.

    Raises:
        ConfigurationError: the file is there already.
    """
    opened, trouble = None, ""
    try:
        opened = run.project.in_force()
    except AutodataError as error:
        trouble = error.problem
    return bundling.make(run.folder, opened, trouble, out)


def foresee(project: Project, run: str) -> removing.Removal:
    """Return what removing a run would do; also of one that is half removed already."""
    return removing.foresee(project.runs_folder.parent, run)


def remove(project: Project, removal: removing.Removal) -> None:
    """Remove a run and its candidates in git; its looks at the test split stay counted."""
    removing.carry_out(project.folder, removal)


def leftovers(project: Project) -> list[space.Leftover]:
    """Return what is left over or is made again when asked for; `clear` removes it."""
    return space.leftovers(project.runs_folder, tables.VERSION, time.time())


def clear(items: Iterable[space.Leftover]) -> None:
    """Remove what is left over."""
    for item in items:
        space.remove(item.path)


def weights_known() -> dict[str, Path | None]:
    """Return the models that can be fetched, and where they lie if they were."""
    cache = weights.cache_folder(os.environ)
    return {name: weights.cached(name, cache) for name in weights.KNOWN}


def fetch_weights(name: str) -> Path:
    """Fetch a model's weights into the cache, if they are not there; return where they lie."""
    return weights.pull(name, weights.cache_folder(os.environ))
