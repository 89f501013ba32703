"""Corpora: what is read, what is left out or cut, and that it is told."""

import json
import os
from pathlib import Path

import pytest

from autodata.config.schema import Documents
from autodata.documents.corpus import Corpus, Flaw, read_corpus
from autodata.documents.splits import MOST_CHARS, deal, document_id
from autodata.errors import DocumentError


def read(place: Path, chunk_chars: int = 0, min_chars: int = 0) -> Corpus:
    settings = Documents(source=str(place), chunk_chars=chunk_chars, min_chars=min_chars)
    return read_corpus(settings)


def texts(found: Corpus) -> list[tuple[str, str]]:
    return [(document.name, document.text) for document in found.documents]


def whys(found: Corpus) -> list[tuple[str, str]]:
    return [(flaw.name, flaw.why) for flaw in found.left_out]


def faulty(folder: Path) -> Path:
    """A folder with two good texts and one of each that is none."""
    (folder / "a.txt").write_text("good")
    (folder / "b.txt").write_text("good, too")
    (folder / "blank.md").write_text(" \n")
    (folder / "copy.md").write_text("good")
    (folder / "latin.txt").write_bytes("abc\xfc".encode("latin-1"))
    (folder / "gone.txt").symlink_to(folder / "nowhere")
    return folder


def test_a_folder_is_read_by_suffix_and_in_order(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "b.txt").write_text("\ufefftext b", encoding="utf-8")
    (tmp_path / "sub/a.MD").write_text("text a", encoding="utf-8")
    (tmp_path / "c.pdf").write_bytes(b"\xff\xfe")
    found = read(tmp_path)
    assert texts(found) == [("b.txt", "text b"), ("sub/a.MD", "text a")]
    assert found.documents[0].id == document_id("text b")
    assert (found.left_out, found.summary) == ([], "")


def test_a_relative_source_is_under_the_projects_root(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/a.txt").write_text("text a")
    assert len(read_corpus(Documents(source="docs"), tmp_path).documents) == 1


def test_what_is_no_document_is_left_out_counted_and_named(tmp_path: Path) -> None:
    found = read(faulty(tmp_path))
    assert texts(found) == [("a.txt", "good"), ("b.txt", "good, too")]
    assert found.left_out == [
        Flaw("blank.md", "empty"),
        Flaw("copy.md", "duplicate", "of a.txt"),
        Flaw("gone.txt", "unreadable", "No such file or directory"),
        Flaw("latin.txt", "not UTF-8", "byte 3"),
    ]
    assert found.summary == (
        "2 documents of 6: 1 empty, 1 duplicate, 1 not UTF-8, 1 unreadable: "
        "blank.md, copy.md, gone.txt ... (all: autodata doctor)"
    )
    found.check()


def test_strict_documents_are_all_used_as_they_are(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=r"documents\.strict: 2 documents of 6") as caught:
        read(faulty(tmp_path)).check(strict=True)
    assert "blank.md (empty)" in caught.value.fix
    assert "documents.strict: false" in caught.value.fix


def test_short_texts_are_counted_but_strict_documents_may_be_short(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("long enough")
    (tmp_path / "b.txt").write_text("x")
    found = read(tmp_path, min_chars=5)
    assert found.summary == "1 document of 2: 1 below documents.min_chars"
    found.check(strict=True)


def test_where_all_is_left_out_the_error_says_why(tmp_path: Path) -> None:
    (tmp_path / "latin.txt").write_bytes(b"abc\xff")
    with pytest.raises(DocumentError, match=r"0 documents of 1: 1 not UTF-8: latin\.txt"):
        read(tmp_path).check()
    with pytest.raises(DocumentError, match="1 not UTF-8"):
        read(tmp_path / "latin.txt").check()
    (tmp_path / "latin.txt").write_text("x")
    with pytest.raises(DocumentError, match=r"1 below documents\.min_chars") as caught:
        read(tmp_path, min_chars=5).check()
    assert caught.value.fix == "lower documents.min_chars"


def test_an_empty_or_missing_corpus_says_what_to_put_there(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="no text in") as empty:
        read(tmp_path).check()
    assert ".jsonl" in empty.value.fix
    with pytest.raises(DocumentError, match="does not exist") as missing:
        read(tmp_path / "nowhere")
    assert "pydoc" in missing.value.fix


def test_lines_of_a_jsonl_file_are_documents(tmp_path: Path) -> None:
    file = tmp_path / "corpus.jsonl"
    rows = [{"text": "one\u2028line", "name": "a#b"}, {"text": "two"}, {"text": "3", "name": None}]
    text = "\n\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    file.write_text("\ufeff" + text, encoding="utf-8")
    assert texts(read(file)) == [("a_b", "one\u2028line"), ("line 3", "two"), ("line 5", "3")]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"{", "without text"),
        (b'["text"]', "without text"),
        (b'{"txt": "a"}', "without text"),
        (b'{"text": 3}', "without text"),
        (b'{"text": "\\ud800"}', "with half a character"),
        (b'{"text": "a\xff"}', "not UTF-8"),
        (b"[" * 100_000, "without text"),
        (b'{"text": "\\n"}', "empty"),
        (b'{"text": "text 7"}', "duplicate"),
    ],
)
def test_a_bad_line_among_thousands_is_left_out_and_named(
    tmp_path: Path, line: bytes, why: str
) -> None:
    file = tmp_path / "corpus.jsonl"
    good = [b'{"text": "text %d"}\n' % number for number in range(2000)]
    file.write_bytes(b"".join([*good[:1000], line + b"\n", *good[1000:]]))
    found = read(file)
    assert len(found.documents) == 2000
    assert whys(found) == [("line 1001", why)]
    assert found.summary == f"2,000 documents of 2,001: 1 {why}: line 1001"


