"""Assignment of GPUs to vLLM servers: those that a model lists, else its share of the visible ones.

A model's GPUs go to its replicas in order, `tensor_parallel` to each.
"""

import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice, takewhile

from autodata.config.providers.base import ModelConfig
from autodata.config.providers.vllm import VllmConfig
from autodata.errors import ConfigurationError

_MEMORY = "--gpu-memory-utilization"


def share_out(
    models: Mapping[str, ModelConfig], environment: Mapping[str, str]
) -> dict[str, ModelConfig]:
    """Return models that are served together, in their order, each vLLM one with its `gpus`.

    Raises:
        ConfigurationError: they need more than there are, or two models want the same one.
    """
    vllm = {name: model for name, model in models.items() if isinstance(model, VllmConfig)}
    unlisted = any(not model.gpus for model in vllm.values())
    dealt = deal(vllm, _visible(environment) if unlisted else [])
    return {
        name: model.model_copy(update={"gpus": dealt[name]}) if name in dealt else model
        for name, model in models.items()
    }


def deal(models: Mapping[str, VllmConfig], visible: Sequence[str]) -> dict[str, list[str]]:
    """Give every model of vLLM its GPUs, those of one replica after those of another.

    What models list is theirs as it is. Where none lists any, `visible` ones are dealt in order;
    a server that is alone sees them all, as does everyone where none are known (no GPU, or none of
    NVIDIA's): then nothing is given.
    """
    unlisted = [name for name, model in models.items() if not model.gpus]
    if len(unlisted) < len(models):
        if unlisted:
            raise ConfigurationError(
                f"models.{unlisted[0]}.gpus is empty, and another vLLM model lists its own",
                "list them for all vLLM models that are served together, or for none",
            )
        _refuse_sharing(models)
        return {name: model.gpus for name, model in models.items()}
    needs = {name: model.replicas * model.tensor_parallel for name, model in models.items()}
    needed = sum(needs.values())
    if visible and needed > len(visible):
        each = ", ".join(f"{name} {need}" for name, need in needs.items())
        raise ConfigurationError(
            f"vLLM needs {needed} GPUs ({each}), and {len(visible)} can be seen",
            f"lower replicas or tensor_parallel, or share: list `gpus`, with {_MEMORY} in args",
        )
    alone = sum(model.replicas for model in models.values()) == 1
    deck = iter([] if alone else visible)
    return {name: list(islice(deck, need)) for name, need in needs.items()}


def share_a_gpu(models: Iterable[ModelConfig]) -> bool:
    """Whether two of these models list the same GPU."""
    gpus = [gpu for model in models if isinstance(model, VllmConfig) for gpu in model.gpus]
    return len(set(gpus)) < len(gpus)


def busy(models: Mapping[str, ModelConfig]) -> int:
    """Return how many GPUs these models keep busy.

    Of servers that run elsewhere only those count that are listed.
    """
    vllm = [model for model in models.values() if isinstance(model, VllmConfig)]
    ours = {gpu for model in vllm if model.served for gpu in model.gpus}
    dealt = sum(m.replicas * m.tensor_parallel for m in vllm if m.served and not m.gpus)
    return len(ours) + dealt + sum(len(model.gpus) for model in vllm if not model.served)


def _refuse_sharing(models: Mapping[str, VllmConfig]) -> None:
    """vLLM takes nearly all of a GPU's memory unless it is told how much."""
    owners: dict[str, str] = {}
    for name, model in models.items():
        for gpu in model.gpus:
            owner = owners.setdefault(gpu, name)
            if owner != name and _MEMORY not in model.flags & models[owner].flags:
                raise ConfigurationError(
                    f"models.{owner}.gpus and models.{name}.gpus both list {gpu}",
                    f"list others, or say each one's share in the args of both: {_MEMORY}, '0.45'",
                )


def _visible(environment: Mapping[str, str]) -> list[str]:
    """Return the GPUs that this process may use, as far as is known."""
    inherited = environment.get("CUDA_VISIBLE_DEVICES")
    if inherited is not None:
        # as CUDA has it: what comes after an id that is none does not count
        ids = (part.strip() for part in inherited.split(","))
        return list(takewhile(lambda gpu: gpu not in ("", "-1"), ids))
    try:
        listing = subprocess.run(
            ["nvidia-smi", "-L"],
            env={"PATH": environment.get("PATH", "")},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    return re.findall(r"^GPU (\d+):", listing, re.MULTILINE)
