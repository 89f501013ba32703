"""The frozen part of an episode: domain, acceptance policy, limits, and the model of each role.

It is built from autodata.yaml once per run; a harness cannot reach any of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from autodata.domains.base import Domain, RoleSettings
from autodata.domains.isolated import Executions
from autodata.episode.acceptance import Policy
from autodata.models.base import Caller

ASKED = ("main", "challenger", "verifier")
"""The roles that a workflow may ask whatever it likes."""


@dataclass(frozen=True, slots=True)
class TaskProtocol:
    """The frozen rules of an episode: domain, acceptance policy and limits."""

    domain: Domain
    policy: Policy
    max_rounds: int = 6
    max_calls: int = 500


@dataclass(frozen=True, slots=True)
class Team:
    """The models of a run by role, behind one caller, and the functions of its domain.

    `secret` keys what no harness may guess; see `seeds`.
    """

    caller: Caller
    roles: Mapping[str, RoleSettings]
    executions: Executions = field(default_factory=Executions)
    secret: bytes = b""

    def settings(self, role: str) -> RoleSettings:
        """Return a role's settings, or the defaults where the configuration names none."""
        return self.roles.get(role, RoleSettings())
