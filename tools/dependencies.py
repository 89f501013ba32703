"""What CI says of dependencies: `python tools/dependencies.py changed|blame CONSTRAINTS`.

`changed` lists the installed packages that are not of the version in CONSTRAINTS. `blame` is for
after a failed `pytest`: it puts one such package after the other back, and names those with which
the failed tests pass again.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path

FAILED = Path(".pytest_cache/v/cache/lastfailed")


def pinned(constraints: Path) -> dict[str, set[str]]:
    """Return each package's versions in the file; several where they depend on the platform."""
    found: dict[str, set[str]] = {}
    for line in constraints.read_text("utf-8").splitlines():
        name, _, version = line.partition(";")[0].strip().partition("==")
        if version:
            found.setdefault(normal(name), set()).add(version)
    return found


def normal(name: str) -> str:
    """Return a package's name as PyPI compares it."""
    return name.lower().replace("_", "-").replace(".", "-")


def changed(constraints: Path) -> dict[str, tuple[str, str]]:
    """Return the installed packages of another version, each with the pinned and its own."""
    pins = pinned(constraints)
    installed = {normal(d.metadata["Name"]): d.version for d in metadata.distributions()}
    return {
        name: (" or ".join(sorted(pins[name])), version)
        for name, version in sorted(installed.items())
        if name in pins and version not in pins[name]
    }


def blame(
    found: Mapping[str, tuple[str, str]],
    install: Callable[[str], bool],
    passes: Callable[[], bool],
) -> list[str]:
    """Return those of the `changed` packages whose pinned version alone makes the tests pass."""
    guilty = []
    for name, (before, now) in found.items():
        if install(f"{name}=={before.split(' or ')[0]}") and passes():
            guilty.append(f"{name} {before} -> {now}")
        install(f"{name}=={now}")
    return guilty


def _install(requirement: str) -> bool:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", requirement]
    return subprocess.run(command, check=False).returncode == 0


def _passes(tests: list[str]) -> bool:
    command = [sys.executable, "-m", "pytest", "--quiet", "-n", "0", "-p", "no:cacheprovider"]
    return (
        subprocess.run([*command, *tests], check=False, stdout=subprocess.DEVNULL).returncode == 0
    )


def main(what: str, constraints: Path) -> None:
    """Print the answer."""
    if what == "changed":
        for name, (before, now) in changed(constraints).items():
            print(f"{name} {before} -> {now}")
    elif what == "blame":
        failed = list(json.loads(FAILED.read_text("utf-8")))
        guilty = blame(changed(constraints), _install, lambda: _passes(failed))
        print("broken by: " + (", ".join(guilty) or "no single package"))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
