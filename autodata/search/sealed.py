"""The sealed test: baseline and finalists run on the test documents, each certified or not.

The end of a search and `autodata certify` both go through it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from autodata.concurrency import all_of
from autodata.search.base import Evaluator
from autodata.search.certify import Claim, Rules, certify
from autodata.search.events import Certified, Certifying, Progress
from autodata.store.facts import JournalWriter
from autodata.store.records import Certificate
from autodata.types import Candidate, Outcome


@dataclass(frozen=True, slots=True)
class Tested:
    """A certificate for each finalist, in their order, and the baseline's episodes."""

    certificates: tuple[Certificate, ...]
    baseline: list[Outcome]
    episodes: int


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

        Without finalists the baseline is measured alone, and no test is used up.

        Raises:
            BudgetSpent, Interrupted: passed through from the evaluator.
        """
        cells = self.rules.cells
        earlier = await self.claim(finalists)
        episodes = (1 + len(finalists)) * len(cells)
        self.progress(Certifying(tuple(finalist.id for finalist in finalists), episodes))
        everybody = [baseline, *finalists]
        before, *after = await all_of(self.evaluator.evaluate(c, cells) for c in everybody)
        certificates = []
        for finalist, outcomes, tested in zip(finalists, after, earlier, strict=True):
            found = certify(self.rules, tested, finalist.id, outcomes, baseline.id, before)
            await self.journal.once(finalist.id, found)
            self.progress(Certified(found))
            certificates.append(found)
        return Tested(tuple(certificates), before, episodes)
