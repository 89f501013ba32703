"""What a proposer is: how a parent harness becomes a candidate, and what it may be made of.

Subclass `HarnessProposer`, name the class in `optimize.proposer`, and hold it against
`autodata.testing.check_proposer`.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

from autodata.harness.spec import Harness
from autodata.search.base import Brief, Iteration, Prediction, Proposal
from autodata.types import Candidate, KnobValue, Outcome, Spend


class Study(Protocol):
    """The part of the Optuna study that a proposer needs."""

    def suggest(self, number: int, kept: Mapping[str, KnobValue]) -> dict[str, KnobValue]: ...

    def tell(self, iteration: Iteration) -> None: ...


class Sets(Protocol):
    """The part of the study of a merging search that a proposer needs."""

    def move(self, name: str, seed: int) -> KnobValue:
        """Return a value of one knob that is promising."""
        ...

    def measured(
        self, candidate: Candidate, edits: tuple[int, ...], outcomes: Sequence[Outcome]
    ) -> None: ...


class Workshop(Protocol):
    """Where candidates are read and made."""

    async def load(self, candidate: Candidate) -> Harness:
        """Return a candidate's harness."""
        ...

    async def make(
        self, number: int, parent: Candidate, harness: Harness, message: str
    ) -> Candidate:
        """Commit a harness as iteration `number`'s candidate."""
        ...


@dataclass(frozen=True, slots=True)
class Edit:
    """A harness as analyzer and implementer have edited it, why, and at what cost.

    `predictions` are the analyzer's; `summary` is one line of the implementer's.
    """

    harness: Harness
    analysis: str = ""
    predictions: tuple[Prediction, ...] = ()
    summary: str = ""
    spend: Spend = field(default_factory=Spend)


Editing = Callable[[Brief, Harness, Harness], Awaitable[Edit]]
"""From a brief, the harness that was measured and the one to edit, which may differ in knobs."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a run has for its proposer: all of it outside of what a harness can reach.

    `edit` lets the analyzer and the implementer edit a harness, where these roles are played. In a
    merging search there are `sets`: what is proposed is one small edit, to be merged with others.
    """

    baseline: Harness
    workshop: Workshop
    study: Study
    edit: Editing
    max_prompt_chars: int = 0
    sets: Sets | None = None


class HarnessProposer:
    """Turns a parent into a candidate; see `search.base.Proposer` for what is asked when.

    What it proposes may depend on its brief, on what it has observed, and on nothing else: a run
    that is resumed or replayed must come to the same proposals. Models are asked by `parts.edit`,
    whose answers are journaled.
    """

    roles: ClassVar[tuple[str, ...]] = ()
    """The roles that must be played beside those of the domain."""

    wants_minibatch: ClassVar[bool] = False
    """Whether the parent is run on training documents first, to be read."""

    moves_knobs: ClassVar[bool] = False
    """Whether candidates differ in knob values: then so do the episodes of a pilot."""

    version: ClassVar[str] = ""
    """A run is resumed with the same version only; empty: with the same code only."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    async def propose(self, brief: Brief) -> Proposal:
        """Return a candidate made by `parts.workshop`, or a refusal with its reason."""
        raise NotImplementedError

    def observe(self, iteration: Iteration) -> None:
        """Learn what was decided about an iteration, in their order."""

    def measured(
        self, candidate: Candidate, edits: tuple[int, ...], outcomes: Sequence[Outcome]
    ) -> None:
        """Learn what a look has shown of the candidate with these edits, in a merging search."""
