"""Truncation of a document that does not fit a model's context.

The rule: each cut halves the document, keeping its first two thirds' worth and its last third's
worth of what remains, cut at white space, with a mark in between. Beginning and end say most of
what a text is about; the rule is deterministic, so a resumed run asks the same.
"""

from dataclasses import replace

from autodata.types import Document

MOST_CUTS = 4
MARK = "\n[... cut: the document does not fit ...]\n"


def shortened(document: Document, cuts: int) -> Document:
    """Return the document after `cuts` halvings; id and name stay."""
    if not cuts:
        return document
    room = len(document.text) >> cuts
    head = document.text[: room * 2 // 3]
    tail = document.text[len(document.text) - room // 3 :]
    head = head[: max(head.rfind(" "), head.rfind("\n"), 0) or len(head)]
    tail = tail[max(tail.find(" "), 0) :]
    return replace(document, text=f"{head}{MARK}{tail.lstrip()}")
