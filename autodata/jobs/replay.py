"""The job `replay`: carry a finished run out again from its journal, and compare all it comes to.

No model is called: a call that is not in the journal is an error. It works on a copy; the run, its
git commits and the project's record of tests are only read.
"""

import asyncio
import json
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from autodata.config import plugins
from autodata.config.upgrade import upgraded
from autodata.documents.splits import dealt_record
from autodata.engine.assembly import SearchTask, carry_out
from autodata.engine.claims import tested_before
from autodata.engine.engine import engine, identity, load_splits, search_plan
from autodata.engine.recorded import check_code, check_rules, recorded_config
from autodata.errors import ReplayMismatch, StoreError
from autodata.harness.repository import Repository
from autodata.harness.spec import load_files
from autodata.jobs.cut_short import (
    never_entered,
    of_a_look_cut_short,
    of_a_test,
    was_under_way,
)
from autodata.models.calls.call_records import call_name
from autodata.project import Project
from autodata.report.display import Display
from autodata.search.course import course_to_the_end, ending
from autodata.search.plan import SearchPlan
from autodata.search.session import GitWorkshop, RunStart, edit_prefix
from autodata.store.episodes import (
    CallRecord,
    CommandRecord,
    EpisodeRecord,
    ExecutionRecord,
    QueryRecord,
)
from autodata.store.facts import Fact, JournalReader, R
from autodata.store.format import Record, difference
from autodata.store.journal import Journal
from autodata.store.lines import check, segments
from autodata.store.quality import LABELS, FindingRecord
from autodata.store.records import (
    FINISHED,
    BeliefsRecord,
    CandidateRecord,
    Certificate,
    ClosingRecord,
    DocumentsRecord,
    EditRecord,
    IterationRecord,
    LookRecord,
    RunRecord,
    SessionRecord,
)
from autodata.store.rows import rows
from autodata.store.runs import check_name_kept
from autodata.store.schema import SCHEMA
from autodata.store.scratch import scratch_folder
from autodata.types import Candidate

ANSWERS = (CallRecord, QueryRecord, ExecutionRecord, CommandRecord, LookRecord)
"""What a run was told from outside; all else follows."""
COMPARED: tuple[type[Record], ...] = (
    RunRecord,
    DocumentsRecord,
    CallRecord,
    CandidateRecord,
    EditRecord,
    LookRecord,
    BeliefsRecord,
    EpisodeRecord,
    FindingRecord,
    ExecutionRecord,
    IterationRecord,
    Certificate,
    SessionRecord,
)
FIX = (
    "something that decides what a run does has changed since: this version of autodata, the "
    "documents, or the journal"
)
_TIMES = {"seconds"} | {
    name for columns in SCHEMA.values() for name, kind, _ in columns if kind == "TIMESTAMP"
}


@dataclass(slots=True)
class Replayed:
    """The result of a replay: the number of facts compared and found equal."""

    run_id: str
    facts: dict[str, int] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    decisions: dict[str, int] = field(default_factory=dict)
    best: str = ""


async def replay(root: Path, folder: Path) -> Replayed:
    """Carry out a finished run again without any model and compare every fact and table row.

    Raises:
        StoreError: the run is not finished, its journal is damaged, or there is no room for a copy.
        ReplayMismatch: the first difference, or the first call that is not in the journal.
    """
    check_name_kept(folder)
    with scratch_folder() as place:
        copy = place / folder.name
        await asyncio.to_thread(_copy, folder, copy)
        journal = await asyncio.to_thread(Journal.open, copy)
        try:
            return await _replay(root, journal)
        except ReplayMismatch as error:
            raise ReplayMismatch(error.problem, error.fix or FIX) from error
        finally:
            await journal.close()


def _copy(folder: Path, copy: Path) -> None:
    """Copy a run's journal once it is known to be whole: the copy's own path would help nobody."""
    check(folder)
    (copy / "journal").mkdir(parents=True)
    for path in segments(folder / "journal"):
        shutil.copy(path, copy / "journal")


