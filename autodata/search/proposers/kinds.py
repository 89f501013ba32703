"""The proposers that are shipped: knob moves by TPE, edits by models, both, or by a program."""

from collections.abc import Sequence
from random import Random

from autodata.errors import ConfigurationError, EditFailed, HarnessError
from autodata.harness.spec import Harness, check_edit, diff, with_knobs
from autodata.search.base import Brief, Iteration, Proposal
from autodata.search.proposers.base import Edit, HarnessProposer, Parts
from autodata.search.proposers.messages import what_changed
from autodata.search.proposers.moves import TRIES, KnobMoves
from autodata.search.proposers.pooled import PooledEdits
from autodata.types import Candidate, KnobValue, Outcome, Spend

_MOVED = 0.7
"""Chance of each knob to be taken from the suggestion; otherwise it is the parent's."""


class Memory:
    """The candidates tried so far: decided ones, and knob settings handed out in order.

    Only facts that are the same on every resume are remembered, so refusals are too.
    """

    def __init__(self, *baselines: Harness) -> None:
        self._seen = {baseline.fingerprint: "c0" for baseline in baselines}

    def as_it_is(self) -> "Memory":
        """Return a copy that later decisions do not change."""
        copy = Memory()
        copy._seen = dict(self._seen)
        return copy

    def remember(self, harness: Harness, candidate_id: str) -> None:
        """Note a harness as tried."""
        self._seen.setdefault(harness.fingerprint, candidate_id)

    def tried(self, harness: Harness) -> str:
        """Return the candidate with the same content, or an empty string."""
        return self._seen.get(harness.fingerprint, "")


class EditingProposer(HarnessProposer):
    """Proposes by moving knobs (`parts.study`), by editing text (`parts.edit`), or both at once.

    A knob move takes each knob from TPE's suggestion with probability `MOVED` and from the parent
    otherwise, so that a good parent's settings are built upon. In a merging search an edit moves
    one knob or edits texts; see `PooledEdits`.
    """

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self._baseline = parts.baseline
        self._workshop = parts.workshop
        self._study = parts.study
        self._edit = parts.edit if self.wants_minibatch else None
        self._move_knobs = self.moves_knobs and bool(parts.baseline.knobs)
        if self._edit is None and not self._move_knobs:
            raise ConfigurationError(
                f"harness {parts.baseline.name} declares no knobs, so there is nothing to move",
                "declare knobs in harness.yaml, or set optimize.proposer: llm",
            )
        self._max_prompt_chars = parts.max_prompt_chars
        self._memory = Memory(parts.baseline)
        self._made: dict[int, Harness] = {}
        self._pooled: PooledEdits | None = None
        if parts.sets is not None:
            moves = KnobMoves(parts.baseline, parts.sets) if self._move_knobs else None
            text_kind = "llm" if self.kind == "mix" else self.kind
            self._pooled = PooledEdits(parts, self._edit, moves, text_kind)

    @property
    def kind(self) -> str:
        """`knobs`, `llm` or `mix`."""
        return {(False, True): "knobs", (True, False): "llm"}.get(
            (self._edit is not None, self._move_knobs), "mix"
        )

    async def propose(self, brief: Brief) -> Proposal:
        """Return a candidate that was not tried before, or a refusal with its reason."""
        if self._pooled is not None:
            return await self._pooled.propose(brief)
        number, parent = brief.number, brief.parent
        values = self._draw(number, parent, brief.rng)
        known = self._memory.as_it_is()  # while models are asked, other iterations are decided
        harness = await self._workshop.load(parent)
        edit = Edit(harness)
        try:
            turned = with_knobs(harness, values)
            edit = Edit(turned)
            if self._edit is not None:
                edit = await self._edit(brief, harness, turned)
            check_edit(self._baseline, edit.harness)
        except HarnessError as error:
            spend = error.spend if isinstance(error, EditFailed) else edit.spend
            return self._proposal(edit, None, "", error.problem, spend)
        mutant = edit.harness
        text = diff(harness, mutant)
        refused = self._refuse(number, mutant, known)
        if self._edit is not None and mutant.fingerprint == turned.fingerprint:
            refused = "the edit changes nothing"
        if refused:
            return self._proposal(edit, None, text, refused, edit.spend)
        self._made[number] = mutant
        message = what_changed(harness, turned, mutant, edit.summary)
        candidate = await self._workshop.make(number, parent, mutant, message)
        return self._proposal(edit, candidate, text, "", edit.spend)

    def _proposal(
        self, edit: Edit, candidate: Candidate | None, text: str, refused: str, spend: Spend
    ) -> Proposal:
        return Proposal(self.kind, candidate, edit.analysis, text, edit.predictions, refused, spend)

    def observe(self, iteration: Iteration) -> None:
        """Pass a decision to the study and to the memory."""
        self._study.tell(iteration)
        made = self._made.pop(iteration.number, None)
        if made is not None:
            self._memory.remember(made, f"c{iteration.number}")

    def measured(
        self, candidate: Candidate, edits: tuple[int, ...], outcomes: Sequence[Outcome]
    ) -> None:
        """Pass on what a look has shown of a set of edits."""
        if self.parts.sets is not None:
            self.parts.sets.measured(candidate, edits, outcomes)

    def _draw(self, number: int, parent: Candidate, rng: Random) -> dict[str, KnobValue]:
        """Draw a knob setting; runs before the first await, so draws happen in iteration order."""
        if not self._move_knobs:
            self._study.suggest(number, parent.knobs)
            return {}
        values = dict(parent.knobs)
        for _ in range(TRIES):
            names = sorted(parent.knobs)
            moved = {name for name in names if rng.random() < _MOVED} or {rng.choice(names)}
            kept = {name: parent.knobs[name] for name in names if name not in moved}
            values = self._study.suggest(number, kept)
            setting = with_knobs(self._baseline, values)
            if self._edit is not None or not self._memory.tried(setting):
                if self._edit is None:
                    self._memory.remember(setting, f"c{number}")
                break
        return values

    def _refuse(self, number: int, mutant: Harness, known: Memory) -> str:
        tried = known.tried(mutant)
        if tried and tried != f"c{number}":
            return f"already tried as {tried}"
        bound = self._max_prompt_chars
        if bound and mutant.prompt_chars > bound:
            return f"prompts of {mutant.prompt_chars} characters, {bound} allowed"
        return ""


class KnobProposer(EditingProposer):
    """Moves knobs, and reads no trajectories."""

    moves_knobs = True


class TextProposer(EditingProposer):
    """Lets analyzer and implementer edit texts."""

    roles = ("analyzer", "implementer")
    wants_minibatch = True


class MixedProposer(TextProposer):
    """Moves knobs and lets texts be edited, both in one candidate."""

    moves_knobs = True


class CommandProposer(EditingProposer):
    """Lets a program of the user's own edit a harness."""

    wants_minibatch = True

    @property
    def kind(self) -> str:
        """`command`."""
        return "command"
