"""What a run says of its own settings when it begins."""

import pytest

from autodata.config.file import load_config
from autodata.engine.doubts import doubts

TEXT = """
models:
  big: {provider: openai, base_url: "http://127.0.0.1:1/v1", model: large}
  same: {provider: openai, base_url: "http://127.0.0.1:2/v1", model: large}
  small: {provider: openai, base_url: "http://127.0.0.1:1/v1", model: little}
roles:
  weak: {model: small}
  strong: {model: big}
  judge: {model: big}
  main: {model: %s}
  challenger: {model: %s}
  verifier: {model: small}
"""


@pytest.mark.parametrize(
    ("main", "challenger", "told"),
    [
        ("small", "small", ""),
        ("big", "small", "roles.strong: its model is also that of main, which a workflow may ask"),
        ("same", "big", "roles.strong: its model is also that of main, challenger, which"),
    ],
)
def test_a_strong_solver_that_a_workflow_can_ask_is_told_of(
    main: str, challenger: str, told: str
) -> None:
    config = load_config(TEXT % (main, challenger), "autodata.yaml", [], {})
    found = list(doubts(config))
    assert [line[: len(told)] for line in found] == ([told] if told else [])


@pytest.mark.parametrize(
    ("auditor", "told"),
    [("other", ""), ("same", "judge:"), ("small", "main, challenger, verifier:")],
)
def test_an_auditor_of_the_family_it_audits_is_told_of(auditor: str, told: str) -> None:
    other = '\n  other: {provider: openai, base_url: "http://127.0.0.1:1/v1", model: else}\nroles:'
    text = TEXT.replace("\nroles:", other) + f"  auditor: {{model: {auditor}}}\n"
    found = list(doubts(load_config(text % ("small", "small"), "autodata.yaml", [], {})))
    begins = f"roles.auditor: its model is also that of {told}"
    assert [line[: len(begins)] for line in found] == ([begins] if told else [])


@pytest.mark.parametrize(
    ("protocol", "told"),
    [
        ("{acceptance: deployed}", ""),
        ("{acceptance: paper-deployed, max_rounds: 8}", "paper-deployed confirms nothing here"),
        ("{acceptance: deployed, numbers: {confirm: false}}", "deployed confirms nothing here"),
        ("{acceptance: paper-deployed, numbers: {confirm: true}}", ""),
        ("{acceptance: legal, numbers: {confirm: false}}", "any number (no rule bounds it)"),
    ],
)
def test_rules_that_confirm_nothing_are_told_of_whatever_turned_it_off(
    protocol: str, told: str
) -> None:
    text = TEXT % ("small", "small") + f"protocol: {protocol}\n"
    found = list(doubts(load_config(text, "autodata.yaml", [], {})))
    assert [told in line for line in found] == ([True] if told else [])
    assert not told or "max_rounds" not in protocol or "up to 57%" in found[0]
