"""Truncation of a document that does not fit a model's context.

The rule: each cut halves the document, keeping its first two thirds' worth and its last third's
worth of what remains, cut at white space, with a mark in between. Beginning and end say most of
what a text is about; the rule is deterministic, so a resumed run asks the same.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from autodata.errors import ContextTooLong
from autodata.types import Document

T = TypeVar("T")

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


@dataclass(slots=True)
class Fitting:
    """A document as far as it fits the models of an episode, `cuts` halvings by now."""

    document: Document
    cuts: int = 0

    async def ask(self, about: Callable[[Document], Awaitable[T]]) -> T:
        """Ask about the document, or about less and less of it where it does not fit.

        Raises:
            ContextTooLong: the little that is left does not fit, either.
        """
        while True:
            try:
                return await about(shortened(self.document, self.cuts))
            except ContextTooLong:
                if self.cuts == MOST_CUTS:
                    raise
                self.cuts += 1
