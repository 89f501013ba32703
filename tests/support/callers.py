"""A caller with a journal in memory and one fake model behind two roles."""

import asyncio
from random import Random

from autodata.config.providers.base import Price
from autodata.config.schema import Budget
from autodata.models.calls.budget import Accounts
from autodata.models.calls.caller import RecordedCaller
from autodata.models.calls.seat import Seat
from autodata.models.endpoint.endpoint import Endpoint, EndpointLimits, Service, Timing
from autodata.models.endpoint.gate import Sleep
from autodata.store.facts import JournalWriter
from tests.support.fakes import Clock, FakeModel, Memory, Play


def make_caller(
    play: Play,
    log: JournalWriter | None = None,
    budget: Budget | None = None,
    limits: EndpointLimits | None = None,
    price: Price | None = None,
    sleep: Sleep | None = None,
) -> tuple[RecordedCaller, FakeModel, JournalWriter]:
    """Return a caller whose model answers as `play` says, that model, and the journal."""
    clock, model, log = Clock(), FakeModel(play), log or Memory()
    endpoint = Endpoint(
        "e1",
        model,
        limits,
        Service(model_name="m1", price=price),
        Timing(clock.now, sleep or clock.sleep),
    )
    seats = {"weak": Seat(endpoint, temperature=0.7), "strong": Seat(endpoint, max_tokens=33)}
    return RecordedCaller(log, seats, Accounts(budget or Budget())), model, log


def endpoint_of(
    play: Play,
    clock: Clock,
    *,
    price: Price | None = None,
    limits: EndpointLimits | None = None,
) -> tuple[Endpoint, FakeModel]:
    """An endpoint whose model answers as `play` says, and that model."""
    model = FakeModel(play)
    endpoint = Endpoint(
        "strong",
        model,
        limits or EndpointLimits(),
        Service(price=price),
        Timing(clock.now, clock.sleep, Random(0)),
    )
    return endpoint, model


async def ticks() -> None:
    """Let every task run until it waits."""
    for _ in range(9):
        await asyncio.sleep(0)
