"""A durable search: its facts in a journal, its candidates in git.

Resuming is running the same session again: what the journal holds is answered at once, and every
decision comes out the same.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from itertools import count
from typing import Protocol

from autodata import __version__
from autodata.config.upgrade import upgraded
from autodata.episode.acceptance import RULES
from autodata.episode.evaluator import episode_key
from autodata.errors import AutodataError, ConfigurationError, StoreError
from autodata.harness.spec import Harness, load_files
from autodata.search.certify import fingerprint
from autodata.search.course import STRAIGHT, Course
from autodata.search.merger import number_of
from autodata.search.phases import Collaborators, SearchResult
from autodata.search.plan import SearchPlan
from autodata.search.search import search
from autodata.store.episodes import EpisodeRecord
from autodata.store.facts import JournalReader, JournalWriter
from autodata.store.format import difference_of
from autodata.store.records import DEALT, FINISHED, DocumentsRecord, RunRecord, SessionRecord
from autodata.types import Asked, Candidate, Json, Origin, Outcome, Split


class Commits(Protocol):
    """The part of the git repository that a session needs."""

    def commit_candidate(
        self,
        run: str,
        candidate_id: str,
        files: Mapping[str, str],
        parent: str | None,
        message: str,
        when: int,
    ) -> str: ...

    def read_files(self, commit: str) -> dict[str, str]: ...


@dataclass(frozen=True, slots=True)
class RunStart:
    """The first record of a run: its identity, equal on every resume.

    `origin` names the run and candidate that it begins from, if it does; `asked` is of the session.
    """

    run_id: str
    created_at: int
    seed: int
    harness: str
    base_commit: str | None
    config: Json
    simulated: bool
    documents: DocumentsRecord
    origin: Origin | None = None
    asked: Asked | None = None
    autodata: str = __version__
    rules: int = RULES

    def record(self, baseline: Candidate, split: str) -> RunRecord:
        """The `run` record."""
        return RunRecord(
            run_id=self.run_id,
            created_at=self.created_at,
            harness=self.harness,
            base_commit=self.base_commit,
            baseline_commit=baseline.commit,
            baseline_tree=baseline.tree,
            seed=self.seed,
            config=self.config,
            simulated=self.simulated,
            test_split=split,
            origin=self.origin,
            autodata=self.autodata,
            rules=self.rules,
        )


def edit_prefix(plan: SearchPlan) -> str:
    """Return what the names of proposals begin with: a race's are candidates, others are edits."""
    return "e" if plan.search == "merge" else "c"


class GitWorkshop:
    """Reads candidates from git and commits new ones, with equal dates on every resume.

    What a proposer makes is called `prefix` and its iteration: `c5`, or `e5` where a candidate is a
    set of edits.
    """

    def __init__(self, commits: Commits, start: RunStart, prefix: str = "c") -> None:
        self._commits = commits
        self._start = start
        self._prefix = prefix
        self._known: dict[str, Harness] = {}
        self._parents: dict[str, Candidate] = {}
        self._baseline: Candidate | None = None

    async def load(self, candidate: Candidate) -> Harness:
        """Return a candidate's harness."""
        if candidate.tree not in self._known:
            self._known[candidate.tree] = load_files(self._commits.read_files(candidate.commit))
        return self._known[candidate.tree]

    def baseline(self, harness: Harness) -> Candidate:
        """Commit the baseline as `c0`."""
        message = f"Baseline of {self._start.harness}"
        self._baseline = self._commit("c0", None, self._start.base_commit, harness, message, 0)
        return self._baseline

    async def make(
        self, number: int, parent: Candidate, harness: Harness, message: str
    ) -> Candidate:
        """Commit the candidate of an iteration, its git parent the candidate it was edited from."""
        name = f"{self._prefix}{number}"
        self._parents[name] = parent
        return self._commit(name, parent.id, parent.commit, harness, message, number)

    async def made_on(self, edit: Candidate) -> Harness:
        """Return the harness that an edit of this run was made on."""
        return await self.load(self._parents[edit.id])

    async def commit(self, name: str, edits: Sequence[Candidate], harness: Harness) -> Candidate:
        """Commit the baseline with these edits as candidate `name`, its git parent the baseline."""
        baseline = self._baseline
        assert baseline is not None, "the baseline is committed first"
        if not edits:
            return baseline
        subjects = [edit.message.partition("\n")[0] for edit in edits]
        lines = [f"{e.id}: {subject}" for e, subject in zip(edits, subjects, strict=True)]
        message = "\n".join([f"Merge {', '.join(edit.id for edit in edits)}", "", *lines])
        when = number_of(name)
        return self._commit(name, baseline.id, baseline.commit, harness, message, when)

    def _commit(
        self,
        name: str,
        parent_id: str | None,
        parent_commit: str | None,
        harness: Harness,
        message: str,
        number: int,
    ) -> Candidate:
        commit = self._commits.commit_candidate(
            self._start.run_id,
            name,
            harness.files,
            parent_commit,
            message,
            self._start.created_at + number,
        )
        self._known[harness.tree] = harness
        return Candidate(
            name, commit, harness.tree, parent_id, harness.values, harness.prompt_chars, message
        )


