"""The wheel holds all that a user needs: installed, it works in an empty directory."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

from tests.support.command_line import TINY

ROOT = Path(__file__).parents[1]
FILES = ("autodata", "harnesses", "pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md")


def run(*words: str | Path, folder: Path) -> str:
    """Return what a program prints in a folder, without a way to this checkout."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    sandbox = shutil.which("monty", path=sysconfig.get_path("scripts"))
    if sandbox is not None:  # it lies beside the interpreter, and this is another one's
        environment["MONTY_BIN"] = sandbox
    done = subprocess.run(
        words, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def installed(folder: Path) -> Path:
    """Build the wheel, install it into an environment of its own, and return its programs."""
    source = folder / "source"
    source.mkdir()
    for name in FILES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, source / name)
    run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", folder=source)
    (wheel,) = (source / "dist").glob("*.whl")
    venv.create(folder / "env", with_pip=True)
    (packages,) = (folder / "env" / "lib").glob("python*/site-packages")
    # what it needs it takes from this environment, after its own packages
    ours = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "ours.pth").write_text("\n".join(ours))
    programs = folder / "env" / "bin"
    install = ("-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--ignore-installed")
    run(programs / "python", *install, wheel, folder=folder)
    return programs


def test_an_installed_wheel_works_in_an_empty_directory(tmp_path: Path) -> None:
    programs = installed(tmp_path)
    empty = tmp_path / "empty"
    empty.mkdir()
    where = run(
        programs / "python", "-c", "import autodata; print(autodata.__file__)", folder=empty
    )
    assert Path(where.strip()).is_relative_to(tmp_path / "env")
    run(programs / "autodata", "init", "simulated", folder=empty)
    done = run(programs / "autodata", "optimize", "--run", "first", *TINY, folder=empty)
    assert "test documents" in done
    assert "first" in run(programs / "autodata", "runs", folder=empty)
