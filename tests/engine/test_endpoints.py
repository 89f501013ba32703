"""What the configuration says, as the model layer gets it."""

from autodata.config.providers.anthropic import AnthropicConfig
from autodata.config.providers.openai import OpenAIConfig
from autodata.config.providers.vllm import VllmConfig
from autodata.config.roles import RoleConfig
from autodata.engine.endpoints import deadlines_of, limits_of
from autodata.models.base import Deadlines


def test_role_sets_any_deadline_and_takes_the_others_from_its_model() -> None:
    model = VllmConfig(provider="vllm", connect_s=3, total_s=90)
    assert deadlines_of(model) == Deadlines(3, 0, 90)
    assert deadlines_of(model, RoleConfig(model="m")) == Deadlines(3, 0, 90)
    assert deadlines_of(model, RoleConfig(model="m", first_token_s=5)) == Deadlines(3, 5, 90)
    role = RoleConfig(model="m", connect_s=1, total_s=20)
    assert deadlines_of(model, role) == Deadlines(1, 0, 20)


def test_reply_of_a_provider_that_wants_a_limit_has_one_that_can_be_raised() -> None:
    assert limits_of(AnthropicConfig(provider="anthropic")).max_tokens == 4096
    assert limits_of(AnthropicConfig(provider="anthropic", max_tokens=9)).max_tokens == 9
    assert limits_of(OpenAIConfig(provider="openai")).max_tokens == 0
