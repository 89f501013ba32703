"""Evaluation of one harness version on many cells, episodes running concurrently.

Each episode is journaled once; a void one runs again. A search and `autodata evaluate` both use it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import count

from autodata.concurrency import all_of
from autodata.episode.counting import Originals, across_harnesses
from autodata.episode.run import Conditions, run_episode
from autodata.errors import Unavailable
from autodata.harness.spec import Harness
from autodata.store.episodes import EpisodeRecord
from autodata.store.facts import JournalWriter
from autodata.types import Candidate, Cell, Document, Episode, Json, Outcome, Round

MOST_VOIDS = 3
"""An episode void this many times in a row stops the run: something outside is broken."""


class HarnessEvaluator:
    """Runs episodes and remembers them: the same tree and cell is never run twice.

    `slots` episodes are under way at once; `watch` is told of every finished episode.
    """

    def __init__(
        self,
        documents: Mapping[str, Document],
        load: Callable[[Candidate], Awaitable[Harness]],
        conditions: Conditions,
        journal: JournalWriter,
        slots: int = 64,
        watch: Callable[[EpisodeRecord], None] = lambda episode: None,
    ) -> None:
        self._documents = documents
        self._load = load
        self._conditions = conditions
        self._journal = journal
        self._slots = asyncio.Semaphore(slots)
        self._watch = watch
        self._originals = Originals(documents)
        self._across = Originals(documents, across_harnesses)

    async def evaluate(self, candidate: Candidate, cells: Sequence[Cell]) -> list[Outcome]:
        """Return the outcome of each cell, in order; void episodes are run again.

        Near copies among accepted examples count on one document only.

        Raises:
            Unavailable: an endpoint stayed down; nothing was scored by it.
            BudgetSpent, Interrupted, AuthenticationFailed: passed through.
        """
        harness = await self._load(candidate)
        found = await all_of(self._outcome(harness, candidate, cell) for cell in cells)
        return self._originals.counted(found)

    def distinct(
        self, looked: Sequence[tuple[Candidate, Sequence[Outcome]]]
    ) -> list[list[Outcome]]:
        """Return the outcomes of several candidates; near copies on several documents count once.

        They are compared with those of all earlier calls: ask in an order that stays the same.
        """
        find, ended = self._journal.find, list[tuple[EpisodeRecord, Outcome]]()
        for candidate, outcomes in looked:
            for outcome in outcomes:
                if outcome.accepted and not outcome.cell.null:
                    record = find(EpisodeRecord, episode_key(candidate.tree, outcome.cell))
                    ended += [(record, outcome)] if record is not None else []
        told = {
            (record.tree, record.cell): outcome
            for (record, _), outcome in zip(ended, self._across.counted(ended), strict=True)
        }
        return [
            [told.get((candidate.tree, outcome.cell), outcome) for outcome in outcomes]
            for candidate, outcomes in looked
        ]

    async def _outcome(
        self, harness: Harness, candidate: Candidate, cell: Cell
    ) -> tuple[EpisodeRecord, Outcome]:
        key = episode_key(harness.tree, cell)
        record = self._journal.find(EpisodeRecord, key)
        if record is None:
            async with self._slots:
                record = await self._run(harness, candidate, cell, key)
        if (auditor := self._conditions.auditor) is None or cell.null:
            return record, record.outcome
        held = await auditor.held(key, self._documents[cell.document_id], record)
        return record, replace(record.outcome, held=held)

    async def _run(
        self, harness: Harness, candidate: Candidate, cell: Cell, key: str
    ) -> EpisodeRecord:
        find = self._journal.find
        earlier = next(n for n in count() if find(EpisodeRecord, f"{key}:void{n}") is None)
        for turn in range(earlier, earlier + MOST_VOIDS):
            episode = await run_episode(
                self._documents[cell.document_id],
                cell,
                harness,
                candidate,
                self._conditions,
            )
            record = episode_record(episode, candidate)
            await self._journal.append(f"{key}:void{turn}" if record.void else key, record)
            self._watch(record)
            if not record.void:
                return record
        raise Unavailable(
            f"an episode on document {cell.document_id} was void {MOST_VOIDS} times: "
            f"{episode.reason}",
            "mend the endpoint, then give the same command again; nothing was scored by it",
        )


def episode_key(tree: str, cell: Cell) -> str:
    """Return the key under which an episode is journaled."""
    return f"{tree}:{cell.document_id}:{cell.repeat}"


def episode_record(episode: Episode, candidate: Candidate) -> EpisodeRecord:
    """Return an episode as the journal keeps it."""
    return EpisodeRecord(
        candidate_id=candidate.id,
        commit=candidate.commit,
        tree=episode.tree,
        document_id=episode.cell.document_id,
        split=episode.cell.split,
        repeat=episode.cell.repeat,
        status=episode.status,
        reason=episode.reason,
        rounds=tuple(_round_body(past) for past in episode.rounds),
        calls=episode.spend.calls,
        prompt_tokens=episode.spend.prompt_tokens,
        completion_tokens=episode.spend.completion_tokens,
        cost_usd=episode.spend.cost_usd,
        seconds=episode.spend.seconds,
        failed_calls=episode.failed_calls,
        gates=replace(episode.gates, seconds=0.0),
    )


def _round_body(past: Round) -> Json:
    """Return a round as it is kept: what it did not come to is left out, and so are empty notes."""
    kept = asdict(past)
    for name in ("confirmation", "probes"):
        if not kept[name]:
            del kept[name]
    for line in kept["example"]["rubric"]:
        if not line["capability"]:
            del line["capability"]
    for attempt in (*kept["attempts"], *kept.get("confirmation", {}).get("attempts", ())):
        if not attempt["note"]:
            del attempt["note"]
    return kept
