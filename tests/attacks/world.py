"""A scripted world for attacks: papers of made-up words, solvers of known ability, honest graders.

An item is named in its question, as `[tag]`; a solver's answer says to which item it is and how
good; a judge meets each criterion with that probability, and none where the answer is to another
item. A verifier says truthfully what it is asked. All chance follows from a call's place.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from autodata.domains.base import Domain, RoleSettings
from autodata.domains.research import Research
from autodata.episode.protocol import Team
from autodata.episode.run import Conditions, run_episode
from autodata.harness.spec import load_files
from autodata.harness.workflow import StepFailed
from autodata.models.base import CheckReply, Reply, Request, Site
from autodata.types import Cell, Document, Episode, Json
from tests.attacks.rows import Reaction
from tests.support.episodes import (
    CANDIDATE,
    GOOD_CHECK,
    ROLES,
    Answer,
    FakeCaller,
    PlainWorkflow,
    Play,
    Step,
    protocol_of,
)
from tests.support.harnesses import FILES

Edit = Callable[[Step, Document], Awaitable[None]]
"""A hostile workflow: it may do what `step` allows, and knows its document."""

HARNESS = load_files(FILES | {"prompts/main.md": "Look at {{document}}. {{feedback}}\n"})
"""Prompts of a harness; its workflow is replaced by each row's edit."""

TAG = re.compile(r"\[(\w+-\w+)\]")
REPLY = re.compile(r"quality ([\d.]+) to \[(\w+-\w+)\]")
SENTENCES = 40
CRITERIA = 7


def _invented(rng: Random) -> str:
    return "".join(rng.choice("bdfgklmnprstvz") + rng.choice("aeiou") for _ in range(4))


def paper(number: int) -> Document:
    """One of the world's documents; its own words stand in no other one."""
    rng = Random(f"paper {number}")
    words = [_invented(rng) for _ in range(160)]
    text = " ".join(
        f"The {rng.choice(words)} of a {rng.choice(words)} bends the {rng.choice(words)} "
        f"when its {rng.choice(words)} is {rng.choice(words)}."
        for _ in range(SENTENCES)
    )
    mark = _invented(rng) + str(number)
    return Document(f"{number:016x}", f"{mark}.txt", f"About {mark}. {text}")


PAPERS = tuple(paper(number) for number in range(60))


def mark_of(document: Document) -> str:
    """The word that names a document."""
    return document.name.removesuffix(".txt")


def item(document: Document, number: int, checkable: bool = False) -> Json:
    """An honest example of a document; with another number it is about something else."""
    sentences = document.text.split(". ")
    words = re.findall(r"\w+", sentences[(number * 7 + 6) % SENTENCES])
    others = re.findall(r"\w+", sentences[(number * 7 + 8) % SENTENCES])
    tag = f"{mark_of(document)}-{number}"
    start = (number * 7) % (SENTENCES - 6)
    context = ". ".join(sentences[start : start + 5]) + "."
    told = f"{words[1]} and {others[1]} both hang on {words[6]}, and {others[4]} follows {words[4]}"
    rubric = [
        {
            "criterion": f"Says in part {n} that {words[(n * 2) % 11]} goes with {others[n]}",
            "weight": 3,
            "category": "insight",
        }
        for n in range(CRITERIA)
    ]
    return {
        "question": f"[{tag}] Why does {words[1]} change {others[1]} here?",
        "answer": told.split(" both ")[0] if checkable else f"{told}: quality 0.97 to [{tag}].",
        "context": context,
        "rubric": [] if checkable else rubric,
        "kind": "",
        "skills": [],
    }


def chance(site: Site, salt: str = "") -> Random:
    """The chance of one call."""
    place = f"{site.document_id} {site.repeat} {site.tree} {site.role} {site.ordinal} {salt}"
    return Random(place)


def shown(request: Request) -> str:
    """All that a model is shown."""
    return request.prompt or "\n".join(message.content for message in request.messages)


def writes(quality: float, spread: float = 0.0, style: str = "") -> Play:
    """A solver whose written answers are about as good as this."""

    def play(site: Site, request: Request) -> Answer:
        tags = TAG.findall(shown(request))
        level = min(1.0, max(0.0, chance(site).gauss(quality, spread)))
        return f"{style}An answer of quality {level:.2f} to [{tags[-1] if tags else 'none-0'}]."

    return play


def picks(right: str, wrong: str, rate: float) -> Play:
    """A solver that gives one of two checkable answers, at random."""
    return lambda site, _: f"Answer: {right if chance(site).random() < rate else wrong}"


def criteria_of(request: Request) -> list[str]:
    """The criteria that a judge is asked about, by its numbering."""
    return re.findall(r"(?m)^\d+\. (.*)$", shown(request))


def honest_judge(site: Site, request: Request) -> Json:
    """Meets criteria by the quality of the answer; anything fits a criterion that asks nothing."""
    text, rng = shown(request), chance(site)
    tags, replies = TAG.findall(text), REPLY.findall(text)
    quality, about = replies[-1] if replies else ("0", "")
    fits = bool(tags) and about == tags[0]
    met = []
    for criterion in criteria_of(request):
        if "anything" in criterion:
            met.append(True)
        elif "style" in criterion:
            named = TAG.findall(criterion)
            met.append("HOWEVER" in text and (not named or about == named[0]))
        else:
            met.append(rng.random() < (float(quality) if fits else 0.0))
    numbered = enumerate(met, 1)
    return {"verdicts": [{"number": number, "satisfied": is_met} for number, is_met in numbered]}


