"""Claims on the sealed test documents, noted for the whole project before a test begins."""

import time
from collections.abc import Sequence

from autodata.errors import StoreError
from autodata.project import Project
from autodata.search.certify import check_room
from autodata.search.plan import SearchPlan
from autodata.store import looks
from autodata.store.facts import JournalReader
from autodata.store.records import Certificate
from autodata.types import Candidate


def noted(project: Project, test_documents: Sequence[str]) -> list[tuple[str, str]]:
    """Return run and tree of every test that counts for this split, in their order."""
    return looks.tested(project.runs, test_documents, project.config.simulated)


async def claim(
    project: Project, run_id: str, test_documents: Sequence[str], finalists: Sequence[Candidate]
) -> list[int]:
    """Write down who is about to be tested; return how many were before each of them."""
    trees, simulated = [finalist.tree for finalist in finalists], project.config.simulated
    if trees:
        looks.note(project.runs, test_documents, run_id, trees, time.time, simulated)
    return tested_before(project, run_id, test_documents, trees)


def tested_before(
    project: Project, run_id: str, test_documents: Sequence[str], trees: Sequence[str]
) -> list[int]:
    """Return how many tests of this split came before each of these of a run.

    Raises:
        StoreError: the project has no note of one of them.
    """
    found = looks.before(noted(project, test_documents), run_id, trees)
    if found is None:
        raise StoreError(
            f"{project.runs} has no note that the finalists of {run_id} were tested",
            "restore test-ledger.jsonl there from a backup",
        )
    return found


def check_room_left(
    project: Project, journal: JournalReader, test_documents: Sequence[str], plan: SearchPlan
) -> None:
    """Check that a search which has ended once may be tested again; one under way may end.

    Raises:
        DocumentError: the split is used up.
    """
    tests = noted(project, test_documents)
    given = sum(1 for _ in journal.records(Certificate))
    if given == sum(run == journal.folder.name for run, _ in tests):
        check_room(test_documents, len(tests), plan.finalists)
