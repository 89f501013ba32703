"""The job `certify`: let a candidate of a run meet the baseline on the sealed test documents."""

from functools import partial
from pathlib import Path

from autodata.engine.claims import claim, noted
from autodata.engine.engine import engine, load_splits
from autodata.engine.lifecycle import open_journal
from autodata.engine.recorded import (
    as_recorded,
    check_rules,
    check_search,
    decides_certificate,
    recorded_rules,
)
from autodata.errors import ConfigurationError, StoreError
from autodata.harness.knobs import nearest
from autodata.harness.repository import Repository
from autodata.harness.spec import Harness, load_files
from autodata.project import Project
from autodata.report.display import Display
from autodata.search.certify import check_room, fingerprint
from autodata.search.sealed import SealedTest
from autodata.search.session import recorded_session
from autodata.store.facts import JournalReader, read_facts
from autodata.store.records import CandidateRecord, Certificate, RunRecord
from autodata.store.runs import check_name_kept
from autodata.types import Candidate


def project_of_run(project: Project, folder: Path) -> Project:
    """Return the project with the settings that a run was made with, for certifying.

    Raises:
        StoreError: the run has not begun, only measured a harness, or is of other rules.
        ConfigurationError: a setting contradicts the run's, in what decides a certificate.
    """
    check_name_kept(folder)
    run: RunRecord | None = None
    for fact in read_facts(folder, RunRecord):
        run = fact.record
    search = check_search(run, folder.name)
    check_rules(search)
    return as_recorded(project, search, decides_certificate)


async def certify_candidate(
    project: Project, run_id: str, name: str, display: Display
) -> Certificate:
    """Let one candidate of a run meet the baseline on the sealed test split, by the run's rules.

    `project` has the run's settings. Counts as one more candidate tested there, whatever comes
    out; a candidate that this run has tested already keeps its certificate.

    Raises:
        StoreError: no such candidate.
        DocumentError: the test split is used up.
    """
    documents = load_splits(project.config, project.root)
    ids = [document.id for document in documents["test"]]
    async with open_journal(project, run_id) as journal:
        run = check_search(journal.find(RunRecord, run_id), run_id)
        baseline, candidate = _candidate(journal, "c0"), _candidate(journal, name)
        if name == baseline.id:
            raise StoreError(
                f"{name} is the baseline, which the others are compared with",
                f"name a candidate: autodata show {run_id}",
            )
        if run.test_split != fingerprint(ids):
            raise ConfigurationError(
                f"the test documents are not those that run {run_id} was made with",
                f"bring them back: {project.config.documents.source} as it was",
            )
        if (certificate := journal.find(Certificate, name)) is not None:
            return certificate
        tests = noted(project, ids)
        if (run_id, candidate.tree) not in tests:
            check_room(ids, len(tests), 1)
        rules = recorded_rules(run, journal, ids)
        with Repository(project.root) as repository:

            async def load(version: Candidate) -> Harness:
                return load_files(repository.read_files(version.commit))

            async with engine(project, journal, documents, load, display) as running:
                claiming = partial(claim, project, run_id, ids)
                test = SealedTest(rules, running.evaluator, journal, claiming)
                async with recorded_session(journal):
                    tested = await test.meet(baseline, [candidate])
        return tested.certificates[0]


def _candidate(journal: JournalReader, name: str) -> Candidate:
    record = journal.find(CandidateRecord, name)
    if record is None:
        names = [fact.key for fact in journal.records(CandidateRecord)]
        raise StoreError(f"the run has no candidate {name!r}", nearest(name, names))
    return Candidate(name, record.commit, record.tree, record.parent_id, record.knobs)
