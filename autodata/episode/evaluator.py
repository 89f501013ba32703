"""Evaluation of one harness version on many cells, episodes running concurrently.

Each episode is journaled once; a void one runs again. A search and `autodata evaluate` both use it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from itertools import count
from typing import Protocol

from autodata.concurrency import all_of
from autodata.episode.protocol import TaskProtocol, Team
from autodata.episode.run import Workflows, run_episode
from autodata.errors import Unavailable
from autodata.harness.spec import Harness
from autodata.types import Candidate, Cell, Document, Episode, Json, Outcome, Round, Spend, Status

MOST_VOIDS = 3
"""An episode void this many times in a row stops the run: something outside is broken."""


class EpisodeStore(Protocol):
    """The part of the journal that an evaluation needs."""

    def find(self, kind: str, key: str) -> Json | None: ...

    async def append(self, kind: str, key: str, body: Json) -> None: ...


class HarnessEvaluator:
    """Runs episodes and remembers them: the same tree and cell is never run twice.

    `slots` episodes are under way at once; `watch` is told of every finished episode.
    """

    def __init__(
        self,
        documents: Mapping[str, Document],
        load: Callable[[Candidate], Awaitable[Harness]],
        team: Team,
        protocol: TaskProtocol,
        workflows: Workflows,
        store: EpisodeStore,
        slots: int = 64,
        watch: Callable[[Json], None] = lambda episode: None,
    ) -> None:
        self._documents = documents
        self._load = load
        self._team = team
        self._protocol = protocol
        self._workflows = workflows
        self._store = store
        self._slots = asyncio.Semaphore(slots)
        self._watch = watch

    async def evaluate(self, candidate: Candidate, cells: Sequence[Cell]) -> list[Outcome]:
        """Return the outcome of each cell, in order; void episodes are run again.

        Raises:
            Unavailable: an endpoint stayed down; nothing was scored by it.
            BudgetSpent, Interrupted, AuthenticationFailed: passed through.
        """
        harness = await self._load(candidate)
        return await all_of(self._outcome(harness, candidate, cell) for cell in cells)

    async def _outcome(self, harness: Harness, candidate: Candidate, cell: Cell) -> Outcome:
        key = episode_key(harness.tree, cell)
        body = self._store.find("episode", key)
        if body is None:
            async with self._slots:
                body = await self._run(harness, candidate, cell, key)
        return outcome_of(cell, body)

    async def _run(self, harness: Harness, candidate: Candidate, cell: Cell, key: str) -> Json:
        earlier = next(n for n in count() if self._store.find("episode", f"{key}:void{n}") is None)
        for turn in range(earlier, earlier + MOST_VOIDS):
            episode = await run_episode(
                self._documents[cell.document_id],
                cell,
                harness,
                candidate,
                self._team,
                self._protocol,
                self._workflows,
            )
            body = episode_body(episode, candidate)
            void = episode.status == "void"
            await self._store.append("episode", f"{key}:void{turn}" if void else key, body)
            self._watch(body)
            if not void:
                return body
        raise Unavailable(
            f"an episode on document {cell.document_id} was void {MOST_VOIDS} times: "
            f"{episode.reason}",
            "mend the endpoint, then give the same command again; nothing was scored by it",
        )


def episode_key(tree: str, cell: Cell) -> str:
    """Return the key under which an episode is journaled."""
    return f"{tree}:{cell.document_id}:{cell.repeat}"


def episode_body(episode: Episode, candidate: Candidate) -> Json:
    """Return an episode as the journal keeps it."""
    return {
        "candidate_id": candidate.id,
        "commit": candidate.commit,
        "tree": episode.tree,
        **asdict(episode.cell),
        "status": episode.status,
        "reason": episode.reason,
        "rounds": [_round_body(past) for past in episode.rounds],
        **asdict(episode.spend),
    }


def _round_body(past: Round) -> Json:
    """Return a round as it is kept; a note on an attempt is there only where there is one."""
    body = asdict(past)
    for attempt in body["attempts"]:
        if not attempt["note"]:
            del attempt["note"]
    return body


def outcome_of(cell: Cell, body: Json) -> Outcome:
    """Return what a search sees of a journaled episode."""
    status: Status = body["status"]
    spend = Spend(
        body["calls"],
        body["prompt_tokens"],
        body["completion_tokens"],
        body["cost_usd"],
        body["seconds"],
    )
    return Outcome(cell, status == "accepted", spend)
