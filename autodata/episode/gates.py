"""The gates between an example that was screened and one that counts, the cheapest first.

A workflow learns no more of them than the name of the one that an example failed.
"""

from collections.abc import Coroutine
from typing import Any

from autodata.concurrency import all_of
from autodata.domains.base import Domain
from autodata.episode.acceptance import Policy
from autodata.episode.confirmation import decide
from autodata.episode.roles import Asking, Panel, Trial, solve
from autodata.episode.rounds import OpenRound
from autodata.episode.shortening import Fitting
from autodata.errors import BAD_OUTPUT, Unseated
from autodata.types import Attempt, Confirmation, Document, SolverRole, Verification

_SEATS: tuple[SolverRole, SolverRole] = ("weak", "strong")


class Solvers:
    """Draws samples of both solvers for the examples of an episode."""

    def __init__(self, asking: Asking, domain: Domain, fitting: Fitting) -> None:
        self._asking = asking
        self._domain = domain
        self._fitting = fitting

    async def sample(
        self, opened: OpenRound, role: SolverRole, samples: range, fresh: bool = False
    ) -> list[Attempt]:
        """Draw the numbered samples of a solver; a privileged one sees as much as fits."""
        document = self._fitting.document
        trial = Trial(self._domain, document, opened.example, role, opened.index, fresh)

        def draw(shown: Document) -> Coroutine[Any, Any, list[Attempt]]:
            return solve(self._asking, trial, shown, samples)

        if self._asking.team.settings(self._asking.player(role)).privileged:
            return await self._fitting.ask(draw)
        return await draw(document)


class Gates:
    """The gates of one episode, which know how many confirmations it has asked for."""

    def __init__(self, asking: Asking, domain: Domain, policy: Policy, fitting: Fitting) -> None:
        self._asking = asking
        self._domain = domain
        self._policy = policy
        self._fitting = fitting
        self._solvers = Solvers(asking, domain, fitting)
        self._turn = 0
        self._privileged = asking.team.settings("strong").privileged

    async def test(self, opened: OpenRound) -> None:
        """Accept an example that passed the screen, or say which gate it failed.

        Raises:
            Refused, Truncated, Malformed, ContextTooLong: a model's reply was of no use; it is not
                accepted.
        """
        for gate in (self._audit, self._confirm):
            await gate(opened)
            if opened.reasons:
                return
        opened.accepted = True

    async def _audit(self, opened: OpenRound) -> None:
        """Ask the verifier once more, with the protocol's own prompt."""
        place = f"r{opened.index}.audit"

        async def look(document: Document) -> Verification | None:
            return await self._domain.verify(document, opened.example, Panel(self._asking, place))

        opened.reasons = ("the protocol's verifier gave no usable reply",)
        checked = await self._fitting.ask(look)
        opened.reasons = ()
        if checked is not None:
            opened.verifications.append(checked)
            if not checked.passed:
                opened.reasons = ("failed the protocol's verifier",)
            elif self._privileged and checked.checks.get("context_suffices") is False:
                opened.reasons = ("only who sees the document can answer",)

    async def _confirm(self, opened: OpenRound) -> None:
        """Draw fresh pairs of samples until they confirm the example or speak against it."""
        if not self._policy.confirm:
            return
        self._turn += 1
        weak: list[Attempt] = []
        strong: list[Attempt] = []
        opened.reasons = ("the fresh samples could not be scored",)
        try:
            while (found := decide(self._policy, self._turn, _scores(weak), _scores(strong))).pairs:
                samples = range(len(weak), len(weak) + found.pairs)
                low, high = await all_of(
                    (
                        self._solvers.sample(opened, role, samples, True)
                        for role in ("weak", "strong")
                    ),
                    BAD_OUTPUT,
                )
                weak += low
                strong += high
        except (*BAD_OUTPUT, Unseated):
            opened.confirmation = self._confirmation(weak, strong, opened.reasons[0])
            raise
        opened.confirmation = self._confirmation(weak, strong, found.reason)
        opened.reasons = (f"not confirmed: {found.reason}",) if found.reason else ()

    def _confirmation(
        self, weak: list[Attempt], strong: list[Attempt], reason: str
    ) -> Confirmation:
        return Confirmation(self._turn, (*weak, *strong), not reason, reason)


def _scores(attempts: list[Attempt]) -> list[float]:
    return [attempt.score for attempt in attempts]
