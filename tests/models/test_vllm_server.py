"""Whether a Python has vLLM."""

import os
import sys
from pathlib import Path

import pytest

from autodata.config import ModelConfig
from autodata.errors import ConfigurationError
from autodata.models.vllm_server import check_installed

CONFIG = ModelConfig(provider="vllm", model="m", python=sys.executable)


def test_a_folder_that_is_named_vllm_is_not_vllm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "vllm").mkdir()
    with pytest.raises(ConfigurationError, match="vllm is not installed"):
        check_installed("big", CONFIG, os.environ)
    (tmp_path / "vllm" / "__init__.py").touch()
    check_installed("big", CONFIG, os.environ)
