"""The text editor: an analyzer finds why documents fail, implementers edit the harness.

After steps 3 and 4 of Autodata's meta-optimization (arXiv 2606.25996). Both see training documents
and trajectories and the record of earlier edits, nothing of validation texts or the test split.
Edits of one group come out of one analysis, each from another of its hypotheses.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from autodata.concurrency import Shared
from autodata.episode.roles import Asking
from autodata.errors import BAD_OUTPUT, HarnessError
from autodata.harness.spec import Harness, moved
from autodata.search.base import Brief, Iteration
from autodata.search.proposers.analyst import AnalysisReply, AnalystView, Hypothesis, analyze
from autodata.search.proposers.base import Edit
from autodata.search.proposers.desk import Desk, DryRun, Query
from autodata.search.proposers.history import log_of, whole_entry
from autodata.search.proposers.implementer import (
    CheckEdit,
    Implementer,
    Made,
    PooledEdit,
    RacedEdit,
)
from autodata.search.proposers.reasons import line_of
from autodata.types import Cell, Json, Spend


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What there is to know for an edit of `harness`; documents go by their pseudonyms.

    `measured` made the `episodes`; `harness` may differ from it in knobs that are moved at the same
    time. `rules` are in words, `counts` those of reasons by split, `documents` the texts of the
    episodes' documents, `effects` how documents did before and after a past edit, by its number.
    """

    measured: Harness
    harness: Harness
    episodes: Sequence[Json]
    history: Sequence[Iteration]
    query: Query
    rules: str = ""
    counts: str = ""
    documents: Mapping[str, str] = field(default_factory=dict)
    effects: Mapping[int, str] = field(default_factory=dict)
    dry_run: DryRun | None = None

    def desk(self) -> Desk:
        """Return what the tools read."""
        traces = {one["document_id"]: json.dumps(one, indent=1) for one in self.episodes}
        texts = {name: self.documents.get(name, "") for name in traces}
        return Desk(traces, texts, self.history, self.query, self.dry_run, self.effects)

    def shown(self, others: str) -> AnalystView:
        """Return what the analyzer is shown; `others` is what is made of the same episodes."""
        parts = {
            "rules": self.rules,
            "documents": "\n".join(map(line_of, self.episodes)),
            "counts_of_reasons": self.counts,
            "log": log_of(self.history, self.effects),
            "hypotheses_of_others": others,
        }
        return AnalystView(self.measured, parts, moved(self.measured, self.harness))


Learn = Callable[[], Awaitable[Knowledge]]
"""Finds out what there is to know; the same each time it is asked."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """An analysis, and the hypotheses that others were given before it from the same episodes."""

    reply: AnalysisReply
    earlier: tuple[Hypothesis, ...] = ()


class TextEditor:
    """Runs analyzers and implementers; one for all edits of a run, which may be under way at once.

    `merging`: edits are measured merged with others, else raced against their parent.
    """

    def __init__(self, check: CheckEdit, baseline: Harness, merging: bool = False) -> None:
        self._check = check
        self._baseline = baseline
        self._bet: type[PooledEdit] | type[RacedEdit] = PooledEdit if merging else RacedEdit
        self._analyses = Shared[int, Analysis]()
        self._spent: dict[int, list[Spend]] = {}
        self._begun: dict[int, tuple[str, tuple[Cell, ...]]] = {}

    async def edit(self, brief: Brief, asking: Asking, learn: Learn) -> Edit:
        """Return an edit of the harness, whose cost the caller knows.

        An analysis is made when the first of its group comes, and booked with the first number of
        it. For groups to come in the same order in a resumed run, nothing is awaited before.

        Raises:
            HarnessError: no usable edit came out of a bounded number of tries.
        """
        try:
            if brief.rewrite is not None:
                known = await learn()
                return await _rewritten(brief, brief.rewrite, self._at(asking, known), known)
            group = brief.group or (brief.number,)
            analysis = await self._analysis(brief, group, asking, learn)
            known = await learn()
            ours, found = group.index(brief.number), analysis.reply.hypotheses
            if ours >= len(found):
                raise HarnessError("the analysis has no further hypothesis", "nothing to do")
            hypothesis = found[ours]
            others = [*analysis.earlier, *found[:ours], *found[ours + 1 :]]
            parts = {
                "rules": known.rules,
                "log": log_of(known.history, known.effects),
                "edits_of_others": _listed(others),
                "documents": "\n".join(map(line_of, known.episodes)),
                "hypothesis": _told(analysis.reply, hypothesis),
            }
            place = f"i{brief.number}.implement"
            made = await self._at(asking, known).implement(place, parts, self._bet)
        except BAD_OUTPUT as error:
            raise HarnessError(f"no usable edit: {error.problem}", "nothing to do") from error
        return _edit(made, _told(analysis.reply, hypothesis))

    async def _analysis(
        self, brief: Brief, group: tuple[int, ...], asking: Asking, learn: Learn
    ) -> Analysis:
        first = group[0]
        spent = self._spent.setdefault(first, [])
        theirs = replace(asking, book=spent.append)
        try:
            return await self._analyses.get(
                first, lambda: self._analyze(brief, group, theirs, learn)
            )
        finally:
            if brief.number == first:
                asking.book(Spend.total(spent))

    def _at(self, asking: Asking, known: Knowledge) -> Implementer:
        return Implementer(asking, self._check, self._baseline, known.harness, known.desk())

    async def _analyze(
        self, brief: Brief, group: tuple[int, ...], asking: Asking, learn: Learn
    ) -> Analysis:
        """Analyze for a group, told the hypotheses of groups that read the same before it."""
        seen = (brief.parent.id, tuple(outcome.cell for outcome in brief.minibatch))
        before = [first for first, read in self._begun.items() if read == seen]
        self._begun[group[0]] = seen
        earlier: tuple[Hypothesis, ...] = ()
        if before:
            with suppress(HarnessError, *BAD_OUTPUT):
                theirs = await self._analyses.get(before[-1], _nothing)
                earlier = (*theirs.earlier, *theirs.reply.hypotheses)
        known = await learn()
        place, shown = f"i{group[0]}.analyze", known.shown(_listed(earlier))
        return Analysis(await analyze(asking, place, shown, known.desk(), len(group)), earlier)


async def _nothing() -> Analysis:
    return Analysis(AnalysisReply(root_cause="", hypotheses=[]))


async def _rewritten(
    brief: Brief, past: Iteration, implementer: Implementer, known: Knowledge
) -> Edit:
    parts = {"rules": known.rules, "edit_to_make_anew": whole_entry(past)}
    made = await implementer.rewrite(f"i{brief.number}.rewrite", parts)
    edit = _edit(made, past.proposal.analysis)
    return Edit(edit.harness, edit.analysis, past.proposal.predictions, edit.summary)


def _edit(made: Made, analysis: str) -> Edit:
    return Edit(made.harness, analysis, made.predictions, made.summary)


def _told(analysis: AnalysisReply, hypothesis: Hypothesis) -> str:
    return f"{analysis.root_cause}\n\n{hypothesis.cause}\n\n{hypothesis.change}"


def _listed(others: Sequence[Hypothesis]) -> str:
    return "\n".join(f"- {one.change}" for one in others) or "nothing"
