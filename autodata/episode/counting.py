"""Which accepted examples of a harness count: near copies on several documents count once.

The one on the document that was dealt first does. Null episodes are left as they are: there a copy
that luck accepts must show.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import replace

from autodata.domains.copies import Index, Sketch, sketch
from autodata.store.episodes import EpisodeRecord
from autodata.types import Cell, Example, Outcome

Ended = Sequence[tuple[EpisodeRecord, Outcome]]


def within_a_harness(record: EpisodeRecord) -> Hashable:
    """Compare what one harness has made with one repeat, as in the blocks of a race."""
    return record.tree, record.split, record.repeat


def across_harnesses(record: EpisodeRecord) -> Hashable:
    """Compare what all harnesses have made: an edit is in many, each on few documents."""
    return record.split


class Originals:
    """The accepted examples that counted so far.

    Episodes that are counted together are taken in the order of their documents and compared, and
    each with those of earlier calls that have the same `place`. What was decided of an episode
    stays.
    """

    def __init__(
        self,
        dealt: Iterable[str],
        place: Callable[[EpisodeRecord], Hashable] = within_a_harness,
    ) -> None:
        self._place = place
        self._order = {document: number for number, document in enumerate(dealt)}
        self._drawn: defaultdict[Hashable, Index] = defaultdict(Index)
        self._copies: dict[tuple[str, Cell], bool] = {}

    def counted(self, episodes: Ended) -> list[Outcome]:
        """Return the outcomes; one whose example is a near copy of an original is not accepted."""
        fresh = [
            record
            for record, outcome in episodes
            if outcome.accepted and not record.cell.null and self._key(record) not in self._copies
        ]
        places = {self._place(record) for record in fresh}
        for record in sorted(fresh, key=self._turn):
            drawn, document = _sketch(record), record.document_id
            copy = any(self._drawn[place].has_near(document, drawn) for place in places)
            self._copies[self._key(record)] = copy
            if not copy:
                self._drawn[self._place(record)].add(document, drawn)
        return [
            replace(outcome, accepted=False) if self._copies.get(self._key(record)) else outcome
            for record, outcome in episodes
        ]

    def _turn(self, record: EpisodeRecord) -> tuple[int, str, int]:
        last = len(self._order)
        return self._order.get(record.document_id, last), record.document_id, record.repeat

    @staticmethod
    def _key(record: EpisodeRecord) -> tuple[str, Cell]:
        return record.tree, record.cell


def _sketch(record: EpisodeRecord) -> Sketch:
    for past in record.rounds:
        if past["verdict"]["accepted"]:
            said = past["example"]
            return sketch(Example(said["question"], said["answer"], said["context"]))
    return sketch(Example("", ""))  # of a journal that was changed
