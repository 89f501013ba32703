"""The journal records of a search: baseline, candidate and iteration."""

from collections.abc import Sequence
from dataclasses import asdict

from autodata.search.base import Iteration, Proposal
from autodata.types import Candidate, Json, Outcome, Spend


def baseline_body(baseline: Candidate) -> Json:
    """The record of the candidate that a run starts from."""
    return _candidate(baseline, 0, "baseline")


def candidate_body(candidate: Candidate, iteration: int, proposal: Proposal) -> Json:
    """The record of a candidate that is about to race."""
    return _candidate(candidate, iteration, proposal.kind)


def _candidate(candidate: Candidate, iteration: int, kind: str) -> Json:
    body = asdict(candidate)
    body["candidate_id"] = body.pop("id")
    return {**body, "iteration": iteration, "kind": kind}


def iteration_body(iteration: Iteration) -> Json:
    """The record of a decided iteration; `spend` is the proposal's, the others the race's."""
    proposal = iteration.proposal
    return {
        "iteration": iteration.number,
        "parent_id": iteration.parent_id,
        "candidate_id": proposal.candidate.id if proposal.candidate else None,
        "kind": proposal.kind,
        "analysis": proposal.analysis,
        "predictions": [asdict(prediction) for prediction in proposal.predictions],
        "edit": proposal.edit,
        "decision": iteration.decision,
        "reason": iteration.reason,
        "evidence": iteration.evidence,
        "audit": iteration.audit,
        "episodes": len(iteration.outcomes),
        "accepted": sum(outcome.accepted for outcome in iteration.outcomes),
        "parent_accepted": sum(outcome.accepted for outcome in iteration.parent_outcomes),
        "spend": asdict(proposal.spend),
        "candidate_spend": asdict(total(iteration.outcomes)),
        "parent_spend": asdict(total(iteration.parent_outcomes)),
    }


def total(outcomes: Sequence[Outcome]) -> Spend:
    """Return the total spend of these episodes."""
    return Spend.total(outcome.spend for outcome in outcomes)
