"""Assembly of a search from an engine: study, proposer, text editor and session.

Where the engine's answers come from makes no difference, so that runs and replays do the same.
"""

from dataclasses import asdict, dataclass

from autodata.config import plugins
from autodata.config.schema import Command, Optimize
from autodata.engine.editing import rules_of, text_editor
from autodata.engine.engine import Engine
from autodata.engine.outside import command_editor
from autodata.harness.spec import Harness
from autodata.models.calls.reserve import Wanted
from autodata.search.certify import Claim
from autodata.search.course import STRAIGHT, Course
from autodata.search.events import Ahead, Event, Progress, Started
from autodata.search.merger import GitMerger, MergeBounds
from autodata.search.phases import Collaborators, SearchResult
from autodata.search.plan import SearchPlan
from autodata.search.proposers.base import HarnessProposer, Parts
from autodata.search.proposers.checked import CheckedProposer
from autodata.search.proposers.copied import Copied
from autodata.search.proposers.study import KnobStudy, SetStudy
from autodata.search.session import GitWorkshop, RunStart, run_session
from autodata.types import Split


@dataclass(frozen=True, slots=True)
class SearchTask:
    """Everything that decides what a search does, but for the answers of models."""

    start: RunStart
    plan: SearchPlan
    harness: Harness
    documents: dict[Split, list[str]]
    settings: Optimize
    course: Course = STRAIGHT


async def carry_out(
    task: SearchTask,
    running: Engine,
    workshop: GitWorkshop,
    claiming: Claim,
    progress: Progress,
) -> SearchResult:
    """Search with an engine that is up; whether its answers are new or journaled is its affair."""
    start, harness, settings = task.start, task.harness, task.settings
    baseline = workshop.baseline(harness)
    place = (running.journal.folder, start.run_id, harness.knobs, start.seed)
    sets = SetStudy(*place) if task.plan.search == "merge" else None
    knobs = None if sets else KnobStudy(*place)
    study = sets or knobs
    assert study is not None
    copied = Copied(running.documents)
    edit = text_editor(running, harness, settings, copied)
    if isinstance(settings.proposer, Command):
        edit = command_editor(running, settings.proposer, rules_of(running, settings))
    parts = Parts(harness, workshop, study, edit, settings.max_prompt_chars, sets)
    made: HarnessProposer = plugins.find("proposer", settings.proposer_name).made(parts)
    proposer = CheckedProposer(made, workshop, harness, copied)

    def tell(event: Event) -> None:
        if isinstance(event, Started) and knobs is not None:
            knobs.baseline(baseline.knobs, event.baseline.mean, baseline.commit)
        if isinstance(event, Ahead):
            running.accounts.reserve.keep(Wanted(**asdict(event)))
        progress(event)

    bounds = MergeBounds(running.sandbox.check, settings.max_prompt_chars)
    merger = GitMerger(workshop, harness, bounds)
    evaluator, journal = running.evaluator, running.journal
    collaborators = Collaborators(
        evaluator, proposer, journal, claiming, tell, merger, evaluator.distinct
    )
    dealt, course = task.documents, task.course
    result = await run_session(start, task.plan, baseline, dealt, collaborators, course)
    if sets is not None:
        sets.write()
    return result
