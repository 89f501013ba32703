"""Commands that are interrupted or cannot print say so, without a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command_line import ROOT, Place

INTERRUPTED = "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(9)\n"


@pytest.mark.parametrize("module", ["typer", "duckdb"])  # loaded by all commands; by sql
def test_ctrl_c_while_a_command_is_loading_ends_it_with_a_word(
    fresh: Place, tmp_path: Path, module: str
) -> None:
    (tmp_path / f"{module}.py").write_text(INTERRUPTED)
    done = subprocess.run(
        [sys.executable, "-m", "autodata.cli", "sql", "from runs"],
        cwd=fresh.folder,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == "error: stopped by SIGINT\nfix: give the same command again\n"
