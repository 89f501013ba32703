"""The rules in words: they say what the code decides by, and nothing else."""

import ast
import inspect
import textwrap
from dataclasses import fields, replace
from typing import Any

import pytest

from autodata.config.plugins import Plugin
from autodata.domains.base import Domain, RoleSettings
from autodata.domains.cloze import Cloze
from autodata.domains.hosted import hosted
from autodata.domains.leaks import leak
from autodata.domains.research import Research
from autodata.episode.acceptance import PRESETS, Policy, verdict
from autodata.episode.confirmation import needed
from autodata.episode.protocol import TaskProtocol
from autodata.episode.rules import REASONS, acceptance_rules, edit_rules, episode_rules
from autodata.harness.spec import load_files, with_edits
from autodata.models.base import Request
from autodata.types import Document, Example
from tests.support.episodes import good_caller, protocol_of, team_of
from tests.support.harnesses import FILES

TEAM = team_of(good_caller())


def test_every_number_of_a_preset_is_told_with_its_reason() -> None:
    told = acceptance_rules(protocol_of(preset="deployed"), TEAM)
    assert 'The weak mean is at most 0.65, else "weak mean too high".' in told
    assert 'No weak answer scores 0, else "a weak sample scored zero".' in told
    told = acceptance_rules(protocol_of(Cloze(), "verifiable"), TEAM)
    assert 'At most 1 weak answers are right, else "weak correct too often".' in told
    assert "No weak answer scores 0" not in told


NUMBERS = [field.name for field in fields(Policy) if field.name in REASONS]
BAD = {"weak": [[0.0, 0.0], [1.0, 1.0]], "strong": [[0.0, 0.0], [1.0, 1.0]]}


@pytest.mark.parametrize("name", [name for name in NUMBERS if name != "majority"])
def test_reasons_are_those_of_the_verdict(name: str) -> None:
    value: Any = True if name.endswith("_zero") else 1 if "correct" in name else 0.5
    policy = replace(Policy(weak_samples=2, strong_samples=2), **{name: value})
    said = {
        reason
        for weak in BAD["weak"]
        for strong in BAD["strong"]
        for reason in verdict(policy, weak, strong).reasons
    }
    assert said == {REASONS[name]}


def reasons_in(function: object) -> set[str]:
    """The keys of the table of rules in the source of a domain's `fault`."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))  # type: ignore[arg-type]
    tables = [node for node in ast.walk(tree) if isinstance(node, ast.Dict)]
    return {key.value for node in tables for key in node.keys if isinstance(key, ast.Constant)}  # type: ignore[misc]


def returns_of(function: object) -> set[str]:
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))  # type: ignore[arg-type]
    given = [node.value for node in ast.walk(tree) if isinstance(node, ast.Return)]
    return {node.value for node in given if isinstance(node, ast.Constant) and node.value}  # type: ignore[misc]


@pytest.mark.parametrize("domain", [Cloze(), Research()])
def test_every_check_of_a_domain_is_told(domain: Domain) -> None:
    told = acceptance_rules(protocol_of(domain, "majority"), TEAM)
    expected = reasons_in(type(domain).fault)
    if isinstance(domain, Research):
        expected |= returns_of(leak)
    assert len(expected) > 8
    assert expected <= {*domain.checks()}
    assert all(f'"{reason}"' in told for reason in expected)


def test_what_research_says_of_rare_words_is_told() -> None:
    words = " ".join(f"quicksilver{chr(97 + n)}{chr(98 + n)}" for n in range(20))
    paper, other = Document("a", "a", words), Document("b", "b", "nothing of that kind")
    example = Example("Why do heliotropes wander through parallax?", "Because thermometers do.")
    said = Research().origin(paper, example, [other])
    assert said
    assert said in Research().checks()


def test_solvers_are_shown_as_they_are_asked() -> None:
    team = team_of(good_caller(), strong=RoleSettings(privileged=True))
    told = acceptance_rules(protocol_of(Cloze(), "verifiable"), team)
    weak, strong = (line for line in told.splitlines() if "is shown exactly this" in line)
    assert "[context]" not in weak
    assert "[context] [question]" in strong
    assert "[the whole document]" in acceptance_rules(protocol_of(), team)


def test_the_confirmation_is_told_where_there_is_one() -> None:
    assert f"{needed(1)[0]} pairs with 0 lost" in acceptance_rules(protocol_of(), TEAM)
    assert "Confirmation" not in acceptance_rules(protocol_of(preset="paper-deployed"), TEAM)


class Odd(Domain):
    """Knows no examples but its own."""

    def question(self, document: Document, example: Example, solver: RoleSettings) -> Request:
        raise KeyError(example.question)


def test_a_domain_that_cannot_ask_a_place_holder_has_rules_all_the_same() -> None:
    domain = hosted(Plugin("domain", "odd", Odd, ""), None)
    protocol = TaskProtocol(domain, PRESETS["prose"])
    told = acceptance_rules(protocol, TEAM)
    assert "is shown exactly" not in told
    assert "The weak mean is below 0.5" in told


def test_a_domain_behind_its_border_has_the_rules_of_the_domain() -> None:
    """A run knows domains only so."""
    behind = hosted(Plugin("domain", "research", Research, ""), Research().settings)
    assert acceptance_rules(protocol_of(behind), TEAM) == acceptance_rules(protocol_of(), TEAM)
    assert "The protocol's own verifier" in acceptance_rules(protocol_of(behind), TEAM)


def test_the_order_of_the_seats_is_told() -> None:
    class Together(Research):
        together = True

    apart, beside = protocol_of(), protocol_of(Together())
    assert "only if they keep the rules for it" in acceptance_rules(apart, TEAM)
    assert "loop-judge" not in acceptance_rules(apart, TEAM) + episode_rules(apart, TEAM)
    assert "drawn together" in acceptance_rules(beside, TEAM)
    assert "asks both solvers at once" in episode_rules(beside, TEAM)


def test_who_edits_is_told_who_plays_and_what_is_bounded() -> None:
    roles = {"weak": RoleSettings(), "strong": RoleSettings()}
    told = episode_rules(protocol_of(max_rounds=5), replace(TEAM, roles=roles))
    assert "At most 5 different" in told
    assert "Nobody plays main, challenger, verifier" in told
    assert "Nobody plays" not in episode_rules(protocol_of(), TEAM)
    told = edit_rules(9_000, 5.0)
    assert "9,000 characters" in told
    assert "5 times its parent's" in told
    assert "times its parent's" not in edit_rules()


def test_a_prompt_may_show_the_rules() -> None:
    harness = with_edits(load_files(FILES), {"prompts/verifier.md": "{{rules}}\n{{example}}"})
    shown = harness.prompt("verifier", document="", example="E", rules="RULES")
    assert shown == "RULES\nE"
