"""The auditor of a run: looks at accepted examples after their episodes, each once, journaled.

It stops nothing and tells no harness or analyzer what it found; `Outcome.held` is what follows.
"""

import json
from dataclasses import asdict, replace

from autodata.domains.base import Domain
from autodata.episode.protocol import Team
from autodata.episode.roles import Asking, Panel
from autodata.episode.shortening import Fitting
from autodata.errors import BAD_OUTPUT, AutodataError, StoreError
from autodata.models.base import Place
from autodata.store import strict
from autodata.store.episodes import EpisodeRecord
from autodata.store.facts import JournalReader, JournalWriter
from autodata.store.quality import FindingRecord
from autodata.types import AuditForm, Document, Example, Json, Outcome, Spend


class Auditor:
    """Fills in the form for accepted examples; the same episode's example is never asked twice."""

    def __init__(
        self,
        team: Team,
        domain: Domain,
        journal: JournalWriter,
    ) -> None:
        self._team = team
        self._domain = domain
        self._journal = journal

    async def held(self, key: str, document: Document, episode: EpisodeRecord) -> bool | None:
        """Whether the accepted example of an episode holds; None: it has none.

        An example of which the auditor gives no usable reply does not hold: nobody vouches for it,
        and a text that makes the auditor fail must not be worth writing.

        Raises:
            Unavailable, BudgetSpent: passed through.
        """
        accepted = next((past for past in episode.rounds if past["verdict"]["accepted"]), None)
        if accepted is None:
            return None
        found = self._journal.find(FindingRecord, key)
        if found is None:
            found = await self._look(document, episode, accepted)
            await self._journal.append(key, found)
        return found.holds

    async def _look(
        self, document: Document, episode: EpisodeRecord, accepted: Json
    ) -> FindingRecord:
        place = Place(
            episode.tree,
            episode.document_id,
            episode.split,
            episode.repeat,
            episode.candidate_id,
            episode.commit,
        )
        panel = Panel(Asking(self._team, place, _unbooked), f"r{accepted['index']}.auditor")

        example = strict.read(Example, json.loads(json.dumps(accepted["example"])))

        async def look(shown: Document) -> AuditForm:
            return await self._domain.audit(shown, example, panel)

        try:
            finding = await Fitting(document).ask(look)
        except BAD_OUTPUT as error:
            return _record(episode, accepted, None, error)
        return _record(episode, accepted, finding)


def recorded_outcome(
    journal: JournalReader, episode: EpisodeRecord, key: str, audited: bool
) -> Outcome:
    """Return the outcome of a journaled episode as it was known, by the auditor's finding as well.

    Raises:
        StoreError: an auditor was seated and no finding is recorded.
    """
    outcome = episode.outcome
    if not audited or not outcome.accepted or outcome.cell.null:
        return outcome
    found = journal.find(FindingRecord, key)
    if found is None:
        raise StoreError(f"there is no finding of the auditor on episode {key}")
    return replace(outcome, held=found.holds)


def _unbooked(spend: Spend) -> None:
    """The episode is over: what its audit costs is in the journal, and in no episode's record."""


def _record(
    episode: EpisodeRecord,
    accepted: Json,
    finding: AuditForm | None,
    error: AutodataError | None = None,
) -> FindingRecord:
    return FindingRecord(
        candidate_id=episode.candidate_id,
        commit=episode.commit,
        tree=episode.tree,
        document_id=episode.document_id,
        split=episode.split,
        repeat=episode.repeat,
        round=accepted["index"],
        holds=finding is not None and finding.holds,
        problem=error.problem if error else "",
        **(asdict(finding) if finding else {}),
    )
