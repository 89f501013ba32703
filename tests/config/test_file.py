"""autodata.yaml: every shipped template is valid, and every mistake names place, field and fix."""

import re

import pytest

from autodata.config.file import load_config
from autodata.config.schema import Config
from autodata.errors import ConfigurationError
from autodata.project import TEMPLATES, template

KEYS = {"OPENAI_API_KEY": "k", "ANTHROPIC_API_KEY": "k"}
GOOD = """\
harness: lambada
models:
  big: {provider: openai, model: m, api_key_env: OPENAI_API_KEY}
  small:
    provider: simulated
roles:
  weak: {model: small}
  strong: {model: big}
protocol: {domain: cloze}
optimize:
  iterations: 3
budget:
  roles:
    weak: {calls: 10}
"""


def refusal(
    text: str, *settings: str, environment: dict[str, str] | None = None
) -> tuple[str, str]:
    with pytest.raises(ConfigurationError) as caught:
        load_config(text, "a.yaml", list(settings), KEYS if environment is None else environment)
    return caught.value.problem, caught.value.fix


def changed(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new)


def test_a_good_configuration_is_read_with_defaults() -> None:
    config = load_config(GOOD, "a.yaml", [], KEYS)
    assert config.models["big"].model == "m"
    assert config.optimize.iterations == 3
    assert config.optimize.parallel == Config.model_fields["optimize"].default.parallel
    assert config.budget.roles["weak"].calls == 10
    assert config.simulated


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_is_valid(name: str) -> None:
    load_config(template(name), name, [], KEYS)


@pytest.mark.parametrize("name", ["openai", "anthropic", "vllm"])
def test_one_model_in_two_modes_is_shown_in_a_template(name: str) -> None:
    """The lines that are commented out, in place of the two above them."""
    text = re.sub(r"(?m)^  (weak|strong): .*\n", "", template(name))
    text, uncommented = re.subn(r"(?m)^  # (weak|strong): ", r"  \1: ", text)
    config = load_config(text, name, [], KEYS)
    weak, strong = config.roles["weak"], config.roles["strong"]
    assert uncommented == 2
    assert weak.model == strong.model
    assert weak.body != strong.body


