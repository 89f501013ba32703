"""What cannot be meant of a model that vLLM serves is told with the line and the fix."""

import pytest

from autodata.config.file import load_config
from autodata.config.providers.vllm import VllmConfig
from tests.support.configs import KEYS, changed, refusal

VLLM = """\
models:
  big: {provider: vllm, model: org/big, MORE}
roles: {weak: {model: big}, strong: {model: big}}
protocol: {domain: cloze}
"""


@pytest.mark.parametrize(
    ("settings", "problem", "fix"),
    [
        ("base_url: 127.0.0.1:8000/v1", "base_url is no address of a server", "http://host"),
        ("base_url: ['http://a/v1', b]", "base_url is no address of a server", "http://host"),
        ("base_url: ['']", "base_url is no address of a server", "http://host"),
        ("model: default", "model is missing", "add models.big.model"),
        ("slots: 4", "slots: provider vllm has no use for it", "set provider: local"),
        ("args: [--port, '1']", "args: --port is not to be set here", "picks the address"),
        ("args: [--host=0.0.0.0]", "args: --host is not to be set here", "picks the address"),
        ("args: [--uds=/a]", "args: --uds is not to be set here", "picks the address"),
        ("args: [--model=m]", "args: --model is not to be set here", "in `model`"),
        ("args: [--served_model_name, m]", "args: --served-model-name is not", "in `model`"),
        ("args: [--tensor-parallel, '2']", "args: --tensor-parallel is", "set `tensor_parallel`"),
        ("args: [-tp, '2']", "args: -tp is not to be set here", "set `tensor_parallel`"),
        ("gpus: [0, 1]", "gpus: 2 listed, but replicas x tensor_parallel is 1", "parallel: 2, "),
        ("gpus: [0], replicas: 2", "gpus: 1 listed, but replicas x tensor_p", "replicas: 1"),
        ("gpus: [3, '3'], replicas: 2", "gpus: 3 is there twice", "each GPU once"),
        ("gpus: [-1]", "gpus: '-1' is no GPU", "nvidia-smi -L"),
        ("gpus: [all]", "gpus: 'all' is no GPU", "nvidia-smi -L"),
    ],
)
def test_settings_that_cannot_be_meant_for_vllm(settings: str, problem: str, fix: str) -> None:
    text = VLLM.replace("model: org/big, MORE", settings)
    if "model:" not in settings:
        text = text.replace(settings, f"model: org/big, {settings}")
    said = refusal(text)
    assert said[0].startswith(f"a.yaml, line 2: models.big.{problem}")
    assert fix in said[1]


@pytest.mark.parametrize(
    "settings",
    [
        "base_url: ['http://10.0.0.1:8000/v1', 'https://vllm.example/v1']",
        "gpus: [0, 1, 0, 1], base_url: 'http://10.0.0.1:8000/v1'",
        "base_url: ['http://h:8/v1', 'http://h:9/v1'], replicas: 2, args: [--seed, '1'], gpus: [3]",
        "gpus: [GPU-8932f937, MIG-2f], tensor_parallel: 2",
        "args: [--max-model-len, '2048', --seed, '-1', --model-impl, auto]",
    ],
)
def test_settings_that_can_be_meant_for_vllm(settings: str) -> None:
    load_config(VLLM.replace("MORE", settings), "a.yaml", [], {})


def test_numbers_among_the_arguments_of_vllm_are_taken_as_words() -> None:
    vllm = "provider: vllm, model: m, args: [--max-model-len, 8192, --gpu-memory-utilization, 0.4]"
    config = load_config(
        changed("provider: openai, model: m, api_key_env: OPENAI_API_KEY", vllm), "a.yaml", [], KEYS
    )
    big = config.models["big"]
    assert isinstance(big, VllmConfig)
    assert big.args == ["--max-model-len", "8192", "--gpu-memory-utilization", "0.4"]


def test_replicas_that_run_elsewhere_are_a_list_of_addresses() -> None:
    def vllm(addresses: str) -> str:
        model = f"provider: vllm, model: m, replicas: 2, base_url: {addresses}"
        return changed("provider: openai, model: m, api_key_env: OPENAI_API_KEY", model)

    problem, fix = refusal(vllm("http://a:1/v1"))
    assert problem == "a.yaml, line 3: models.big.replicas is 2, and base_url has 1 address"
    assert fix == "list the addresses of all replicas in base_url, or take replicas out"
    load_config(vllm('["http://a:1/v1", "http://b:1/v1"]'), "a.yaml", [], KEYS)
