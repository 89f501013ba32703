"""The gap of an example: both solvers asked afresh on what an episode came to, once it is over.

What a workflow saw of its solvers says little: it chose an example by these very samples, and the
strong solver was asked only where the weak one had failed. These samples no workflow sees, and they
change nothing in the episode.
"""

from functools import partial

from autodata.concurrency import all_of
from autodata.episode.gates import Solvers
from autodata.episode.protocol import TaskProtocol, Team
from autodata.episode.roles import Asking
from autodata.episode.rounds import OpenRound
from autodata.episode.shortening import Fitting
from autodata.errors import BAD_OUTPUT, Unseated
from autodata.models.base import Place
from autodata.store.episodes import EpisodeRecord
from autodata.store.facts import JournalWriter
from autodata.store.quality import GapRecord
from autodata.types import Attempt, Document, Round, SolverRole, Spend

_SEATS: tuple[SolverRole, SolverRole] = ("weak", "strong")


def came_to(rounds: tuple[Round, ...]) -> Round | None:
    """Return the round an episode came to: the accepted one, else the last that was attempted."""
    tried = [past for past in rounds if past.attempts]
    accepted = [past for past in tried if past.verdict.accepted]
    return next(iter((accepted or tried)[-1:]), None)


class Gaps:
    """Asks both solvers about the examples of episodes; about each of them once, journaled."""

    def __init__(self, team: Team, protocol: TaskProtocol, journal: JournalWriter) -> None:
        self._team = team
        self._protocol = protocol
        self._journal = journal

    async def of(self, key: str, document: Document, episode: EpisodeRecord) -> GapRecord | None:
        """Return the gap of what an episode came to; None: it has no example.

        Raises:
            Unavailable, BudgetSpent: passed through.
        """
        found = self._journal.find(GapRecord, key)
        if found is None and (past := came_to(episode.played)):
            found = await self._asked(document, episode, past)
            await self._journal.append(key, found)
        return found

    async def _asked(self, document: Document, episode: EpisodeRecord, past: Round) -> GapRecord:
        cell, policy = episode.cell, self._protocol.policy
        place = Place(
            episode.tree,
            cell.document_id,
            cell.split,
            cell.repeat,
            episode.candidate_id,
            episode.commit,
        )
        asking = Asking(self._team, place, _unbooked)
        solvers = Solvers(asking, self._protocol.domain, Fitting(document))
        opened = OpenRound(past.index, past.example, "")
        numbers = (range(policy.weak_samples), range(policy.strong_samples))
        record = partial(
            GapRecord,
            episode.candidate_id,
            episode.commit,
            episode.tree,
            cell.document_id,
            cell.split,
            cell.repeat,
            past.index,
        )
        try:
            weak, strong = await all_of(
                (
                    solvers.sample(opened, role, samples, "full")
                    for role, samples in zip(_SEATS, numbers, strict=True)
                ),
                BAD_OUTPUT,
            )
        except (*BAD_OUTPUT, Unseated) as error:
            return record(problem=error.problem)
        return record(_scores(weak), _scores(strong))


def _unbooked(spend: Spend) -> None:
    """The episode is over: what this costs is in the journal, and in no episode's record."""


def _scores(attempts: list[Attempt]) -> tuple[float, ...]:
    return tuple(attempt.score for attempt in attempts)
