"""Strangers: which documents and answers an example must not hold with."""

from autodata.episode.strangers import GOOD_ANSWER, MOST_OTHERS, OF_NO_RUN, WRONG_CHARS, Strangers
from autodata.types import Cell, Document


def documents(*names: str) -> list[Document]:
    return [Document(f"id-{name}", name, f"text of {name} " * 2_000) for name in names]


TRAIN, TEST = documents(*(f"t{n}" for n in range(20))), documents("only")
STRANGERS = Strangers({"train": TRAIN, "test": TEST})
CELL = Cell(TRAIN[0].id, "train", 0)


def test_others_are_the_same_every_time_and_of_the_same_split() -> None:
    found = STRANGERS.others(TRAIN[0], "train")
    assert len({other.id for other in found} - {TRAIN[0].id}) == MOST_OTHERS
    again = Strangers({"train": TRAIN[::-1], "test": TEST})
    assert again.others(TRAIN[0], "train") == found
    assert STRANGERS.others(TRAIN[1], "train") != found


def test_a_split_of_one_document_takes_others_of_train_and_never_the_other_way() -> None:
    assert {other.name[0] for other in STRANGERS.others(TEST[0], "test")} == {"t"}
    assert TEST[0] not in STRANGERS.others(TRAIN[0], "train")


def test_pieces_of_one_source_are_no_strangers() -> None:
    pieces = documents("book#1", "book#2", "book#3")
    alone = Strangers({"train": pieces})
    assert alone.others(pieces[0], "train") == ()
    assert alone.wrong(pieces[0], "train") == OF_NO_RUN


def test_a_wrong_document_is_the_beginning_of_another_one() -> None:
    wrong = STRANGERS.wrong(TRAIN[0], "train")
    assert wrong.id != TRAIN[0].id
    assert len(wrong.text) == WRONG_CHARS


def test_a_strangers_answer_is_another_documents_or_one_of_no_document() -> None:
    assert STRANGERS.answer(TRAIN[0], CELL) == GOOD_ANSWER
    known = {document.id: f"answer of {document.id}" for document in TRAIN[:3]}
    strangers = Strangers({"train": TRAIN}, lambda cell: known)
    answers = {strangers.answer(TRAIN[0], CELL) for _ in range(3)}
    assert len(answers) == 1
    assert answers < {*known.values()} - {known[TRAIN[0].id]}
