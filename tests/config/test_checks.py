"""Keys stand in the environment: what stands in their place is refused, and never shown."""

import pytest

from autodata.config.file import load_config
from tests.support.configs import GOOD, changed, refusal


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


def test_the_key_of_a_model_that_plays_no_role_is_not_needed() -> None:
    load_config(changed("strong: {model: big}", "strong: {model: small}"), "a.yaml", [], {})
