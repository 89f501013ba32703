"""Text of documents in an edit: found however it is laid out, named, and never by chance."""

import pytest

from autodata.search.proposers.copied import Copied
from autodata.types import Document, Split

TEXT = (
    "The lighthouse keeper counted seventeen gulls before the storm came in over the harbour. "
    "Nobody in the village had seen the ferry leave, and the bell rang twice that night."
)
TRAIN = Document("0" * 16, "lighthouse.txt", TEXT)
TEST = Document("1" * 16, "secret.txt", "A sealed passage on the migration of eels through canals.")
OLD = "Ask about {{document}} in one sentence.\n"


def found(
    after: str, before: str = OLD, path: str = "prompts/main.md", split: Split = "train"
) -> str:
    documents: dict[Split, list[Document]] = {split: [TRAIN], "test": [TEST]}
    return Copied(documents).found([before], {path: before + after})


def test_a_copied_sentence_is_told_with_its_document_and_its_words() -> None:
    said = found("For example: counted seventeen gulls before the storm came in!\n")
    assert said == (
        "prompts/main.md copies document lighthouse.txt: "
        "'counted seventeen gulls before the storm came in!'"
    )


@pytest.mark.parametrize(
    "disguised",
    [
        "COUNTED\n   seventeen, gulls;\n before - the storm came in",
        'EXAMPLE = ("counted seventeen " "gulls before" " the storm came in")',
        "counted seventeen gu\u200blls before the st\u00f6rm c\u0430me in",
    ],
)
def test_layout_case_punctuation_and_look_alikes_hide_no_copy(disguised: str) -> None:
    assert "copies document lighthouse.txt" in found(disguised, path="workflow.py")


@pytest.mark.parametrize(
    "honest",
    [
        "The lighthouse keeper is somebody to ask about.",
        "Before the storm, count the gulls; the keeper of the lighthouse came in.",
        "",
    ],
)
def test_the_same_words_in_a_few_places_are_no_copy(honest: str) -> None:
    assert found(honest) == ""


def test_what_stood_there_before_is_not_held_against_an_edit() -> None:
    before = f"{OLD}For example: {TEXT}\n"
    assert found("Mind the numbers.\n", before) == ""
    assert found("Mind the numbers: a copy of what stood there.\n" + TEXT, before) == ""
    assert "copies" in found(TEXT)


def test_a_validation_document_is_named_and_a_test_document_is_not() -> None:
    assert "document lighthouse.txt" in found(TEXT, split="validation")
    said = found("on the migration of eels through canals")
    assert "copies a test document" in said
    assert "secret" not in said


def test_every_run_of_the_least_length_is_found_wherever_it_begins() -> None:
    letters = "".join(chr(97 + (7 * n * n + n) % 26) for n in range(200))
    check = Copied({"train": [Document("2" * 16, "letters", letters)]})
    for start in range(60):
        assert check.found([], {"f": f"X1Y {letters[start : start + 32]} Z9"}), start
        assert not check.found([], {"f": f"X1Y {letters[start : start + 28]} Z9"}), start


def test_a_long_copy_is_cut_in_what_is_said() -> None:
    assert found(TEXT).endswith(
        "'The lighthouse keeper counted seventeen gulls before the storm came in over ...'"
    )


def test_a_text_of_one_letter_takes_no_longer_than_its_length() -> None:
    same = Document("3" * 16, "aaa", "a" * 5_000)
    check = Copied({"train": [same, Document("4" * 16, "aab", "a" * 4_000 + "b" * 4_000)]})
    assert "copies document" in check.found([], {"workflow.py": "a" * 24_000})
