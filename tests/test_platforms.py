"""What is done elsewhere than on Linux, as far as it can be told on Linux.

A program that is told that it runs on another platform takes that platform's way; what the platform
itself would do otherwise is not seen here.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from autodata.models.serving import guard
from tests.support.command_line import ROOT

AS = "import sys; sys.platform = {platform!r}\n"


def test_windows_is_refused_with_a_sentence_and_before_anything_is_loaded(tmp_path: Path) -> None:
    program = (
        AS.format(platform="win32")
        + "sys.modules['fcntl'] = None\n"  # which Windows does not have
        + "from autodata.cli import main\n"
        + "main(['init'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    problem, fix = done.stderr.splitlines()
    assert problem.startswith("error: autodata does not run on Windows itself")
    assert "WSL 2" in fix
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_a_server_and_what_it_started_end_with_their_command(tmp_path: Path, platform: str) -> None:
    """On macOS what left the server's process group would stay; what is in it ends."""
    noted = tmp_path / "pids"
    server = f"echo $$ >{noted}; sleep 600 & echo $! >>{noted}; wait"
    program = (
        AS.format(platform=platform)
        + "import runpy\n"
        + f"sys.argv = ['guard', 'sh', '-c', {server!r}]\n"
        + f"runpy.run_path({guard.__file__!r}, run_name='__main__')\n"
    )
    guarded = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    while not (noted.exists() and len(noted.read_text().split()) == 2):
        assert guarded.poll() is None
        time.sleep(0.05)
    assert guarded.stdin is not None
    assert guarded.stdout is not None
    guarded.stdin.close()
    guarded.wait()
    guarded.stdout.close()
    while any(map(is_alive, map(int, noted.read_text().split()))):
        time.sleep(0.05)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
