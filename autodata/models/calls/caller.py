"""The caller of a run: each call by role is answered by the journal or made once and journaled.

A reply is journaled before it is used, so that nothing is paid for twice. It implements
`base.Caller`.
"""

import asyncio
import json
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

from autodata.config.providers.base import Price
from autodata.errors import (
    BudgetSpent,
    CallFailed,
    ContextTooLong,
    Refused,
    ReplayMismatch,
    RequestRejected,
    Truncated,
    Unseated,
)
from autodata.models.base import CheckReply, Reply, Request, Site, call_key
from autodata.models.calls.budget import Accounts, is_sealed
from autodata.models.calls.call_records import (
    FINAL,
    answer_of,
    call_name,
    recall,
    record_of,
    unanswered,
)
from autodata.models.calls.seat import Seat
from autodata.models.endpoint.endpoint import Answer, Endpoint
from autodata.models.endpoint.gate import FIRST, Priority
from autodata.models.endpoint.known_good import in_neutral_words
from autodata.store.episodes import CallRecord
from autodata.store.facts import JournalWriter
from autodata.types import EpisodeKey, Spend

CHARS_PER_TOKEN = 3  # on the safe side for English and code
EPISODES_REMEMBERED = 20_000
_GRACE_S = 4.0
"""Seconds that calls in flight get when a run is closed in a hurry; they are paid for anyway."""
LOOK_EVERY_S = 0.1


@dataclass(frozen=True, slots=True)
class _Call:
    """A call that has to be made, and how urgent it is."""

    key: str
    site: Site
    seat: Seat
    request: Request
    check: CheckReply | None
    priority: Priority


@dataclass(frozen=True, slots=True)
class CallStatus:
    """A live view: calls answered by endpoints and by the journal, in flight and waiting."""

    answered: int
    recalled: int
    in_flight: int
    waiting: int
    spent: Spend


