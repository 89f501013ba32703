"""A role's seat: its endpoint, and the parameters that go with every request of the role."""

import hashlib
import re
from dataclasses import dataclass, replace

from autodata.config.roles import Pick
from autodata.models.base import Deadlines, Request, Site
from autodata.models.endpoint.endpoint import Endpoint
from autodata.types import Json


@dataclass(frozen=True, slots=True)
class Seat:
    """A role's endpoint with its default parameters, used where a request leaves them open.

    `extra` and `headers` go with every request; see `Request`. No temperature does where it is not
    `warm`: that is the server's to choose. Where several models play the role, `others` are the
    seats of all but the first, and `pick` says whose turn it is.
    """

    endpoint: Endpoint
    temperature: float | None = None
    max_tokens: int = 0
    deadlines: Deadlines | None = None
    extra: Json | None = None
    headers: tuple[tuple[str, str], ...] = ()
    warm: bool = True
    others: tuple["Seat", ...] = ()
    pick: Pick = "by_document"

    @property
    def all(self) -> tuple["Seat", ...]:
        """This seat and the others of its role."""
        return (self, *self.others)

    def of(self, site: Site) -> "Seat":
        """Return the one that takes the call of a site: a function of the site alone.

        Roles with as many models are dealt alike, so that two lists in opposite order never meet
        on a document. Calls outside of episodes are dealt by their iteration.
        """
        if not self.others:
            return self
        if site.document_id:
            digest = hashlib.sha256(site.document_id.encode()).digest()
            turn = int.from_bytes(digest[:8]) + (site.turn if self.pick == "in_turn" else 0)
        else:
            number = re.search(r"\d+", site.ordinal)
            turn = int(number[0]) if number else 0
        return self.all[turn % len(self.all)]

    def fill(self, request: Request) -> Request:
        """Set the role's temperature and reply limit where the request has none, and its own."""
        temperature = self.temperature if request.temperature is None else request.temperature
        return replace(
            request,
            max_tokens=request.max_tokens or self.max_tokens or self.endpoint.limits.max_tokens,
            temperature=temperature if self.warm else None,
            extra=self.extra or None,
            headers=self.headers,
        )
