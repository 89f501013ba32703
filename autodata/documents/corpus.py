"""Reading a corpus: which texts become documents, and which are left out or cut, and why."""

import importlib
import json
import os
import re
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from autodata.config.schema import Documents
from autodata.documents.splits import MOST_CHARS, document_id, pieces
from autodata.errors import DocumentError
from autodata.types import Document

TEXT_SUFFIXES = {".txt", ".md", ".rst", ".tex"}
BUILTIN = "pydoc"
"""The corpus every Python carries: the reference topics in `pydoc_data.topics`."""
SHORT = "below documents.min_chars"
WHYS = (
    "empty",
    "duplicate",
    SHORT,
    "not UTF-8",
    "without text",
    "with half a character",
    "unreadable",
)
NAMED = 3  # names in the line of a start; `doctor` lists them all


@dataclass(frozen=True, slots=True)
class Flaw:
    """A text that is not used as it is: its name, why in a word of `WHYS`, and more about it."""

    name: str
    why: str
    more: str = ""

    def __str__(self) -> str:
        return f"{self.name} ({self.why}{', ' * bool(self.more)}{self.more})"


@dataclass(frozen=True, slots=True)
class Corpus:
    """The result of reading a corpus: documents, texts left out, and documents that were cut."""

    source: str
    documents: list[Document]
    left_out: list[Flaw]
    cut: list[Flaw]

    @property
    def summary(self) -> str:
        """One line about texts that are left out or cut; empty if there are none.

        Texts below `documents.min_chars` are counted, not named: leaving them out was asked for.
        """
        counts = Counter(flaw.why for flaw in self.left_out)
        reasons = ", ".join(f"{counts[why]:,} {why}" for why in WHYS if counts[why])
        parts = []
        if reasons:
            flaws = [flaw for flaw in self.left_out if flaw.why != SHORT]
            total = len(self.documents) + len(self.left_out)
            count = f"{len(self.documents):,} document{'s' * (len(self.documents) != 1)}"
            parts.append(f"{count} of {total:,}: {reasons}{_names(flaws)}")
        if self.cut:
            count = f"{len(self.cut):,} cut to at most {MOST_CHARS:,} characters"
            parts.append(f"{count}{_names(self.cut)} (documents.chunk_chars makes pieces instead)")
        return "; ".join(parts)

    def check(self, strict: bool = False) -> None:
        """Check that there is a document; if `strict`, that every text is used as it is.

        Raises:
            DocumentError: says what is wrong with the first of them.
        """
        wrong = [flaw for flaw in (*self.left_out, *self.cut) if flaw.why != SHORT]
        if not self.documents:
            summary = f" ({self.summary})" if self.left_out else ""
            fix = "put .txt or .md files there, or a .jsonl with a `text` field"
            if wrong:
                fix = f"mend {wrong[0]}, or {fix}"
            elif self.left_out:
                fix = "lower documents.min_chars"
            raise DocumentError(f"documents.source: no text in {self.source}{summary}", fix)
        if strict and wrong:
            raise DocumentError(
                f"documents.strict: {self.summary}",
                f"mend or move {wrong[0]} (autodata doctor lists them all), or set "
                "documents.strict: false",
            )


def read_corpus(settings: Documents, root: Path | None = None) -> Corpus:
    """Read a corpus: `pydoc`, a folder of text files, or a .jsonl file with `text` in each line.

    `chunk_chars` > 0 cuts texts at paragraph ends into pieces of about that many characters; a
    piece is named `source#n`, and `deal` keeps the pieces of one source in one split. Left out are
    texts and pieces that are shorter than `min_chars`, that came before, or that cannot be read.
    What is longer than `MOST_CHARS` is cut (`beginning`).

    Raises:
        DocumentError: there is nothing of that name.
    """
    documents: dict[str, Document] = {}
    left_out, cut = list[Flaw](), list[Flaw]()
    for name, text in _read(settings.source, root or Path()):
        if isinstance(text, Flaw):
            left_out.append(text)
            continue
        parts = pieces(text, settings.chunk_chars)
        for number, (span, piece) in enumerate(parts):
            label = f"{name}#{number}" if len(parts) > 1 else name
            whole = span == (0, len(text))
            document = Document(document_id(piece), label, piece, None if whole else span)
            if not piece.strip():
                left_out.append(Flaw(label, "empty"))
            elif len(piece) < settings.min_chars:
                left_out.append(Flaw(label, SHORT, f"{len(piece):,} characters"))
            elif (first := documents.setdefault(document.id, document)) is not document:
                left_out.append(Flaw(label, "duplicate", f"of {first.name}"))
            elif not settings.chunk_chars and not whole:
                cut.append(Flaw(label, "cut", f"{len(piece):,} of {len(text):,} characters"))
    return Corpus(settings.source, list(documents.values()), left_out, cut)


