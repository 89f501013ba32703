"""Projects whose models are served by a stand-in for vLLM in a Python of its own.

Knows nothing of commands; what a stand-in was started with, and whether it is gone, is read here.
"""

import asyncio
import json
import os
import time
import venv
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from tests.support.command_line import Place
from tests.support.killing import small_project

STAND_IN = Path(__file__).parent / "stand_in.py"


@dataclass(frozen=True)
class Start:
    """A start of a stand-in; `pids` are its own and those of its children."""

    argv: list[str]
    gpus: str
    pids: list[int]
    at: float
    environment: dict[str, str]


def fake_vllm(folder: Path) -> Path:
    """Make a virtual environment in which vLLM is the stand-in; return its Python."""
    venv.create(folder, symlinks=True, with_pip=False)
    package = next(folder.glob("lib/python*/site-packages")) / "vllm" / "entrypoints" / "openai"
    package.mkdir(parents=True)
    for path in (package, package.parent, package.parent.parent):
        (path / "__init__.py").touch()
    (package / "api_server.py").symlink_to(STAND_IN)
    return folder / "bin" / "python"


def vllm_project(folder: Path, python: Path) -> Place:
    """Make a project with two models on vLLM: `big` in two replicas, and `small`."""
    place = small_project(folder, "", iterations=1, episodes=130)
    config = json.loads((folder / "autodata.yaml").read_text())
    here = os.path.relpath(python, folder)
    both = {"provider": "vllm", "python": here, "api": "completions", "concurrency": 4}
    config["models"] = {
        "big": {**both, "model": "org/big", "gpus": [4, 5], "replicas": 2, "args": ["--seed=7"]},
        "small": {**both, "model": "org/small", "gpus": [6, 7], "tensor_parallel": 2},
    }
    config["roles"]["strong"]["model"] = "big"
    place.write("autodata.yaml", json.dumps(config))
    return place


def starts(folder: Path) -> list[Start]:
    """Return all starts of stand-ins that were given this folder, in order."""
    log = folder / "started"
    whole = log.read_text().splitlines() if log.exists() else []
    return [Start(**json.loads(line)) for line in whole]


def parent(pid: int) -> int:
    """The process that started this one."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def alive(pid: int) -> bool:
    """Whether a process runs."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def eventually(happened: Callable[[], Awaitable[bool]], within_s: float = 30.0) -> None:
    """Wait until something is so, looking again and again."""
    async with asyncio.timeout(within_s):
        while True:
            if await happened():
                return
            await asyncio.sleep(0.02)


def gone(pids: list[int], within_s: float = 30.0) -> bool:
    """Wait until none of these processes runs; False when some still do."""
    deadline = time.monotonic() + within_s
    while any(alive(pid) for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def children(pid: int) -> list[int]:
    """All living descendants of a process."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found += [child, *children(child)]
    return found
