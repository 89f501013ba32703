"""Whether a Python has vLLM."""

import os
import sys
from pathlib import Path

import pytest

from autodata.config.providers.vllm import VllmConfig
from autodata.errors import ConfigurationError
from autodata.models.serving.supervisor import Workplace
from autodata.models.serving.vllm import check_installed
from tests.support.serving import fake_vllm

CONFIG = VllmConfig(provider="vllm", model="m", python=sys.executable)


def test_a_projects_own_module_named_vllm_is_not_vllm(tmp_path: Path) -> None:
    (tmp_path / "vllm").mkdir()
    (tmp_path / "vllm" / "__init__.py").touch()
    with pytest.raises(ConfigurationError, match="vllm is not installed"):
        check_installed("big", CONFIG, Workplace(tmp_path, tmp_path))


def test_a_folder_named_vllm_on_the_path_is_not_vllm(tmp_path: Path) -> None:
    (tmp_path / "vllm").mkdir()
    place = Workplace(tmp_path, tmp_path, {**os.environ, "PYTHONPATH": str(tmp_path)})
    with pytest.raises(ConfigurationError, match="vllm is not installed"):
        check_installed("big", CONFIG, place)


@pytest.mark.parametrize("python", ["v/bin/python", "~/v/bin/python"])
def test_its_python_may_lie_in_the_project_or_at_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, python: str
) -> None:
    project, home = tmp_path / "project", tmp_path / "home"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir("/")
    fake_vllm((home if "~" in python else project) / "v")
    project.mkdir(exist_ok=True)
    config = CONFIG.model_copy(update={"python": python})
    check_installed("big", config, Workplace(project, project))