def _read(source: str, root: Path) -> Iterator[tuple[str, str | Flaw]]:
    """Yield the name and text of everything that could be a document, in order."""
    if source == BUILTIN:
        topics: dict[str, str] = importlib.import_module("pydoc_data.topics").topics
        first = {text: name for name, text in sorted(topics.items(), reverse=True)}
        yield from sorted((name, text) for text, name in first.items())
        return
    path = root / Path(source).expanduser()
    if path.is_dir():
        yield from _folder(path)
    elif path.suffix == ".jsonl" and path.is_file():
        yield from _json_lines(path)
    elif path.is_file():
        yield _text(path, _clean(path.name))
    else:
        raise DocumentError(
            f"documents.source: {path} does not exist",
            f"name a folder, a .jsonl file, a text file, or the built-in corpus {BUILTIN!r}",
        )


def _folder(folder: Path) -> Iterator[tuple[str, str | Flaw]]:
    unread: list[tuple[Path, str]] = []
    files: list[Path] = []

    def closed(error: OSError) -> None:
        unread.append((Path(error.filename), f"a folder: {error.strerror}"))

    for place, _, names in os.walk(folder, onerror=closed):
        files += [Path(place, name) for name in names]
    for file in sorted(files):
        if file.suffix.lower() in TEXT_SUFFIXES:
            yield _text(file, _clean(str(file.relative_to(folder))))
    for closed_folder, why in unread:
        name = _clean(str(closed_folder.relative_to(folder)))
        yield name, Flaw(name, "unreadable", why)


def _text(file: Path, name: str) -> tuple[str, str | Flaw]:
    try:
        if file.exists() and not file.is_file():  # opening a pipe would wait for its writer
            return name, Flaw(name, "unreadable", "no file")
        return name, file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        return name, Flaw(name, "not UTF-8", f"byte {error.start}")
    except OSError as error:
        return name, Flaw(name, "unreadable", error.strerror or str(error))


def _json_lines(file: Path) -> Iterator[tuple[str, str | Flaw]]:
    try:
        with file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _json_line(line.removeprefix(BOM_UTF8), f"line {number}")
    except OSError as error:
        raise DocumentError(f"{file}: {error.strerror}", "check its rights") from error


def _json_line(line: bytes, place: str) -> tuple[str, str | Flaw]:
    try:
        row = json.loads(line.decode())
        text = row["text"]
    except UnicodeDecodeError as error:
        return place, Flaw(place, "not UTF-8", f"byte {error.start} of the line")
    except (ValueError, KeyError, TypeError, RecursionError):
        return place, Flaw(place, "without text", "no JSON object with a `text` field")
    if not isinstance(text, str):
        return place, Flaw(place, "without text", "`text` is no string")
    if re.search("[\ud800-\udfff]", text):
        return place, Flaw(place, "with half a character", "a lone surrogate in `text`")
    name = row.get("name")
    return _clean(place if name in (None, "") else str(name)).replace("#", "_"), text


def _clean(name: str) -> str:
    """Return a name that can be hashed and shown, whatever bytes a file system has for it."""
    readable = name.encode("utf-8", "replace").decode()
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in readable
    )


def _names(flaws: list[Flaw]) -> str:
    if not flaws:
        return ""
    names = ", ".join(flaw.name for flaw in flaws[:NAMED])
    return f": {names}" + (" ... (all: autodata doctor)" if len(flaws) > NAMED else "")
