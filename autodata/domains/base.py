"""What a domain is: a kind of example, what is well formed of it, and how a solver is asked."""

from dataclasses import dataclass
from typing import Literal, Protocol

from autodata.models.base import Request
from autodata.types import Document, Example


@dataclass(frozen=True, slots=True)
class RoleSettings:
    """How a role is asked. `majority` answers are put to a vote for one attempt when above 1."""

    privileged: bool = False
    majority: int = 1
    temperature: float | None = None
    max_tokens: int = 0
    api: Literal["chat", "completions"] = "chat"


class Domain(Protocol):
    """A kind of example: what is well formed, and how a solver is asked."""

    @property
    def verified(self) -> bool:
        """Whether the protocol's own verifier must pass an example before it is accepted."""
        ...

    def fault(self, document: Document, example: Example) -> str:
        """Name what makes the example inadmissible, or return an empty string."""
        ...

    def question(self, document: Document, example: Example, solver: RoleSettings) -> Request:
        """Return what a solver is asked, without sampling settings."""
        ...

    def answer(self, text: str) -> str:
        """Take a solver's answer out of its reply."""
        ...
