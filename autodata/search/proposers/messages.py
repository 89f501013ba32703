"""The commit message of an edit: everything that differs from its parent, and who changed it."""

from autodata.harness.knobs import MANIFEST
from autodata.harness.spec import Harness, moved

SUMMARY_CHARS = 300
"""What a message keeps of an implementer's own words."""


def what_changed(parent: Harness, turned: Harness, mutant: Harness, summary: str) -> str:
    """Name in one line everything that differs from the parent, and who changed it.

    `turned` is the parent with the knobs that the study moved; what `mutant` has beyond that is the
    implementer's, who describes it in its `summary`.
    """
    theirs = {name for name, value in mutant.values.items() if turned.values.get(name) != value}
    moves = moved(parent, mutant, [name for name in mutant.values if name not in theirs])
    files = [f for f in sorted({*turned.files, *mutant.files}) if f != MANIFEST]
    edited = [f for f in files if turned.files.get(f) != mutant.files.get(f)]
    edited += [moved(turned, mutant)] if theirs else []
    if not edited:
        return f"Move {moves}"
    line = "".join(letter for letter in " ".join(summary.split()) if letter.isprintable())
    by_implementer = f"Implementer edits {', '.join(edited)}: {line[:SUMMARY_CHARS]}"
    return f"{by_implementer}; study moves {moves}" if moves else by_implementer
