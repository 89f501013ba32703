"""The reference of settings: nothing without a meaning, and every way to name one finds it."""

from dataclasses import fields

import pytest
from pydantic import BaseModel

from autodata.config import plugins, schema, shaping
from autodata.config.providers.base import Price
from autodata.config.providers.table import PROVIDERS
from autodata.config.section import Section
from autodata.episode.acceptance import NUMBERS, PRESETS, Policy
from autodata.errors import ConfigurationError
from autodata.report import settings
from autodata.report.settings import Setting, all_settings, explain, presets

SECTIONS = [
    held
    for held in (*vars(schema).values(), *vars(shaping).values(), *PROVIDERS.values(), Price)
    if isinstance(held, type) and issubclass(held, Section) and held is not Section
]
UNITLESS = {"seed", "alpha", "temperature", "top_p", "frequency_penalty", "presence_penalty"}
UNITLESS |= {"cost_bound", "rare_words", "killed"}


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.__name__)
def test_every_setting_says_what_it_means(section: type[BaseModel]) -> None:
    assert [n for n, field in section.model_fields.items() if not field.description] == []


def test_every_section_is_in_the_reference() -> None:
    named = {name for section in SECTIONS for name in section.model_fields}
    for domain in plugins.SHIPPED["domain"]:
        named |= plugins.find("domain", domain).made.settings_type.model_fields.keys()
    assert {setting.path.rpartition(".")[2] for setting in all_settings()} == named


def test_every_number_has_a_unit_or_is_known_to_have_none() -> None:
    numbers = [setting for setting in all_settings() if "number" in setting.kind]
    bare = {setting.path.rpartition(".")[2] for setting in numbers if not setting.unit}
    assert bare == UNITLESS


def test_every_number_that_may_be_0_says_what_that_means() -> None:
    zero = [setting for setting in all_settings() if setting.kind.endswith("number from 0")]
    assert len(zero) > 20
    silent = [setting.path for setting in zero if "0: " not in setting.meaning]
    assert silent == ["models.<name>.price.cached_input", "domain.min_context_chars"]


def test_a_setting_has_type_default_unit_and_who_takes_it() -> None:
    found = {setting.path: setting for setting in all_settings()}
    assert found["optimize.alpha"] == Setting(
        "optimize.alpha",
        "number above 0 below 1",
        "`0.05`",
        "",
        "chance of certifying a harness that is no better",
    )
    thinking = found["roles.<role>.thinking.budget_tokens"]
    assert (thinking.kind, thinking.default) == ("whole number from 1024", "`null`")
    assert found["models.<name>.slots"].providers == ("local",)
    assert found["models.<name>.provider"].default == "required"
    assert found["models.<name>.connect_s"].unit == "seconds"
    assert found["models.<name>.base_url"].kind == "text or list"


def test_every_number_of_the_presets_is_told_with_its_meaning() -> None:
    assert [*NUMBERS] == [field.name for field in fields(Policy)]
    head, *rows = presets()
    assert head == ["number", "meaning", *(name for name, rule in PRESETS.items() if rule.confirm)]
    shown = {row[0]: dict(zip(head, row, strict=True)) for row in rows}
    assert shown["gap_min"]["deployed"] == "0.2"
    assert shown["weak_correct_max"]["verifiable"] == "1"
    assert shown["weak_max"]["prose"] == "-"
    assert shown["majority"]["majority"] == "true"


@pytest.mark.parametrize(
    ("key", "paths"),
    [
        ("optimize.alpha", ["optimize.alpha"]),
        ("alpha", ["optimize.alpha"]),
        ("models.big.context", ["models.<name>.context"]),
        ("top_p", ["models.<name>.top_p", "roles.<role>.top_p"]),
        ("budget.roles.weak.usd", ["budget.roles.<role>.usd"]),
        ("protocol.numbers.gap_min", ["protocol.numbers.gap_min"]),
        ("models.big.headers.X-Team.env", ["models.<name>.headers.<header>.env"]),
    ],
)
def test_a_setting_is_found_by_its_path_and_by_the_end_of_it(key: str, paths: list[str]) -> None:
    assert [setting.path for setting in explain(key)] == paths


def test_a_section_tells_all_that_is_in_it() -> None:
    told = [setting.path for setting in explain("documents")]
    assert told[:2] == ["documents", "documents.source"]
    assert told[-1] == "documents.splits.test"
    assert "models.<name>.price.input" in [setting.path for setting in explain("models.big")]


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("optimize.alhpa", "optimize.alpha"),
        ("minibach", "minibatch"),
        ("models.big.concurency", "models.<name>.concurrency"),
        ("protocol.numbers.gap_mni", "protocol.numbers.gap_min"),
    ],
)
def test_an_unknown_setting_names_the_nearest(key: str, near: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        explain(key)
    assert caught.value.problem == f"no setting is called {key!r}"
    assert caught.value.fix == f"did you mean {near}?"


def test_what_is_nothing_like_a_setting_is_told_where_to_look() -> None:
    with pytest.raises(ConfigurationError) as caught:
        explain("?")
    assert caught.value.fix == "autodata config lists those in force"


def test_a_cell_cannot_break_its_table() -> None:
    assert settings.markdown([["a"], ["x|y"]]).splitlines()[-1] == "| x\\|y |"
