"""The text editor of a run: what analyzer and implementer are told and may look at.

They know documents by pseudonyms; what they look at is journaled where it may be otherwise the next
time.
"""

import asyncio
from contextlib import aclosing
from dataclasses import replace
from functools import partial

from autodata.config.schema import Optimize
from autodata.engine.engine import Engine
from autodata.episode.dry_run import Script
from autodata.episode.roles import Asking
from autodata.episode.rules import acceptance_rules, edit_rules, episode_rules
from autodata.errors import EditFailed, HarnessError
from autodata.harness.spec import Harness
from autodata.models.base import Place
from autodata.search.base import Brief
from autodata.search.proposers.base import Edit, Editing
from autodata.search.proposers.copied import Copied
from autodata.search.proposers.pseudonyms import Pseudonyms
from autodata.search.proposers.questions import Questions, visible_to
from autodata.search.proposers.reasons import counts_of, effect_of
from autodata.search.proposers.text import Knowledge, TextEditor
from autodata.search.session import train_episodes
from autodata.store.episodes import EpisodeRecord
from autodata.store.records import CandidateRecord
from autodata.types import Spend

_RACED = """\
An edit is raced: it and its parent run on the same validation documents until one is clearly \
better. The best is certified on sealed test documents; only that counts in the end."""


_MERGED = """\
An edit joins a pool of undecided ones. Sets of them are merged and run on validation documents, \
and what each changes is estimated from all of these episodes; edits that touch the same lines are \
alternatives. The best set is certified on sealed test documents; only that counts in the end."""


def rules_of(running: Engine, settings: Optimize) -> str:
    """Return the rules of a search in words, for whoever edits its harness."""
    protocol, team = running.dry_runs.protocol, running.team
    lines = (
        acceptance_rules(protocol, team),
        episode_rules(protocol, team),
        edit_rules(settings.max_prompt_chars, settings.cost_bound),
        f"- {_MERGED if settings.search == 'merge' else _RACED}",
    )
    return "\n".join(lines)


def text_editor(
    running: Engine, baseline: Harness, settings: Optimize, copied: Copied | None = None
) -> Editing:
    """Return analyzer and implementer as one function of a brief.

    An edit that copies a document is sent back to the implementer where it is looked for.
    """
    journal, documents, team = running.journal, running.documents, running.team
    ids = [d.id for split in ("train", "validation") for d in documents[split]]
    names = Pseudonyms(team.secret, ids)
    by_name = {names.hide(document.id): document for document in documents["train"]}
    texts = {name: document.text for name, document in by_name.items()}
    protocol = running.dry_runs.protocol
    merging = settings.search == "merge"

    async def check(before: Harness, edited: Harness) -> None:
        if edited.workflow != before.workflow:
            await running.sandbox.check(edited.workflow)
        if copied is None:
            return
        own = [*baseline.files.values(), *before.files.values()]
        new = {p: text for p, text in edited.files.items() if text != before.files.get(p)}
        if said := await asyncio.to_thread(copied.found, own, new):
            raise HarnessError(said, "say it in words of its own")

    editor = TextEditor(check, baseline, merging)
    rules = rules_of(running, settings)

    async def edit(brief: Brief, measured: Harness, harness: Harness) -> Edit:
        parent, spent = brief.parent, list[Spend]()
        place = Place(parent.tree, candidate_id=parent.id, commit=parent.commit)
        asking = Asking(team, place, spent.append)
        leader = brief.group[0] if brief.group else brief.number  # whoever asks, the answer is one
        visible, known = visible_to(brief), list[Knowledge]()
        asked = Questions(journal, leader, lambda fact: visible(fact), names=names)

        async def dry_run(name: str, edited: Harness, script: Script) -> str:
            run = partial(running.dry_runs.run, by_name[name], edited, script, 0)
            return await asked.once(f"dry run: {name} {edited.tree} {script}", run)

        async def learn() -> Knowledge:
            nonlocal visible
            if known:
                return known[0]
            found = await asyncio.to_thread(
                lambda: [fact.record for fact in journal.records(EpisodeRecord) if visible(fact)]
            )
            found = [episode for episode in found if not episode.null]
            visible = visible_to(brief, {episode.candidate_id for episode in found})
            made = filter(visible, journal.records(CandidateRecord))
            sets = {fact.key: fact.record.edits for fact in made}
            effects = {past.number: effect_of(past, found, sets) for past in brief.history}
            known.append(
                Knowledge(
                    measured,
                    harness,
                    [names.hidden(e) for e in train_episodes(journal, parent, brief.minibatch)],
                    names.past(brief.history),
                    asked.answer,
                    rules,
                    counts_of(found, protocol.domain.checks()),
                    texts,
                    {number: names.hide(told) for number, told in effects.items()},
                    dry_run,
                )
            )
            return known[0]

        async with aclosing(asked):
            try:
                edited = await editor.edit(brief, asking, learn)
            except HarnessError as error:
                raise EditFailed(error.problem, Spend.total(spent)) from error
        bets = tuple(
            replace(b, document_id=names.reveal(b.document_id)) for b in edited.predictions
        )
        analysis = names.reveal(edited.analysis)
        return replace(edited, analysis=analysis, predictions=bets, spend=Spend.total(spent))

    return edit
