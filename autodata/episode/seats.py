"""The seats of a round: which solvers are asked about an example, in which order.

The weak solver goes first, and the strong one is asked only if it passes the gate; where the domain
says so, both are asked side by side and looked at together. No harness can change it.
"""

from collections.abc import Sequence

from autodata.concurrency import all_of
from autodata.episode.acceptance import more_samples, verdict, weak_verdict
from autodata.episode.gates import Gates, Solvers
from autodata.episode.protocol import TaskProtocol
from autodata.episode.roles import Asking, Panel
from autodata.episode.rounds import OpenRound, attempts_to
from autodata.errors import BAD_OUTPUT, Unseated
from autodata.types import Attempt, Json, SolverRole

NOT_TRIED = "not tried on the strong solver"
BOTH: tuple[SolverRole, ...] = ("weak", "strong")
_NO_SCORE = (*BAD_OUTPUT, Unseated)


class Seats:
    """Asks both solvers about the examples of one episode, and lets rules and gates decide."""

    def __init__(
        self,
        asking: Asking,
        protocol: TaskProtocol,
        solvers: Solvers,
        gates: Gates,
    ) -> None:
        self._asking = asking
        self._protocol = protocol
        self._policy = protocol.policy
        self._solvers = solvers
        self._gates = gates

    async def attempt(
        self, opened: OpenRound, role: SolverRole, earlier: Sequence[OpenRound]
    ) -> Json:
        """Let a solver try an example, both where they go together; say what came of it.

        Raises:
            Refused, Truncated, Malformed, ContextTooLong, CallFailed: a reply was of no use.
        """
        if opened.fault:
            return attempts_to([], opened.fault)
        together = self._protocol.domain.together
        if not together and role == "strong" and not self._weak_passed(opened):
            reason = "; ".join(opened.reasons) if opened.attempts else "try weak first"
            return attempts_to([], reason)
        if not opened.scores(role):
            await self._solve(opened, BOTH if together else (role,), earlier)
        failed = "; ".join(opened.reasons) if self._failed(opened, role) else ""
        if failed and opened.suggestion:
            failed = f"{failed}: {opened.suggestion}"
        return attempts_to(opened.scores(role), failed, opened.accepted)

    def _weak_passed(self, opened: OpenRound) -> bool:
        """Return whether weak samples exist and pass the policy's weak rules."""
        weak = opened.scores("weak")
        return bool(weak) and weak_verdict(self._policy, weak).accepted

    def _failed(self, opened: OpenRound, role: SolverRole) -> bool:
        if role == "weak" and not self._protocol.domain.together:
            return not self._weak_passed(opened)
        return not opened.accepted

    async def _solve(
        self, opened: OpenRound, roles: tuple[SolverRole, ...], earlier: Sequence[OpenRound]
    ) -> None:
        try:
            await self._draw_all(opened, roles)
        except _NO_SCORE as error:
            opened.fault = f"could not be scored: {error.problem}"
            opened.reasons = (opened.fault,)
            raise
        weak, strong = opened.scores("weak"), opened.scores("strong")
        if not strong:
            opened.reasons = weak_verdict(self._policy, weak).reasons or (NOT_TRIED,)
            return
        opened.reasons = verdict(self._policy, weak, strong).reasons
        if self._protocol.domain.together:
            await self._review(opened, earlier)
        if not opened.reasons:
            await self._gates.test(opened)

    async def _review(self, opened: OpenRound, earlier: Sequence[OpenRound]) -> None:
        """Let the domain look at what both solvers made of the example; a rule that failed stays
        one, whatever it says.
        """
        screened, domain = opened.reasons, self._protocol.domain
        panel = Panel(self._asking, f"r{opened.index}")
        opened.reasons = ("the loop-judge gave no usable reply",)
        past = [round_.closed() for round_ in earlier if round_ is not opened]
        found = await domain.review(opened.closed(), past, panel)
        opened.reasons = screened
        if found is None:
            return
        opened.verifications.append(found)
        if not found.passed:
            opened.suggestion = found.feedback
            opened.reasons = (*screened, "the loop-judge wants it improved")

    async def _draw_all(self, opened: OpenRound, roles: tuple[SolverRole, ...]) -> None:
        """Draw the samples of these seats side by side; in the record the weak ones come first."""
        drawn: dict[SolverRole, list[Attempt]] = {role: [] for role in roles}
        try:
            await all_of((self._draw(opened, role, drawn[role]) for role in roles), _NO_SCORE)
        finally:
            opened.attempts.extend(attempt for role in roles for attempt in drawn[role])

    async def _draw(self, opened: OpenRound, role: SolverRole, drawn: list[Attempt]) -> None:
        while more := more_samples(self._policy, role, [attempt.score for attempt in drawn]):
            begun = len(drawn)
            # the first goes alone: the others then find its prompt in the server's prefix cache
            samples = range(begun, begun + (more if begun else 1))
            drawn += await self._solvers.sample(opened, role, samples)
