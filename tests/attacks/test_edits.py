"""Edits: a patch that knows documents, spoils its company, or keeps a merging search from its end.

An edit is measured in many harnesses with others, so what it does must stay its own doing.
"""

import base64
from collections.abc import Awaitable, Callable

from autodata.search.proposers.copied import Copied
from tests.attacks.rows import Reaction, Row, same, says, table
from tests.attacks.world import HARNESS, PAPERS
from tests.support.merges import Edits, What, by_number, edits_of, reasons, searched

SENTENCE = PAPERS[3].text.split(". ")[5]
OURS = f"document {PAPERS[3].name}"


def patched(text: str, path: str = "prompts/main.md") -> Callable[[], Awaitable[str]]:
    """What is said of a harness to which this text is added."""

    async def tried() -> str:
        documents = {"train": PAPERS[:10], "validation": PAPERS[10:20], "test": PAPERS[20:30]}
        before = HARNESS.files.values()
        return Copied(documents).found(before, {path: HARNESS.files[path] + text})  # type: ignore[arg-type]

    return tried


def among(hostile: What, others: float = 0.06, **changes: object) -> Callable[[], Awaitable[str]]:
    """What becomes of edit 3 among others that are good; and of those."""

    async def tried() -> str:
        found = await searched(
            Edits(by_number({3: hostile}, What(effect=others)), **changes),  # type: ignore[arg-type]
            episodes=700,
        )
        told = reasons(found)
        spoilt = [n for n, why in told.items() if n != 3 and ("failed" in why or "times" in why)]
        taken = any(3 in edits_of(finalist) for finalist in found.finalists)
        return f"e3 {'meets the test' if taken else 'is out'}, {len(spoilt)} others blamed"

    return tried


ended: Reaction = says("others blamed")
OUT = "e3 is out, 0 others blamed"

ROWS = [
    Row("a sentence of a document in a prompt", patched(f"Example: {SENTENCE}."), says(OURS)),
    Row(
        "the same in pieces of a string",
        patched(f"\nX = ({' '.join(map(repr, SENTENCE.split()))})", "workflow.py"),
        says(OURS),
    ),
    Row("the same with look-alikes", patched(SENTENCE.replace("e", "\u0435")), says(OURS)),
    Row("the same without spaces", patched(SENTENCE.replace(" ", "")), says(OURS)),
    Row(
        "a sentence of a test document",
        patched(PAPERS[25].text.split(". ")[5]),
        says("copies a test document: "),
    ),
    Row(
        "a sentence of a document in base64",
        patched(base64.b64encode(SENTENCE.encode()).decode()),
        says(OURS),
        succeeds="not found: the check knows no codes",
    ),
    Row("an edit whose calls fail", among(What(effect=0.2, failing=2)), same(OUT)),
    Row("an edit that costs twenty times as much", among(What(effect=0.2, tokens=20)), same(OUT)),
    Row(
        "edits of which no three merge",
        among(What(), clash=lambda numbers: len(numbers) > 2),
        ended,
    ),
    Row("edits of which none merges", among(What(), clash=lambda numbers: bool(numbers)), ended),
]  # fmt: skip


@table(ROWS)
async def test_an_edit_does_what_it_does_alone(row: Row) -> None:
    await row.check()
