"""The llama.cpp server: serves a GGUF file with xllamacpp as an OpenAI-compatible API, on the CPU.

Run as a process of its own: `python -m autodata.models.serving.llama`; knows nothing of who asks.
"""

import os
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from autodata.config.providers.local import LocalConfig
from autodata.errors import ConfigurationError
from autodata.models.serving import weights
from autodata.models.serving.supervisor import ServerSpec, Workplace

_READY_S = 120.0


def specs(name: str, config: LocalConfig, place: Workplace) -> list[ServerSpec]:
    """Return how to start the server of a model, whose weights are fetched if need be.

    Raises:
        ConfigurationError: llama.cpp or the weights are missing.
    """
    check_installed()
    cache = weights.cache_folder(place.environment)
    file = weights.in_place(name, config.model, place.root, cache)
    file = file or weights.pull(config.model, cache)
    return [
        ServerSpec(
            name,
            partial(command, config, file),
            place.logs / f"{name}.log",
            environment(place.clean()),
            ready_s=config.ready_s or _READY_S,
        )
    ]


def to_fetch(name: str, config: LocalConfig, place: Workplace) -> str:
    """Return the command that fetches the weights where they are not there yet.

    Raises:
        ConfigurationError: it cannot be started.
    """
    check_installed()
    cache = weights.cache_folder(place.environment)
    there = weights.in_place(name, config.model, place.root, cache)
    return "" if there else f"autodata models pull {config.model}"


def command(config: LocalConfig, file: Path, port: int) -> list[str]:
    """Return the command that serves `file` on `port`."""
    threads = config.threads or os.cpu_count() or 1
    numbers = [port, config.slots, config.context, threads]
    # -P: where the command is given may lie a random.py of somebody's own
    module = [sys.executable, "-P", "-m", "autodata.models.serving.llama"]
    return [*module, str(file), config.model, *map(str, numbers)]


def environment(base: Mapping[str, str]) -> dict[str, str]:
    """Add where the server finds this package, also when it is not installed."""
    paths = [base.get("PYTHONPATH", ""), str(Path(__file__).parents[3])]
    return {**base, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def check_installed() -> None:
    """Raise a ConfigurationError that names the extra when xllamacpp is missing."""
    if find_spec("xllamacpp") is None:
        raise ConfigurationError(
            "a local model needs the package xllamacpp", "pip install 'autodata[local]'"
        )


def main(arguments: Sequence[str]) -> int:
    """Serve until SIGTERM, or exit with a line on what could not be served."""
    file, name, port, slots, context, threads = arguments
    over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = file
    params.model_alias = {name} if isinstance(params.model_alias, set) else name
    params.hostnames = ["127.0.0.1"] if isinstance(params.hostnames, list) else "127.0.0.1"
    params.port = int(port)
    params.n_parallel = int(slots)
    params.n_ctx = int(slots) * int(context)
    params.cpuparams.n_threads = int(threads)
    params.cpuparams_batch.n_threads = int(threads)
    params.cache_ram_mib = 256  # of old prompts; the default grows to 8 GiB
    params.use_jinja = True
    params.endpoint_metrics = True
    params.warmup = True
    try:
        server = xllamacpp.Server(params)
    except RuntimeError:  # says no more than llama.cpp has said
        raise SystemExit(f"llama.cpp cannot serve {file}") from None
    over.wait()
    del server
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
