"""Asking the frozen roles: solvers, and whoever a domain wants to hear before it scores."""

import hashlib
import hmac
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from pydantic import BaseModel

from autodata.concurrency import all_of
from autodata.domains.base import Domain, RoleSettings
from autodata.domains.isolated import Execution, Isolated
from autodata.domains.matching import vote
from autodata.domains.texts import MOST_REPLY
from autodata.episode.protocol import Team
from autodata.errors import BAD_OUTPUT, CallFailed, ContextTooLong, Refused, Truncated
from autodata.models.base import CheckReply, Place, Reply, Request, Site
from autodata.models.structured import ask_json
from autodata.types import Attempt, Document, Example, Series, SolverRole, Spend

Shape = TypeVar("Shape", bound=BaseModel)


def allow_all(request: Request) -> None:
    """Let every request be sent."""


@dataclass(frozen=True, slots=True)
class Asking:
    """One episode's place in the run and its team; a Caller that also books what calls cost.

    `allow` is shown every request before it is sent, and may raise. `turns` are the steps and
    rounds that have asked each role so far, in order.
    """

    team: Team
    place: Place
    book: Callable[[Spend], None]
    allow: Callable[[Request], None] = allow_all
    turns: dict[str, list[str]] = field(default_factory=dict)

    def player(self, seat: SolverRole) -> SolverRole:
        """Return the role that plays a solver's seat: in a null episode `strong` plays both."""
        return "strong" if self.place.null else seat

    def at(self, role: str, ordinal: str) -> Site:
        """Return the site of one call of this episode."""
        turns, step = self.turns.setdefault(role, []), ordinal.partition(".")[0]
        if step not in turns:
            turns.append(step)
        return replace(self.place.site(role, ordinal), turn=turns.index(step))

    async def call(self, site: Site, request: Request, check: CheckReply | None = None) -> Reply:
        """Make one call and book it; one that came to no result is paid for, too."""
        self.allow(request)
        try:
            reply = await self.team.caller.call(site, request, check)
        except (Truncated, Refused, ContextTooLong, CallFailed) as error:
            self.book(error.spend)
            raise
        self.book(reply.spend)
        return reply

    async def structured(
        self, role: str, ordinal: str, request: Request, shape: type[Shape]
    ) -> Shape:
        """Ask a role for a reply of the given shape, at the role's temperature.

        Where the role has none it is the request's, else 0.
        """
        settings = self.team.settings(role)
        temperature = settings.temperature
        if temperature is None:
            temperature = request.temperature
        request = replace(
            request,
            temperature=temperature or 0.0,
            max_tokens=request.max_tokens or settings.max_tokens,
        )
        reply, _ = await ask_json(self, self.at(role, ordinal), request, shape)
        return reply


def sampling(asking: Asking, role: str, ordinal: str, request: Request) -> Request:
    """Add a role's temperature and a seed of its own, so that no two samples are one sample."""
    settings = asking.team.settings(role)
    site = asking.at(role, ordinal)
    place = f"{site.tree}:{site.document_id}:{site.repeat}:{role}:{ordinal}"
    seed = int.from_bytes(hashlib.sha256(place.encode()).digest()[:4]) >> 1
    temperature = 1.0 if settings.temperature is None else settings.temperature
    limit = request.max_tokens or settings.max_tokens
    return replace(request, temperature=temperature, seed=seed, max_tokens=limit)


@dataclass(frozen=True, slots=True)
class Trial:
    """An example of a domain that a solver is tried on, in a round of an episode.

    `role` is the solver's seat; who plays it is asked of `Asking.player`. Answers that are `known`
    by their number are scored, not drawn.
    """

    domain: Domain
    document: Document
    example: Example
    role: SolverRole
    round_index: int
    series: Series = ""
    known: Mapping[int, str] = field(default_factory=dict)

    def ordinal(self, sample: int) -> str:
        """Return the place of a sample in its episode."""
        series = f"{self.series}." if self.series else ""
        return f"r{self.round_index}.{series}{self.role}.{sample}"


