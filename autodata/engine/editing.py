"""The text editor of a run: what analyzer and implementer are told and may look at.

They know documents by pseudonyms; what they look at is journaled where it may be otherwise the next
time.
"""

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, replace
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
from autodata.store.facts import Fact
from autodata.store.format import Record
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
    checks = _Checks(running, baseline, copied)
    editor = TextEditor(checks.passed, baseline, settings.search == "merge")
    return _RunEditor(running, editor, rules_of(running, settings)).edit


@dataclass(frozen=True, slots=True)
class _Checks:
    """What an implementer's edit must pass, beside what its files must be in any case."""

    running: Engine
    baseline: Harness
    copied: Copied | None

    async def passed(self, before: Harness, edited: Harness) -> None:
        """Raise HarnessError, which the implementer reads, if the edit may not be."""
        if edited.workflow != before.workflow:
            await self.running.sandbox.check(edited.workflow)
        if self.copied is None:
            return
        own = [*self.baseline.files.values(), *before.files.values()]
        new = {p: text for p, text in edited.files.items() if text != before.files.get(p)}
        if said := await asyncio.to_thread(self.copied.found, own, new):
            raise HarnessError(said, "say it in words of its own")


class _RunEditor:
    """Edits for all briefs of one run, whose documents have one set of pseudonyms."""

    def __init__(self, running: Engine, editor: TextEditor, rules: str) -> None:
        documents = running.documents
        ids = [d.id for split in ("train", "validation") for d in documents[split]]
        self.running = running
        self.rules = rules
        self.names = Pseudonyms(running.team.secret, ids)
        self.documents = {self.names.hide(one.id): one for one in documents["train"]}
        self.texts = {name: document.text for name, document in self.documents.items()}
        self._editor = editor

    async def edit(self, brief: Brief, measured: Harness, harness: Harness) -> Edit:
        """Return an edit in which documents go by their ids again, and what it cost.

        Raises:
            EditFailed: none came out; it knows what that cost.
        """
        parent, spent = brief.parent, list[Spend]()
        place = Place(parent.tree, candidate_id=parent.id, commit=parent.commit)
        asking = Asking(self.running.team, place, spent.append)
        reading = _Reading(self, brief, measured, harness)
        async with aclosing(reading.questions):
            try:
                edited = await self._editor.edit(brief, asking, reading.learn)
            except HarnessError as error:
                raise EditFailed(error.problem, Spend.total(spent)) from error
        reveal = self.names.reveal
        bets = tuple(replace(b, document_id=reveal(b.document_id)) for b in edited.predictions)
        analysis, spend = reveal(edited.analysis), Spend.total(spent)
        return replace(edited, analysis=analysis, predictions=bets, spend=spend)


class _Reading:
    """What one brief's analyzer and implementer get to know of the run, and may ask of it."""

    def __init__(self, of: _RunEditor, brief: Brief, measured: Harness, harness: Harness) -> None:
        self._of = of
        self._brief = brief
        self._harnesses = (measured, harness)
        self._visible = visible_to(brief)
        self._known: Knowledge | None = None
        leader = brief.group[0] if brief.group else brief.number  # whoever asks, the answer is one
        self.questions = Questions(of.running.journal, leader, self._sees, names=of.names)

    async def learn(self) -> Knowledge:
        """Read the journal, once; sets of edits are seen from then on where they were measured."""
        if self._known is None:
            found = await asyncio.to_thread(self._episodes)
            self._visible = visible_to(self._brief, {one.candidate_id for one in found})
            self._known = self._knowledge(found)
        return self._known

    def _sees(self, fact: Fact[Record]) -> bool:
        return self._visible(fact)

    def _episodes(self) -> list[EpisodeRecord]:
        facts = self._of.running.journal.records(EpisodeRecord)
        return [fact.record for fact in facts if self._visible(fact) and not fact.record.null]

    def _knowledge(self, found: list[EpisodeRecord]) -> Knowledge:
        brief, names, running = self._brief, self._of.names, self._of.running
        made = filter(self._visible, running.journal.records(CandidateRecord))
        sets = {fact.key: fact.record.edits for fact in made}
        effects = {past.number: effect_of(past, found, sets) for past in brief.history}
        episodes = train_episodes(running.journal, brief.parent, brief.minibatch)
        return Knowledge(
            *self._harnesses,
            [names.hidden(episode) for episode in episodes],
            names.past(brief.history),
            self.questions.answer,
            self._of.rules,
            counts_of(found, running.dry_runs.protocol.domain.checks()),
            self._of.texts,
            {number: names.hide(told) for number, told in effects.items()},
            self._dry_run,
        )

    async def _dry_run(self, name: str, edited: Harness, script: Script) -> str:
        document, dry_runs = self._of.documents[name], self._of.running.dry_runs
        run = partial(dry_runs.run, document, edited, script, 0)
        return await self.questions.once(f"dry run: {name} {edited.tree} {script}", run)
