"""An endpoint: one model behind deadlines, concurrency limit, retries and circuit breaker.

A request comes in, a priced answer goes out.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from autodata.config.providers.base import Price
from autodata.errors import (
    AuthenticationFailed,
    CallFailed,
    NoCredit,
    ProviderError,
    RateLimited,
    Refused,
    RequestRejected,
    TimedOut,
    Truncated,
    Unavailable,
    Unreachable,
)
from autodata.models.base import USUAL, Deadlines, Model, Reply, Request
from autodata.models.endpoint.admission import QueueWatch
from autodata.models.endpoint.breaker import Breaker
from autodata.models.endpoint.gate import FIRST, Gate, Priority, Sleep
from autodata.models.endpoint.known_good import KnownGood, for_one_token, in_neutral_words
from autodata.models.endpoint.throttle import LONGEST_WAIT, Now
from autodata.models.prices import cost_usd

MOST_TRIES = 6  # failures of one call while the endpoint answers others
LATE_TRIES = 2  # of which one that came to its deadline is as good as this many
PATIENCE = 20  # how often a call is turned away before that may be its own fault, too
FIRST_BACKOFF = 0.25
LAST_BACKOFF = 30.0


@dataclass(frozen=True, slots=True)
class EndpointLimits:
    """The limits of one endpoint; seconds, and 0 tokens for the provider's own limit."""

    concurrency: int = 32
    deadlines: Deadlines = USUAL
    max_tokens: int = 0
    pause_s: float = 6 * 3600.0


@dataclass(frozen=True, slots=True)
class Service:
    """Who answers at an endpoint: provider, model name and price, and what is known of its servers.

    `queue_urls` are the addresses of servers whose own queue can be read (vLLM, llama.cpp).
    `supervised` says that the server was seen healthy and is started again when it dies; any other
    endpoint where nobody listens from the beginning is taken for a mistake in the configuration.
    """

    provider: str = ""
    model_name: str = ""
    price: Price | None = None
    queue_urls: Sequence[str] = ()
    supervised: bool = False


