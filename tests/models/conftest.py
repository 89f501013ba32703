"""What the contract of a provider is run with: both official SDKs, whole and streamed replies."""

from collections.abc import AsyncIterator

import pytest

from autodata.models.base import Deadlines
from tests.support.loopback import Loopback


@pytest.fixture(params=["openai", "anthropic"])
def provider(request: pytest.FixtureRequest) -> str:
    """A provider that has an SDK of its own."""
    return str(request.param)


@pytest.fixture(params=[0.0, 5.0], ids=["whole", "streamed"])
def deadlines(request: pytest.FixtureRequest) -> Deadlines:
    """Deadlines of a reply that comes whole, and of one that is streamed."""
    return Deadlines(first_token_s=float(request.param))


@pytest.fixture
async def server() -> AsyncIterator[Loopback]:
    """A model server on loopback, yet to be scripted."""
    async with Loopback() as loopback:
        yield loopback
