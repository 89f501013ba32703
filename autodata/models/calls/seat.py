"""A role's seat: its endpoint, and the parameters that go with every request of the role."""

from dataclasses import dataclass, replace

from autodata.models.base import Deadlines, Request
from autodata.models.endpoint.endpoint import Endpoint
from autodata.types import Json


@dataclass(frozen=True, slots=True)
class Seat:
    """A role's endpoint with its default parameters, used where a request leaves them open.

    `extra` and `headers` go with every request; see `Request`. No temperature does where it is not
    `warm`: that is the server's to choose.
    """

    endpoint: Endpoint
    temperature: float | None = None
    max_tokens: int = 0
    deadlines: Deadlines | None = None
    extra: Json | None = None
    headers: tuple[tuple[str, str], ...] = ()
    warm: bool = True

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
