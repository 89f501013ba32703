"""Throw-away git repositories for tests, with an identity of their own."""

import os
import subprocess
from pathlib import Path

from tests.support.harnesses import FILES

CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}


def git(folder: Path, *words: str) -> str:
    """Run git in a folder as a user would."""
    done = subprocess.run(
        ["git", *words], cwd=folder, env=CLEAN, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def make_repository(folder: Path, *options: str) -> Path:
    """Make a repository with the harness `tiny` and another file in its first commit."""
    folder.mkdir(exist_ok=True)
    git(folder, "init", "-q", "-b", "main", *options)
    git(folder, "config", "user.name", "Test")
    git(folder, "config", "user.email", "test@localhost")
    git(folder, "config", "core.hooksPath", str(folder / ".git/hooks"))
    for path, text in FILES.items():
        place = folder / "harnesses/tiny" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    (folder / "harnesses/tiny/README.md").write_text("about tiny\n")
    (folder / "notes.txt").write_text("notes\n")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "Begin")
    return folder
