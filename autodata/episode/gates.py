"""The gates between an example that was screened and one that counts, the cheapest first.

A workflow learns no more of them than the name of the one that an example failed.
"""

from collections.abc import Coroutine
from typing import Any

from autodata.concurrency import all_of
from autodata.domains.base import Domain
from autodata.domains.copies import Sketch
from autodata.episode.acceptance import Policy
from autodata.episode.confirmation import decide
from autodata.episode.probes import document_probe, failed_probes, judge_probes
from autodata.episode.roles import Asking, Panel, Trial, solve
from autodata.episode.rounds import OpenRound
from autodata.episode.shortening import Fitting
from autodata.episode.strangers import Foreign
from autodata.errors import BAD_OUTPUT, Unseated
from autodata.types import Attempt, Confirmation, Document, Series, SolverRole, Verification

MOST_AUDITS = 2
"""So often the verifier looks at near copies in an episode: each look may be lucky."""
_SEATS: tuple[SolverRole, SolverRole] = ("weak", "strong")


class Solvers:
    """Draws samples of both solvers for the examples of an episode.

    Examples on which a solver is asked the same share its samples, but for those of a series.
    """

    def __init__(self, asking: Asking, domain: Domain, fitting: Fitting) -> None:
        self._asking = asking
        self._domain = domain
        self._fitting = fitting
        self._drawn: dict[str, dict[int, str]] = {}

    async def sample(
        self, opened: OpenRound, role: SolverRole, samples: range, series: Series = ""
    ) -> list[Attempt]:
        """Draw the numbered samples of a solver; a privileged one sees as much as fits."""
        document, settings = (
            self._fitting.document,
            self._asking.team.settings(self._asking.player(role)),
        )
        asked = self._domain.question(document, opened.example, settings)
        known = {} if series else self._drawn.setdefault(f"{role} {asked.to_json()}", {})
        trial = Trial(self._domain, document, opened.example, role, opened.index, series, known)

        def draw(shown: Document) -> Coroutine[Any, Any, list[Attempt]]:
            return solve(self._asking, trial, shown, samples)

        attempts = await (self._fitting.ask(draw) if settings.privileged else draw(document))
        known.update({attempt.sample: attempt.answer for attempt in attempts})
        return attempts


class Gates:
    """The gates of one episode, which know its audits and confirmations so far."""

    def __init__(
        self,
        asking: Asking,
        domain: Domain,
        policy: Policy,
        fitting: Fitting,
        foreign: Foreign,
    ) -> None:
        self._asking = asking
        self._foreign = foreign
        self._domain = domain
        self._policy = policy
        self._fitting = fitting
        self._solvers = Solvers(asking, domain, fitting)
        self._turn = 0
        self._privileged = asking.team.settings("strong").privileged
        self._audited: list[Sketch] = []

    async def test(self, opened: OpenRound) -> None:
        """Accept an example that passed the screen, or say which gate it failed.

        Raises:
            Refused, Truncated, Malformed, ContextTooLong: a model's reply was of no use; it is not
                accepted.
        """
        for gate in (self._probe_judge, self._audit, self._probe_verifier, self._confirm):
            await gate(opened)
            if opened.reasons:
                return
        opened.accepted = True

    async def _probe_judge(self, opened: OpenRound) -> None:
        """Let the judge grade answers of which it is known how good they are."""
        opened.reasons = ("the judge gave no usable reply",)
        opened.probes = await judge_probes(
            self._asking, self._domain, self._fitting.document, opened, self._foreign
        )
        opened.reasons = failed_probes(opened)

    async def _audit(self, opened: OpenRound) -> None:
        """Ask the verifier once more, with the protocol's own prompt."""
        near = sum(opened.sketch.is_near(audited) for audited in self._audited)
        if near >= MOST_AUDITS:
            opened.reasons = (f"near copies of it were audited {near} times",)
            return
        self._audited.append(opened.sketch)
        panel = Panel(self._asking, f"r{opened.index}.audit")

        async def look(document: Document) -> Verification | None:
            return await self._domain.verify(document, opened.example, panel)

        opened.reasons = ("the protocol's verifier gave no usable reply",)
        checked = await self._fitting.ask(look)
        opened.reasons = ()
        if checked is not None:
            opened.verifications.append(checked)
            if not checked.passed:
                opened.reasons = ("failed the protocol's verifier",)
            elif self._privileged and checked.checks.get("context_suffices") is False:
                opened.reasons = ("only who sees the document can answer",)

    async def _probe_verifier(self, opened: OpenRound) -> None:
        """Hold the example against a document from which it does not come."""
        opened.reasons = ("the protocol's verifier gave no usable reply",)
        probe = await document_probe(self._asking, self._domain, opened, self._foreign)
        opened.probes = (*opened.probes, probe)
        opened.reasons = failed_probes(opened)

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
                        self._solvers.sample(opened, role, samples, "fresh")
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
