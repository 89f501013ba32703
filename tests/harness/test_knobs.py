"""harness.yaml: what it may say, and how it complains."""

import json
from textwrap import dedent

import pytest

from autodata.errors import HarnessError
from autodata.harness.knobs import read_manifest, write_values
from tests.support.harnesses import MANIFEST


def complaint(text: str) -> str:
    with pytest.raises(HarnessError) as caught:
        read_manifest(dedent(text))
    return f"{caught.value.problem} / {caught.value.fix}"


def knob(line: str) -> str:
    return complaint(f"name: x\nknobs:\n  depth: {line}\n")


def test_a_manifest_is_read_with_types_ranges_and_choices() -> None:
    manifest = read_manifest(MANIFEST)
    assert manifest.name == "tiny"
    assert manifest.knobs["rounds"].value == 4
    assert (manifest.knobs["share"].low, manifest.knobs["share"].high) == (0.0, 1.0)
    assert manifest.knobs["careful"].value is True
    assert manifest.knobs["style"].choices == ("short", "long")


def test_an_unknown_key_names_file_line_and_the_nearest_known_one() -> None:
    text = complaint(
        "name: x\nknobs:\n  depth:\n    type: int\n    valu: 3\n    low: 1\n    high: 4\n"
    )
    assert "harness.yaml, line 5: knobs.depth.valu" in text
    assert "did you mean 'value'?" in text


def test_an_unknown_key_at_the_top_names_the_nearest_one() -> None:
    text = complaint("name: x\nknob: {}\n")
    assert "line 2: knob: unknown key" in text
    assert "did you mean 'knobs'?" in text


def test_an_empty_range_is_named() -> None:
    assert "the range is empty: low 9 is above high 3" in knob(
        "{type: int, value: 5, low: 9, high: 3}"
    )


def test_a_value_outside_of_its_range_is_named() -> None:
    text = knob("{type: int, value: 5, low: 1, high: 3}")
    assert "line 3: knobs.depth: value 5 is outside of 1 to 3" in text


def test_mixed_choices_are_named() -> None:
    text = knob("{type: choice, value: 1, choices: [1, two]}")
    assert "choices are of mixed types: 1, 'two'" in text


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{type: int, value: 2.5, low: 1, high: 3}", "knobs.depth.value: 2.5"),
        ("{type: int, value: true, low: 1, high: 3}", "knobs.depth.value: True"),
        ("{type: float, value: .nan, low: 1, high: 3}", "finite"),
        ("{type: float, value: 1, low: 0, high: .inf}", "finite|lie between"),
        ("{type: int, value: 1, low: 0}", "knobs.depth.high: missing / add knobs.depth.high"),
        ("{type: integer, value: 1}", "unknown type 'integer'"),
        ("{value: 1}", "add type: int, float, bool or choice"),
        ("{type: float, value: 1, low: 0, high: 3, log: true}", "log needs low above 0"),
        ("{type: choice, value: c, choices: [a, b]}", "'c' is none of 'a', 'b'"),
        ("{type: choice, value: a, choices: [a, a]}", "choices repeat"),
        ("{type: int, value: &a 1, low: *a, high: 3}", "aliases and deep nesting are not used"),
        ("{type: int, type: int, value: 1, low: 1, high: 3}", "'type' is there twice"),
        ("3", "knobs.depth"),
        ("{type: int, value: 1, low: -9999999999999999, high: 3}", "must lie between"),
    ],
)
def test_a_wrong_knob_is_named(line: str, words: str) -> None:
    text = knob(line)
    assert any(word in text for word in words.split("|")), text
    assert "line 3" in text


@pytest.mark.parametrize(
    "text",
    [
        "name: [",
        "[" * 15_000,
        "- " * 7_000,
        "? " * 7_000,
        "{a: " * 3_000,
        "- a",
        "",
        "name: 2026-99-99",
        "name: !!python/object:os.system x",
        "name: 3",
    ],
)
def test_what_is_no_manifest_is_refused(text: str) -> None:
    assert complaint(text)


def test_a_name_that_could_not_be_a_git_tag_is_refused() -> None:
    assert "name '../x' is not usable" in complaint("name: ../x\n")


def test_values_are_written_in_place_and_comments_stay() -> None:
    text = write_values(MANIFEST, {"rounds": 7, "share": 1e-05, "careful": False, "style": "long"})
    assert "value: 7, low: 1, high: 10}  # the most rounds" in text
    assert "# of the document" in text
    values = {name: knob.value for name, knob in read_manifest(text).knobs.items()}
    assert values == {"rounds": 7, "share": 1e-05, "careful": False, "style": "long"}


@pytest.mark.parametrize("odd", ["a, b", "yes", "1", "{x}", 'say "hi"', "", "null", "é\\"])
def test_any_choice_survives_being_written(odd: str) -> None:
    choices = json.dumps(["plain", odd])
    text = f"name: x\nknobs:\n  c: {{type: choice, value: plain, choices: {choices}}}\n"
    assert read_manifest(write_values(text, {"c": odd})).knobs["c"].value == odd
