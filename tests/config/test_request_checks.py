"""What a model and its roles put into requests: what cannot be meant is refused by name."""

import pytest

from autodata.config.file import load_config
from tests.support.configs import changed, refusal


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
