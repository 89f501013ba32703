"""The vLLM server: its command, environment and GPUs, and the error when it is not installed.

vLLM is never imported; it may live in a Python of its own.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from functools import partial

from autodata.config.providers.vllm import VllmConfig
from autodata.errors import ConfigurationError
from autodata.models.serving.supervisor import ServerSpec, Workplace

_READY_S = 1800.0  # weights may have to be fetched and loaded, graphs compiled
HUB_KEYS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
S3_KEYS = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
# a folder that happens to be named vllm is found too, but comes from no file
_FIND = "import importlib.util as u, sys; sys.exit(not getattr(u.find_spec('vllm'), 'origin', 0))"
# the project's folder, which it runs in, may have a vllm.py or datasets.py of its own
_APART = {"PYTHONSAFEPATH": "1"}


def specs(name: str, config: VllmConfig, place: Workplace) -> list[ServerSpec]:
    """Return how to start the servers of a model, one a replica.

    Raises:
        ConfigurationError: there is no vLLM.
    """
    check_installed(name, config, place)
    keep = S3_KEYS if config.model.startswith("s3://") else HUB_KEYS  # it fetches the weights
    labels = [name]
    if config.replicas > 1:
        labels = [f"{name}-{replica}" for replica in range(config.replicas)]
    return [
        ServerSpec(
            label,
            partial(command, config),
            place.logs / f"{label}.log",
            environment(config, replica, place.clean(keep)),
            ready_s=config.ready_s or _READY_S,
            folder=place.root,
        )
        for replica, label in enumerate(labels)
    ]


def to_fetch(name: str, config: VllmConfig, place: Workplace) -> str:
    """Return the command that fetches what a start would have to: none, vLLM does that itself.

    Raises:
        ConfigurationError: it cannot be started.
    """
    check_installed(name, config, place)
    return ""


def command(config: VllmConfig, port: int) -> list[str]:
    """Return the command that serves `config.model` on `port`.

    The module is started rather than the `vllm` command, which some builds do not have.
    """
    served = ["--model", config.model, "--served-model-name", config.model]
    place = ["--host", "127.0.0.1", "--port", str(port)]
    parallel = ["--tensor-parallel-size", str(config.tensor_parallel)]
    module = [_python(config), "-m", "vllm.entrypoints.openai.api_server"]
    return [
        *module,
        *served,
        "--disable-uvicorn-access-log",  # a line a call; --no-disable-... in args has it back
        *place,
        *(parallel if config.tensor_parallel > 1 else []),
        *config.args,
    ]


def environment(config: VllmConfig, replica: int, base: Mapping[str, str]) -> dict[str, str]:
    """Add what this replica needs: its part of `gpus`, and no usage reports."""
    variables = {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", **base, **_APART}
    if config.gpus:
        first = replica * config.tensor_parallel
        mine = config.gpus[first : first + config.tensor_parallel]
        variables["CUDA_VISIBLE_DEVICES"] = ",".join(mine)
    return variables


def check_installed(name: str, config: VllmConfig, place: Workplace) -> None:
    """Raise a ConfigurationError that names the extra when that Python has no vLLM.

    Its path may be relative to the root.
    """
    python = _python(config)
    try:
        probe = subprocess.run(
            [python, "-c", _FIND],
            env={**place.clean(), **_APART},
            cwd=place.root,
            check=False,
            capture_output=True,
        )
    except OSError as error:
        raise ConfigurationError(
            f"models.{name}.python cannot be run: {python}: {error.strerror}", "correct the path"
        ) from error
    if probe.returncode:
        raise ConfigurationError(
            f"vllm is not installed for {python}",
            f"pip install 'autodata[vllm]', or set models.{name}.python to a Python that has it",
        )


def _python(config: VllmConfig) -> str:
    return os.path.expanduser(config.python) or sys.executable  # noqa: PTH111 (./python stays so)
