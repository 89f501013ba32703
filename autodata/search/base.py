"""The interfaces of the search, `Evaluator`, `Proposer` and `Recorder`, and its records.

The search knows only these; real harnesses and simulated landscapes stand behind the same ones.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from random import Random
from typing import Literal, Protocol

from autodata.store.records import CandidateRecord, IterationRecord
from autodata.types import Candidate, Cell, Json, Outcome, Spend

Decision = Literal["admitted", "rejected", "refused", "undecided"]


@dataclass(frozen=True, slots=True)
class Prediction:
    """A bet on an edit: the probability that it gets a training document accepted.

    Without a document it is the probability that the edit raises the pass rate.
    """

    document_id: str
    probability: float


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposed edit of a parent.

    `refused` names why it cannot even be evaluated (already tried, does not validate, too long);
    then `candidate` is None and nothing but the proposal has been paid for.
    """

    kind: str
    candidate: Candidate | None
    analysis: str = ""
    edit: str = ""
    predictions: tuple[Prediction, ...] = ()
    refused: str = ""
    spend: Spend = field(default_factory=Spend)


@dataclass(frozen=True, slots=True)
class Iteration:
    """One decided iteration, as journaled: parent, proposal, evidence, decision and why.

    `evidence` holds whatever the decision rule looked at (race steps, means, e-values), in plain
    JSON. `outcomes` are the mutant's validation outcomes, `parent_outcomes` the parent's on the
    same cells; `null` are null episodes of the mutant. `audit` scores the predictions (Brier score,
    hit rate, base rate), if any.
    """

    number: int
    parent_id: str
    proposal: Proposal
    decision: Decision
    reason: str
    outcomes: tuple[Outcome, ...] = ()
    parent_outcomes: tuple[Outcome, ...] = ()
    null: tuple[Outcome, ...] = ()
    evidence: Json = field(default_factory=dict)
    audit: Json = field(default_factory=dict)

    def record(self) -> IterationRecord:
        """Return its journal record; one that is undecided has none."""
        assert self.decision != "undecided"
        proposal = self.proposal
        return IterationRecord(
            iteration=self.number,
            parent_id=self.parent_id,
            candidate_id=proposal.candidate.id if proposal.candidate else None,
            kind=proposal.kind,
            analysis=proposal.analysis,
            predictions=tuple(asdict(prediction) for prediction in proposal.predictions),
            edit=proposal.edit,
            decision=self.decision,
            reason=self.reason,
            evidence=self.evidence,
            audit=self.audit,
            episodes=len(self.outcomes),
            accepted=sum(outcome.accepted for outcome in self.outcomes),
            parent_accepted=sum(outcome.accepted for outcome in self.parent_outcomes),
            spend=proposal.spend,
            candidate_spend=Spend.total(outcome.spend for outcome in self.outcomes),
            parent_spend=Spend.total(outcome.spend for outcome in self.parent_outcomes),
        )


@dataclass(frozen=True, slots=True)
class Brief:
    """All that a proposer is told when it is asked for edit `number` of `parent`.

    `minibatch` are the parent's episodes on training documents, if it `wants_minibatch`. In a race
    `history` are the iterations decided so far; in a merging search it is every edit that has come
    to the pool, the undecided ones too, and `looks` are over, whose episodes are known facts. The
    numbers of a `group` are proposed side by side from one minibatch. `rewrite` is an edit to be
    written anew on top of `parent`, with which it cannot be merged: no new idea is asked for.
    """

    number: int
    parent: Candidate
    minibatch: Sequence[Outcome]
    history: Sequence[Iteration]
    rng: Random
    group: tuple[int, ...] = ()
    looks: int = 0
    rewrite: Iteration | None = None


class Evaluator(Protocol):
    """Runs episodes of one candidate and returns their outcomes in the order of `cells`.

    Void episodes are run again inside; an outcome is never void. The same candidate tree and cell
    always have the same outcome (they are journaled), so a resumed search sees the same facts.
    It may be called concurrently. Raises BudgetSpent and Interrupted through.
    """

    async def evaluate(self, candidate: Candidate, cells: Sequence[Cell]) -> list[Outcome]: ...


class Proposer(Protocol):
    """Turns a parent into a proposal.

    `wants_minibatch` says whether the parent is run on training documents first (a knob move reads
    no trajectories, so none are paid for). `propose` may be called concurrently for different
    iterations, each time with a generator of its own. `observe` is told each decided iteration, in
    iteration order, before any later `propose` that may know it. `measured` is told, in a merging
    search, what each look has shown of every set of edits in it, before any `propose` after it.
    """

    @property
    def wants_minibatch(self) -> bool: ...

    async def propose(self, brief: Brief) -> Proposal: ...

    def observe(self, iteration: Iteration) -> None: ...

    def measured(
        self, candidate: Candidate, edits: tuple[int, ...], outcomes: Sequence[Outcome]
    ) -> None: ...


def candidate_record(
    candidate: Candidate, iteration: int, kind: str, edits: tuple[int, ...] = ()
) -> CandidateRecord:
    """Return the journal record of a candidate that is about to be measured, or of the baseline."""
    return CandidateRecord(
        candidate_id=candidate.id,
        commit=candidate.commit,
        tree=candidate.tree,
        parent_id=candidate.parent_id,
        knobs=candidate.knobs,
        prompt_chars=candidate.prompt_chars,
        message=candidate.message,
        iteration=iteration,
        kind=kind,
        edits=edits,
    )


class Merger(Protocol):
    """Makes candidates of sets of edits, each edit a candidate that was made on its parent.

    An edit needs the edits that its parent had already, as far as its lines touch theirs.
    """

    async def merge(self, name: str, edits: Sequence[Candidate]) -> Candidate | None:
        """Return the baseline with these edits as candidate `name`; None where that is none.

        That is: they exclude each other, one needs what is not among them, or what comes out is
        no valid harness. The same edits always come to the same.
        """
        ...

    async def tree(self, edits: Sequence[Candidate]) -> str | None:
        """Return the tree that `merge` would come to, without making a candidate."""
        ...
