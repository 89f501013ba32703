"""What `autodata doctor` looks at: each check names what it found and, when bad, the fix.

Starts nothing, asks no server, imports no SDK.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from autodata.config import ModelConfig
from autodata.errors import AutodataError, ConfigurationError
from autodata.harness.spec import load_folder
from autodata.models import local_server, vllm_server
from autodata.models.gpus import share_out
from autodata.models.supervisor import without_keys
from autodata.models.weights import cache_folder, in_place
from autodata.project import Project

LEAST_FREE_GB = 1.0


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    good: bool
    what: str
    fix: str = ""


def check_all(root: Path, project: Project | None, error: AutodataError | None) -> list[Check]:
    """Run all checks that make sense for this project."""
    checks = [_python(), *_git(root), _disk(root)]
    if error is not None:
        checks.append(Check(False, error.problem, error.fix))
    if project is not None:
        checks.append(Check(True, f"configuration: {project.config_file}"))
        checks.append(_harness(project))
        clean = without_keys(os.environ, project.config.secrets)
        checks += [_model(name, model, clean, root) for name, model in project.config.used.items()]
        checks += _gpus(project)
    return checks


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    good = sys.version_info >= (3, 11)
    return Check(good, f"Python {version}", "" if good else "use Python 3.11 or later")


def _git(root: Path) -> list[Check]:
    if shutil.which("git") is None:
        return [Check(False, "git is not installed", "install git 2.30 or later")]
    if not (root / ".git").exists():
        return [Check(False, f"no git repository in {root}", "autodata init, or git init")]
    from autodata.harness.repository import NEEDED

    checks = [Check(True, f"git repository in {root}")]
    environment = {name: value for name, value in os.environ.items() if NEEDED.fullmatch(name)}
    for field in ("user.name", "user.email"):
        found = subprocess.run(
            ["git", "-C", str(root), "config", field],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        ).stdout.strip()
        checks.append(
            Check(
                bool(found),
                f"git {field}: {found or 'not set (needed to promote)'}",
                "" if found else f'git config --global {field} "..."',
            )
        )
    return checks


def _disk(root: Path) -> Check:
    free = shutil.disk_usage(root).free / 1e9
    fix = "" if free >= LEAST_FREE_GB else "make room: runs keep every call"
    return Check(free >= LEAST_FREE_GB, f"{free:.1f} GB free in {root}", fix)


def _harness(project: Project) -> Check:
    try:
        harness = load_folder(project.harness_folder)
    except AutodataError as error:
        return Check(False, error.problem, error.fix)
    return Check(True, f"harness {harness.name} in {project.harness_folder}")


def _model(name: str, settings: ModelConfig, clean: Mapping[str, str], root: Path) -> Check:
    label = f"model {name} ({settings.provider})"
    if settings.base_url:
        return Check(True, f"{label}: served at {settings.base_url}")
    try:
        if settings.provider == "vllm":
            vllm_server.check_installed(name, settings, clean, root)
        if settings.provider == "local":
            local_server.check_installed()
            if in_place(name, settings.model, root, cache_folder(os.environ)) is None:
                fix = f"autodata models pull {settings.model}"
                return Check(True, f"{label}: weights not fetched yet", fix)
    except ConfigurationError as error:
        return Check(False, f"{label}: {error.problem}", error.fix)
    return Check(True, label)


def _gpus(project: Project) -> list[Check]:
    served = {name: model for name, model in project.config.used.items() if model.served}
    try:
        share_out(served, os.environ)
    except ConfigurationError as error:
        return [Check(False, error.problem, error.fix)]
    return []