@dataclass(frozen=True, slots=True)
class Timing:
    """Where an endpoint takes time and chance from: a clock, a way to wait, a generator."""

    now: Now = time.monotonic
    sleep: Sleep = asyncio.sleep
    rng: Random = field(default_factory=Random)


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply, and the number of tries it took.

    `error` is set when the reply is no result (`Truncated`, `Refused`), though it was paid for.
    """

    reply: Reply
    tries: int = 1
    error: ProviderError | None = None


async def _forget(_: Answer) -> None:
    return


class Endpoint:
    """A model with queue, retries and circuit breaker; see `call`.

    `name` is the endpoint's name in the configuration.
    """

    def __init__(
        self,
        name: str,
        model: Model,
        limits: EndpointLimits | None = None,
        service: Service | None = None,
        timing: Timing | None = None,
    ) -> None:
        self.name = name
        self.service = service = service or Service()
        self.limits = limits or EndpointLimits()
        self._timing = timing = timing or Timing()
        self.gate = Gate(self.limits.concurrency, now=timing.now, sleep=timing.sleep)
        self.breaker = Breaker(
            name, self.limits.pause_s, proven=service.supervised, now=timing.now, sleep=timing.sleep
        )
        plain = any(url.startswith("http://") for url in service.queue_urls)
        self._watch = QueueWatch(self.gate, service.queue_urls, model) if plain else None
        self._model = model
        self._known_good = KnownGood()
        self.sending: set[asyncio.Task[Any]] = set()
        """The tasks whose request is at the server right now."""

    async def call(
        self,
        request: Request,
        priority: Priority = FIRST,
        deadlines: Deadlines | None = None,
        keep: Callable[[Answer], Awaitable[None]] = _forget,
    ) -> Answer:
        """Get one answer, however long the endpoint is away (up to `pause_s`).

        A chat reply that hit `max_tokens` is no result. A raw prompt's continuation may end there:
        it has no end of its own. The call holds its place until `keep` is through with the answer:
        however a run ends, no more answers that were paid for are lost than there are places.

        Raises:
            CallFailed: the endpoint answers others, or what it answered before, but not this call.
            Unavailable: it is down for too long.
            AuthenticationFailed, RequestRejected, ContextTooLong, Refused, ConfigurationError.
        """
        if self._watch is not None:
            self._watch.start()
        reply, tries = await self._persist(request, priority, deadlines or self.limits.deadlines)
        answer = self._answer(request, reply, tries)
        try:
            await keep(answer)
        finally:
            self.gate.leave()
        return answer

    async def once(self, request: Request, deadlines: Deadlines) -> Answer:
        """Get an answer by one try, without waiting for a place; raises what comes of it."""
        return self._answer(request, await self._send(request, deadlines, probe=False), 1)

    def _answer(self, request: Request, reply: Reply, tries: int) -> Answer:
        error: ProviderError | None = None
        if reply.finish == "length" and request.messages:
            error = self._too_long(request, reply)
        elif reply.finish == "refused":
            error = Refused(f"{self.name} declined to answer: {reply.text[:200]}")
        return Answer(reply, tries, error)

    def _too_long(self, request: Request, reply: Reply) -> Truncated:
        if reply.text or reply.tool_calls or not reply.reasoning_tokens:
            problem = f"a reply of {self.name} is longer than max_tokens"
            return Truncated(problem, "raise the role's max_tokens")
        limit = f" of {request.max_tokens:,}" if request.max_tokens else ""
        return Truncated(
            f"thinking used up a reply of {self.name}: {reply.reasoning_tokens:,}{limit} tokens "
            "went into it, and none was left for an answer",
            f"raise max_tokens of the role or of models.{self.name}, which thinking counts in, or "
            "let it think less: reasoning_effort, thinking, or what its server takes in extra_body",
        )

    async def close(self) -> None:
        """Close connections and stop waiting."""
        if self._watch is not None:
            await self._watch.stop()
        await self.gate.close()
        await self._known_good.close()
        await self._model.close()

    async def _persist(
        self, request: Request, priority: Priority, deadlines: Deadlines
    ) -> tuple[Reply, int]:
        """Try until there is a reply; whoever gets it has to leave the gate."""
        failures = tries = turned_away = 0
        answered = self.breaker.successes
        while True:
            tries += 1
            sent = await self.gate.enter(priority)
            try:
                reply = await self._try(request, deadlines)
                self.gate.went_well(sent, reply.seconds)
                return reply, tries
            except Unavailable as error:
                wait = error.retry_after if isinstance(error, RateLimited) else 0.0
                if isinstance(error, RateLimited):
                    self.gate.rejected(sent, wait)
                elif isinstance(error, TimedOut):  # a crash says nothing about load
                    self.gate.timed_out(sent)
                self.gate.leave()
                self.breaker.check()
                # an outage and a busy server are not this call's fault; being too large for it is
                if isinstance(error, RateLimited | Unreachable):
                    turned_away += 1
                    if turned_away > PATIENCE:
                        failures += await self._answers_others(deadlines)
                else:
                    counts = LATE_TRIES if isinstance(error, TimedOut) else 1
                    failures += counts * (self.breaker.successes > answered)
                if failures >= MOST_TRIES:
                    raise self._own_doing(error, tries) from error
                answered = self.breaker.successes
            except AuthenticationFailed as error:  # or a firewall that declines these words
                self.gate.leave()
                if not isinstance(error, NoCredit) and await self._answers_others(deadlines):
                    raise self._own_doing(error, tries) from error
                raise
            except BaseException:
                self.gate.leave()
                raise
            longest = min(LAST_BACKOFF, FIRST_BACKOFF * 2 ** min(tries, 10))
            backoff = longest * self._timing.rng.uniform(0.5, 1.0)
            await self._timing.sleep(max(min(wait, LONGEST_WAIT), backoff))

    async def _try(self, request: Request, deadlines: Deadlines) -> Reply:
        probe = await self.breaker.enter()
        if probe:
            known = self._known_good.request or for_one_token(in_neutral_words(request))
            with suppress(RequestRejected, Refused):
                await self._send(known, deadlines, probe=True)
                self._known_good.note(known)
            probe = False
        reply = await self._send(request, deadlines, probe=probe)
        self._known_good.note(request)
        return reply

    async def _answers_others(self, deadlines: Deadlines) -> bool:
        return await self._known_good.answered(lambda r: self._model.complete(r, deadlines))

    def _own_doing(self, error: ProviderError, tries: int) -> CallFailed:
        others = self._known_good.said or "others were answered meanwhile"
        return CallFailed(
            f"{self.name} does not answer this call, in {tries} tries: {error.problem} ({others})",
            tries=tries,
        )

    async def _failed(self, error: Unavailable, deadlines: Deadlines, *, probe: bool) -> None:
        """Count a failure against the endpoint, unless that answers what it answered before."""
        passing = probe or self.breaker.paused or isinstance(error, RateLimited | Unreachable)
        if not passing and await self._answers_others(deadlines):
            self.breaker.succeeded()
        else:
            self.breaker.failed(error, probe=probe)

    async def _send(self, request: Request, deadlines: Deadlines, *, probe: bool) -> Reply:
        answered = False
        task = asyncio.current_task()
        assert task is not None
        self.sending.add(task)
        try:
            async with asyncio.timeout(deadlines.total_s):
                reply = (await self._model.complete(request, deadlines)).whole()
            answered = True
        except TimeoutError:
            late = TimedOut(f"{self.name} sent no reply within {deadlines.total_s:g} s")
            await self._failed(late, deadlines, probe=probe)
            raise late from None
        except Unavailable as error:
            await self._failed(error, deadlines, probe=probe)
            raise
        except ProviderError as error:  # it does answer: what it says is another matter
            answered = True
            took = error.spend
            usage = Reply("", "stop", (), took.prompt_tokens, took.completion_tokens)
            error.spend = replace(took, cost_usd=cost_usd(self.service.price, usage))
            raise
        except BaseException:
            if probe:
                self.breaker.abandoned()
            raise
        finally:
            self.sending.discard(task)
            if answered:
                self.breaker.succeeded()
        return replace(reply, cost_usd=cost_usd(self.service.price, reply))
