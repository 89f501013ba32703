"""An analyzer and an implementer as told, and what there is for them to know; no real model."""

import asyncio
import json
from random import Random

from autodata.domains.base import RoleSettings
from autodata.episode.protocol import Team
from autodata.episode.roles import Asking
from autodata.errors import (
    AutodataError,
    HarnessError,
)
from autodata.harness.spec import Harness, load_files
from autodata.models.base import CheckReply, Place, Reply, Request, Site, ToolCall
from autodata.search.base import Brief
from autodata.search.proposers.base import Edit
from autodata.search.proposers.text import Knowledge, Learn, TextEditor
from autodata.types import Candidate, Json, Spend
from tests.support.harnesses import FILES

BASE = load_files(FILES)
PARENT = Candidate("c0", "x", "tree")
DOCUMENTS = ("a" * 16, "b" * 16)
EPISODES: list[Json] = [
    {"document_id": DOCUMENTS[0], "status": "accepted", "reason": "", "rounds": ["FULL-A"]},
    {"document_id": DOCUMENTS[1], "status": "rejected", "reason": "gap too small", "rounds": ["B"]},
]
CHANGES = ("ask why", "ask how", "ask when")
ANALYSIS: Json = {
    "root_cause": "questions are recall",
    "hypotheses": [{"cause": f"cause {n}", "change": change} for n, change in enumerate(CHANGES)],
}
OLD, NEW = "Ask about {{document}}, {{knobs.style}}.", "Ask why of {{document}}, {{knobs.style}}."
GOOD_EDIT: Json = {
    "summary": "Ask why",
    "patches": [{"path": "prompts/challenger.md", "search": OLD, "replace": NEW}],
    "knobs": [{"name": "rounds", "value": 6}],
    "predictions": [
        {"document": DOCUMENTS[0], "probability": 0.9},
        {"document": DOCUMENTS[0], "probability": 0.1},
        {"document": "unknown", "probability": 0.5},
    ],
}
POOLED_EDIT: Json = {**{k: v for k, v in GOOD_EDIT.items() if k != "predictions"}, "improves": 0.7}


class Models:
    """Analyzer and implementer as told: tool calls first, then what each hands in, in turn.

    `plain` ones never call a tool, and hand in by schema when they are asked to.
    """

    def __init__(
        self,
        *edits: Json,
        tools: dict[str, tuple[ToolCall, ...]] | None = None,
        failure: AutodataError | None = None,
        plain: bool = False,
    ) -> None:
        self.edits, self.tools, self.failure = list(edits), tools or {}, failure
        self.plain = plain
        self.calls: list[tuple[Site, Request]] = []

    async def call(self, site: Site, request: Request, check: CheckReply | None = None) -> Reply:
        self.calls.append((site, request))
        await asyncio.sleep(0)
        if site.role == "implementer" and self.failure:
            raise self.failure
        tools = self.tools.get(site.role, ())
        if site.ordinal.endswith(".0") and tools:
            return Reply("looking", "tool_calls", tools)
        if self.plain and request.schema is None:
            return Reply("I have seen it")
        result = ANALYSIS
        if site.role == "implementer":
            result = self.edits.pop(0) if len(self.edits) > 1 else self.edits[0]
        if request.schema is not None:
            return Reply(json.dumps(result))
        return Reply("", "tool_calls", (ToolCall("9", "finish", result),))

    def words(self, role: str) -> list[str]:
        return [
            "\n".join(message.content for message in request.messages)
            for site, request in self.calls
            if site.role == role
        ]

    def answers(self, role: str) -> list[str]:
        """What the tools answered, as the last call of a role shows it."""
        last = [request for site, request in self.calls if site.role == role][-1]
        return [message.content for message in last.messages if message.role == "tool"]

    @property
    def ordinals(self) -> list[str]:
        return [site.ordinal for site, _ in self.calls]


async def rows_of(sql: str) -> str:
    return f"rows of {sql}"


async def dry(name: str, harness: Harness, script: str) -> str:
    return f"{name[:2]} {harness.values['rounds']} {script}"


KNOWN = Knowledge(
    BASE,
    BASE,
    EPISODES,
    (),
    rows_of,
    rules="THE RULES",
    counts="THE COUNTS",
    documents={DOCUMENTS[0]: "TEXT-A" * 3000, DOCUMENTS[1]: "TEXT-B"},
    dry_run=dry,
)


def asking_of(models: Models, spent: list[Spend] | None = None) -> Asking:
    roles = {"analyzer": RoleSettings(), "implementer": RoleSettings()}
    book = (spent if spent is not None else []).append
    return Asking(Team(models, roles), Place("tree"), book)


def editor_of(broken: str = "", merging: bool = False) -> TextEditor:
    async def check(before: Harness, edited: Harness) -> None:
        if broken and broken in edited.workflow:
            raise HarnessError(f"workflow.py, line 1: {broken}", "correct it")

    return TextEditor(check, BASE, merging)


def learnt(known: Knowledge) -> Learn:
    async def learn() -> Knowledge:
        await asyncio.sleep(0)
        return known

    return learn


def brief_of(number: int = 3, group: tuple[int, ...] = ()) -> Brief:
    return Brief(number, PARENT, (), (), Random(0), group or (number,))


async def edit(models: Models, known: Knowledge = KNOWN, broken: str = "") -> Edit:
    return await editor_of(broken).edit(brief_of(), asking_of(models), learnt(known))