@pytest.mark.parametrize(
    ("text", "problem", "fix"),
    [
        (
            changed("iterations: 3", "iteratons: 3"),
            "a.yaml, line 11: unknown key 'optimize.iteratons'",
            "did you mean 'iterations'?",
        ),
        (changed("harness:", "harnes:"), "line 1: unknown key 'harnes'", "'harness'"),
        (
            changed("provider: simulated", "provider: simulated\n    concurency: 3"),
            "line 6: unknown key 'models.small.concurency'",
            "'concurrency'",
        ),
        (
            changed("{calls: 10}", "{dollars: 10}"),
            "line 14: unknown key 'budget.roles.weak.dollars'",
            "known keys: calls, prompt_tokens",
        ),
        (
            changed("model: m,", "model: m, price: {inptu: 1},"),
            "line 3: unknown key 'models.big.price.inptu'",
            "'input'",
        ),
        (
            changed("iterations: 3", "iterations: many"),
            "line 11: optimize.iterations: 'many': input should be a valid integer",
            "change optimize.iterations",
        ),
        (
            changed("iterations: 3", "iterations: true"),
            "line 11: optimize.iterations: True: input should be a number",
            "change optimize.iterations",
        ),
        (
            changed("iterations: 3", "iterations: 0"),
            "line 11: optimize.iterations: 0: input should be greater than or equal to 1",
            "change optimize.iterations",
        ),
        (
            changed("provider: simulated", "provider: magic"),
            "line 5: models.small.provider: 'magic': input should be 'openai', 'anthropic'",
            "change models.small.provider",
        ),
        (
            changed("provider: simulated", "provider: simulated\n    base_url: 3"),
            "line 6: models.small.base_url: what is there: input should be a valid string",
            "change models.small.base_url",
        ),
        (
            changed("domain: cloze", "domain: cloze, numbers: {gap_min: big}"),
            "line 9: protocol.numbers.gap_min: 'big'",
            "change protocol.numbers.gap_min",
        ),
        (
            changed("provider: simulated", "model: x"),
            "line 4: models.small.provider is missing",
            "add models.small.provider",
        ),
        (changed("  weak: {model: small}\n", ""), "line 6: roles.weak is missing", "weak: {model"),
        (
            changed("weak: {model: small}", "weak: {model: smal}"),
            "line 7: roles.weak.model: no model is named 'smal'",
            "did you mean 'small'?",
        ),
        (
            changed("weak: {model: small}", "weak: {model: zzz}"),
            "line 7: roles.weak.model: no model is named 'zzz'",
            "add models.zzz",
        ),
        (
            changed("provider: openai", "provider: anthropic").replace(
                "strong: {model: big}", "strong: {model: big, temperature: 1.0}"
            ),
            "line 8: roles.strong.temperature: Anthropic's API takes no temperature",
            "leave it out",
        ),
        (
            changed("strong: {model: big}", "strong: {model: big}\n  juge: {model: big}"),
            "line 9: unknown role 'roles.juge'",
            "did you mean 'judge'?",
        ),
        (
            changed("    weak: {calls: 10}", "    week: {calls: 10}"),
            "line 14: unknown role 'budget.roles.week'",
            "did you mean 'weak'?",
        ),
        (changed("domain: cloze", "domain: research"), "roles.main is missing", "main: {model"),
        (
            changed("iterations: 3", "proposer: llm"),
            "line 6: roles.analyzer is missing",
            "analyzer: {model",
        ),
        (
            changed("  iterations: 3", "  iterations: 3\n  iterations: 4"),
            "line 12: optimize.iterations is there twice",
            "keep one",
        ),
        ("models: [", "a.yaml, line 1", "mend the YAML"),
        ("a: b: c", "a.yaml, line 1: mapping values are not allowed here", "mend the YAML"),
        ("harness: !secret x", "a.yaml, line 1: could not determine", "mend the YAML"),
        ("- a\n- b", "a.yaml, line 1: holds no settings", "autodata init"),
        ("", "a.yaml, line 1: models is missing", "add models"),
        (
            "models:\nroles: {}",
            "line 1: models: None: input should be a valid dict",
            "change models",
        ),
    ],
)
def test_a_mistake_names_file_line_field_and_fix(text: str, problem: str, fix: str) -> None:
    said = refusal(text)
    assert problem in said[0]
    assert said[0].startswith("a.yaml, line ")
    assert fix in said[1]


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


def test_a_missing_key_names_the_variable_and_never_a_value() -> None:
    for environment in ({}, {"OPENAI_API_KEY": ""}):
        problem, fix = refusal(GOOD, environment=environment)
        assert problem == (
            "a.yaml, line 3: models.big.api_key_env: the environment has no OPENAI_API_KEY"
        )
        assert fix == "export OPENAI_API_KEY=..."


@pytest.mark.parametrize(
    "variable", ["sk-proj-PLANTED123456", "hf_planted123456PLANTED", "[sk-PLANTED]", "PLANTED x"]
)
def test_a_key_in_place_of_its_name_is_not_shown(variable: str) -> None:
    problem, fix = refusal(changed("OPENAI_API_KEY", variable))
    assert problem.startswith("a.yaml, line 3: models.big.api_key_env")
    assert "planted" not in f"{problem} {fix}".lower()


def test_a_variable_may_be_called_anything_that_is_in_the_environment() -> None:
    load_config(changed("OPENAI_API_KEY", "my.key"), "a.yaml", [], {"my.key": "k"})


@pytest.mark.parametrize("key", ["sk-PLANTED\r\nX: y", "sk-PLANTED\x00", "sk-PLANTED-\u043a"])
def test_a_key_that_cannot_be_sent_is_refused_by_its_variable(key: str) -> None:
    problem, fix = refusal(GOOD, environment={"OPENAI_API_KEY": key})
    assert "the value of OPENAI_API_KEY has characters that no key has" in problem
    assert "PLANTED" not in problem + fix


def test_space_around_a_key_does_not_matter() -> None:
    load_config(GOOD, "a.yaml", [], {"OPENAI_API_KEY": " sk-1\n"})


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


