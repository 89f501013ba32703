"""The checks of `autodata doctor`: each names what it found and, when bad, the fix.

Every check is made whatever the others found, so that all faults are told at once. Asks no server;
what it writes to see whether it can is gone at its end.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from autodata.config import plugins
from autodata.config.file import Reading
from autodata.config.providers.base import ModelConfig, RemoteConfig
from autodata.config.schema import Command
from autodata.documents.corpus import SHORT, read_corpus
from autodata.documents.splits import deal
from autodata.engine.engine import check_documents_fit, check_workflow, search_plan
from autodata.engine.outside import program_of
from autodata.episode.acceptance import faults
from autodata.errors import AutodataError, ConfigurationError
from autodata.harness.spec import Harness, load_folder
from autodata.jobs.doctor.probes import Check
from autodata.models.providers.registry import Surroundings, client_of
from autodata.models.serving.gpus import share_out
from autodata.models.serving.servers import to_fetch
from autodata.models.serving.supervisor import Workplace
from autodata.project import Project
from autodata.search.certify import check_room
from autodata.store import lock, looks
from autodata.store.scratch import scratch_folder
from autodata.types import SPLITS, Document, Split

LEAST_FREE_GB = 1.0
PROBE_BYTES = 1 << 20


async def check_all(root: Path, project: Project | None, reading: Reading) -> list[Check]:
    """Make all checks that make sense for this project, as far as it could be read."""
    checks = [_python(), *_git(root), _disk(root), _runs(root / "runs"), _scratch()]
    checks += _bad(reading.faults)
    if project is None:
        return checks
    if not reading.faults:
        checks.append(Check(True, f"configuration: {project.config_file}"))
    damaged, config = reading.damaged, project.config
    harness: Harness | None = None
    if "harness" not in damaged:
        try:
            harness = load_folder(project.harness_folder)
            await check_workflow(harness)
            place = f"harness {harness.name} in {project.harness_folder}"
            checks.append(Check(True, place))
        except AutodataError as error:
            checks += _bad([error])
    if "documents" not in damaged:
        checks += _documents(project, harness, "optimize" not in damaged)
    if "optimize" not in damaged and isinstance(config.optimize.proposer, Command):
        checks.append(_program(config.optimize.proposer, root))
    if "protocol" not in damaged:
        rules = config.protocol
        refused = plugins.refused_rules(rules.domain)
        wrong = _bad(faults(rules.acceptance, dict(rules.numbers), refused))
        checks += wrong or [Check(True, f"acceptance: {rules.acceptance}")]
    return checks


def check_models(
    project: Project, models: Mapping[str, ModelConfig]
) -> tuple[list[Check], dict[str, ModelConfig]]:
    """Check models that no other server answers for; return all that could be called now, too."""
    place = Workplace(project.runs, project.root, key_names=tuple(project.config.secrets))
    checks, ready = list[Check](), dict(models)
    for name, model in models.items():
        if model.served or not isinstance(model, RemoteConfig):
            check = _own(name, model, place)
            checks.append(check)
            if check.fix:  # bad, or its weights are not fetched yet
                del ready[name]
    try:
        share_out({name: model for name, model in models.items() if model.served}, os.environ)
    except ConfigurationError as error:
        checks.append(Check(False, error.problem, error.fix))
        ready = {name: model for name, model in ready.items() if not model.served}
    return checks, ready


def sound(project: Project, reading: Reading) -> dict[str, ModelConfig]:
    """Return the models that play a role and whose own settings are faultless."""
    problems = [fault.problem for fault in reading.faults]
    return {
        name: model
        for name, model in project.config.used.items()
        if not any(f"models.{name}." in problem for problem in problems)
    }


def _bad(errors: Iterable[AutodataError]) -> list[Check]:
    """Return a check for each error; what is said twice is told once."""
    return [*dict.fromkeys(Check(False, error.problem, error.fix) for error in errors)]


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    good = sys.version_info >= (3, 11)
    return Check(good, f"Python {version}", "" if good else "use Python 3.11 or later")


def _git(root: Path) -> list[Check]:
    if shutil.which("git") is None:
        return [Check(False, "git is not installed", "install git 2.30 or later")]
    if not any((folder / ".git").exists() for folder in (root, *root.parents)):
        return [Check(False, f"no git repository in {root}", "autodata init, or git init")]
    from autodata.harness.repository import NEEDED

    checks = [Check(True, f"git repository in {root}")]
    environment = {name: value for name, value in os.environ.items() if NEEDED.fullmatch(name)}
    for field in ("user.name", "user.email"):
        version = subprocess.run(
            ["git", "-C", str(root), "config", field],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        ).stdout.strip()
        checks.append(
            Check(
                bool(version),
                f"git {field}: {version or 'not set (needed to promote)'}",
                "" if version else f'git config --global {field} "..."',
            )
        )
    from autodata.harness.new_repository import check_writable

    try:
        check_writable(root)
    except AutodataError as error:
        checks += _bad([error])
    return checks


def _disk(root: Path) -> Check:
    free = shutil.disk_usage(root).free / 1e9
    fix = "" if free >= LEAST_FREE_GB else "make room: runs keep every call"
    return Check(free >= LEAST_FREE_GB, f"{free:.1f} GB free in {root}", fix)


def _runs(runs: Path) -> Check:
    """Lock and write as a run does, in a folder that is gone afterwards."""
    absent = not runs.exists()
    try:
        runs.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix="doctor-", dir=runs) as name:
            held = lock.acquire(Path(name))
            try:
                with (Path(name) / "probe").open("wb") as file:
                    file.write(bytes(PROBE_BYTES))
                    file.flush()
                    os.fsync(file.fileno())
            finally:
                lock.release(held)
    except OSError as error:
        fix = "make room, or choose a folder you may write to"
        return Check(False, f"{runs} cannot be written: {error.strerror or error}", fix)
    except AutodataError as error:
        return Check(False, error.problem, error.fix)
    finally:
        if absent and runs.is_dir():
            runs.rmdir()
    return Check(True, f"runs are kept in {runs}, which can be written")


def _scratch() -> Check:
    try:
        with scratch_folder() as folder:
            (folder / "probe").write_bytes(bytes(PROBE_BYTES))
            return Check(True, f"temporary files in {folder.parent}")
    except AutodataError as error:
        return Check(False, error.problem, error.fix)


def _program(settings: Command, root: Path) -> Check:
    """Look whether the program that proposes is there, without running it."""
    try:
        program = program_of(settings, root, os.environ)
    except ConfigurationError as error:
        return Check(False, error.problem, error.fix)
    return Check(True, f"program that proposes: {program.command[0]}")


def _documents(project: Project, harness: Harness | None, planned: bool) -> list[Check]:
    """Read the corpus, list what of it is not used, deal it, and see whether a search can begin."""
    config, checks = project.config, list[Check]()
    settings = config.documents
    sizes: dict[Split, int] = {split: getattr(settings.splits, split) for split in SPLITS}
    dealt: dict[Split, list[Document]] = {}
    try:
        corpus = read_corpus(settings, project.root)
        flaws = [flaw for flaw in (*corpus.left_out, *corpus.cut) if flaw.why != SHORT]
        summary = corpus.summary or f"{len(corpus.documents):,} documents"
        checks.append(Check(True, f"{settings.source}: {summary}", "", tuple(map(str, flaws))))
        corpus.check(settings.strict)
        dealt = deal(corpus.documents, sizes, settings.seed)
        shares = ", ".join(f"{split} {sizes[split]}" for split in SPLITS)
        checks.append(Check(True, f"documents dealt: {shares}"))
        if harness:
            check_documents_fit(dealt, harness)
    except AutodataError as error:
        checks += _bad([error])
    ids = {split: [document.id for document in documents] for split, documents in dealt.items()}
    numbers = {split: [f"{split} {number}" for number in range(sizes[split])] for split in SPLITS}
    if planned:
        plan = search_plan(config, 0)
        checks += _bad(plan.faults(ids or numbers))
        try:
            if ids:
                tests = looks.tested(project.runs, ids["test"], config.simulated)
                check_room(ids["test"], len(tests), plan.finalists)
        except AutodataError as error:
            checks += _bad([error])
    return checks


def _own(name: str, settings: ModelConfig, place: Workplace) -> Check:
    """Look whether a model that no other server answers for could be served."""
    label = f"model {name} ({settings.provider})"
    try:
        if not settings.served:
            client_of(settings, Surroundings(root=place.root))
        elif fix := to_fetch(name, settings, place):
            return Check(True, f"{label}: weights not fetched yet", fix)
    except ConfigurationError as error:
        return Check(False, f"{label}: {error.problem}", error.fix)
    return Check(True, label)
