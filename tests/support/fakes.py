"""Fakes that the model layer's tests share: a clock, a model and a journal in memory."""

import asyncio
from collections.abc import Awaitable, Callable

from autodata.models.base import USUAL, Deadlines, Message, Reply, Request, Site
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

    def __init__(self) -> None:
        self.bodies: dict[tuple[str, str], Json] = {}

    def find(self, kind: str, key: str) -> Json | None:
        return self.bodies.get((kind, key))

    async def append(self, kind: str, key: str, body: Json) -> None:
        await asyncio.sleep(0)
        self.bodies[kind, key] = body


def said(text: str = "ok", prompt: int = 10, completion: int = 5) -> Reply:
    """A plain reply."""
    return Reply(text, prompt_tokens=prompt, completion_tokens=completion, seconds=0.5)
