"""The border to a domain: whatever its code does wrong is told by its name, and scores nobody."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from autodata.config.plugins import Plugin
from autodata.domains import Domain, Graders, RoleSettings, Score
from autodata.domains.hosted import Hosted, hosted
from autodata.episode.roles import Panel
from autodata.errors import PluginFailed, Unavailable
from autodata.types import Document, Example
from tests.support.episodes import DOCUMENT, EXAMPLE, asking_of, good_caller


def panel() -> Graders:
    return Panel(asking_of(good_caller()), "r0.weak.0")


async def ask(domain: Domain, method: str) -> Any:
    """Ask a domain as an episode does."""
    its = Hosted("my:Own", domain)
    asked: dict[str, Callable[[], Any]] = {
        "fault": lambda: its.fault(DOCUMENT, EXAMPLE),
        "question": lambda: its.question(DOCUMENT, EXAMPLE, RoleSettings()),
        "answer": lambda: its.answer("text"),
        "score": lambda: its.score(DOCUMENT, EXAMPLE, "answer", panel()),
        "verify": lambda: its.verify(DOCUMENT, EXAMPLE, panel()),
        "audit": lambda: its.audit(DOCUMENT, EXAMPLE, panel()),
    }
    found = asked[method]()
    return await found if asyncio.iscoroutine(found) else found


class Wrong(Domain):
    """Raises or returns the same thing whatever is asked."""

    def __init__(self, says: Any) -> None:
        super().__init__()
        self.says = says

    def _say(self) -> Any:
        if isinstance(self.says, Exception):
            raise self.says
        return self.says

    def fault(self, document: Document, example: Example) -> Any:
        return self._say()

    def question(self, document: Document, example: Example, solver: RoleSettings) -> Any:
        return self._say()

    def answer(self, text: str) -> Any:
        return self._say()

    async def score(
        self, document: Document, example: Example, answer: str, graders: Graders
    ) -> Any:
        return self._say()

    async def verify(self, document: Document, example: Example, graders: Graders) -> Any:
        return self._say()

    async def audit(self, document: Document, example: Example, graders: Graders) -> Any:
        return self._say()


@pytest.mark.parametrize("method", ["fault", "question", "answer", "score", "verify", "audit"])
async def test_what_it_raises_or_returns_wrongly_names_domain_and_method(method: str) -> None:
    with pytest.raises(PluginFailed, match=rf"my:Own failed: {method} raised KeyError: 'x' \("):
        await ask(Wrong(KeyError("x")), method)
    with pytest.raises(PluginFailed, match=rf"my:Own failed: {method} returned 7, no "):
        await ask(Wrong(7), method)


@pytest.mark.parametrize("value", [1.01, -0.1, float("nan"), "1", None])
async def test_a_score_is_a_number_from_0_to_1(value: Any) -> None:
    with pytest.raises(PluginFailed, match=r"score returned .*, no number from 0 to 1"):
        await ask(Wrong(Score(value)), "score")


async def test_what_a_note_holds_does_no_harm_to_a_terminal() -> None:
    noted = await ask(Wrong(Score(0.5, note="\x1b[2J\ud800bad\n" + "x" * 999)), "score")
    assert noted.note.startswith("[2Jbadx")
    assert len(noted.note) == 300


async def test_what_others_fail_in_passes_through() -> None:
    with pytest.raises(Unavailable, match="down"):
        await ask(Wrong(Unavailable("down")), "score")


def test_one_that_cannot_be_made_names_itself() -> None:
    class Broken(Domain):
        def __init__(self, settings: Any) -> None:
            raise RuntimeError("no")

    with pytest.raises(PluginFailed, match="my:Broken cannot be made: RuntimeError: no"):
        hosted(Plugin("domain", "my:Broken", Broken, ""), None)
