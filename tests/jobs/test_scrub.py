"""Texts that may quote anything are told without what is private in them."""

from pathlib import Path

import pytest

from autodata.jobs.bundle.scrub import CUT, Scrubber

SECRET = "planted-key-77aa"
PRIVATE = "The tortoise of Samarkand never learned to whistle before the monsoon arrived."


def scrubbed(text: str, *private: str, package: Path | None = None) -> str:
    scrubber = Scrubber([SECRET], {"/home/me/project": "PROJECT"})
    scrubber.add(text)
    if package:
        scrubber.keep_own_words(package)
    for other in (PRIVATE, *private):
        scrubber.hide(other)
    return scrubber.redacted(text)


@pytest.mark.parametrize(
    "quoted",
    [
        "the tortoise of samarkand never learned",
        "Samarkand,\tnever-learned",
        "learned\\nto whistle before",
        r"THE TORTOISE \u006ff Samarkand",
    ],
)
def test_what_a_private_text_says_is_cut_out_however_it_is_written(quoted: str) -> None:
    told = scrubbed(f"slot 3 failed on {quoted} after 12 s")
    assert told.startswith("slot 3 failed on")
    assert told.endswith("after 12 s")
    assert CUT in told
    for word in ("tortoise", "amarkand", "learned", "whistle"):
        assert word not in told.lower()


@pytest.mark.parametrize("start", range(12))
def test_a_stretch_of_fifteen_letters_is_found_wherever_it_begins(start: int) -> None:
    letters = "".join(char for char in PRIVATE if char.isalnum())
    assert scrubbed(f"x {letters[start : start + 15]} y") == f"x {CUT} y"


def test_scripts_without_blanks_are_cut_out_too() -> None:
    assert "撒马尔罕" not in scrubbed(
        "error: 从来没有撒马尔罕的乌龟 was sent", "撒马尔罕的乌龟从来没有学会吹口哨"
    )
    accented = "Ωραία χελώνα της Σαμαρκάνδης ΠΟΤΕ"
    assert "χελώνα" not in scrubbed(f"bad token near {accented}", accented.lower())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"refused {SECRET}.", f"refused {CUT}."),
        ("Authorization: Bearer abc.def", f"Authorization: {CUT} {CUT}"),
        ("args: {'api_key': ['s3cr3tvalue']}", ""),
        ("vllm serve --api-key s3cr3tvalue --port 1", f"vllm serve --api-key {CUT} --port 1"),
        ("OPENAI_API_KEY=s3cr3tvalue", f"OPENAI_API_KEY={CUT}"),
        ("used sk-abcdefgh1234", f"used {CUT}"),
        ("GET https://me:s3cr3tvalue@host/v1?key=1 failed", f"GET https://{CUT} failed"),
        ("said 'a private thing' and \"another\"", f"said '{CUT}' and '{CUT}'"),
        ("in /home/me/project/runs", "in PROJECT/runs"),
        ("id 0123456789abcdef0123456789abcdef", f"id {CUT}"),
    ],
)
def test_keys_addresses_quotations_and_places_are_cut_out(text: str, told: str) -> None:
    found = scrubbed(text)
    assert "s3cr3tvalue" not in found
    if told:
        assert found == told


def test_what_says_nothing_private_is_told_as_it_is() -> None:
    line = "INFO 12:00:01 engine.py:212 throughput 31.5 tokens/s, max_tokens: 512, running 3"
    assert scrubbed(line) == line


def test_the_programs_own_words_are_told_though_a_private_text_has_them(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text('RULE = "strong correct too seldom"\n')
    said = "strong correct too seldom"
    prompt = f"The episode failed: {said}. Ask something else."
    assert scrubbed(said, prompt) != said
    assert scrubbed(said, prompt, package=tmp_path) == said


def test_a_text_that_was_not_announced_is_not_told() -> None:
    assert Scrubber([], {}).redacted("anything") == CUT
