"""Every vLLM server gets GPUs of its own, inside of what this process may use."""

import sys
from pathlib import Path
from typing import Any

import pytest

from autodata.config.providers.base import ModelConfig
from autodata.config.providers.local import LocalConfig
from autodata.config.providers.vllm import VllmConfig
from autodata.errors import ConfigurationError
from autodata.models.serving import vllm
from autodata.models.serving.gpus import busy, deal, share_out


def model(**settings: Any) -> VllmConfig:
    return VllmConfig(provider="vllm", model="org/m", **settings)


def machine(folder: Path, listing: str, code: int = 0) -> dict[str, str]:
    """An environment with an nvidia-smi that says this."""
    program = folder / "nvidia-smi"
    program.write_text(f"#!{sys.executable}\nprint({listing!r})\nraise SystemExit({code})\n")
    program.chmod(0o755)
    return {"PATH": str(folder)}


def refusal(models: dict[str, VllmConfig], visible: list[str]) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        deal(models, visible)
    return caught.value


def seen_by(model: ModelConfig) -> list[str | None]:
    """What CUDA_VISIBLE_DEVICES is for each replica."""
    assert isinstance(model, VllmConfig)
    environments = (vllm.environment(model, i, {}) for i in range(model.replicas))
    return [environment.get("CUDA_VISIBLE_DEVICES") for environment in environments]


def test_unlisted_gpus_are_dealt_in_the_order_of_the_models() -> None:
    models = {"big": model(replicas=2, tensor_parallel=2), "small": model()}
    assert deal(models, ["4", "5", "6", "7", "GPU-a"]) == {
        "big": ["4", "5", "6", "7"],
        "small": ["GPU-a"],
    }


def test_listed_gpus_are_taken_as_they_are() -> None:
    models = {"big": model(gpus=[9, "GPU-a"], tensor_parallel=2), "small": model(gpus=["MIG-b"])}
    assert deal(models, []) == {"big": ["9", "GPU-a"], "small": ["MIG-b"]}


def test_each_replica_sees_its_own_part() -> None:
    assert seen_by(model(gpus=[4, 5, 6, 7], replicas=2, tensor_parallel=2)) == ["4,5", "6,7"]
    assert seen_by(model(gpus=["MIG-a", "MIG-b"], replicas=2)) == ["MIG-a", "MIG-b"]


def test_a_server_that_is_alone_sees_all_gpus() -> None:
    """`args` may have it use more of them than its `tensor_parallel`."""
    assert deal({"big": model(tensor_parallel=2)}, ["0", "1", "2"]) == {"big": []}


def test_more_gpus_than_there_are_is_an_error_with_both_numbers() -> None:
    error = refusal({"big": model(replicas=2, tensor_parallel=2), "small": model()}, ["0", "1"])
    assert error.problem == "vLLM needs 5 GPUs (big 4, small 1), and 2 can be seen"
    assert "gpu-memory-utilization" in error.fix
    alone = refusal({"big": model(tensor_parallel=2)}, ["0"])
    assert alone.problem == "vLLM needs 2 GPUs (big 2), and 1 can be seen"


def test_some_listed_and_some_not_is_an_error() -> None:
    error = refusal({"big": model(gpus=[0]), "small": model()}, ["0", "1"])
    assert error.problem == "models.small.gpus is empty, and another vLLM model lists its own"


def test_models_share_a_gpu_only_when_each_says_its_part_of_the_memory() -> None:
    part = ["--gpu_memory_utilization=0.4"]
    alone, sharing = model(gpus=["1"]), model(gpus=[1], args=part)
    for big, small in ((alone, alone), (sharing, alone), (alone, sharing)):
        error = refusal({"big": big, "small": small}, [])
        assert error.problem == "models.big.gpus and models.small.gpus both list 1"
        assert "--gpu-memory-utilization" in error.fix
    assert deal({"big": sharing, "small": sharing}, []) == {"big": ["1"], "small": ["1"]}


def test_dealing_stays_inside_of_what_was_inherited(tmp_path: Path) -> None:
    environment = machine(tmp_path, "GPU 0: A\nGPU 1: A") | {"CUDA_VISIBLE_DEVICES": "4, 5"}
    models = {"big": model(), "cpu": LocalConfig(provider="local", model="m"), "small": model()}
    shared = share_out(models, environment)
    assert list(shared) == list(models)
    assert [seen_by(shared[name]) for name in ("big", "small")] == [["4"], ["5"]]
    assert shared["cpu"] == models["cpu"]
    hidden = environment | {"CUDA_VISIBLE_DEVICES": "4,-1,5"}
    with pytest.raises(ConfigurationError, match=r"needs 2 GPUs .*, and 1 can be seen"):
        share_out(models, hidden)


def test_without_anything_inherited_nvidia_smi_is_asked(tmp_path: Path) -> None:
    listing = "GPU 0: H200 (UUID: GPU-1)\n  MIG 1g.18gb Device 0: (UUID: MIG-2)\nGPU 1: H200 (U)"
    shared = share_out({"big": model(replicas=2)}, machine(tmp_path, listing))
    assert seen_by(shared["big"]) == ["0", "1"]
    with pytest.raises(ConfigurationError, match=r"needs 3 GPUs \(big 3\), and 2 can be seen"):
        share_out({"big": model(replicas=3)}, machine(tmp_path, listing))


def test_where_no_gpu_is_known_nothing_is_set(tmp_path: Path) -> None:
    hidden = machine(tmp_path, "GPU 0: A") | {"CUDA_VISIBLE_DEVICES": ""}
    (tmp_path / "broken").mkdir()
    broken = machine(tmp_path / "broken", "NVIDIA-SMI has failed", code=9)
    for environment in (hidden, broken, {"PATH": "/nowhere"}):
        shared = share_out({"big": model(replicas=2), "small": model()}, environment)
        assert seen_by(shared["big"]) == [None, None]


def test_a_gpu_is_counted_once_and_servers_elsewhere_by_what_they_list() -> None:
    elsewhere = "http://10.0.0.1:8000/v1"
    assert busy({"big": model(gpus=[4, 5, 6, 7], replicas=2, tensor_parallel=2)}) == 4
    assert busy({"big": model(replicas=2, tensor_parallel=2), "small": model()}) == 5
    assert busy({"big": model(gpus=[0]), "small": model(gpus=[0])}) == 1
    assert busy({"big": model(base_url=elsewhere, tensor_parallel=2)}) == 0
    assert busy({"big": model(base_url=elsewhere, gpus=[5, 5]), "small": model(gpus=[0])}) == 3
    assert busy({"cpu": LocalConfig(provider="local", model="m")}) == 0
