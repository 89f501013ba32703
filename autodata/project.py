"""A project on disk: finding its configuration, harnesses and runs, and beginning one."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path

import yaml

from autodata.config import plugins
from autodata.config.file import Reading, Source, check_config, load_config, read_config_file
from autodata.config.schema import Config
from autodata.errors import ConfigurationError
from autodata.harness.knobs import nearest
from autodata.models.calls import budget
from autodata.models.calls.budget import check_budget
from autodata.types import Asked

CONFIG_FILE = "autodata.yaml"
TEMPLATES = ("local", "simulated", "openai", "anthropic", "vllm")
PACKAGE = Path(__file__).parent
NOT_TYPED = Source("", None)


@dataclass(frozen=True, slots=True)
class Project:
    """A folder with harnesses and runs, and the configuration in force with its `source`.

    `asked` is what a session records of the files and settings that it was begun with.
    """

    root: Path
    config: Config
    config_file: str
    source: Source = NOT_TYPED
    asked: Asked = field(default_factory=Asked)

    @property
    def runs(self) -> Path:
        """Where runs are kept."""
        return self.root / "runs"

    @property
    def harness_folder(self) -> Path:
        """The folder of the configured harness: the project's own, else the shipped one."""
        return harness_folder(self.root, self.config.harness)


def find_root(start: Path) -> Path:
    """Return the nearest folder upwards with an autodata.yaml or a git repository, else `start`."""
    for folder in (start, *start.parents):
        if (folder / CONFIG_FILE).is_file() or (folder / ".git").exists():
            return folder
    return start


def open_project(
    start: Path, config_file: Path | None, settings: list[str], models: str | None
) -> Project:
    """Find the project around `start` and read its configuration.

    Without autodata.yaml the shipped project applies. `models` replaces models and roles: `local`,
    `simulated`, or a YAML file with these two sections.

    Raises:
        ConfigurationError: names file, line, field and fix.
    """
    root = find_root(start)
    text, name = _configuration(root, config_file, models)
    config = load_config(text, name, settings)
    check_budget(config)
    switches = [*Config.model_fields] if config_file else ["models", "roles"] if models else []
    return Project(root, config, name, Source.of(text, name, settings, switches))


def examine_project(
    start: Path, config_file: Path | None, settings: list[str], models: str | None
) -> tuple[Project | None, Reading]:
    """Read the configuration as `open_project` does, as far as it goes, with all its faults."""
    root = find_root(start)
    try:
        text, name = _configuration(root, config_file, models)
    except ConfigurationError as error:
        return None, Reading(None, [error])
    reading = check_config(text, name, settings)
    if reading.config is None:
        return None, reading
    faults = [*reading.faults, *budget.faults(reading.config)]
    project = Project(root, reading.config, name, Source.of(text, name, settings))
    return project, replace(reading, faults=faults)


def _configuration(root: Path, config_file: Path | None, models: str | None) -> tuple[str, str]:
    """Return the text of the configuration that applies, and what it is called."""
    plugins.look_in(root)
    path = config_file or root / CONFIG_FILE
    if config_file is not None or path.is_file():
        text, name = read_config_file(path), str(path.name)
    else:
        text, name = template("local"), "the shipped autodata.yaml"
    if models is not None:
        text = _with_models(text, models)
        name = f"{name} with --models {models}"
    return text, name


def template(name: str) -> str:
    """Return the text of a configuration template."""
    return resources.files("autodata").joinpath(f"config/templates/{name}.yaml").read_text("utf-8")


def harness_folder(root: Path, name: str) -> Path:
    """Return where a harness lies: in the project, else among the shipped ones.

    Raises:
        ConfigurationError: there is no such harness; lists those there are.
    """
    shelves = [root / "harnesses", *shipped_harnesses()]
    for shelf in shelves:
        if (shelf / name / "harness.yaml").is_file():
            return shelf / name
    raise ConfigurationError(
        f"there is no harness {name!r} under {root / 'harnesses'}",
        nearest(name, harness_names(root)),
    )


def shipped_folder(name: str) -> Path:
    """Return where a harness that comes with the package lies.

    Raises:
        ConfigurationError: none of that name is shipped.
    """
    folders = [shelf / name for shelf in shipped_harnesses() if (shelf / name).is_dir()]
    if not folders:
        raise ConfigurationError(
            f"the project had no harness {name} then, and none is shipped", "name another version"
        )
    return folders[0]


