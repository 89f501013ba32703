"""Documents and splits: cutting long texts into pieces, and dealing documents into the splits.

A document's id is the hash of its text, so the same text is the same document wherever it was
read from.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping

from autodata.errors import DocumentError
from autodata.store.records import DocumentsRecord
from autodata.types import SPLITS, DealtDocument, Document, Split

MOST_CHARS = 250_000
"""Characters of a document. A longer text keeps its beginning: of 500,000 the state of a workflow
that keeps its sentences can be more than the sandbox holds (`harness.workflow.Limits`)."""


def document_id(text: str) -> str:
    """Return the id of a document: the first 16 hex digits of its text's SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def beginning(text: str, most: int = MOST_CHARS) -> str:
    """Return a text, or the beginning of one that is longer than `most` characters.

    It ends after the last blank line there, else after the last line, sentence or word; where none
    of these ends in its second half, it is just so long.
    """
    return text[: _good_end(text, 0, most)]


def pieces(text: str, size: int) -> list[tuple[tuple[int, int], str]]:
    """Return the pieces of a text with their places in it; of size 0 its beginning alone.

    They are cut at blank lines and have at least `size` characters; a short rest joins the last.
    None is longer than `MOST_CHARS`: so long a paragraph is cut as `beginning` would.
    """
    if not size or not text.strip():
        head = beginning(text)
        return [((0, len(head)), head)]
    size = min(size, MOST_CHARS // 2 - 1)
    parts: list[tuple[tuple[int, int], str]] = []
    current, begun, end = "", 0, 0
    for start, paragraph in _paragraphs(text, size):
        if current and len(current) + len(paragraph) >= MOST_CHARS:
            parts.append(((begun, end), current))
            current = ""
        begun, end = begun if current else start, start + len(paragraph)
        current += paragraph + "\n"
        if len(current) >= size:
            parts.append(((begun, end), current))
            current = ""
    if current.strip():
        (first, _), last = parts[-1] if parts else ((0, 0), "")
        if parts and len(current) < size // 2 and len(last) + len(current) <= MOST_CHARS:
            parts[-1] = ((first, end), last + current)
        else:
            parts.append(((begun, end), current))
    return parts


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
    total, needed = sum(map(len, groups.values())), sum(sizes.values())
    if total < needed:
        raise DocumentError(
            f"{total} documents, but the splits need {needed} "
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


def dealt_record(dealt: Mapping[Split, Iterable[Document]]) -> DocumentsRecord:
    """Return the journal record of a run's documents: everything but their texts."""
    found = {
        split: tuple(DealtDocument(d.id, d.name, len(d.text), d.span) for d in dealt[split])
        for split in SPLITS
    }
    return DocumentsRecord(found["train"], found["validation"], found["test"])


def split_digest(documents: Iterable[Document]) -> str:
    """Return a digest of a set of documents, whatever their order."""
    ids = sorted(document.id for document in documents)
    return hashlib.sha256("\n".join(ids).encode()).hexdigest()[:16]


def _paragraphs(text: str, size: int) -> Iterator[tuple[int, str]]:
    """Yield what stands between blank lines, with its place; cut up where it is too long."""
    at = 0
    for gap in (*re.finditer(r"(?<=\n)\n+", text), None):
        end = gap.start() if gap else len(text)
        long = end - at >= MOST_CHARS
        while long and end - at > 2 * size:
            stop = _good_end(text, at, 2 * size)
            yield at, text[at:stop]
            at = stop
        yield at, text[at:end]
        at = gap.end() if gap else end


def _good_end(text: str, start: int, most: int) -> int:
    """Return where to cut a text so that at most so many characters come before."""
    if len(text) - start <= most:
        return len(text)
    for end in ("\n\n", "\n", ". ", " "):
        at = text.rfind(end, start + most // 2, start + most)
        if at >= 0:
            return at + len(end)
    return start + most
