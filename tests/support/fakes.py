"""Fakes that the model layer's tests share: a clock, a model and a journal in memory."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from autodata.models.base import USUAL, Deadlines, Message, Reply, Request, Site
from autodata.store.facts import Fact, R
from autodata.store.format import Record
from autodata.types import Json

CHAT = Request(messages=(Message("user", "hi"),), max_tokens=100)
SITE = Site("weak", "r1.weak.1", tree="t", document_id="d")


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds
        await asyncio.sleep(0)


Play = Callable[[int, Request], Reply | Exception | Awaitable[Reply]]


class FakeModel:
    """Answers call number n (from 0) as `play` says; an exception is raised."""

    def __init__(self, play: Play) -> None:
        self.play = play
        self.requests: list[Request] = []
        self.closed = False

    async def complete(self, request: Request, deadlines: Deadlines = USUAL) -> Reply:
        self.requests.append(request)
        answer = self.play(len(self.requests) - 1, request)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Reply) else await answer

    async def close(self) -> None:
        self.closed = True


class Memory:
    """A journal without a disk."""

    folder = Path("memory")

    def __init__(self, *facts: Fact[Any]) -> None:
        self.facts = list(facts)

    @property
    def bodies(self) -> dict[tuple[str, str], Json]:
        """What it keeps, as JSON; a later record stands for an earlier one."""
        return {(fact.kind, fact.key): fact.record.to_json() for fact in self.facts}

    def find(self, kind: type[R], key: str) -> R | None:
        """Return the latest record of this kind and key."""
        found = [fact.record for fact in self.records(kind) if fact.key == key]
        return found[-1] if found else None

    def records(self, *kinds: type[R]) -> Iterator[Fact[R]]:
        """Yield the facts of these kinds."""
        return (fact for fact in self.facts if type(fact.record) in kinds)

    async def append(self, key: str, record: Record) -> None:
        """Keep a record."""
        await asyncio.sleep(0)
        self.facts.append(Fact(key, 0.0, record))

    async def once(self, key: str, record: R) -> R:
        """Keep a record unless one is there."""
        known = self.find(type(record), key)
        if known is None:
            await self.append(key, record)
        return known or record


def said(text: str = "ok", prompt: int = 10, completion: int = 5) -> Reply:
    """A plain reply."""
    return Reply(text, prompt_tokens=prompt, completion_tokens=completion, seconds=0.5)
