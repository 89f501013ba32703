"""Good answers to questions on other documents: those that the baseline's first look accepted.

They are fixed before any other episode begins, and only the judge is shown them.
"""

from collections.abc import Iterator, Mapping, Sequence

from autodata.episode.evaluator import episode_key
from autodata.episode.strangers import Answers
from autodata.search.repeats import FIRST_SIGHT
from autodata.store.episodes import EpisodeRecord
from autodata.store.facts import JournalReader
from autodata.store.records import RunRecord
from autodata.types import Cell


def first_answers(journal: JournalReader, validation: Sequence[str]) -> Answers:
    """Return what knows the reference answers of accepted examples with a rubric, by document.

    There are none for the first look itself, nor in a run that is no search.
    """
    looked: dict[str, dict[str, str]] = {}

    def known(cell: Cell) -> Mapping[str, str]:
        run = journal.find(RunRecord, journal.folder.name)
        beside = cell.null or cell.repeat == FIRST_SIGHT.number  # null episodes go along with it
        first = cell.split == "validation" and beside
        if run is None or run.kind == "evaluation" or first:
            return {}
        if run.baseline_tree not in looked:
            looked[run.baseline_tree] = dict(_accepted(journal, run.baseline_tree, validation))
        return looked[run.baseline_tree]

    return known


def _accepted(
    journal: JournalReader, tree: str, documents: Sequence[str]
) -> Iterator[tuple[str, str]]:
    for document in documents:
        cell = Cell(document, "validation", FIRST_SIGHT.number)
        episode = journal.find(EpisodeRecord, episode_key(tree, cell))
        rounds = episode.played if episode is not None and episode.status == "accepted" else ()
        for past in rounds:
            if past.verdict.accepted and past.example.rubric:
                yield document, past.example.answer
