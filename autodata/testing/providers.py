"""The contract of a provider's model: what an endpoint takes for granted of it."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace

from autodata.concurrency import all_of
from autodata.errors import ProviderError
from autodata.models.base import Message, Model, Reply, Request
from autodata.testing.contract import HOSTILE, Contract, expect

ASK = Request(messages=(Message("user", "Say one word."),), max_tokens=200)
PROMPT_S = 5.0
"""Seconds in which a call that is cancelled must have ended."""


class ProviderContract(Contract):
    """The rules; see `check_provider`."""

    def __init__(self, make: Callable[[], Model], request: Request) -> None:
        self._make = make
        self._request = request

    async def _reply(self, request: Request) -> Reply:
        model = self._make()
        try:
            return await model.complete(request)
        finally:
            await model.close()

    async def answers_with_words_and_counts_tokens(self) -> None:
        """What was paid is counted by what is told."""
        reply = await self._reply(self._request)
        expect(isinstance(reply, Reply) and isinstance(reply.text, str), f"it gave {reply!r:.80}")
        expect(reply.finish in ("stop", "length", "tool_calls", "refused"), f"{reply.finish=}")
        counts = (reply.prompt_tokens, reply.completion_tokens, reply.cached_tokens)
        plain = all(type(count) is int and count >= 0 for count in counts)
        expect(plain, f"tokens are {counts}, no whole numbers from 0")

    async def gives_replies_that_can_be_journaled(self) -> None:
        """A reply is kept as JSON before it is used."""
        reply = (await self._reply(self._request)).whole()
        kept = Reply.from_json(json.loads(json.dumps(reply.to_json())))
        expect(kept == reply, f"it comes back as {kept!r:.80}")

    async def answers_side_by_side(self) -> None:
        """Many calls share one model."""
        model = self._make()
        try:
            replies = await all_of([model.complete(self._request) for _ in range(4)])
        finally:
            await model.close()
        expect(len(replies) == 4, "some were not answered")

    async def fails_with_provider_errors_only(self) -> None:
        """Prompts hold whatever models and documents say; anything else than these is a bug."""
        for words in HOSTILE:
            last = replace(self._request.messages[-1], content=words)
            asked = replace(self._request, messages=(*self._request.messages[:-1], last))
            try:
                await self._reply(asked)
            except ProviderError:
                continue

    async def can_be_cancelled(self) -> None:
        """A run that is stopped waits for nobody; the model serves others all the same."""
        model = self._make()
        try:
            call = asyncio.ensure_future(model.complete(self._request))
            await asyncio.sleep(0)
            call.cancel()
            _, pending = await asyncio.wait([call], timeout=PROMPT_S)
            expect(not pending, f"it has not ended within {PROMPT_S:g} s")
            await model.complete(self._request)
        finally:
            await model.close()

    async def may_be_closed_twice(self) -> None:
        """Whoever ends a run does not know who did before."""
        model = self._make()
        await model.close()
        await model.close()


def check_provider(make: Callable[[], Model], request: Request = ASK) -> None:
    """Hold a provider's model, which `make` makes anew, against its contract.

    Makes about 16 calls.

    Raises:
        ContractBroken: names every rule that is broken.
    """
    ProviderContract(make, request).hold("the provider")
