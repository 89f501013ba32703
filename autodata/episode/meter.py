"""The meter of an episode: what it has spent, and the bounds at which its workflow is stopped."""

from dataclasses import dataclass, field

from autodata.harness.workflow import WorkflowStop
from autodata.models.base import Request
from autodata.types import Spend

MOST_FAILED = 2
"""Steps whose calls fail while their endpoint answers others; the last one ends the episode."""
_CHARS_PER_TOKEN = 4


@dataclass(slots=True)
class Meter:
    """Counts what an episode spends; `most_tokens` 0 is no bound.

    What the gates spend counts against no bound. `reason` says at which bound it was stopped, where
    its rounds do not tell.
    """

    most_calls: int
    most_tokens: int = 0
    failed_calls: int = 0
    reason: str = ""
    _own: list[Spend] = field(default_factory=list)
    _gates: list[Spend] = field(default_factory=list)

    def book(self, spend: Spend) -> None:
        """Count a call that the harness asked for."""
        self._own.append(spend)

    def book_gates(self, spend: Spend) -> None:
        """Count a call that the gates asked for."""
        self._gates.append(spend)

    @property
    def spend(self) -> Spend:
        """The cost of the episode so far, in whatever order replies came."""
        return Spend.total((*self._own, *self._gates))

    @property
    def gates(self) -> Spend:
        """What of it the gates took."""
        return Spend.total(self._gates)

    def check(self, request: Request | None = None) -> None:
        """Stop the workflow at a bound, or before a request of its own would go over it.

        Asked between steps, and between the calls of a step that come one after the other: so what
        is counted does not depend on who was faster.

        Raises:
            WorkflowStop: a bound is reached.
        """
        spend = Spend.total(self._own)
        tokens = spend.prompt_tokens + spend.completion_tokens
        tokens += _tokens(request) if request else 0
        if self.most_tokens and tokens >= self.most_tokens:
            self.reason = f"it used up the {self.most_tokens:,} tokens of an episode"
            raise WorkflowStop
        if spend.calls >= self.most_calls or self.failed_calls >= MOST_FAILED:
            raise WorkflowStop


def _tokens(request: Request) -> int:
    characters = sum(len(message.content) for message in request.messages) + len(request.prompt)
    return characters // _CHARS_PER_TOKEN
