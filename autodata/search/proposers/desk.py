"""The tools of analyzer and implementer: trajectories, documents, past edits, SQL and dry runs.

Whatever a model asks wrongly is answered with what is wrong, never raised.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from autodata.episode.dry_run import SOLVED, Script
from autodata.errors import HarnessError
from autodata.harness.spec import Harness
from autodata.models.base import Tool, ToolCall
from autodata.search.base import Iteration
from autodata.search.proposers.history import whole_entry
from autodata.store.audience import ANALYZED, seen_columns
from autodata.types import Json

TOOL_CHARS = 12_000
MOST_DRY = 4
"""Documents of one dry run."""

Query = Callable[[str], Awaitable[str]]
DryRun = Callable[[str, Harness, Script], Awaitable[str]]
"""Runs a harness dry on a document, which is given by its name."""
Changed = Callable[[Json], Awaitable[Harness]]
"""Makes the harness of an edit that a tool's arguments hold, or raises HarnessError."""

_EXAMPLES = (
    "SELECT candidate_id, split, count(*) AS episodes, avg(score) AS pass_rate FROM episodes "
    "WHERE score IS NOT NULL GROUP BY ALL ORDER BY ALL",
    "SELECT reason, count(*) AS rounds FROM (SELECT unnest(reasons) AS reason FROM rounds) "
    "GROUP BY ALL ORDER BY rounds DESC",
    "SELECT document_id, round, role, sample, score, answer FROM attempts "
    "WHERE candidate_id = 'c0' ORDER BY ALL LIMIT 20",
)


def tables_in_words() -> str:
    """Return the tables that an analyzer's SQL finds, with their columns, one table a line."""
    lines = []
    for table in ANALYZED:
        names = ", ".join(f"{name} {kind}" for name, kind, _ in seen_columns(table))
        lines.append(f"{table}({names})")
    return "\n".join(lines)


def _object(**properties: Json) -> Json:
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name, kind in properties.items() if "default" not in kind],
        "additionalProperties": False,
    }


_DOCUMENT: Json = {"type": "string", "description": "as it is named in the list of documents"}
_OFFSET: Json = {"type": "integer", "minimum": 0, "default": 0}

LOOKING = (
    Tool(
        "trajectory",
        "Read the trajectory (rounds, attempts, verdicts) of one training document.",
        _object(document=_DOCUMENT, offset=_OFFSET),
    ),
    Tool(
        "document",
        "Read the text of one training document.",
        _object(document=_DOCUMENT, offset=_OFFSET),
    ),
    Tool(
        "past_edit",
        "Read all of one past edit: analysis, diff, what was measured, document by document.",
        _object(number={"type": "integer"}, offset=_OFFSET),
    ),
    Tool(
        "sql",
        "Query the run with one DuckDB SELECT. Of validation documents only score and status are "
        "there, and no fresh samples of a confirmation, of which nobody who edits may learn. "
        f"Tables:\n{tables_in_words()}\nFor example:\n" + "\n".join(_EXAMPLES),
        _object(query={"type": "string"}),
    ),
)
"""What only looks."""


def dry_run_tool(edit: Mapping[str, Json]) -> Tool:
    """Return the tool `dry_run`, which takes an edit of these fields."""
    edited = "With `patches` or `knobs`: of the harness so edited. " if edit else ""
    return Tool(
        "dry_run",
        "See which examples the workflow hands over for training documents, and whether they pass "
        "the host's checks. No model is asked: solvers do as scripted ('too hard': the strong one "
        "fails, so that all examples are listed; 'too easy': the weak one succeeds; 'good': the "
        f"first sound one is accepted). {edited}The seed is the same each time and no episode's: "
        "where a workflow draws, recorded episodes drew otherwise. Costs nothing.",
        _object(
            documents={"type": "array", "items": _DOCUMENT, "maxItems": MOST_DRY},
            solvers={"type": "string", "enum": list(SOLVED), "default": SOLVED[0]},
            **edit,
        ),
    )


@dataclass(frozen=True, slots=True)
class Desk:
    """What there is to be looked at for one proposal; documents go by the names shown.

    `traces` and `texts` are of the documents of the minibatch; `effects` says of a past edit, by
    its number, how each document did before and after.
    """

    traces: Mapping[str, str]
    texts: Mapping[str, str]
    history: Sequence[Iteration]
    query: Query
    dry_run: DryRun | None = None
    effects: Mapping[int, str] = field(default_factory=dict)

    async def answer(self, call: ToolCall, changed: Changed) -> str:
        """Answer one tool call."""
        given = call.arguments
        if call.name in ("trajectory", "document"):
            texts = self.traces if call.name == "trajectory" else self.texts
            return page(texts, given.get("document"), given.get("offset", 0), "documents")
        if call.name == "past_edit":
            past = {
                str(one.number): whole_entry(one, self.effects.get(one.number, ""))
                for one in self.history
            }
            return page(past, str(given.get("number")), given.get("offset", 0), "edits")
        if call.name == "sql":
            return await self.query(str(given.get("query", "")))
        if call.name == "dry_run" and self.dry_run:
            return await self._run_dry(self.dry_run, given, changed)
        return f"error: no tool is named {call.name!r}"

    async def _run_dry(self, dry_run: DryRun, given: Json, changed: Changed) -> str:
        named, script = given.get("documents"), given.get("solvers", SOLVED[0])
        if not isinstance(named, list) or not named or not {*map(str, named)} <= {*self.texts}:
            return f"error: `documents` is a list of some of {', '.join(self.texts)}"
        if script not in SOLVED:
            return f"error: `solvers` is one of {', '.join(SOLVED)}"
        try:
            harness = await changed(given)
        except HarnessError as error:
            return f"error: that edit is not valid: {error.problem}"
        names = [str(name) for name in named[:MOST_DRY]]
        found = [f"{name}: {await dry_run(name, harness, script)}" for name in names]
        if len(named) > MOST_DRY:
            found.append(f"[cut, {len(named) - MOST_DRY} documents left]")
        return "\n\n".join(found)


def page(texts: Mapping[str, str], name: object, offset: object, what: str) -> str:
    """Return a page of one of these texts and how much is left, or what is wrong with the place."""
    if not isinstance(name, str) or name not in texts or not isinstance(offset, int) or offset < 0:
        return f"error: {what}: {', '.join(texts) or 'none'}; offset is a whole number"
    left = len(texts[name]) - offset - TOOL_CHARS
    end = offset + TOOL_CHARS
    more = f"\n[cut, {left:,} characters left; next offset {end}]" if left > 0 else ""
    return texts[name][offset:end] + more
