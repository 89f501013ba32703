"""The cloze protocol: no harness can buy its gap; only a privileged solver sees the passage."""

from dataclasses import replace

import pytest

from autodata.domains.base import RoleSettings
from autodata.domains.cloze import Cloze
from autodata.episode.roles import Panel
from autodata.types import Document, Example
from tests.support.episodes import asking_of, good_caller

TEXT = """\
The parser reads a token at a time. It keeps a stack of open brackets. A closing bracket must match
the newest open one. When nothing is left on the stack, the input was balanced.   The module
(see "os.path") splits a name into two parts. Some people call the first part the head. It is a
common mistake to import a module from os.path without a need. A short one is this. The size of
what remains is given in bytes, which is rarely what the caller wants. When nothing is left on the
stack, the input was empty.
"""
DOCUMENT = Document("d", "d", TEXT)
GOOD = Example(
    question="When nothing is left on the stack, the input was",
    answer="balanced",
    context="A closing bracket must match the newest open one.",
)
PLAIN = RoleSettings(api="completions")
PRIVILEGED = RoleSettings(privileged=True, api="completions")


def fault(**changes: str) -> str:
    example = replace(GOOD, **changes)  # type: ignore[arg-type]
    return Cloze().fault(DOCUMENT, example)


async def test_the_auditor_is_shown_the_passage_and_not_the_whole_document() -> None:
    form = {"leak": False, "ambiguous": True, "bare_number": False, "rubric_fair": True}
    caller = good_caller(auditor={**form, "without_document": False, "comment": "or empty"})
    found = await Cloze().audit(DOCUMENT, GOOD, Panel(asking_of(caller), "r0.auditor"))
    ((_, request),) = caller.of("auditor")
    shown = str(request.to_json())
    assert GOOD.context in shown
    assert "os.path" not in shown
    assert (found.ambiguous, found.holds) == (True, False)


def test_the_documents_own_sentence_right_after_its_passage_is_fine() -> None:
    assert fault() == ""
    assert fault(context="A closing bracket\n must match  the newest open one.") == ""
    whole = " ".join(TEXT.split()).partition(" When")[0]
    assert fault(context=whole) == ""


def test_the_same_sentence_may_occur_elsewhere_with_another_end() -> None:
    before = "The size of what remains is given in bytes, which is rarely what the caller wants."
    assert fault(context=before, answer="empty") == ""
    assert fault(context=before, answer="balanced") == "not the document's own text in place"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"context": "It keeps a stack of open brackets."}, "not the document's own text in place"),
        ({"context": "The input was balanced in the end."}, "not the document's own text in place"),
        (
            {"context": "A closing bracket must match the newest open one. Hint: balanced."},
            "not the document's own text in place",
        ),
        ({"context": ""}, "the passage is empty"),
        ({"context": " \n "}, "the passage is empty"),
        (
            {
                "context": "A closing bracket must match the newest open one. When nothing is left",
                "question": "on the stack, the input was",
            },
            "the passage does not end where a sentence ends",
        ),
        (
            {
                "question": "When nothing is left on the stack the input was",
            },
            "not the document's own text in place",
        ),
        ({"question": "when nothing is left on the stack, the input was"}, "the sentence does not"),
        ({"answer": "unbalanced"}, "not the document's own text in place"),
        ({"answer": "balance"}, "the answer does not end the sentence"),
        ({"answer": "balanced."}, "the answer is not one word"),
        ({"answer": "was balanced"}, "the answer is not one word"),
        ({"answer": ""}, "the answer is not one word"),
        ({"answer": "42"}, "the answer is not one word"),
        (
            {"question": "When nothing is left on the", "answer": "stack"},
            "the answer does not end the sentence",
        ),
        (
            {
                "context": "Some people call the first part the head.",
                "question": "It is a common mistake to import a module from",
                "answer": "os",
            },
            "the answer does not end the sentence",
        ),
        (
            {
                "context": "It is a common mistake to import a module from os.path without a need.",
                "question": "A short one is",
                "answer": "this",
            },
            "the sentence is too short",
        ),
        (
            {
                "context": "When nothing is left on the stack, the input was balanced. "
                "When nothing is left on the stack, the input was balanced.",
            },
            "the passage contains the sentence",
        ),
    ],
)
def test_whatever_buys_the_gap_is_refused(changes: dict[str, str], named: str) -> None:
    assert fault(**changes).startswith(named)


def test_a_passage_that_contains_the_sentence_is_refused_even_as_the_documents_own_text() -> None:
    twice = "First of all there is this. We read the whole line once. "
    document = Document(
        "d", "d", twice + "We read the whole line once. We read the whole line once."
    )
    example = Example("We read the whole line", "once", "We read the whole line once.")
    assert Cloze().fault(document, example) == "the passage contains the sentence"


def test_a_sentence_that_says_its_own_last_word_is_refused() -> None:
    document = Document("d", "d", "This begins it all. Balanced input stays what it was, balanced.")
    example = Example("Balanced input stays what it was,", "balanced", "This begins it all.")
    assert Cloze().fault(document, example) == "the sentence already contains the answer"


def test_a_passage_has_a_longest_length() -> None:
    sentences = " ".join(f"Sentence number {number} is here." for number in range(300))
    document = Document("d", "d", f"{sentences} The very last word of it is end.")
    example = Example("The very last word of it is", "end", sentences)
    assert Cloze().fault(document, example) == "the passage is too long"


def test_only_a_privileged_solver_sees_the_passage() -> None:
    plain = Cloze().question(DOCUMENT, GOOD, PLAIN)
    privileged = Cloze().question(DOCUMENT, GOOD, PRIVILEGED)
    assert plain.prompt == GOOD.question
    assert privileged.prompt == f"{GOOD.context} {GOOD.question}"
    for request in (plain, privileged):
        assert "balanced" not in request.prompt
        assert 0 < request.max_tokens <= 8


def test_a_chat_model_is_asked_for_one_word() -> None:
    plain = Cloze().question(DOCUMENT, GOOD, RoleSettings())
    assert plain.messages[0].content.endswith(GOOD.question)
    assert GOOD.context not in plain.messages[0].content
    assert Cloze().question(DOCUMENT, GOOD, RoleSettings(max_tokens=7)).max_tokens == 7


@pytest.mark.parametrize(
    ("text", "word"), [(" balanced. And", "balanced"), ("**Os-path**", "Os-path"), ("...", "")]
)
def test_the_answer_is_the_first_word(text: str, word: str) -> None:
    assert Cloze().answer(text) == word