@dataclass(slots=True)
class Panel:
    """The graders of one answer or example: who is asked, each time as a call of its own."""

    asking: Asking
    ordinal: str
    _asked: Counter[str] = field(default_factory=Counter)

    @property
    def fence(self) -> str:
        """A word that no workflow can guess, the same when the same is asked again."""
        words = repr((self.asking.place, self.ordinal, sorted(self._asked.items())))
        return hmac.digest(self.asking.team.secret, words.encode(), "sha256").hex()[:10]

    @property
    def heard_verifier(self) -> bool:
        """Whether the verifier was asked."""
        return bool(self._asked[""])

    async def judge(self, request: Request, shape: type[Shape]) -> Shape:
        """Ask the judge for a reply of this shape."""
        return await self.asking.structured("judge", self._place(".judge"), request, shape)

    async def verifier(self, request: Request, shape: type[Shape]) -> Shape:
        """Ask the verifier for a reply of this shape."""
        return await self.asking.structured("verifier", self._place(""), request, shape)

    async def loop_judge(self, request: Request, shape: type[Shape]) -> Shape:
        """Ask the loop-judge for a reply of this shape."""
        return await self.asking.structured("loop_judge", self._place(".loop"), request, shape)

    async def auditor(self, request: Request, shape: type[Shape]) -> Shape:
        """Ask the auditor for a reply of this shape."""
        return await self.asking.structured("auditor", self._place(""), request, shape)

    async def run(self, function: Isolated, *arguments: Any) -> Execution:
        """Call a function with these arguments in a process of its own."""
        site = self.asking.at("function", self._place(".run"))
        return await self.asking.team.executions.run(site, function, arguments)

    def _place(self, what: str) -> str:
        self._asked[what] += 1
        number = self._asked[what]
        return f"{self.ordinal}{what}" + (f".{number}" if number > 1 else "")


async def solve(asking: Asking, trial: Trial, shown: Document, samples: range) -> list[Attempt]:
    """Draw the numbered samples of one solver, independently and side by side, and score each.

    The solver gets the document, if any, as it is `shown`. A truncated or refused answer of the
    strong one is its own failure and empty; of the weak one it is raised, as it says nothing for an
    example. When a judge fails, the other samples are judged all the same: a replay must ask what
    was asked.
    """

    async def one(sample: int) -> Attempt:
        ordinal = trial.ordinal(sample)
        answer = trial.known.get(sample)
        if answer is None:
            answer = await _answer(asking, trial, shown, ordinal)
        panel = Panel(asking, ordinal)
        score = await trial.domain.score(trial.document, trial.example, answer, panel)
        told = (score.satisfied, score.note, score.scored_by)
        return Attempt(trial.role, sample, answer, score.value, *told)

    return await all_of((one(sample) for sample in samples), BAD_OUTPUT)


async def _answer(asking: Asking, trial: Trial, shown: Document, ordinal: str) -> str:
    player = asking.player(trial.role)
    settings: RoleSettings = asking.team.settings(player)
    question = trial.domain.question(shown, trial.example, settings)
    request = replace(question, again=True)  # more samples

    async def sample(place: str) -> str:
        try:
            sampled = sampling(asking, player, place, request)
            reply = await asking.call(asking.at(player, place), sampled)
            if len(reply.text) > MOST_REPLY:
                raise Truncated(f"a reply of {len(reply.text):,} characters is not looked at")
        except (Truncated, Refused):
            if trial.role == "weak":
                raise
            return ""
        return trial.domain.answer(reply.text)

    if settings.majority <= 1:
        return await sample(ordinal)
    places = [f"{ordinal}.v{number}" for number in range(settings.majority)]
    return vote(await all_of((sample(place) for place in places), BAD_OUTPUT))