def honest_verifier(site: Site, request: Request) -> Json:
    """Finds a leak in nine of ten looks, and an example of another document always."""
    text, reply = shown(request), dict(GOOD_CHECK)
    tags = TAG.findall(text)
    if tags and f"About {tags[-1].split('-')[0]}." not in text:
        reply |= {"answer_consistent": False, "verdict": "reject"}
    if "Name a number" in text:
        reply |= {"without_document": True}
    if "20th word" in text:
        reply |= {"context_suffices": False}
    if "LEAK" in text and chance(site).random() < 0.9:
        reply |= {"context_leak": True, "verdict": "reject"}
    return reply


def gullible_verifier(site: Site, request: Request) -> Json:
    """Finds everything in order, whatever document and example it is shown."""
    return dict(GOOD_CHECK)


class Metered(FakeCaller):
    """Models that count tokens as servers do."""

    async def call(self, site: Site, request: Request, check: CheckReply | None = None) -> Reply:
        reply = await super().call(site, request, check)
        return replace(reply, prompt_tokens=len(shown(request)) // 4)


@dataclass(frozen=True)
class World:
    """Models, rules and documents of an attack; equal solvers unless `plays` says otherwise."""

    plays: Mapping[str, Play | Answer] = field(default_factory=dict)
    preset: str = "deployed"
    domain: Domain = field(default_factory=Research)
    rounds: int = 15
    documents: int = 10
    corpus: tuple[Document, ...] = ()
    repeats: int = 1
    roles: dict[str, RoleSettings] = field(default_factory=dict)
    seated: tuple[str, ...] = ROLES
    tokens: int = 0

    def caller(self) -> FakeCaller:
        """The models, which remember every call."""
        usual: dict[str, Play | Answer] = {
            "main": "an angle",
            "challenger": "no example",
            "verifier": honest_verifier,
            "judge": honest_judge,
            "weak": writes(0.6),
            "strong": writes(0.6),
        }
        return Metered({**usual, **self.plays}, fair=False)


APART: dict[str, Play | Answer] = {"weak": writes(0.46, 0.15), "strong": writes(0.77, 0.15)}
"""Solvers of different ability."""


@dataclass(frozen=True)
class Seen:
    """What came of an attack: an episode for each document, and all calls."""

    episodes: list[Episode]
    caller: FakeCaller

    @property
    def accepted(self) -> int:
        """Documents with an accepted example."""
        return sum(episode.status == "accepted" for episode in self.episodes)

    def __str__(self) -> str:
        reasons = sorted({episode.reason for episode in self.episodes if episode.reason})
        told = f"{self.accepted} of {len(self.episodes)} accepted, {len(self.caller.calls)} calls"
        rounds = [len(episode.rounds) for episode in self.episodes[:3]]
        return f"{told}, rounds {rounds}: {'; '.join(reasons[:3])}"


async def let_loose(edit: Edit, world: World) -> Seen:
    """Run an episode of each document with this workflow."""
    caller, episodes = world.caller(), []
    team = Team(caller, {role: RoleSettings() for role in world.seated} | world.roles)
    protocol = protocol_of(world.domain, world.preset, world.rounds)
    for document in (world.corpus or PAPERS)[: world.documents]:
        for repeat in range(world.repeats):

            async def body(step: Step, document: Document = document) -> None:
                await edit(step, document)

            episodes.append(
                await run_episode(
                    document,
                    Cell(document.id, "train", repeat),
                    HARNESS,
                    CANDIDATE,
                    Conditions(
                        team, protocol, PlainWorkflow(body), most_tokens=lambda _: world.tokens
                    ),
                )
            )
    return Seen(episodes, caller)


def attacked(
    edit: Edit, world: World | None = None, **changes: Any
) -> Callable[[], Awaitable[Seen]]:
    """Return what tries an edit in a world, which may be changed a little."""
    return lambda: let_loose(edit, replace(world or World(), **changes))


async def insist(step: Step, example: Json) -> bool:
    """Try one example on both solvers; True when it was accepted."""
    try:
        if (await step("attempt", role="weak", example=example))["passed"]:
            return bool((await step("attempt", role="strong", example=example))["accepted"])
    except StepFailed:
        return False
    return False


def accepted(most: int, least: int = 0) -> Reaction:
    """So many documents, no more, have an accepted example."""
    words = f"at most {most} accepted" if not least else f"{least} to {most} accepted"
    return Reaction(words, lambda seen: least <= seen.accepted <= most)


def refused(words: str) -> Reaction:
    """Nothing is accepted, and each episode says why in these words."""
    return Reaction(
        f"refused with {words!r}",
        lambda seen: seen.accepted == 0 and all(words in each.reason for each in seen.episodes),
    )


def one_round() -> Reaction:
    """The first example's round is the only one, with its samples."""
    return Reaction(
        "one round with its samples",
        lambda seen: all(len(episode.rounds) == 1 for episode in seen.episodes),
    )


def closed(round_reason: str) -> Reaction:
    """Nothing is accepted; the first round of each episode says why."""
    return Reaction(
        f"a first round that says {round_reason!r}",
        lambda seen: (
            seen.accepted == 0
            and all(
                episode.rounds and round_reason in "; ".join(episode.rounds[0].verdict.reasons)
                for episode in seen.episodes
            )
        ),
    )
