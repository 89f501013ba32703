"""Settings that a provider does not have, models without a name, and addresses that are none."""

import pytest

from autodata.config.file import load_config
from tests.support.configs import KEYS, changed, refusal


@pytest.mark.parametrize(
    ("model", "problem", "fix"),
    [
        ("{provider: local, model: smollm2, replicas: 2}", "replicas: provider local", "vllm"),
        ("{provider: local, model: smollm2, args: [a]}", "args: provider local", "vllm"),
        ("{provider: local, model: smollm2, gpus: [0]}", "gpus: provider local", "vllm"),
        ("{provider: simulated, base_url: 'http://a/v1'}", "base_url: provider sim", "openai or"),
        ("{provider: openai, script: a.json}", "script: provider openai", "scripted"),
        ("{provider: openai}", "model is missing", "add models.small.model"),
        ("{provider: anthropic}", "model is missing", "add models.small.model"),
        ("{provider: local}", "model is missing", "add models.small.model"),
    ],
)
def test_settings_that_a_provider_would_ignore(model: str, problem: str, fix: str) -> None:
    said = refusal(changed("\n    provider: simulated", f" {model}"))
    assert said[0].startswith("a.yaml, line 4: models.small.")
    assert problem in said[0]
    assert fix in said[1]


def test_a_server_with_one_model_need_not_know_its_name() -> None:
    model = "{provider: openai, base_url: 'http://a/v1'}"
    load_config(changed("\n    provider: simulated", f" {model}"), "a.yaml", [], KEYS)


@pytest.mark.parametrize(
    "url",
    [
        "http://bob:PLANTED@h/v1",
        "http://bob:PLA#NTED@h:80/v1",
        "http://bob:PLA/NTED@h/v1",
        "https://h/v1?key=PLANTED",
        "http://ex%20PLANTED:80/v1",
        "http://h PLANTED/v1",
        "http://h:PLANTED/v1",
        "http://h:70000/PLANTED",
        "http://10.0.0.256/PLANTED",
        "http://[::1",
        "http://[:::::]/PLANTED",
        "h:8000/PLANTED",
        "ftp://PLANTED/v1",
        "http:///PLANTED",
    ],
)
def test_an_address_that_is_no_plain_address_is_refused_unquoted(url: str) -> None:
    for text in (f'"{url}"', f'["http://h:8000/v1", "{url}"]'):
        problem, fix = refusal(changed("model: m,", f"model: m, base_url: {text},"))
        assert problem == "a.yaml, line 3: models.big.base_url is no address of a server"
        assert "api_key_env" in fix


@pytest.mark.parametrize(
    "url",
    ["https://api.example.org/v1", "http://127.0.0.1:8000", "http://[::1]:8000/v1", "http://gpu_7"],
)
def test_a_plain_address_is_one(url: str) -> None:
    load_config(changed("model: m,", f'model: m, base_url: "{url}",'), "a.yaml", [], KEYS)
