"""The main job on a real vLLM: served by `autodata serve`, killed in the middle, survived.

`tools/vllm_cpu.py` prepares vLLM for the CPU; `.ci/run` sets AUTODATA_VLLM and runs this.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from autodata.project import template
from tests.models.serving.test_vllm import ARGS, PREPARED, pytestmark, vllm_pid

__all__ = ["pytestmark"]
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": str(Path(__file__).parents[2]),
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "HF_HUB_OFFLINE": "1",
}
READY_S = 300.0
RUN_S = 900.0


def command(*words: str) -> list[str]:
    """Return an autodata command."""
    return [sys.executable, "-m", "autodata", *words]


def write_project(folder: Path) -> None:
    """Write a small lambada project whose model is vLLM on the CPU."""
    subprocess.run(command("init", "local"), cwd=folder, env=ENVIRONMENT, check=True)
    config = yaml.safe_load(template("local"))
    config["models"]["small"] = {
        "provider": "vllm",
        "model": str(PREPARED / "model"),
        "python": str(PREPARED / "venv" / "bin" / "python"),
        "api": "completions",
        "concurrency": 16,
        "args": ARGS,
    }
    config["documents"]["splits"] = {"train": 1, "validation": 12, "test": 12}
    config["optimize"].update(iterations=4, parallel=2, episodes=240)
    (folder / "autodata.yaml").write_text(yaml.safe_dump(config))


def wait_for(log: Path, pattern: str, seconds: float) -> str:
    """Return the first match in a growing file."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := re.search(pattern, log.read_text()):
            return found.group(1)
        time.sleep(1)
    pytest.fail(f"no {pattern!r} within {seconds:g} s:\n{log.read_text()[-2000:]}")


def test_a_run_on_real_vllm_survives_a_kill_9_of_the_server(tmp_path: Path) -> None:
    write_project(tmp_path)
    served, ran = tmp_path / "serve.log", tmp_path / "run.log"
    with served.open("w") as log:
        server = subprocess.Popen(
            command("serve"), cwd=tmp_path, env=ENVIRONMENT, stdout=log, stderr=log
        )
    try:
        url = wait_for(served, r"base_url: (\S+)", READY_S)
        optimize = command("optimize", "--run", "real", "--set", f"models.small.base_url={url}")
        with ran.open("w") as log:
            run = subprocess.Popen(optimize, cwd=tmp_path, env=ENVIRONMENT, stdout=log, stderr=log)
        wait_for(ran, r"(baseline c0: first look)", RUN_S)
        os.kill(vllm_pid(url.rpartition(":")[2].split("/")[0]), signal.SIGKILL)
        assert run.wait(RUN_S) == 0, ran.read_text()[-2000:]
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(60)
    shown = subprocess.run(
        command("show", "real", "--json"),
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
    )
    report = json.loads(shown.stdout)
    assert len(report["candidates"]) >= 3 + 1
    assert report["certificates"] or len(report["iterations"]) == 4
    assert sum(line["void"] for line in report["episodes"]) == 0
    assert report["run"]["simulated"] is False