def test_names_that_are_no_text_can_be_dealt_and_shown(tmp_path: Path) -> None:
    for name in (b"caf\xe9.txt", b"bell\x07.txt", b"c.txt"):
        (tmp_path / os.fsdecode(name)).write_text(f"text of {name!r}")
    found = read(tmp_path)
    names = [document.name for document in found.documents]
    assert sorted(names) == ["bell\N{REPLACEMENT CHARACTER}.txt", "c.txt", "caf?.txt"]
    assert len(deal(found.documents, {"train": 1, "validation": 1, "test": 1})["test"]) == 1


def test_a_pipe_in_the_folder_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.txt")
    assert whys(read(tmp_path)) == [("a.txt", "unreadable")]


def test_a_text_that_is_too_long_is_cut_and_told(tmp_path: Path) -> None:
    (tmp_path / "book.txt").write_text("One sentence of a book.\n\n" * 20_000)
    found = read(tmp_path)
    document = found.documents[0]
    assert MOST_CHARS - 25 <= len(document.text) <= MOST_CHARS
    assert document.span == (0, len(document.text))
    assert document.id == document_id(document.text)
    assert "1 cut to at most 250,000 characters: book.txt" in found.summary
    with pytest.raises(DocumentError, match=r"documents\.strict: 1 cut"):
        found.check(strict=True)


def test_a_text_in_pieces_loses_nothing_and_is_not_cut(tmp_path: Path) -> None:
    text = " ".join(f"sentence {number}." for number in range(40_000))
    (tmp_path / "book.txt").write_text(text)
    (tmp_path / "b.txt").write_text("short")
    found = read(tmp_path, chunk_chars=100_000)
    names = [document.name for document in found.documents]
    assert names == ["b.txt", *(f"book.txt#{number}" for number in range(len(names) - 1))]
    assert "".join(d.text for d in found.documents[1:]).split() == text.split()
    assert (found.cut, found.documents[0].span) == ([], None)


def test_the_built_in_corpus_is_there_everywhere() -> None:
    found = read_corpus(Documents(chunk_chars=3000, min_chars=1500))
    assert len(found.documents) > 136
    assert {flaw.why for flaw in found.left_out} == {"below documents.min_chars"}
    assert len(deal(found.documents, {"train": 8, "validation": 48, "test": 80})["test"]) == 80
