"""The job `estimate`: a pilot of a few episodes and proposals, and the forecast from it.

The pilot is journaled like any run; `search.forecast` computes the forecast.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from random import Random

from autodata.concurrency import all_of
from autodata.config import plugins
from autodata.config.schema import Optimize
from autodata.engine.editing import text_editor
from autodata.engine.engine import load_splits, search_plan, slots
from autodata.errors import EditFailed
from autodata.harness.spec import Harness, load_folder, with_knobs
from autodata.jobs.evaluate import Measured, measured
from autodata.project import Project
from autodata.report.display import Display
from autodata.search.base import Brief
from autodata.search.forecast import (
    Forecast,
    PilotPace,
    Proposals,
    busy_seconds,
    predict,
)
from autodata.search.null import null_cells
from autodata.search.pool import MOST_UNDECIDED
from autodata.search.sizes import episodes_of
from autodata.store.episodes import CallRecord
from autodata.store.facts import read_facts
from autodata.store.records import SessionRecord
from autodata.types import SPLITS, Cell, EpisodeKey, KnobValue, Outcome, Spend, Split

PROPOSALS = 3
"""Proposals of a pilot: the fewest that tell how much they differ."""
NULL_PILOT = 4
"""Null episodes of a pilot: they cost more than others, as all their rounds are played."""


async def estimate(project: Project, run_id: str, episodes: int, display: Display) -> Forecast:
    """Run a pilot on training documents and predict the whole search.

    Candidates may cost several times what the present harness does, so where a search moves knobs,
    every second episode of the pilot has knob values of its own, drawn at random; a few more are
    null episodes. Where it edits texts, analyzer and implementer make `PROPOSALS` edits, which are
    paid for and thrown away.
    """
    config = project.config
    harness = load_folder(project.harness_folder)
    documents = load_splits(config, project.root, display.line)
    proposer = plugins.find("proposer", config.optimize.proposer_name).made
    train, plan = documents["train"], search_plan(config, 0)
    cells = [Cell(train[i % len(train)].id, "train", i // len(train)) for i in range(episodes)]
    moved = proposer.moves_knobs and bool(harness.knobs)
    null = null_cells([document.id for document in train], "train", NULL_PILOT)
    present = [*(cells[::2] if moved else cells), *null]
    tasks: list[tuple[Harness, Sequence[Cell]]] = [(harness, present)]
    if moved:
        tasks += [(moved_at_random(harness, Random(n)), [c]) for n, c in enumerate(cells[1::2])]
    edits: list[Spend] = []
    async with measured(project, run_id, tasks, documents, display) as pilot:
        if "implementer" in proposer.roles:
            edits = await edits_of(pilot, harness, config.optimize)
    calls = (fact.record for fact in read_facts(project.runs / run_id, CallRecord))
    trees = [candidate.tree for candidate in pilot.candidates]
    outcomes = with_audits(trees, pilot.outcomes, calls)
    sizes: dict[Split, int] = {split: len(documents[split]) for split in SPLITS}
    needed, room = episodes_of(plan, sizes), slots(config)
    pace = PilotPace(
        busy_seconds(read_facts(project.runs / run_id, SessionRecord, CallRecord)),
        min(len(outcomes), room),
        min(needed.abreast, room),
        min(needed.most_tested, room),
        room // 2,
    )
    abreast = min(needed.edits[0], MOST_UNDECIDED) if plan.search == "merge" else plan.parallel
    proposals = Proposals(edits, *needed.edits, abreast)
    return predict(outcomes, needed, pace, moved, proposals if edits else None)


def with_audits(
    trees: Sequence[str], outcomes: Sequence[Sequence[Outcome]], calls: Iterable[CallRecord]
) -> list[Outcome]:
    """Return the outcomes of each harness, their spend with what the auditor took afterwards."""
    audits = defaultdict[EpisodeKey, list[Spend]](list)
    for call in calls:
        if call.role == "auditor":
            audits[EpisodeKey(call.tree, call.document_id, call.repeat)].append(call.spend)
    return [
        replace(outcome, spend=Spend.total([outcome.spend, *audits[key]]))
        for tree, several in zip(trees, outcomes, strict=True)
        for outcome in several
        for key in (EpisodeKey(tree, outcome.cell.document_id, outcome.cell.repeat),)
    ]


async def edits_of(pilot: Measured, harness: Harness, settings: Optimize) -> list[Spend]:
    """Let analyzer and implementer edit the harness some times; return what each edit cost."""
    edit = text_editor(pilot.engine, harness, settings)
    parent = pilot.candidates[0]
    outcomes = [outcome for outcome in pilot.outcomes[0] if not outcome.cell.null]

    async def one(number: int) -> Spend:
        shown = Random(number).sample(outcomes, min(settings.minibatch, len(outcomes)))
        try:
            brief = Brief(number, parent, shown, (), Random(number), (number,))
            return (await edit(brief, harness, harness)).spend
        except EditFailed as failed:
            return failed.spend

    return await all_of(one(number) for number in range(1, PROPOSALS + 1))


def moved_at_random(harness: Harness, rng: Random) -> Harness:
    """Return the harness with every knob somewhere in its range."""
    values: dict[str, KnobValue] = {}
    for name, knob in harness.knobs.items():
        if knob.low is None or knob.high is None:
            values[name] = rng.choice(knob.choices or (False, True))
            continue
        low, high = (math.log(knob.low), math.log(knob.high)) if knob.log else (knob.low, knob.high)
        drawn = rng.uniform(low, high)
        drawn = min(max(math.exp(drawn) if knob.log else drawn, knob.low), knob.high)
        values[name] = round(drawn) if knob.type == "int" else drawn
    return with_knobs(harness, values)