def harness_names(root: Path) -> list[str]:
    """Return the names of all harnesses, the project's own and the shipped ones."""
    shelves = [root / "harnesses", *shipped_harnesses()]
    return sorted({path.parent.name for shelf in shelves for path in shelf.glob("*/harness.yaml")})


def shipped_harnesses() -> list[Path]:
    """Return where the harnesses that come with the package lie: in a wheel, or in a checkout."""
    return [
        shelf
        for shelf in (PACKAGE / "shipped" / "harnesses", PACKAGE.parent / "harnesses")
        if shelf.is_dir()
    ]


def plan_project(root: Path, kind: str) -> dict[Path, str]:
    """Return the files that begin a project: autodata.yaml, its harness and .gitignore.

    What is there already is not among them. autodata.yaml comes last, and a harness.yaml behind the
    other files of its harness: where writing them was cut short, the next time completes it.

    Raises:
        ConfigurationError: an autodata.yaml is there already, or the template is unknown.
    """
    if kind not in TEMPLATES:
        raise ConfigurationError(f"unknown kind of project {kind!r}", nearest(kind, [*TEMPLATES]))
    if (root / CONFIG_FILE).exists():
        alone = "" if (root / ".git").exists() else "; to make it a git repository: git init"
        raise ConfigurationError(
            f"{root / CONFIG_FILE} is there already and is never overwritten",
            f"edit it, or move it away first{alone}",
        )
    text = template(kind)
    name = str(yaml.safe_load(text)["harness"])
    target, files = root / "harnesses" / name, dict[Path, str]()
    if not (target / "harness.yaml").exists():
        source = harness_folder(root, name)
        for file in sorted(source.rglob("*"), key=lambda file: file.name == "harness.yaml"):
            if file.is_file() and "__pycache__" not in file.parts:
                files[target / file.relative_to(source)] = file.read_text("utf-8")
    files |= {root / ".gitignore": "/runs/\n", root / CONFIG_FILE: text}
    return {path: text for path, text in files.items() if not path.exists()}


@contextmanager
def written(files: Mapping[Path, str]) -> Iterator[None]:
    """Write new files, with their folders; where that or the body fails, they are gone again.

    Raises:
        ConfigurationError: one cannot be written.
    """
    with ExitStack() as undo:
        try:
            for path, text in files.items():
                for folder in reversed([p for p in path.parents if not p.exists()]):
                    folder.mkdir()
                    undo.callback(folder.rmdir)
                part = path.with_name(f"{path.name}.new")
                undo.callback(part.unlink, missing_ok=True)
                part.write_text(text, "utf-8")
                undo.callback(path.unlink, missing_ok=True)
                part.replace(path)
        except OSError as error:
            raise ConfigurationError(
                f"{path} cannot be written: {error.strerror or error}",
                "make room, or choose a folder you may write to",
            ) from error
        yield
        undo.pop_all()


def _with_models(text: str, models: str) -> str:
    """Return a configuration with models and roles taken from a template or file."""
    if models not in TEMPLATES and not Path(models).is_file():
        raise ConfigurationError(
            f"--models {models}: there is neither such a kind nor such a file",
            f"{nearest(models, [*TEMPLATES])} or give a file with `models:` and `roles:`",
        )
    other_text = template(models) if models in TEMPLATES else read_config_file(Path(models))
    try:
        data, other = yaml.safe_load(text) or {}, yaml.safe_load(other_text) or {}
    except yaml.YAMLError as error:
        raise ConfigurationError(f"--models {models}: not YAML: {error}", "mend it") from error
    if not isinstance(data, dict) or not isinstance(other, dict):
        raise ConfigurationError(
            f"--models {models}: holds no settings", "give it `models:` and `roles:`"
        )
    missing = [part for part in ("models", "roles") if part not in other]
    if missing:
        raise ConfigurationError(
            f"--models {models}: no section {missing[0]}", "give it `models:` and `roles:`"
        )
    data["models"], data["roles"] = other["models"], other["roles"]
    return yaml.safe_dump(data, sort_keys=False)
