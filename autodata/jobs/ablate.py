"""The job `ablate`: measure a candidate of a run without each of its edits, on the same documents.

A measurement like any other: journaled under a name of its own, resumable, and no part of a search.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from autodata.engine.engine import load_splits
from autodata.engine.recorded import check_search
from autodata.errors import StoreError
from autodata.harness.knobs import nearest
from autodata.harness.repository import Repository
from autodata.harness.spec import Harness, load_files
from autodata.harness.workflow import Sandbox
from autodata.jobs.evaluate import measured
from autodata.project import Project
from autodata.report.display import Display
from autodata.search.merger import MergeBounds, Merging, in_order
from autodata.store.facts import read_facts
from autodata.store.records import CandidateRecord, EditRecord, RunRecord
from autodata.types import Candidate, Cell, Outcome, Sample


@dataclass(frozen=True, slots=True)
class Rest:
    """What is left of a candidate without one edit, and without those that need it (`also`).

    `harness` None: what is left does not merge, so that there is nothing to measure.
    """

    edit: Candidate
    also: tuple[str, ...]
    harness: Harness | None


@dataclass(frozen=True, slots=True)
class Ablated:
    """A candidate, its edits taken out one by one, and the outcomes of each on the same cells."""

    whole: Harness
    outcomes: list[Outcome]
    rests: list[tuple[Rest, list[Outcome]]]


async def ablate(
    project: Project, run_id: str, of: tuple[str, str], sample: Sample, display: Display
) -> Ablated:
    """Measure candidate `of` (run, name) whole and without each of its edits.

    Raises:
        StoreError: no such run or candidate, or it has no edits.
    """
    with Repository(project.root) as repository:
        found = RecordedEdits(project, of[0], repository)
        whole, rests = await _rests(found, of[1])
    documents = load_splits(project.config, project.root, display.line)
    chosen = documents[sample.split][: sample.most or None]
    cells = [Cell(d.id, sample.split, n) for n in range(sample.repeats) for d in chosen]
    harnesses = {h.tree: h for h in [whole, *(rest.harness for rest in rests)] if h}
    tasks = [(harness, cells) for harness in harnesses.values()]
    async with measured(project, run_id, tasks, documents, display) as measurement:
        outcomes = dict(zip(harnesses, measurement.outcomes, strict=True))
    parts = [(rest, outcomes[rest.harness.tree] if rest.harness else []) for rest in rests]
    return Ablated(whole, outcomes[whole.tree], parts)


async def _rests(found: "RecordedEdits", name: str) -> tuple[Harness, list[Rest]]:
    candidate, edits = found.candidate(name), in_order(found.edits_of(name))
    async with Sandbox(workers=1) as sandbox:
        baseline = await found.load(found.candidate("c0"))
        merging = Merging(found, baseline, MergeBounds(sandbox.check))
        needs = await merging.needs(edits)
        rests = []
        for edit in edits:
            also = tuple(other.id for other in edits if edit.id in needs[other.id])
            left = [other for other in edits if other.id not in (edit.id, *also)]
            rests.append(Rest(edit, also, await merging.merged(left)))
    return await found.load(candidate), rests


class RecordedEdits:
    """The candidates and edits of a run as its journal names them, read from git.

    In a race each candidate is an edit of its parent: those of `c5` are `c5` and its ancestors.
    """

    def __init__(self, project: Project, run_id: str, repository: Repository) -> None:
        self._repository = repository
        self._known: dict[str, Candidate] = {}
        self._merged: dict[str, tuple[int, ...]] = {}
        self._run_id = run_id
        self._harnesses: dict[str, Harness] = {}
        run: RunRecord | None = None
        for fact in read_facts(project.runs / run_id, RunRecord, CandidateRecord, EditRecord):
            record = fact.record
            if isinstance(record, RunRecord):
                run = record
            elif isinstance(record, CandidateRecord | EditRecord):
                self._known[fact.key] = Candidate(
                    fact.key, record.commit, record.tree, record.parent_id, message=record.message
                )
            if isinstance(record, CandidateRecord):
                self._merged[fact.key] = record.edits
        check_search(run, run_id)

    def candidate(self, name: str) -> Candidate:
        """Return a candidate.

        Raises:
            StoreError: the run has none of this name.
        """
        if name not in self._merged:
            raise StoreError(f"the run has no candidate {name!r}", nearest(name, [*self._merged]))
        return self._known[name]

    def edits_of(self, name: str) -> Sequence[Candidate]:
        """Return the edits that a candidate is the baseline with.

        Raises:
            StoreError: it has none.
        """
        if numbers := self._merged[name]:
            return [self._known[f"e{number}"] for number in numbers]
        lineage = []
        at = self.candidate(name)
        while at.parent_id is not None:
            lineage.append(at)
            at = self._known[at.parent_id]
        if not lineage:
            raise StoreError(
                f"{name} is the baseline, which has no edits",
                f"name a candidate: autodata show {self._run_id}",
            )
        return lineage

    async def load(self, candidate: Candidate) -> Harness:
        """Return a harness."""
        if candidate.tree not in self._harnesses:
            files = self._repository.read_files(candidate.commit)
            self._harnesses[candidate.tree] = load_files(files)
        return self._harnesses[candidate.tree]

    async def made_on(self, edit: Candidate) -> Harness:
        """Return the harness that an edit was made on."""
        assert edit.parent_id is not None
        return await self.load(self._known[edit.parent_id])
