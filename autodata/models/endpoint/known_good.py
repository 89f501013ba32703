"""The known-good request of an endpoint: its first that was answered, sent again to tell whose
fault a failure is.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from autodata.errors import AuthenticationFailed, ProviderError, Unavailable
from autodata.models.base import Message, Reply, Request

PROBE_S = 60.0
_QUOTED = 60
"""Characters of an answer that are told."""


NEUTRAL = "Reply with one word."


def in_neutral_words(request: Request) -> Request:
    """Return the same request with words that no server takes offence at."""
    if request.messages:
        return replace(request, messages=(Message("user", NEUTRAL),))
    return replace(request, prompt=NEUTRAL)


def for_one_token(request: Request) -> Request:
    """Return the same request, as cheap as it can be."""
    return replace(request, schema=None, schema_name="", tools=(), max_tokens=1)


class KnownGood:
    """What an endpoint answered first, asked for one token; `said` is what became of it last.

    The first: as a rule a run's own, asked before any candidate that could choose it. Where an
    endpoint has answered nothing yet, it is found out with neutral words.
    """

    def __init__(self) -> None:
        self.request: Request | None = None
        self.said = ""
        self._look: asyncio.Task[bool] | None = None

    def note(self, request: Request) -> None:
        """Remember a request that was answered, if it is the first."""
        if self.request is None:
            self.request = for_one_token(request)

    async def answered(self, send: Callable[[Request], Awaitable[Reply]]) -> bool:
        """Return whether it is answered now; whoever asks meanwhile is told the same."""
        if self.request is None:
            return False
        if self._look is None or self._look.done():
            self._look = asyncio.create_task(self._sent(self.request, send))
        return await asyncio.shield(self._look)

    async def close(self) -> None:
        """Stop looking."""
        if self._look is not None:
            self._look.cancel()
            await asyncio.gather(self._look, return_exceptions=True)

    async def _sent(self, request: Request, send: Callable[[Request], Awaitable[Reply]]) -> bool:
        try:
            async with asyncio.timeout(PROBE_S):
                text = (await send(request)).text[:_QUOTED]
        except TimeoutError:
            self.said = f"its known-good request came to no answer in {PROBE_S:g} s, either"
            return False
        except (AuthenticationFailed, Unavailable) as error:
            self.said = f"its known-good request fails, too: {error.problem}"
            return False
        except ProviderError as error:  # it does answer
            text = error.problem[:_QUOTED]
        self.said = f"its known-good request was answered with {text!r}"
        return True
