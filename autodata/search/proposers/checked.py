"""The last look at a proposal, whoever made it: an edit that copies text of a document is none."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from autodata.harness.spec import Harness
from autodata.search.base import Brief, Iteration, Proposal, Proposer
from autodata.search.proposers.base import Workshop
from autodata.search.proposers.copied import Copied
from autodata.types import Candidate, Outcome


class CheckedProposer:
    """A proposer whose candidates are looked at before a search sees them; see `Proposer`."""

    def __init__(
        self, proposer: Proposer, workshop: Workshop, baseline: Harness, copied: Copied
    ) -> None:
        self._proposer = proposer
        self._workshop = workshop
        self._baseline = baseline
        self._copied = copied

    @property
    def wants_minibatch(self) -> bool:
        """As the proposer does."""
        return self._proposer.wants_minibatch

    async def propose(self, brief: Brief) -> Proposal:
        """Return what the proposer proposes, refused where it copies text of a document."""
        proposal = await self._proposer.propose(brief)
        if proposal.candidate is None:
            return proposal
        parent = await self._workshop.load(brief.parent)
        edited = await self._workshop.load(proposal.candidate)
        before = [*self._baseline.files.values(), *parent.files.values()]
        after = {p: text for p, text in edited.files.items() if text != parent.files.get(p)}
        if said := await asyncio.to_thread(self._copied.found, before, after):
            return replace(proposal, candidate=None, refused=said)
        return proposal

    def observe(self, iteration: Iteration) -> None:
        """Tell the proposer."""
        self._proposer.observe(iteration)

    def measured(
        self, candidate: Candidate, edits: tuple[int, ...], outcomes: Sequence[Outcome]
    ) -> None:
        """Tell the proposer."""
        self._proposer.measured(candidate, edits, outcomes)