async def _replay(root: Path, journal: Journal) -> Replayed:
    run = journal.find(RunRecord, journal.folder.name)
    finished = journal.find(SessionRecord, FINISHED)
    if run is not None and run.kind == "evaluation":
        raise StoreError(
            f"run {journal.folder.name} is no finished search: it only measured a harness",
            "name an optimization; see `autodata runs`",
        )
    if run is None or finished is None:
        raise StoreError(
            f"run {journal.folder.name} is no finished search",
            f"finish it: autodata optimize --run {journal.folder.name}",
        )
    check_rules(run)
    plugins.look_in(root)
    check_code(run)
    project = Project(
        root, recorded_config(run.config), f"the journal of run {journal.folder.name}"
    )
    documents = load_splits(project.config, root)
    ids = {split: [document.id for document in dealt] for split, dealt in documents.items()}
    facts = ComparedFacts(journal)
    with Repository(root) as repository:
        harness = load_files(repository.read_files(run.baseline_commit))
        start = RunStart(
            journal.folder.name,
            run.created_at,
            run.seed,
            harness.name,
            run.base_commit,
            identity(project.config, documents),
            project.config.simulated,
            dealt_record(documents),
            run.origin,
            autodata=run.autodata,
        )
        plan = search_plan(project.config, start.seed)
        workshop = GitWorkshop(JournaledCommits(journal, repository), start, edit_prefix(plan))
        course = course_to_the_end(journal)
        task = SearchTask(start, plan, harness, ids, project.config.optimize, course)
        claiming = partial(_claimed, project, start.run_id, ids["test"])
        async with engine(
            project, facts, documents, workshop.load, Display(), replayed=True
        ) as running:
            result = await carry_out(task, running, workshop, claiming, lambda _: None)
    replayed = facts.complete(result.closed, plan)
    replayed.decisions = dict(Counter(iteration.decision for iteration in result.iterations))
    replayed.best = result.best.id
    return replayed


async def _claimed(
    project: Project, run_id: str, test_documents: Sequence[str], finalists: Sequence[Candidate]
) -> list[int]:
    """Return how many tests came before these, as they were noted when the run was made."""
    return tested_before(project, run_id, test_documents, [f.tree for f in finalists])


class JournaledCommits:
    """Gives the commits that a run made, and makes none."""

    def __init__(self, journal: JournalReader, repository: Repository) -> None:
        self._journal = journal
        self._repository = repository

    def commit_candidate(
        self,
        run: str,
        candidate_id: str,
        files: Mapping[str, str],
        parent: str | None,
        message: str,
        when: int,
    ) -> str:
        """Return the journaled commit if it holds these files, message, parent and date.

        One that was refused right away is not journaled; where it should be, its record will miss.
        """
        find = self._journal.find
        record = find(CandidateRecord, candidate_id) or find(EditRecord, candidate_id)
        if record is None:
            return ""
        commit = record.commit
        if self.read_files(commit) != dict(files):
            raise ReplayMismatch(f"candidate {candidate_id} has other files than commit {commit}")
        if self._repository.origin(commit) != (when, parent):
            raise ReplayMismatch(f"candidate {candidate_id} has another date or parent in git")
        return commit

    def read_files(self, commit: str) -> dict[str, str]:
        """Return the files of a commit."""
        return self._repository.read_files(commit)


