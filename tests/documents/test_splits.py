"""Documents: how texts are cut, and splits that share no source."""

import pytest

from autodata.documents.splits import (
    MOST_CHARS,
    beginning,
    deal,
    document_id,
    pieces,
    split_digest,
)
from autodata.errors import DocumentError
from autodata.types import SPLITS, Document, Split

SIZES: dict[Split, int] = {"train": 4, "validation": 6, "test": 10}


def corpus(sources: int, pieces: int) -> list[Document]:
    names = [f"s{source}#{piece}" for source in range(sources) for piece in range(pieces)]
    return [Document(document_id(name), name, name) for name in names]


def source(document: Document) -> str:
    return document.name.partition("#")[0]


def ids(dealt: dict[Split, list[Document]]) -> dict[Split, list[str]]:
    return {split: [document.id for document in found] for split, found in dealt.items()}


@pytest.mark.parametrize("seed", range(20))
def test_splits_are_disjoint_and_share_no_source(seed: int) -> None:
    dealt = deal(corpus(20, 2), SIZES, seed)
    assert {split: len(found) for split, found in dealt.items()} == SIZES
    everything = [document.id for found in dealt.values() for document in found]
    assert len(set(everything)) == len(everything)
    sources = [{source(document) for document in dealt[split]} for split in SPLITS]
    assert sum(map(len, sources)) == len(set().union(*sources))


def test_the_same_seed_deals_the_same_way_whatever_the_order_of_files() -> None:
    documents = corpus(20, 2)
    assert ids(deal(documents, SIZES, 3)) == ids(deal(documents, SIZES, 3))
    assert ids(deal(documents, SIZES, 3)) != ids(deal(documents, SIZES, 4))
    backwards = deal(reversed(documents), SIZES, 3)
    assert ids(backwards) == ids(deal(documents, SIZES, 3))


def test_too_few_documents_name_what_each_split_needs() -> None:
    with pytest.raises(DocumentError, match=r"19 documents.*20.*train 4, validation 6, test 10"):
        deal(corpus(19, 1), SIZES)
    assert len(deal(corpus(20, 1), SIZES)["test"]) == 10


def test_sources_that_are_too_large_to_share_out_are_refused() -> None:
    with pytest.raises(DocumentError, match="pieces of one source stay together") as caught:
        deal(corpus(2, 30), SIZES)
    assert "documents.splits." in caught.value.fix


def test_long_texts_are_cut_between_paragraphs_and_lose_nothing() -> None:
    paragraphs = [f"Paragraph {number}. " + "word " * 30 for number in range(20)]
    text = "\n\n\n".join(paragraphs)
    found = pieces(text, 500)
    assert all(500 <= len(piece) < 1000 for _, piece in found)
    assert " ".join("".join(piece for _, piece in found).split()) == " ".join(text.split())


@pytest.mark.parametrize("size", [0, 10, 500, 10**6])
def test_a_piece_lies_where_its_span_says(size: int) -> None:
    text = "\n".join(f"Line {number}.{chr(10) * (number % 4)}" for number in range(200))
    for (begin, end), piece in pieces(text, size):
        assert text[begin:end].split() == piece.split()


@pytest.mark.parametrize(("end", "cut"), [("\n\n", 620), ("\n", 610), (". ", 602), (" ", 601)])
def test_a_text_that_is_too_long_keeps_its_beginning_to_a_good_end(end: str, cut: int) -> None:
    text = "x" * (cut - len(end)) + end + "y" * 400
    assert beginning(text, len(text)) == text
    assert beginning(text, cut + 100) == text[:cut]
    assert len(beginning(text.replace(end, "-" * len(end)), 700)) == 700


def test_a_better_end_is_chosen_before_a_later_one_but_not_in_the_first_half() -> None:
    assert beginning("a" * 60 + "\n\nb\nc. d e" + "f" * 90, 100) == "a" * 60 + "\n\n"
    assert beginning("a" * 10 + "\n\n" + "b" * 70 + " c" + "e" * 90, 100).endswith("b ")


@pytest.mark.parametrize("text", ["word " * 200_000, "x" * 1_000_000, "a line\n" * 150_000])
def test_no_piece_is_longer_than_a_document_may_be_and_nothing_is_lost(text: str) -> None:
    for size in (3000, 10**6):
        found = pieces(text, size)
        assert max(len(piece) for _, piece in found) <= MOST_CHARS
        assert "".join(text[begin:end] for (begin, end), _ in found) == text
    assert 3000 <= len(pieces(text, 3000)[0][1]) <= 6001


def test_a_split_has_a_digest_of_its_contents() -> None:
    documents = corpus(3, 1)
    assert split_digest(documents) == split_digest(documents[::-1])
    assert split_digest(documents) != split_digest(documents[:2])
