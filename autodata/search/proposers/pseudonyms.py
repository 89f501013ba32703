"""Pseudonyms of documents: what an analyzer calls them, in one run alone.

A document's id is the hash of its text, which a workflow can compute: an edit could hold a table
of what to do on which document, made from the scores that an analyzer reads. A pseudonym is keyed
by the run's secret, so that nobody who sees it knows which text it stands for, but of those shown.
"""

import hmac
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from autodata.search.base import Iteration
from autodata.store.rows import Row
from autodata.types import Json

_ID = re.compile(r"(?<![0-9a-zA-Z])[0-9a-f]{16}(?![0-9a-zA-Z])")


class Pseudonyms:
    """The documents of one run by their pseudonyms, and back."""

    def __init__(self, secret: bytes, documents: Iterable[str] = ()) -> None:
        self._hidden = {
            name: hmac.digest(secret, name.encode(), "sha256").hex()[:16] for name in documents
        }
        self._named = {hidden: name for name, hidden in self._hidden.items()}

    def hide(self, text: str) -> str:
        """Put a pseudonym for every document's id in a text."""
        return _ID.sub(lambda found: self._hidden.get(found[0], found[0]), text)

    def reveal(self, text: str) -> str:
        """Put its id for every document's pseudonym in a text."""
        return _ID.sub(lambda found: self._named.get(found[0], found[0]), text)

    def hidden(self, value: Json) -> Json:
        """Return JSON data with pseudonyms for ids."""
        found: Json = json.loads(self.hide(json.dumps(value)))
        return found

    def rows(self, rows: Iterable[tuple[str, Row]]) -> Iterator[tuple[str, Row]]:
        """Yield rows with pseudonyms for ids, in an order that tells nothing of ids either."""
        told = [(table, self.hidden(row)) for table, row in rows]
        yield from sorted(told, key=lambda each: (each[0], json.dumps(each[1])))

    def past(self, history: Iterable[Iteration]) -> list[Iteration]:
        """Return iterations as an analyzer may read of them."""
        return [
            replace(
                iteration,
                reason=self.hide(iteration.reason),
                proposal=replace(
                    iteration.proposal, analysis=self.hide(iteration.proposal.analysis)
                ),
            )
            for iteration in history
        ]


PLAIN = Pseudonyms(b"")
"""Leaves every id as it is."""
