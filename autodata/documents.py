"""Source documents: reading a corpus, cutting it into pieces, and dealing them into splits.

Knows nothing of harnesses or models. A document's id is the hash of its text, so the same text is
the same document wherever it was read from.
"""

import hashlib
import importlib
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from autodata.errors import DocumentError
from autodata.types import SPLITS, Document, Split

TEXT_SUFFIXES = {".txt", ".md", ".rst", ".tex"}
BUILTIN = "pydoc"
"""The corpus every Python carries: the reference topics in `pydoc_data.topics`."""


def document_id(text: str) -> str:
    """Return the id of a document: the first 16 hex digits of its text's SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def load_documents(
    source: str, chunk_chars: int = 0, min_chars: int = 0, root: Path | None = None
) -> list[Document]:
    """Read a corpus: `pydoc`, a folder of text files, or a .jsonl file with `text` in each line.

    `chunk_chars` > 0 cuts texts at paragraph ends into pieces of about that many characters; a
    piece is named `source#n`, and `deal` keeps the pieces of one source in one split. Texts and
    pieces shorter than `min_chars` are left out; equal texts count once.

    Raises:
        DocumentError: nothing there, not readable as UTF-8, or no text in it.
    """
    texts = list(_read(source, root or Path()))
    documents: dict[str, Document] = {}
    for name, text in texts:
        pieces = _chunks(text, chunk_chars) if chunk_chars else [text]
        for number, piece in enumerate(pieces):
            if piece.strip() and len(piece) >= min_chars:
                label = f"{name}#{number}" if len(pieces) > 1 else name
                documents.setdefault(document_id(piece), Document(document_id(piece), label, piece))
    if not documents:
        raise DocumentError(
            f"documents.source: no text in {source}"
            + (f" of at least {min_chars} characters" if min_chars else ""),
            "put .txt or .md files there, or a .jsonl with a `text` field",
        )
    return list(documents.values())


def deal(
    documents: Iterable[Document], sizes: Mapping[Split, int], seed: int = 0
) -> dict[Split, list[Document]]:
    """Deal documents into splits of the given sizes, the same way for the same seed.

    All pieces of one source go to one split, so that test documents come from texts that the
    search has never seen. Sources are dealt to the split that lacks most; left-overs stay unused.

    Raises:
        DocumentError: too few documents, or sources too uneven for these sizes.
    """
    groups: dict[str, list[Document]] = {}
    for document in documents:
        groups.setdefault(document.name.partition("#")[0], []).append(document)
    total, wanted = sum(map(len, groups.values())), sum(sizes.values())
    if total < wanted:
        raise DocumentError(
            f"{total} documents, but the splits need {wanted} "
            f"({', '.join(f'{name} {sizes[name]}' for name in SPLITS)})",
            "add documents, lower documents.chunk_chars, or make documents.splits smaller",
        )
    order = sorted(groups, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest())
    order.sort(key=lambda name: len(groups[name]), reverse=True)
    dealt: dict[Split, list[Document]] = {split: [] for split in SPLITS}
    for name in order:
        neediest = max(SPLITS, key=lambda split: sizes[split] - len(dealt[split]))
        dealt[neediest].extend(groups[name])
    for split in SPLITS:
        if len(dealt[split]) < sizes[split]:
            raise DocumentError(
                f"the {split} split gets {len(dealt[split])} of its {sizes[split]} documents: "
                f"pieces of one source stay together, and there are only {len(groups)} sources",
                f"add sources or make documents.splits.{split} smaller",
            )
        key = {d.id: hashlib.sha256(f"{seed}:{d.id}".encode()).digest() for d in dealt[split]}
        dealt[split].sort(key=lambda document: key[document.id])
        del dealt[split][sizes[split] :]
    return dealt


def split_digest(documents: Iterable[Document]) -> str:
    """Return a digest of a set of documents, whatever their order."""
    ids = sorted(document.id for document in documents)
    return hashlib.sha256("\n".join(ids).encode()).hexdigest()[:16]


def _read(source: str, root: Path) -> Iterable[tuple[str, str]]:
    if source == BUILTIN:
        topics: dict[str, str] = importlib.import_module("pydoc_data.topics").topics
        yield from sorted(topics.items())
        return
    path = root / Path(source).expanduser()
    if path.is_dir():
        for file in sorted(path.rglob("*")):
            if file.suffix.lower() in TEXT_SUFFIXES and file.is_file():
                yield str(file.relative_to(path)), _text(file)
    elif path.suffix == ".jsonl" and path.is_file():
        yield from _json_lines(path)
    elif path.is_file():
        yield path.name, _text(path)
    else:
        raise DocumentError(
            f"documents.source: {path} does not exist",
            f"name a folder, a .jsonl file, a text file, or the built-in corpus {BUILTIN!r}",
        )


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DocumentError(
            f"{file} is not UTF-8 text (byte {error.start})", "convert it, or move it elsewhere"
        ) from error
    except OSError as error:
        raise DocumentError(f"{file}: {error.strerror}", "check its rights") from error


def _json_lines(file: Path) -> Iterable[tuple[str, str]]:
    for number, line in enumerate(_text(file).split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            text = row["text"]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise DocumentError(
                f"{file}, line {number}: not a JSON object with a `text` field",
                'write each line as {"text": "...", "name": "..."}',
            ) from error
        if not isinstance(text, str):
            raise DocumentError(f"{file}, line {number}: `text` is no string", "quote it")
        if re.search("[\ud800-\udfff]", text):
            raise DocumentError(
                f"{file}, line {number}: `text` holds half a character (a lone surrogate)",
                "write the file again from its source",
            )
        yield str(row.get("name", f"line {number}")).replace("#", "_"), text


def _chunks(text: str, size: int) -> list[str]:
    """Cut at blank lines into pieces of at least `size` characters; a short rest joins the last."""
    pieces: list[str] = []
    current = ""
    for paragraph in re.split(r"(?<=\n)\n+", text):
        current += paragraph + "\n"
        if len(current) >= size:
            pieces.append(current)
            current = ""
    if current.strip():
        if pieces and len(current) < size // 2:
            pieces[-1] += current
        else:
            pieces.append(current)
    return pieces
