"""How a search is put together from an engine: study, proposer, text editor and session.

Knows nothing of where the engine's answers come from, so that runs and replays do the same.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from autodata.config import Optimize
from autodata.episode.roles import Asking
from autodata.errors import HarnessError, StoreError
from autodata.harness.spec import Harness
from autodata.models.base import Site
from autodata.optimize.base import Iteration
from autodata.optimize.certify import Claim
from autodata.optimize.editor import TextEditor
from autodata.optimize.events import Event, Progress, Started
from autodata.optimize.plan import SearchPlan
from autodata.optimize.proposer import Edit, EditFailed, Editing, HarnessProposer
from autodata.optimize.search import SearchResult
from autodata.optimize.session import GitWorkshop, RunStart, run_session, train_episodes
from autodata.optimize.study import KnobStudy
from autodata.store.journal import Record
from autodata.store.render import render
from autodata.store.tables import snapshot
from autodata.types import Candidate, Outcome, Spend, Split
from autodata.wiring import Engine


@dataclass(frozen=True, slots=True)
class SearchTask:
    """Everything that decides what a search does, but for the answers of models."""

    start: RunStart
    plan: SearchPlan
    harness: Harness
    documents: dict[Split, list[str]]
    settings: Optimize


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
    study = KnobStudy(running.journal.folder, start.run_id, harness.knobs, start.seed)
    edit = text_editor(running, harness)
    proposer = HarnessProposer(
        harness,
        workshop,
        study,
        edit if settings.proposer != "knobs" else None,
        settings.proposer != "llm",
        settings.max_prompt_chars,
    )

    def tell(event: Event) -> None:
        if isinstance(event, Started):
            study.baseline(baseline.knobs, event.baseline.mean, baseline.commit)
        progress(event)

    return await run_session(
        start,
        task.plan,
        baseline,
        task.documents,
        running.evaluator,
        proposer,
        running.journal,
        claiming,
        tell,
    )


def text_editor(running: Engine, baseline: Harness) -> Editing:
    """Return the analyzer and implementer as one function of an iteration."""

    async def edit(
        number: int,
        parent: Candidate,
        harness: Harness,
        minibatch: Sequence[Outcome],
        history: Sequence[Iteration],
    ) -> Edit:
        spent: list[Spend] = []
        site = Site("", "", parent.tree, candidate_id=parent.id, commit=parent.commit)
        asking = Asking(running.team, site, spent.append)
        editor = TextEditor(asking, running.sandbox.check, baseline)
        episodes = train_episodes(running.journal.find, parent, minibatch)
        seen = filter(visible_to(parent, minibatch, history), running.journal.records())
        with snapshot(seen, running.journal.folder.name) as query:

            def answer(sql: str) -> str:
                try:
                    return render(query(sql), "csv")
                except StoreError as error:
                    return f"error: {error.problem}; {error.fix}"

            try:
                edited, analysis, predictions, summary = await editor.edit(
                    number, harness, episodes, answer, history
                )
            except HarnessError as error:
                raise EditFailed(error.problem, Spend.total(spent)) from error
        return edited, analysis, predictions, summary, Spend.total(spent)

    return edit


def visible_to(
    parent: Candidate, minibatch: Sequence[Outcome], history: Sequence[Iteration]
) -> Callable[[Record], bool]:
    """Tell which records an iteration's analyzer may know: its minibatch and what `history` left.

    Anything else depends on timing, as do the episodes that measure its own edit later on and those
    that were void; an answer that depends on timing could be neither resumed nor replayed.
    """
    decided = {past.number for past in history}
    measured = [(parent.id, minibatch)]
    measured += [(past.parent_id, past.parent_outcomes) for past in history]
    measured += [(f"c{past.number}", past.outcomes) for past in history]
    places = {
        (name, outcome.cell.document_id, outcome.cell.repeat)
        for name, outcomes in measured
        for outcome in outcomes
    }

    def visible(record: Record) -> bool:
        body = record.body
        if record.kind == "iteration":
            return int(record.key) in decided
        if record.kind == "candidate":
            return int(body["iteration"]) in {0, *decided}
        if record.kind != "episode" or body["status"] == "void":
            return False
        if body["split"] == "train" and body["repeat"] // 100 - 1 in decided:
            return True
        return (body["candidate_id"], body["document_id"], body["repeat"]) in places

    return visible
