"""What is done with an episode that has ended: its cost is foretold from, and people see it."""

from collections.abc import Callable

from autodata.models.calls.budget import Accounts
from autodata.report.display import Display
from autodata.store.episodes import EpisodeRecord
from autodata.types import EpisodeKey

MOST_NOTES = 10
"""Kinds of notes on attempts that a run tells of; each is in the table `attempts`."""


def telling(accounts: Accounts, display: Display) -> Callable[[EpisodeRecord], None]:
    """Return what is done with every episode that has ended: it is counted and shown."""
    notes = set[str]()

    def told(record: EpisodeRecord) -> None:
        fresh = notes_of(record) - notes
        for note in sorted(fresh) if len(notes) < MOST_NOTES else ():
            display.line(f"a score came with a note: {note}")
        notes.update(fresh)
        if not record.void:
            accounts.reserve.ended(EpisodeKey(record.tree, record.document_id, record.repeat))
        display.episode(record)

    return told


def notes_of(episode: EpisodeRecord) -> set[str]:
    """Return what came up when functions of the domain scored the attempts of an episode."""
    rounds = episode.rounds
    confirmations = [found for past in rounds if (found := past.get("confirmation"))]
    attempts = (attempt for part in (*rounds, *confirmations) for attempt in part["attempts"])
    return {note for attempt in attempts if (note := attempt.get("note"))}