def test_numbers_among_the_arguments_of_vllm_are_taken_as_words() -> None:
    vllm = "provider: vllm, model: m, args: [--max-model-len, 8192, --gpu-memory-utilization, 0.4]"
    config = load_config(
        changed("provider: openai, model: m, api_key_env: OPENAI_API_KEY", vllm), "a.yaml", [], KEYS
    )
    args = config.models["big"].args
    assert args == ["--max-model-len", "8192", "--gpu-memory-utilization", "0.4"]


def test_replicas_that_run_elsewhere_are_a_list_of_addresses() -> None:
    def vllm(addresses: str) -> str:
        model = f"provider: vllm, model: m, replicas: 2, base_url: {addresses}"
        return changed("provider: openai, model: m, api_key_env: OPENAI_API_KEY", model)

    problem, fix = refusal(vllm("http://a:1/v1"))
    assert problem == "a.yaml, line 3: models.big.replicas is 2, and base_url has 1 address"
    assert fix == "list the addresses of all replicas in base_url, or take replicas out"
    load_config(vllm('["http://a:1/v1", "http://b:1/v1"]'), "a.yaml", [], KEYS)


def test_the_key_of_a_model_that_plays_no_role_is_not_needed() -> None:
    load_config(changed("strong: {model: big}", "strong: {model: small}"), "a.yaml", [], {})


def test_switches_replace_and_add_settings() -> None:
    switches = ["optimize.iterations=7", "documents.splits.test=9", "roles.strong={model: small}"]
    config = load_config(GOOD, "a.yaml", switches, {})
    assert (config.optimize.iterations, config.documents.splits.test) == (7, 9)
    assert config.roles["strong"].model == "small"


@pytest.mark.parametrize(
    ("switch", "problem", "fix"),
    [
        ("optimize.iterations", "--set optimize.iterations: no value", "--set key=value"),
        ("harness.x=3", "--set harness.x: harness is no section", "check the key"),
        ("optimize.parallel=[", "--set optimize.parallel: not a YAML value", "quote it"),
        ("optimize.iterations=0", "--set optimize.iterations: optimize.iterations: 0", "change"),
        ("optimize.iteration=5", "--set optimize.iteration: unknown key", "'iterations'"),
        (
            "roles.weak.model=tiny",
            "--set roles.weak.model: roles.weak.model: no model is named 'tiny'",
            "add models.tiny",
        ),
        ("optimize=3", "--set optimize: optimize: 3: input should be a valid", "change optimize"),
    ],
)
def test_a_wrong_switch_names_itself(switch: str, problem: str, fix: str) -> None:
    said = refusal(GOOD, switch)
    assert problem in said[0]
    assert fix in said[1]


def asked_by(provider: str, of_model: str = "", of_role: str = "", api: str = "chat") -> str:
    """A configuration whose model and strong solver shape their requests."""
    model = f"{{provider: {provider}, model: m, base_url: http://h/v1, api: {api}, {of_model}}}"
    text = changed("{provider: openai, model: m, api_key_env: OPENAI_API_KEY}", model)
    return text.replace("strong: {model: big}", f"strong: {{model: big, {of_role}}}")


