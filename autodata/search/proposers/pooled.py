"""Proposals for the pool of a merging search: the move of one knob, or an edit of texts.

Edits are small and tell of one idea, so that most of them merge and each can be measured.
"""

from collections.abc import Sequence
from dataclasses import replace

from autodata.errors import EditFailed, HarnessError
from autodata.harness.spec import check_edit, diff, with_knobs
from autodata.search.base import Brief, Iteration, Proposal
from autodata.search.proposers.base import Edit, Editing, Parts
from autodata.search.proposers.messages import what_changed
from autodata.search.proposers.moves import KnobMoves
from autodata.types import KnobValue

KNOBS = "knobs"
NONE_LEFT = "no knob value is left to try"
ONE_VALUE = "a knob has one value at a time, and another was taken"


class PooledEdits:
    """Proposes edits, none of them twice; with knobs and texts to edit, each in turn.

    `text_kind` is what an edit of texts is called. Everything that is drawn is drawn before the
    first `await`, so in the order of numbers.
    """

    def __init__(
        self, parts: Parts, edit: Editing | None, moves: KnobMoves | None, text_kind: str
    ) -> None:
        self._parts = parts
        self._edit = edit
        self._moves = moves
        self._text_kind = text_kind

    async def propose(self, brief: Brief) -> Proposal:
        """Return an edit of the brief's parent that the history does not hold, or a refusal."""
        if brief.rewrite is not None and brief.rewrite.proposal.kind == KNOBS:
            return Proposal(KNOBS, None, refused=ONE_VALUE)
        values = self._drawn(brief)
        if values is None and self._edit is None:
            return Proposal(KNOBS, None, refused=NONE_LEFT)
        kind = self._text_kind if values is None else KNOBS
        parent = await self._parts.workshop.load(brief.parent)
        edit = Edit(parent)
        try:
            if values is not None:
                edit = Edit(with_knobs(parent, values))
            elif self._edit is not None:
                edit = await self._edit(self._for_texts(brief), parent, parent)
            check_edit(self._parts.baseline, edit.harness)
        except HarnessError as error:
            spend = error.spend if isinstance(error, EditFailed) else edit.spend
            return replace(_proposal(kind, edit), refused=error.problem, spend=spend)
        proposal = replace(_proposal(kind, edit), edit=diff(parent, edit.harness))
        refused = _known(brief, proposal.edit)
        bound = self._parts.max_prompt_chars
        if edit.harness.fingerprint == parent.fingerprint:
            refused = "the edit changes nothing"
        elif bound and edit.harness.prompt_chars > bound:
            refused = f"prompts of {edit.harness.prompt_chars} characters, {bound} allowed"
        if refused:
            return replace(proposal, refused=refused)
        turned = parent if values is None else edit.harness
        message = what_changed(parent, turned, edit.harness, edit.summary)
        workshop = self._parts.workshop
        made = await workshop.make(brief.number, brief.parent, edit.harness, message)
        return replace(proposal, candidate=made)

    def _drawn(self, brief: Brief) -> dict[str, KnobValue] | None:
        """Return the knob values of an edit that moves one; None where texts are to be edited."""
        if self._moves is None or brief.rewrite is not None:
            return None
        if self._edit is not None and _edits_texts(brief.number):
            return None
        candidates = [past.proposal.candidate for past in brief.history]
        self._moves.note(candidate.knobs for candidate in candidates if candidate)
        return self._moves.draw(brief.parent, brief.rng)

    def _for_texts(self, brief: Brief) -> Brief:
        """Return a brief whose group are the numbers that edit texts, so is asked for no others."""
        if self._moves is None or brief.rewrite is not None:
            return brief
        if not _edits_texts(brief.number):  # no knob value was left
            return replace(brief, group=(brief.number,))
        return replace(brief, group=tuple(n for n in brief.group if _edits_texts(n)))


def _edits_texts(number: int) -> bool:
    """Whether an edit of this number edits texts where knobs can be moved as well."""
    return number % 2 == 1


def _proposal(kind: str, edit: Edit) -> Proposal:
    return Proposal(kind, None, edit.analysis, "", edit.predictions, "", edit.spend)


def _known(brief: Brief, edit: str) -> str:
    """Return why an edit is none that is new: one of the history changes the same lines alike."""
    lines = _changed_lines(edit)
    for past in brief.history:
        candidate = past.proposal.candidate
        same = candidate and past != brief.rewrite and _changed_lines(past.proposal.edit) == lines
        if candidate and same:
            return f"already {_fate(past)} as {candidate.id}"
    return ""


def _fate(past: Iteration) -> str:
    return "in the pool" if past.decision == "undecided" else "tried"


def _changed_lines(edit: str) -> Sequence[str]:
    """Return the changed lines of a diff, wherever they stand and however they are spaced."""
    return [" ".join(line.split()) for line in edit.splitlines() if line[:1] in ("+", "-")]
