"""The search for a better harness: by merging edits, or by races, and then the sealed test.

Knows nothing of git, journals, Optuna or models; it sees an `Evaluator`, a `Proposer` and a
`JournalWriter`, and is a deterministic function of its plan and their answers.

    result = await search(
        plan, baseline, documents, Collaborators(evaluator, proposer, journal, claim, progress)
    )
    result.best, result.certificates, result.iterations, result.spent
"""

from collections.abc import Mapping, Sequence

from autodata.search.course import STRAIGHT, Course
from autodata.search.merging import MergingSearch
from autodata.search.phases import Collaborators, Phases, SearchResult, first_of
from autodata.search.plan import SearchPlan
from autodata.search.pool import Pool
from autodata.search.race_standing import RaceStanding
from autodata.search.racing import RacingSearch
from autodata.types import Candidate, Split


async def search(
    plan: SearchPlan,
    baseline: Candidate,
    documents: Mapping[Split, Sequence[str]],
    collaborators: Collaborators,
    course: Course = STRAIGHT,
) -> SearchResult:
    """Search for a better harness than `baseline` and certify it.

    `course` is what came to this search in earlier sessions.

    Raises:
        ConfigurationError, DocumentError: the plan cannot work; nothing was spent.
        BudgetSpent: the first look, or the sealed test, could not be paid.
        Interrupted: passed through from the evaluator or proposer.
    """
    plan.check(documents)
    running: Phases[Pool] | Phases[RaceStanding]
    if plan.search == "merge":
        running = MergingSearch(Pool(plan, baseline, documents), collaborators, course)
    else:
        running = RacingSearch(RaceStanding(plan, baseline, documents), collaborators, course)
    try:
        return await running.run()
    except BaseExceptionGroup as group:
        raise first_of(group) from None