async def run_session(
    start: RunStart,
    plan: SearchPlan,
    baseline: Candidate,
    documents: Mapping[Split, Sequence[str]],
    collaborators: Collaborators,
    course: Course = STRAIGHT,
) -> SearchResult:
    """Run or resume a search to its end and journal the result.

    Raises:
        ConfigurationError: the run was begun with another configuration or seed.
        BudgetSpent, Interrupted, Unavailable: stopped; the same command goes on from here.
    """
    journal = collaborators.journal
    record = start.record(baseline, fingerprint(documents["test"]))
    known = journal.find(RunRecord, start.run_id)
    if known is not None:
        same_run(known, record)
    else:
        await journal.append(start.run_id, record)
    await note_documents(journal, start.documents)
    over = journal.find(SessionRecord, FINISHED) is not None and not course.more
    async with nullcontext() if over else recorded_session(journal, start.asked):
        result = await search(plan, baseline, documents, collaborators, course)
    if not over:
        await journal.append(FINISHED, result_record(result))
    return result


async def note_documents(journal: JournalWriter, dealt: DocumentsRecord) -> None:
    """Journal which documents a run was dealt, once: names are for people and may change."""
    if journal.find(DocumentsRecord, DEALT) is None:
        await journal.append(DEALT, dealt)


@asynccontextmanager
async def recorded_session(
    journal: JournalWriter, asked: Asked | None = None
) -> AsyncIterator[None]:
    """Journal when a session begins and ends, and why; one without an end was killed.

    `asked` is what decided its settings, for sessions to come.

    What lies between two sessions is not the run's time, also after it is finished.
    """
    number = next(n for n in count(1) if journal.find(SessionRecord, str(n)) is None)
    begun = SessionRecord(begun_at=time.time(), autodata=__version__, asked=asked)
    await journal.append(str(number), begun)
    ended, reason = "done", ""
    try:
        yield
    except BaseException as error:
        stopped = isinstance(error, asyncio.CancelledError)
        ended = "Interrupted" if stopped else type(error).__name__
        reason = error.problem if isinstance(error, AutodataError) else ""
        raise
    finally:
        with suppress(StoreError):  # the journal may be what failed
            end = SessionRecord(ended, reason, ended_at=time.time())
            await journal.append(f"{number}-end", end)


def result_record(result: SearchResult) -> SessionRecord:
    """Return the record of a finished run, for `show`, `status` and promotion."""
    rate = result.baseline_rate
    return SessionRecord(
        ended=FINISHED,
        closed=result.closed.bound if result.closed else "",
        finished_at=time.time(),
        best=result.best.id,
        best_commit=result.best.commit,
        finalists=tuple(finalist.id for finalist in result.finalists),
        certificates=result.certificates,
        baseline_rate=(rate.mean, rate.low, rate.high) if rate else None,
        episodes=result.spent,
    )


def train_episodes(
    journal: JournalReader, parent: Candidate, minibatch: Sequence[Outcome]
) -> list[Json]:
    """Return the journaled trajectories of a minibatch, without times.

    What is shown must be the same where an episode is run again after a kill. Fresh answers of
    confirmations are not in them: nobody sees these.
    """
    keys = [episode_key(parent.tree, outcome.cell) for outcome in minibatch]
    found = [journal.find(EpisodeRecord, key) for key in keys]
    return [_without_fresh(episode.untimed()) for episode in found if episode is not None]


def _without_fresh(episode: Json) -> Json:
    rounds = []
    for past in episode["rounds"]:
        confirmation = {**past.get("confirmation", {})}
        confirmation.pop("attempts", None)
        rounds.append({**past, "confirmation": confirmation} if confirmation else past)
    return {**episode, "rounds": rounds}


def same_run(known: RunRecord, now: RunRecord) -> None:
    """Raise a ConfigurationError that names what is not as it was when the run was begun."""
    known = replace(known, config=upgraded(known.config))
    told = difference_of(_decisive(now), _decisive(known))
    if told:
        raise ConfigurationError(
            f"run {now.run_id} was begun with other settings: {told}",
            f"undo the change to resume it, or choose another name: --run {now.run_id}-2",
        )


def _decisive(run: RunRecord) -> Json:
    """Return what must be the same whenever a run is resumed, the most telling first."""
    return {
        "seed": run.seed,
        "test_split": run.test_split,
        "baseline_tree": run.baseline_tree,
        "config": run.config,
    }