class ComparedFacts:
    """A journal for replay: calls are known, facts only once the replay has come to them.

    Calls are compared when they are recalled, all other facts when they are come to.
    """

    def __init__(self, journal: JournalReader) -> None:
        self.folder = journal.folder
        self._journal = journal
        self._found_out: set[tuple[str, str]] = set()
        self._facts = Counter[str]()
        self._rows = Counter[str]()

    def find(self, kind: type[R], key: str) -> R | None:
        """Return a journaled call, or a fact that the replay has come to."""
        if kind not in ANSWERS and (kind.KIND, key) not in self._found_out:
            return None
        return self._journal.find(kind, key)

    async def append(self, key: str, record: Record) -> None:
        """Compare a fact with the journaled one."""
        await self.once(key, record)

    async def once(self, key: str, record: R) -> R:
        """Compare a fact with the journaled one and return that.

        Raises:
            ReplayMismatch: says where they differ.
        """
        if isinstance(record, SessionRecord) and key != FINISHED:
            return record
        journaled = self._journal.find(type(record), key)
        if journaled is None and isinstance(record, DocumentsRecord):  # of before there were such
            return record
        if journaled is None:
            raise ReplayMismatch(f"{_name(key, record)} is not in the journal")
        if isinstance(journaled, RunRecord):
            journaled = replace(journaled, config=upgraded(journaled.config))
        if mismatch := difference(record, journaled):
            raise ReplayMismatch(f"{_name(key, record)} is not what the journal says: {mismatch}")
        if (record.KIND, key) not in self._found_out:
            self._compare_rows(key, record, journaled)
            self._found_out.add((record.KIND, key))
            self._facts[record.KIND] += 1
        return journaled

    def records(self, *kinds: type[R]) -> Iterator[Fact[R]]:
        """Yield the facts that the replay has come to, in the order of the journal."""
        for fact in self._journal.records(*kinds):
            if (fact.kind, fact.key) in self._found_out:
                yield fact

    def complete(self, closed: ClosingRecord | None, plan: SearchPlan) -> Replayed:
        """Check that nothing that the run came to is left; return what was compared.

        Voids are failures of infrastructure, which a replay has none of. What follows the end of
        the run is a later `certify` or `promote`; a search that went on may have one before it.
        What was under way when a search closed came to nothing, and is not come to, nor are
        proposals that never entered the pool, and calls by which a judge was asked again about
        labelled answers.
        """
        merging = plan.search == "merge"
        looks = self._journal.records(LookRecord)
        entered = {number for look in looks for number in look.record.entered}
        seen: set[tuple[str, str]] = set()
        end = ending(self._journal)
        by_hand = any(
            (fact.kind, fact.key) not in self._found_out
            for fact in self._journal.records(Certificate)
        )
        for fact in self._journal.records(*COMPARED):
            name, record = (fact.kind, fact.key), fact.record
            if isinstance(record, SessionRecord):
                if fact.key == FINISHED and end is not None and fact.at >= end.at:
                    break
                continue
            if isinstance(record, EpisodeRecord) and record.void:
                continue
            if isinstance(record, CallRecord) and record.ordinal.startswith(LABELS):
                continue
            if name not in self._found_out:
                if merging and never_entered(record, entered):
                    continue
                if closed and merging and of_a_look_cut_short(record, closed):
                    continue
                if closed and not merging and was_under_way(record, closed, plan.parallel):
                    continue
                if by_hand and of_a_test(record):
                    continue
                raise ReplayMismatch(f"the replay did not come to {_name(fact.key, record)}")
            if name in seen:
                raise ReplayMismatch(f"{_name(fact.key, record)} is in the journal twice")
            seen.add(name)
        return Replayed(self.folder.name, dict(self._facts), dict(self._rows))

    def _compare_rows(self, key: str, record: Record, journaled: Record) -> None:
        ours, theirs = self._projected(key, record), self._projected(key, journaled)
        for (table, row), other in zip(ours, theirs, strict=True):
            if (table, row) != other:
                place = f"a row of {table} from {record.KIND} {key}"
                raise ReplayMismatch(f"{place} is {row}, was {other[1]}")
            self._rows[table] += 1

    def _projected(self, key: str, record: Record) -> list[tuple[str, str]]:
        plain = type(record).from_json(json.loads(json.dumps(record.to_json())))
        projected = rows(Fact(key, 0.0, plain), self.folder.name)
        return [
            (table, json.dumps({n: v for n, v in row.items() if n not in _TIMES}, sort_keys=True))
            for table, row in projected
        ]


def _name(key: str, record: Record) -> str:
    return call_name(key, record) if isinstance(record, CallRecord) else f"{record.KIND} {key}"