class RecordedCaller:
    """Answers calls from the journal, or else through the role's endpoint and into the journal.

    The episode that has made most calls goes first, being nearest to its end, and among equals the
    one that began first: so episodes finish rather than pile up, and calls that share a document's
    prefix stay together. Calls outside of episodes, on which whole iterations wait, go before all.
    """

    def __init__(
        self, journal: JournalWriter, seats: Mapping[str, Seat], accounts: Accounts
    ) -> None:
        self._journal = journal
        self._seats = dict(seats)
        self._accounts = accounts
        self._running: dict[str, asyncio.Task[Reply]] = {}
        self._begun: OrderedDict[EpisodeKey, tuple[int, int]] = OrderedDict()
        self._episodes = 0
        self._answered = 0
        self._recalled = 0

    async def call(self, site: Site, request: Request, check: CheckReply | None = None) -> Reply:
        """Return the reply to this call, asking for it at most once; see `base.Caller`.

        A truncated reply is asked for once more, with twice the limit. A request that the server
        rejects is sent with other words: does it take that, it is these words that it declines, and
        else the run's configuration is wrong. Each of these is a call of its own.

        When it is cancelled or time is up, a request that was sent already still gets its answer
        journaled, if that comes while `answered` or `close` waits.
        """
        request = self._seat(site).fill(request)
        try:
            return await self._once(site, request, check)
        except Truncated as short:
            if not request.max_tokens:
                raise
            return await self._longer(site, request, check, short)
        except ContextTooLong:
            raise
        except RequestRejected as rejected:
            refused = Refused(rejected.problem, rejected.fix)
            refused.spend = await self._other_words(site, request, rejected)
            refused.spend += await self._note(site, request, check, rejected)
            raise refused from rejected

    async def _longer(
        self, site: Site, request: Request, check: CheckReply | None, short: Truncated
    ) -> Reply:
        longer = replace(request, max_tokens=2 * request.max_tokens)
        try:
            reply = await self._once(site, longer, check)
        except (Truncated, Refused, ContextTooLong, CallFailed) as error:
            short.spend += error.spend
        except RequestRejected as error:  # more than is allowed
            short.spend += await self._other_words(site, request, error)
            short.spend += await self._note(site, longer, check, error)
        else:
            return replace(reply, earlier=short.spend)
        raise short

    async def _other_words(self, site: Site, request: Request, rejected: RequestRejected) -> Spend:
        """Send a request with other words; return what that cost, or raise `rejected` with it."""
        other = in_neutral_words(request)
        try:
            reply = await self._once(replace(site, ordinal=f"{site.ordinal}.other"), other, None)
        except (Truncated, Refused) as error:  # taken, too
            return error.spend
        except RequestRejected:
            raise rejected from None
        return reply.spend

    async def _note(
        self, site: Site, request: Request, check: CheckReply | None, rejected: RequestRejected
    ) -> Spend:
        """Journal that this request is rejected for good; return what it cost."""
        with suppress(RequestRejected):
            await self._once(site, request, check, rejected)
        return rejected.spend

    async def _once(
        self,
        site: Site,
        request: Request,
        check: CheckReply | None,
        rejected: RequestRejected | None = None,
    ) -> Reply:
        """Return the journaled reply to one request, or ask, or keep that it was `rejected`."""
        seat = self._seat(site)
        priority = self._priority(site)
        key = call_key(site, seat.endpoint.name, seat.endpoint.service.model_name, request)
        while True:
            journaled = self._journal.find(CallRecord, key)
            if journaled is not None and journaled.outcome in FINAL:
                self._recalled += 1
                return recall(journaled)
            running = self._running.get(key)
            if running is None:
                break
            await asyncio.wait([running])
        task = self._running[key] = asyncio.create_task(
            self._ask(_Call(key, site, seat, request, check, priority), rejected)
        )
        task.add_done_callback(lambda over: self._over(key, over))
        allowed, sealed = self._accounts.seconds_left, is_sealed(site)
        try:
            while not task.done():
                await asyncio.wait([task], timeout=allowed(site.role, sealed))
                if not task.done():
                    self._accounts.check_time(site.role, sealed)
            return task.result()
        except (asyncio.CancelledError, BudgetSpent):
            if task not in seat.endpoint.sending:
                task.cancel()
            raise

    def _over(self, key: str, task: asyncio.Task[Reply]) -> None:
        """Forget a call; whoever waited for it and was cancelled will not ask what became of it."""
        self._running.pop(key)
        if not task.cancelled():
            task.exception()

    def status(self) -> CallStatus:
        """Return what the calls are doing right now."""
        endpoints = self._endpoints()
        return CallStatus(
            answered=self._answered,
            recalled=self._recalled,
            in_flight=sum(endpoint.gate.in_flight for endpoint in endpoints),
            waiting=sum(endpoint.gate.waiting for endpoint in endpoints),
            spent=self._accounts.spent,
        )

    async def answered(self) -> None:
        """Wait for what was sent, each call up to its own deadline; one try is not followed up."""
        sent = set(self._running.values())
        while sent := {t for e in self._endpoints() for t in e.sending} & sent:
            await asyncio.wait(sent, timeout=LOOK_EVERY_S)

    async def close(self) -> None:
        """Wait a little for what was sent, then close all endpoints; the journal is not ours."""
        pending = set(self._running.values())
        if pending:
            _, late = await asyncio.wait(pending, timeout=_GRACE_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)
        for endpoint in self._endpoints():
            await endpoint.close()

    def _endpoints(self) -> list[Endpoint]:
        seats = [one for seat in self._seats.values() for one in seat.all]
        return list({id(seat.endpoint): seat.endpoint for seat in seats}.values())

    def _seat(self, site: Site) -> Seat:
        role = site.role
        if role not in self._seats:
            raise Unseated(f"no model plays the role {role!r}", f"set roles.{role}.model")
        return self._seats[role].of(site)

    async def _ask(self, call: _Call, rejected: RequestRejected | None) -> Reply:
        key, site, seat, request = call.key, call.site, call.seat, call.request
        endpoint, spent = seat.endpoint, Spend()
        prompt = _length(request) // CHARS_PER_TOKEN
        most = partial(_most, request, endpoint.service.price, prompt)
        hold = await self._accounts.hold(site.role, most, site)

        async def keep(answer: Answer) -> None:
            nonlocal spent
            spent = answer.reply.spend
            self._answered += 1
            record = record_of(site, endpoint, request, answer, call.check)
            await self._journal.append(key, record)

        try:
            try:
                if rejected is not None:
                    raise rejected
                answer = await endpoint.call(request, call.priority, seat.deadlines, keep)
            except (ContextTooLong, Refused) as error:
                answer = Answer(unanswered(error), error=error)
                await keep(answer)
            except CallFailed as error:  # for all that is known, every try was worked on
                reply = hold.spend.completion_tokens
                error.spend = _most(request, endpoint.service.price, error.tries * prompt, reply)
                answer = Answer(unanswered(error), error.tries, error)
                await keep(answer)
            except RequestRejected as error:
                if rejected is None:
                    raise
                answer = Answer(unanswered(error), error=error)
                await keep(answer)
        finally:
            beside = sum(len(endpoint.sending) for endpoint in self._endpoints())
            self._accounts.settle(hold, spent, beside + 1)
        if answer.error is not None:
            answer.error.spend = answer.reply.spend
            raise answer.error
        return answer.reply

    def _priority(self, site: Site) -> Priority:
        """Count a call of its episode and return what it has made so far, negative, and its age."""
        episode = site.episode
        if episode is None:
            return FIRST
        if episode not in self._begun:
            self._episodes += 1
            self._begun[episode] = (0, self._episodes)
            if len(self._begun) > EPISODES_REMEMBERED:
                self._begun.popitem(last=False)
        calls, age = self._begun[episode]
        self._begun[episode] = (calls - 1, age)
        return (calls, age)


class RecallingCaller(RecordedCaller):
    """Answers from the journal alone: for replays, which never ask anybody."""

    async def _once(
        self,
        site: Site,
        request: Request,
        check: CheckReply | None,
        rejected: RequestRejected | None = None,
    ) -> Reply:
        """Return the journaled reply; tell the log all that is known here of the call, to compare.

        Raises:
            ReplayMismatch: the call is not in the journal.
        """
        seat = self._seat(site)
        key = call_key(site, seat.endpoint.name, seat.endpoint.service.model_name, request)
        known = self._journal.find(CallRecord, key)
        if known is None:
            raise ReplayMismatch(f"{call_name(key, site)} is not in the journal")
        now = record_of(site, seat.endpoint, request, answer_of(known), check)
        await self._journal.append(key, now)
        return recall(known)


def _most(request: Request, price: Price | None, prompt_tokens: int, longest: int) -> Spend:
    """What a call may take; without a limit it is taken to be as long as the longest so far."""
    reply = request.max_tokens or longest
    usd = (prompt_tokens * price.input + reply * price.output) / 1e6 if price else 0.0
    return Spend(1, prompt_tokens, reply, usd)


def _length(request: Request) -> int:
    characters = sum(len(message.content) for message in request.messages) + len(request.prompt)
    characters += sum(len(json.dumps(m.thinking)) for m in request.messages if m.thinking)
    return characters + (len(json.dumps(request.schema)) if request.schema else 0)
