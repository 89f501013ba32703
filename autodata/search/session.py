"""A durable search: its facts in a journal, its candidates in git.

Resuming is running the same session again: what the journal holds is answered at once, and every
decision comes out the same.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Protocol

from autodata.config.upgrade import upgraded
from autodata.episode.evaluator import episode_key
from autodata.errors import AutodataError, ConfigurationError, StoreError
from autodata.harness.spec import Harness, load_files
from autodata.search.base import Evaluator, Proposer
from autodata.search.certify import Claim, fingerprint
from autodata.search.course import STRAIGHT, Course
from autodata.search.events import Progress
from autodata.search.plan import SearchPlan
from autodata.search.search import SearchResult, search
from autodata.store.journal import difference
from autodata.types import Candidate, Json, Outcome, Split

FINISHED = "finished"
DOCUMENTS, DEALT = "documents", "dealt"


class Store(Protocol):
    """The part of the journal that a session needs."""

    def find(self, kind: str, key: str) -> Json | None: ...

    async def append(self, kind: str, key: str, body: Json) -> None: ...

    async def once(self, kind: str, key: str, body: Json) -> Json: ...


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
    documents: Json = field(default_factory=dict)
    origin: Json | None = None
    asked: Json | None = None

    def body(self, baseline: Candidate, split: str) -> Json:
        """The `run` record."""
        return {
            "run_id": self.run_id,
            "created_at": self.created_at,
            "harness": self.harness,
            "base_commit": self.base_commit,
            "baseline_commit": baseline.commit,
            "baseline_tree": baseline.tree,
            "seed": self.seed,
            "config": self.config,
            "simulated": self.simulated,
            "test_split": split,
            **({"from": self.origin} if self.origin else {}),
        }


class GitWorkshop:
    """Reads candidates from git and commits new ones, with equal dates on every resume."""

    def __init__(self, commits: Commits, start: RunStart) -> None:
        self._commits = commits
        self._start = start
        self._known: dict[str, Harness] = {}

    async def load(self, candidate: Candidate) -> Harness:
        """Return a candidate's harness."""
        if candidate.tree not in self._known:
            self._known[candidate.tree] = load_files(self._commits.read_files(candidate.commit))
        return self._known[candidate.tree]

    def baseline(self, harness: Harness) -> Candidate:
        """Commit the baseline as `c0`."""
        message = f"Baseline of {self._start.harness}"
        return self._commit("c0", None, self._start.base_commit, harness, message, 0)

    async def make(
        self, number: int, parent: Candidate, harness: Harness, message: str
    ) -> Candidate:
        """Commit the candidate of an iteration, its git parent the candidate it was edited from."""
        return self._commit(f"c{number}", parent.id, parent.commit, harness, message, number)

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


class JournalRecorder:
    """Writes a search's facts to the journal once; another fact under the same key is an error."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def record(self, kind: str, key: str, body: Json) -> None:
        """Write, or check against what is there."""
        await self._store.once(kind, key, body)


async def run_session(
    start: RunStart,
    plan: SearchPlan,
    baseline: Candidate,
    documents: Mapping[Split, Sequence[str]],
    evaluator: Evaluator,
    proposer: Proposer,
    store: Store,
    claim: Claim,
    progress: Progress,
    course: Course = STRAIGHT,
) -> SearchResult:
    """Run or resume a search to its end and journal the result.

    Raises:
        ConfigurationError: the run was begun with another configuration or seed.
        BudgetSpent, Interrupted, Unavailable: stopped; the same command goes on from here.
    """
    body = start.body(baseline, fingerprint(documents["test"]))
    known = store.find("run", start.run_id)
    if known is not None:
        same_run(known, body)
    else:
        await store.append("run", start.run_id, body)
    await note_documents(store, start.documents)
    recorder = JournalRecorder(store)
    over = store.find("session", FINISHED) is not None and not course.more
    async with nullcontext() if over else recorded_session(store, start.asked):
        result = await search(
            plan, baseline, documents, evaluator, proposer, recorder, progress, claim, course
        )
    if not over:
        await store.append("session", FINISHED, result_body(result))
    return result


async def note_documents(store: Store, dealt: Json) -> None:
    """Journal which documents a run was dealt, once: names are for people and may change."""
    if store.find(DOCUMENTS, DEALT) is None:
        await store.append(DOCUMENTS, DEALT, dealt)


@asynccontextmanager
async def recorded_session(store: Store, asked: Json | None = None) -> AsyncIterator[None]:
    """Journal when a session begins and ends, and why; one without an end was killed.

    `asked` is what decided its settings, for sessions to come.

    What lies between two sessions is not the run's time, also after it is finished.
    """
    number = next(n for n in count(1) if store.find("session", str(n)) is None)
    await store.append(
        "session",
        str(number),
        {"ended": None, "begun_at": time.time(), **({"asked": asked} if asked else {})},
    )
    ended, reason = "done", ""
    try:
        yield
    except BaseException as error:
        stopped = isinstance(error, asyncio.CancelledError)
        ended = "Interrupted" if stopped else type(error).__name__
        reason = error.problem if isinstance(error, AutodataError) else ""
        raise
    finally:
        end: Json = {"ended": ended, "reason": reason, "ended_at": time.time()}
        with suppress(StoreError):  # the journal may be what failed
            await store.append("session", f"{number}-end", end)


def result_body(result: SearchResult) -> Json:
    """Return the record of a finished run, for `show`, `status` and promotion."""
    rate = result.baseline_rate
    return {
        "ended": FINISHED,
        **({"closed": result.closed.bound} if result.closed else {}),
        "finished_at": time.time(),
        "best": result.best.id,
        "best_commit": result.best.commit,
        "finalists": [finalist.id for finalist in result.finalists],
        "certificates": [certificate.body() for certificate in result.certificates],
        "baseline_rate": [rate.mean, rate.low, rate.high] if rate else None,
        "episodes": result.spent,
    }


def train_episodes(
    find: Callable[[str, str], Json | None], parent: Candidate, minibatch: Sequence[Outcome]
) -> list[Json]:
    """Return the full journaled trajectories of a minibatch, without times.

    What is shown must be the same where an episode is run again after a kill.
    """
    keys = [episode_key(parent.tree, outcome.cell) for outcome in minibatch]
    found = [body for key in keys if (body := find("episode", key)) is not None]
    return [{name: body[name] for name in body if name != "seconds"} for body in found]


def same_run(known: Json, body: Json) -> None:
    """Raise a ConfigurationError that names what is not as it was when the run was begun."""
    known = {**known, "config": upgraded(known["config"])}
    names = [name for name in ("seed", "test_split", "baseline_tree", "config") if name in body]
    told = difference({n: body[n] for n in names}, {n: known.get(n) for n in names})
    if told:
        raise ConfigurationError(
            f"run {body['run_id']} was begun with other settings: {told}",
            f"undo the change to resume it, or choose another name: --run {body['run_id']}-2",
        )
