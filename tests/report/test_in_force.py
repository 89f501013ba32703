"""`autodata config`: what is in force and where it was set, and never a key."""

import json
from typing import Any

from autodata.config.file import Source, load_config
from autodata.report.in_force import ValueInForce, in_force
from tests.support.command_line import Place, good, refused

TEXT = """\
models:
  big:
    provider: openai
    model: m
    api_key_env: OPENAI_API_KEY
    extra_body: {top_k: 3, nested: {session_token: PLANTED}}
  served: {provider: vllm, model: m, args: [--api-key, PLANTED, --hf-token=PLANTED, --seed, 1]}
  near: {provider: openai, base_url: ["http://h:1/v1", "http://h:2/PLANTED/v1"]}
roles:
  weak: {model: big, headers: {X-Team: {env: TEAM}}}
  strong: {model: big, temperature: 0.5}
protocol: {domain: cloze, acceptance: verifiable, numbers: {weak_samples: 8}}
"""


def lines(text: str = TEXT, *settings: str) -> dict[str, ValueInForce]:
    config = load_config(text, "a.yaml", [*settings], {"OPENAI_API_KEY": "k", "TEAM": "t"})
    found = in_force(config, Source.of(text, "a.yaml", settings).place)
    return {line.path: line for line in found}


def test_every_value_tells_where_it_was_set() -> None:
    found = lines(TEXT, "optimize.alpha=0.01")
    assert found["optimize.alpha"] == ValueInForce("optimize.alpha", "0.01", "--set optimize.alpha")
    assert found["optimize.iterations"] == ValueInForce("optimize.iterations", "10", "default")
    assert found["models.big.model"].origin == "a.yaml, line 4"
    assert found["roles.strong.temperature"].shown == "0.5"
    assert found["roles.weak.headers.X-Team.env"].shown == '"TEAM"'


def test_the_numbers_of_acceptance_are_told_from_the_preset_or_the_file() -> None:
    found = lines()
    preset = found["protocol.numbers.weak_correct_max"]
    assert (preset.shown, preset.origin) == ("1", "preset verifiable")
    own = found["protocol.numbers.weak_samples"]
    assert (own.shown, own.origin) == ("8", "a.yaml, line 12")


def test_what_may_be_a_key_is_not_shown() -> None:
    found = lines()
    assert "PLANTED" not in str(found)
    assert (
        found["models.big.extra_body"].shown == '{"top_k": 3, "nested": {"session_token": "***"}}'
    )
    args = json.loads(found["models.served.args"].shown)
    assert args == ["--api-key", "***", "--hf-token=***", "--seed", "1"]
    assert json.loads(found["models.near.base_url"].shown) == ["http://h:1/v1", "http://h:2/***"]
    spare = TEXT.replace(
        "near: {provider: openai,", "near: {provider: openai, api_key_env: sk-PLANTED,"
    )
    assert lines(spare)["models.near.api_key_env"].shown == "***"


def test_defaults_that_change_nothing_are_idle() -> None:
    found = lines()
    idle = {"models.big.top_p", "models.big.base_url", "roles.weak.max_tokens"}
    told = {"models.big.connect_s", "models.served.replicas", "documents.seed"}
    assert all(found[path].idle for path in idle)
    assert not any(found[path].idle for path in told)
    assert "models.big.slots" not in found


def test_the_command_shows_what_is_in_force(fresh: Place) -> None:
    shown = good(fresh("config", "--set=optimize.alpha=0.01")).out
    assert "optimize.alpha" in shown
    assert "--set optimize.alpha" in shown
    assert "autodata.yaml, line" in shown
    assert "models.small.slots" not in shown
    found = good(fresh("config", "--json")).json
    assert {"key": "optimize.alpha", "value": "0.05", "from": "default"} in found


def test_the_command_explains_a_setting_with_its_value(fresh: Place) -> None:
    shown = good(fresh("config", "alpha", "--set=optimize.alpha=0.01")).out
    assert "chance of certifying" in shown
    assert "now        optimize.alpha: 0.01  (--set optimize.alpha)" in shown
    data: Any = good(fresh("config", "protocol.numbers.weak_correct_max", "--json")).json
    now = {"key": data[0]["key"], "value": "1", "from": "preset verifiable"}
    assert data[0]["now"] == [now]
    assert "who is edited next" in good(fresh("config", "optimize")).out
    for key in ("acceptance", "protocol"):
        table = good(fresh("config", key)).out.splitlines()
        assert any(line.split()[:2] == ["gap_min", "the"] and "0.25" in line for line in table)
    refused(fresh("config", "alhpa"), "no setting is called 'alhpa'", "did you mean alpha?")


def test_a_setting_is_explained_though_the_file_is_broken(fresh: Place) -> None:
    shown = good(fresh("config", "alpha", "--set=optimize.alpha=7")).out
    assert "chance of certifying" in shown
    assert "The configuration is not in order: --set optimize.alpha" in shown


def test_what_is_in_force_is_shown_with_what_is_wrong(fresh: Place) -> None:
    wrong = ("--set=optimize.alpha=7", "--set=optimize.iterations=3")
    for words in (("config",), ("config", "--json")):
        done = fresh(*words, *wrong)
        refused(done, "optimize.alpha: 7", "change optimize.alpha")
        assert "--set optimize.iterations" in done.out
    refused(fresh("config", "--set=protocol.acceptance=nope"), "unknown preset", "use one of")


def test_no_key_is_needed_to_look_at_a_value(fresh: Place) -> None:
    model = "models.small={provider: openai, model: m, api_key_env: NOT_THERE}"
    shown = good(fresh("config", "models.small.model", f"--set={model}")).out
    assert 'now        models.small.model: "m"' in shown
    assert "the environment has no NOT_THERE" in shown
