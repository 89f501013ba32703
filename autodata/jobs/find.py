"""Finding a harness by what a user calls it: folder, name, version, candidate or git revision."""

from pathlib import Path

from autodata.errors import RepositoryError
from autodata.harness.knobs import nearest
from autodata.harness.repository import Repository
from autodata.harness.spec import Harness, load_files, load_folder
from autodata.harness.versions import files_of, find_version, spelled, states
from autodata.project import Project, harness_folder, harness_names, shipped_folder


def harness_at(project: Project, name: str) -> Harness:
    """Return a harness by folder, version, `RUN/CANDIDATE` or git revision of the configured one.

    A version that is older than the project's own copy of a shipped harness is the shipped one.

    Raises:
        ConfigurationError, HarnessError, RepositoryError: nothing of that name, or not valid.
    """
    if (Path(name) / "harness.yaml").is_file():
        return load_folder(Path(name))
    if (project.root / "harnesses" / name).is_dir():
        return load_folder(project.root / "harnesses" / name)
    if name in harness_names(project.root):  # a shipped one
        return load_folder(harness_folder(project.root, name))
    with Repository(project.root) as repository:
        version = spelled(name, project.config.harness)
        if version and version[1] in {state.number for state in states(repository, version[0])}:
            files = files_of(repository, find_version(repository, *version))
            return load_files(files) if files else load_folder(shipped_folder(version[0]))
        run, _, candidate = name.partition("/")
        if candidate and not name.startswith("harness/"):
            return load_files(repository.read_files(repository.resolve(run, candidate)))
        try:
            return load_files(repository.read_files(name, project.config.harness))
        except RepositoryError as error:
            if version:
                find_version(repository, *version)
            near = nearest(name, harness_names(project.root))
            raise RepositoryError(error.problem, f"{near}; or {error.fix}") from None
