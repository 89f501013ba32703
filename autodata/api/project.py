"""A project's folder as Python and the commands see it: its runs, harnesses, settings and tables.

Nothing is read before it is asked for: a project whose autodata.yaml is wrong can be looked at.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Union

from autodata import project as projects
from autodata.config.file import Reading
from autodata.config.schema import Config as Config
from autodata.errors import ConfigurationError
from autodata.store import runs as run_store
from autodata.store.runs import RunState as RunState
from autodata.types import Json

if TYPE_CHECKING:
    from autodata.api.relation import Relation, Tables
    from autodata.api.run import Run
    from autodata.harness.spec import Harness

Settings = Mapping[str, object] | Sequence[str]
"""Fields to change: `{"optimize.episodes": 400}`, or as typed: `["optimize.episodes=400"]`."""
Where = Union["Project", str, Path, None]
"""A project, its folder or one inside of it; None: the working directory."""
Kind = Literal["optimization", "evaluation"]
KINDS_OF_MODELS = projects.TEMPLATES
NEWEST = run_store.NEWEST


@dataclass(frozen=True, slots=True)
class Project:
    """A folder with harnesses and runs, and the settings chosen for what is done in it.

    `config` is a file in place of autodata.yaml; `models` (`local`, `simulated` or a file) stand in
    place of its models and roles; `settings` change single fields.
    """

    folder: Path
    config: Path | None = None
    settings: tuple[str, ...] = ()
    models: str | None = None

    @property
    def runs_folder(self) -> Path:
        """Where runs are kept.

        Raises:
            ConfigurationError: there is no project.
        """
        signs = (projects.CONFIG_FILE, ".git", "runs")
        if not any((self.folder / name).exists() for name in signs):
            raise ConfigurationError(
                f"there is no project in {self.folder} or above it: no {projects.CONFIG_FILE}, "
                "no git repository",
                "begin one: autodata init; or name its folder: autodata -C DIR ...",
            )
        return self.folder / "runs"

    def in_force(self) -> projects.Project:
        """Return the project with its configuration read, as everything below this module has it.

        Raises:
            ConfigurationError: names file, line, field and fix.
        """
        return projects.open_project(self.folder, self.config, list(self.settings), self.models)

    def run_names(self) -> list[str]:
        """Return the names of all runs in their order; nothing of them is read."""
        return [path.name for path in run_store.run_folders(self.runs_folder)]

    def states(self, kind: Kind | None = None) -> list[RunState]:
        """Return where all runs stand, or those of a kind, the oldest first."""
        states = run_store.list_runs(self.runs_folder)
        return [state for state in states if kind in (None, state.kind)]

    def runs(self, kind: Kind | None = None) -> list["Run"]:
        """Return all runs, or those of a kind, the oldest first."""
        from autodata.api.run import Run

        return [Run(state.id, self) for state in self.states(kind)]

    def run(self, name: str = run_store.NEWEST, kind: Kind | None = None) -> "Run":
        """Return a run by name, or the newest one for `last`, of that kind if one is given.

        Raises:
            ConfigurationError: there is no run yet.
            StoreError: there is none of that name.
        """
        from autodata.api.run import Run

        if name == run_store.NEWEST:
            states = self.states(kind)
            if not states:
                raise ConfigurationError(
                    f"there is no {kind or 'run'} yet", "begin one: autodata optimize"
                )
            return Run(states[-1].id, self)
        return Run(run_store.find_run(self.runs_folder, name).name, self)

    def tables(self) -> "Tables":
        """Open the tables of all runs, as they are now."""
        from autodata.api.relation import open_tables

        return open_tables(self.runs_folder, None)

    def sql(self, query: str) -> "Relation":
        """Answer one SELECT over the tables of all runs, as they are now; see `autodata sql`."""
        return self.tables().sql(query)

    def examined(self) -> tuple[projects.Project | None, Reading]:
        """Read the configuration as far as it goes, with all its faults."""
        return projects.examine_project(self.folder, self.config, list(self.settings), self.models)

    def harness_names(self) -> list[str]:
        """Return the names of all harnesses, the project's own and the shipped ones."""
        return projects.harness_names(self.folder)

    def harness(self, name: str | None = None) -> "Harness":
        """Return a harness by name, folder, version, RUN/CANDIDATE or git revision.

        Without a name it is the configured one.
        """
        from autodata.harness.spec import load_folder
        from autodata.jobs.find import harness_at

        project = self.in_force()
        return load_folder(project.harness_folder) if name is None else harness_at(project, name)

    def diff(self, a: str, b: str) -> str:
        """Return what differs between two harnesses, named as for `harness`; empty if nothing."""
        from autodata.harness.spec import diff

        return diff(self.harness(a), self.harness(b))

    def versions(self, harness: str | None = None) -> list[Json]:
        """Return a harness's promoted versions, oldest first; of the configured one by default."""
        from autodata.jobs.promote import list_versions

        project = self.in_force()
        return list_versions(project, harness or project.config.harness)

    def version(self, name: str) -> Json | None:
        """Return what a version, such as `v2`, says of itself; None: there is none."""
        from autodata.harness.versions import spelled
        from autodata.jobs.promote import version_report

        return version_report(self.in_force(), name) if spelled(name, "") else None


def open_project(
    folder: str | Path = ".",
    config: str | Path | None = None,
    settings: Settings = (),
    models: str | None = None,
) -> Project:
    """Open the project around a folder, and check its configuration.

    Raises:
        ConfigurationError: names file, line, field and fix.
    """
    project = project_around(folder, config, settings, models)
    project.in_force()
    return project


def project_around(
    folder: str | Path = ".",
    config: str | Path | None = None,
    settings: Settings = (),
    models: str | None = None,
) -> Project:
    """Return the project around a folder; nothing is read but names."""
    root = projects.find_root(Path(folder).resolve())
    return Project(root, Path(config) if config else None, typed(settings), models)


def project_at(where: Where, settings: Settings = ()) -> Project:
    """Return a project, with more settings; nothing is read but names."""
    project = where if isinstance(where, Project) else project_around(where or ".")
    return replace(project, settings=(*project.settings, *typed(settings)))


def typed(settings: Settings) -> tuple[str, ...]:
    """Return settings as they would be typed behind `--set`."""
    if isinstance(settings, Mapping):
        return tuple(f"{key}={json.dumps(value)}" for key, value in settings.items())
    return tuple(settings)
