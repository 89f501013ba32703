"""The sealed test: baseline and finalists run on the test documents, each certified or not.

The end of a search and `autodata certify` both go through it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from autodata.concurrency import all_of
from autodata.search.base import Evaluator
from autodata.search.certify import NO_GAIN, Claim, Rules, Side, certify
from autodata.search.events import Certified, Certifying, Progress
from autodata.search.null import further, within
from autodata.store.certificates import Certificate
from autodata.store.facts import JournalWriter
from autodata.types import Candidate, Cell


@dataclass(frozen=True, slots=True)
class Tested:
    """A certificate for each finalist, in their order, the baseline's side, and all that was run.

    `cells` are pairs of a tree and a cell.
    """

    certificates: tuple[Certificate, ...]
    baseline: Side
    cells: frozenset[tuple[str, Cell]]


@dataclass(frozen=True, slots=True)
class SealedTest:
    """A run's test split with the rules of the run; every finalist it is given is one more test."""

    rules: Rules
    evaluator: Evaluator
    journal: JournalWriter
    claim: Claim
    progress: Progress = lambda _: None

    async def meet(self, baseline: Candidate, finalists: Sequence[Candidate]) -> Tested:
        """Claim the tests, run them side by side, and record what each one shows.

        Without finalists the baseline is measured alone, and no test is used up. Where a null rate
        alone keeps a finalist from its certificate, more null episodes are run.

        Raises:
            BudgetSpent, Interrupted: passed through from the evaluator.
        """
        earlier = await self.claim(finalists)
        everybody = [baseline, *finalists]
        episodes = len(everybody) * len([*self.rules.cells, *self.rules.null_cells()])
        self.progress(Certifying(tuple(finalist.id for finalist in finalists), episodes))
        before, *after = await all_of(self._side(candidate) for candidate in everybody)
        certificates, sides = [], [before, *after]
        for finalist, ours, tested in zip(finalists, after, earlier, strict=True):
            theirs = before
            found = certify(self.rules, tested, ours, theirs)
            while more := further_nulls(found):
                ours = await self._further(finalist, ours, more)
                theirs = await self._further(baseline, theirs, more)
                found = certify(self.rules, tested, ours, theirs)
            sides += [ours, theirs]
            await self.journal.once(finalist.id, found)
            self.progress(Certified(found))
            certificates.append(found)
        trees = {candidate.id: candidate.tree for candidate in everybody}
        run = {(trees[side.id], o.cell) for side in sides for o in (*side.outcomes, *side.null)}
        return Tested(tuple(certificates), before, frozenset(run))

    async def _side(self, candidate: Candidate) -> Side:
        cells = self.rules.cells
        outcomes = await self.evaluator.evaluate(candidate, [*cells, *self.rules.null_cells()])
        return Side(candidate.id, outcomes[: len(cells)], outcomes[len(cells) :])

    async def _further(self, candidate: Candidate, side: Side, more: Mapping[str, int]) -> Side:
        cells = self.rules.null_cells(more[side.id])[len(side.null) :]
        fresh = await self.evaluator.evaluate(candidate, cells) if cells else []
        return replace(side, null=[*side.null, *fresh])


def further_nulls(found: Certificate) -> dict[str, int]:
    """Return up to how many null episodes each harness goes on, by its id.

    None does where a certificate is given, or would be refused whatever came of them.
    """
    null, baseline_null = found.null, found.baseline_null
    if NO_GAIN in found.refused or null is None or baseline_null is None:
        return {}
    sides = {found.candidate_id: null, found.baseline_id: baseline_null}
    ahead = {name: rate.episodes if within(rate) else further(rate) for name, rate in sides.items()}
    return ahead if found.refused and all(ahead.values()) else {}
