"""Corpora: what is read, how it is cut, and splits that share no source."""

import json
from pathlib import Path

import pytest

from autodata.documents import deal, document_id, load_documents, split_digest
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


def test_a_folder_is_read_by_suffix_and_in_order(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "b.txt").write_text("\ufefftext b", encoding="utf-8")
    (tmp_path / "sub/a.MD").write_text("text a", encoding="utf-8")
    (tmp_path / "c.pdf").write_bytes(b"\xff\xfe")
    found = load_documents(str(tmp_path))
    assert [(d.name, d.text) for d in found] == [("b.txt", "text b"), ("sub/a.MD", "text a")]
    assert found[0].id == document_id("text b")


def test_a_relative_source_is_under_the_projects_root(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/a.txt").write_text("text a")
    assert len(load_documents("docs", root=tmp_path)) == 1


def test_equal_texts_are_one_document_and_short_ones_none(tmp_path: Path) -> None:
    for name, text in {
        "a.txt": "same text",
        "b.txt": "same text",
        "c.txt": "x",
        "d.txt": " ",
    }.items():
        (tmp_path / name).write_text(text)
    assert [d.name for d in load_documents(str(tmp_path), min_chars=5)] == ["a.txt"]
    assert [d.name for d in load_documents(str(tmp_path))] == ["a.txt", "c.txt"]


def test_lines_of_a_jsonl_file_are_documents(tmp_path: Path) -> None:
    file = tmp_path / "corpus.jsonl"
    rows = [{"text": "one\u2028line", "name": "a#b"}, {"text": "two"}]
    text = "\n\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    file.write_text(text, encoding="utf-8")
    found = load_documents(str(file))
    assert [(d.name, d.text) for d in found] == [("a_b", "one\u2028line"), ("line 3", "two")]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", "line 2: not a JSON object"),
        ('["text"]', "line 2: not a JSON object"),
        ('{"txt": "a"}', "line 2: not a JSON object"),
        ('{"text": 3}', "line 2: `text` is no string"),
        ('{"text": "\\ud800"}', "line 2: `text` holds half a character"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, problem: str) -> None:
    file = tmp_path / "corpus.jsonl"
    file.write_text('{"text": "fine"}\n' + line)
    with pytest.raises(DocumentError, match=problem) as caught:
        load_documents(str(file))
    assert caught.value.fix


def test_a_file_that_is_no_text_is_named_with_the_byte(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"abc\xff")
    with pytest.raises(DocumentError, match=r"a\.txt is not UTF-8 text \(byte 3\)"):
        load_documents(str(tmp_path))


def test_an_empty_or_missing_corpus_says_what_to_put_there(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="no text in") as empty:
        load_documents(str(tmp_path))
    assert ".jsonl" in empty.value.fix
    with pytest.raises(DocumentError, match="at least 5 characters"):
        load_documents(str(tmp_path), min_chars=5)
    with pytest.raises(DocumentError, match="does not exist") as missing:
        load_documents(str(tmp_path / "nowhere"))
    assert "pydoc" in missing.value.fix


def test_long_texts_are_cut_between_paragraphs_and_lose_nothing(tmp_path: Path) -> None:
    paragraphs = [f"Paragraph {number}. " + "word " * 30 for number in range(20)]
    (tmp_path / "a.txt").write_text("\n\n".join(paragraphs))
    (tmp_path / "b.txt").write_text("short")
    found = load_documents(str(tmp_path), chunk_chars=500)
    pieces = [d for d in found if source(d) == "a.txt"]
    assert [d.name for d in found if d not in pieces] == ["b.txt"]
    assert [d.name for d in pieces] == [f"a.txt#{number}" for number in range(len(pieces))]
    assert all(500 <= len(d.text) < 1000 for d in pieces)
    assert " ".join("".join(d.text for d in pieces).split()) == " ".join(
        " ".join(paragraphs).split()
    )


def test_the_built_in_corpus_is_there_everywhere() -> None:
    found = load_documents("pydoc", chunk_chars=3000, min_chars=1500)
    assert len(found) > 136
    assert len(deal(found, {"train": 8, "validation": 48, "test": 80})["test"]) == 80


def test_a_split_has_a_digest_of_its_contents() -> None:
    documents = corpus(3, 1)
    assert split_digest(documents) == split_digest(documents[::-1])
    assert split_digest(documents) != split_digest(documents[:2])
