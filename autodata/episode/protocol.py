"""The frozen side of an episode: who plays which role, and what counts as an acceptable example.

A harness cannot reach any of this; it is built from autodata.yaml once per run.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from autodata.acceptance import Policy
from autodata.models.base import Caller, Request
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


@dataclass(frozen=True, slots=True)
class TaskProtocol:
    """What a harness may not change: domain, acceptance policy and limits of an episode."""

    domain: Domain
    policy: Policy
    max_rounds: int = 6
    max_calls: int = 500


@dataclass(frozen=True, slots=True)
class Team:
    """The models of a run by role, behind one caller."""

    caller: Caller
    roles: Mapping[str, RoleSettings]

    def settings(self, role: str) -> RoleSettings:
        """Return a role's settings, or the defaults where the configuration names none."""
        return self.roles.get(role, RoleSettings())