@pytest.mark.parametrize(
    ("text", "problem", "fix"),
    [
        (asked_by("openai", "topp: 1"), "line 3: unknown key 'models.big.topp'", "'top_p'"),
        (
            asked_by("openai", "", "extra_bdy: {}"),
            "line 8: unknown key 'roles.strong.extra_bdy'",
            "'extra_body'",
        ),
        (asked_by("openai", "reasoning_effort: hihg"), "reasoning_effort: 'hihg'", "'high'"),
        (
            asked_by("anthropic", "thinking: {type: enabled, budget: 3}"),
            "unknown key 'models.big.thinking.budget'",
            "'budget_tokens'",
        ),
        *(
            (
                asked_by("openai", "", f"extra_body: {{{name}: 1}}"),
                f"line 8: roles.strong.extra_body.{name} is not to be set here",
                fix,
            )
            for name, fix in (
                ("model", "set `model`"),
                ("messages", "take it out"),
                ("stream", "first_token_s"),
                ("n", "protocol.numbers"),
                ("tools", "take it out"),
                ("max_completion_tokens", "set `max_tokens`"),
                ("temperature", "set `temperature` of the role"),
                ("response_format", "set `structured`"),
            )
        ),
        (
            asked_by("openai", "extra_body: {top_p: 1}"),
            "models.big.extra_body.top_p has a key of its own",
            "set models.big.top_p",
        ),
        (
            asked_by("openai", "extra_body: {when: {day: 2026-01-01}}"),
            "models.big.extra_body.when is no JSON value",
            "quote it",
        ),
        (
            asked_by("openai", "extra_body: {api_key: PLANTED}"),
            "models.big.extra_body.api_key: extra_body is kept with the run",
            "send it by headers",
        ),
        (
            asked_by("openai", "extra_body: PLANTED"),
            "models.big.extra_body: what is there",
            "change models.big.extra_body",
        ),
        (
            asked_by("anthropic", "", "top_p: 0.3"),
            "roles.strong.top_p: provider anthropic has no use for it",
            "a model of openai or vllm or local",
        ),
        (
            asked_by("anthropic", "frequency_penalty: 0.3"),
            "models.big.frequency_penalty: provider anthropic has no use for it",
            "take it out",
        ),
        (
            asked_by("openai", "thinking: {type: disabled}"),
            "models.big.thinking: provider openai has no use for it",
            "set provider: anthropic",
        ),
        (
            asked_by("anthropic", "thinking: {type: enabled}"),
            "models.big.thinking.budget_tokens goes with type: enabled",
            "add it",
        ),
        (
            asked_by("anthropic", "thinking: {type: enabled, budget_tokens: 5000}"),
            "models.big.thinking: budget_tokens is 5000, and max_tokens 4096",
            "set roles.strong.max_tokens above it",
        ),
        (
            asked_by("anthropic", "structured: json", "thinking: {type: adaptive}"),
            "roles.strong.thinking: structured: json forces a tool",
            "set models.big.structured: schema",
        ),
        (
            asked_by("anthropic", "", "reasoning_effort: none"),
            "roles.strong.reasoning_effort: Anthropic's API knows no 'none'",
            "thinking: {type: disabled}",
        ),
        (
            asked_by("openai", "reasoning_effort: low", "", "completions"),
            "models.big.reasoning_effort: raw prompts (api: completions) take none",
            "set models.big.api: chat",
        ),
        (
            asked_by("openai", "headers: {Authorization: {env: TEAM}}"),
            "models.big.headers.Authorization is not to be set here",
            "api_key_env",
        ),
        (
            asked_by("openai", 'headers: {"X Team": {env: TEAM}}'),
            "models.big.headers: one of the names is no header's",
            "X-Team",
        ),
        (
            asked_by("openai", "", "headers: {X-Team: PLANTED}"),
            "line 8: roles.strong.headers.X-Team: what is there",
            "write roles.strong.headers.X-Team: {env: VARIABLE}",
        ),
        (
            asked_by("openai", "headers: {X-Team: {env: sk-PLANTED}}"),
            "models.big.headers.X-Team.env names no environment variable",
            "export the value",
        ),
        (
            asked_by("openai", "", "headers: {X-Team: {env: NOT_THERE}}"),
            "roles.strong.headers.X-Team.env: the environment has no NOT_THERE",
            "export NOT_THERE=...",
        ),
    ],
)
def test_what_cannot_go_into_a_request_is_refused_by_name(
    text: str, problem: str, fix: str
) -> None:
    said = refusal(text, environment={"TEAM": "t"})
    assert problem in said[0]
    assert fix in said[1]
    assert "PLANTED" not in f"{said}"


def test_what_a_provider_takes_may_be_set() -> None:
    anything = "extra_body: {top_k: 3, seeds: [1, 0.5, null], thinking: {type: enabled}}"
    for text in (
        asked_by("openai", anything, "headers: {X-Team: {env: TEAM}}, service_tier: flex"),
        asked_by("anthropic", "extra_body: {temperature: 0.2}, service_tier: standard_only"),
        asked_by("anthropic", "", "temperature: server"),
        asked_by("anthropic", "max_tokens: 9000", "thinking: {type: enabled, budget_tokens: 8000}"),
    ):
        load_config(text, "a.yaml", [], {"TEAM": "t"})
