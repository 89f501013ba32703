"""A configuration that is read, and what is said of one that is not."""

import pytest

from autodata.config.file import load_config
from autodata.errors import ConfigurationError

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
