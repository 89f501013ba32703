"""autodata.yaml: every shipped template is valid, and every mistake names place, field and fix."""

import re

import pytest

from autodata.config.file import load_config
from autodata.config.schema import Config
from autodata.project import TEMPLATES, template
from tests.support.configs import GOOD, KEYS, changed, refusal


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
            changed("provider: simulated", "provider: openai\n    base_url: 3"),
            "line 6: models.small.base_url: what is there: input should be a valid string",
            "change models.small.base_url",
        ),
        (
            changed("domain: cloze", "domain: cloze, numbers: {gap_min: big}"),
            "line 9: protocol.numbers.gap_min: 'big'",
            "change protocol.numbers.gap_min",
        ),
        (
            changed("provider: simulated", "provider: opnai"),
            "line 5: models.small.provider: 'opnai': input should be 'openai', 'anthropic'",
            "did you mean 'openai'?",
        ),
        (
            changed("provider: simulated", "provider: local\n    slotz: 3"),
            "line 6: unknown key 'models.small.slotz'",
            "did you mean 'slots'?",
        ),
        (
            changed("provider: simulated", "provider: local\n    slots: many"),
            "line 6: models.small.slots: 'many': input should be a valid integer",
            "change models.small.slots",
        ),
        (
            changed("provider: simulated", "provider: simulated\n    slots: 8"),
            "line 6: models.small.slots: provider simulated has no use for it",
            "take it out, or set provider: local",
        ),
        (changed("\n    provider: simulated", " 3"), "line 4: models.small: 3", "models.small"),
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
