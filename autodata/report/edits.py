"""What a merging search believes of its edits, as plain data from the tables and drawn.

It is belief and no test: the search chose by the same episodes. So it is marked wherever it stands.
"""

from collections.abc import Callable, Collection, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from autodata.errors import StoreError
from autodata.harness.knobs import nearest
from autodata.report.views import (
    SIMULATED,
    WIDE,
    diff_view,
    plain,
    rows_view,
    short,
    signed,
)
from autodata.report.views import (
    number as shown_number,
)
from autodata.types import Json

MOST_REJECTED = 10
"""Rejected edits that a screen shows; JSON has all."""
LOOKS_SHOWN = 12
"""Looks of which a screen shows what was believed of an edit."""
NO_TEST = (
    "effect, P(good), tokens/acc: what the search believes after its last look, no test, as it "
    "chose by the same episodes;\nonly the certificate and `autodata ablate` are tests."
)
_EDITS = """
select edit, message, decision, effect, low, high, good, tokens, episodes, reason, kind, parent_id,
       look, entered, commit
from edits where run_id = $run order by edit
"""
_SETS = "select candidate_id, edits from candidates where run_id = $run and len(edits) > 0"


def edits_report(ask: Callable[[str], list[Json]], tested: Collection[str]) -> list[Json]:
    """Return every edit of a search, with those of the tested candidates that have it as `in`.

    `ask` answers a query about the run with rows.
    """
    sets = {row["candidate_id"]: row["edits"] for row in ask(_SETS)}
    ours = [name for name in dict.fromkeys(tested) if name in sets]
    return [
        {**edit, "in": [name for name in ours if edit["edit"] in sets[name]]}
        for edit in ask(_EDITS)
    ]


def edit_report(ask: Callable[[str], list[Json]], run: str, name: str) -> Json:
    """Return the data of `show RUN e5`: the edit, its proposal, and what was believed look by look.

    `ask` answers a query about the run with rows.

    Raises:
        StoreError: no such edit; or it was refused, and why.
    """
    number = int(name.removeprefix("e"))
    tested = ask("select candidate_id from certifications where run_id = $run")
    every = edits_report(ask, [row["candidate_id"] for row in tested])
    proposed = ask(f"select * from iterations where run_id = $run and iteration = {number}")
    found = [edit for edit in every if edit["edit"] == number]
    if not found:
        refused = [row["reason"] for row in proposed if row["decision"] == "refused"]
        raise StoreError(
            f"run {run} has no edit {name}"
            + "".join(f": it was refused: {reason}" for reason in refused[:1]),
            nearest(name, [f"e{edit['edit']}" for edit in every]),
        )
    beliefs = ask(
        "select look, effect, low, high, good, tokens, episodes, state from beliefs "
        f"where run_id = $run and edit = {number} order by look"
    )
    made = ask(f"select diff from edits where run_id = $run and edit = {number}")
    return {
        "run_id": run,
        "simulated": ask("select simulated from runs where run_id = $run")[0]["simulated"],
        "edit": found[0],
        "iteration": proposed[0] if proposed else None,
        "beliefs": beliefs,
        "diff": made[0]["diff"],
    }


def counted(edits: Sequence[Json], looks: int) -> str:
    """Return how many edits there are and what became of them, in words."""
    kinds = ("admitted", "undecided", "rejected")
    numbers = [(sum(edit["decision"] == kind for edit in edits), kind) for kind in kinds]
    told = ", ".join(f"{count} {kind}" for count, kind in numbers if count)
    return f"{len(edits)} edits{f' ({told})' if told else ''}  {looks} looks"


def edits_view(edits: Sequence[Json], width: int = 120) -> list[RenderableType]:
    """Draw edits, the best first: those in a tested candidate, then others, rejected ones last."""
    ordered = sorted(edits, key=_importance)
    rejected = [edit for edit in ordered if _dropped(edit)]
    shown = [edit for edit in ordered if not _dropped(edit)] + rejected[:MOST_REJECTED]
    parts: list[RenderableType] = [_table(shown, width)]
    if more := len(edits) - len(shown):
        parts.append(Text(f"and {more} more that were rejected: --json has all"))
    left_out = "" if width >= WIDE else f" From {WIDE} columns on: n, tokens/acc."
    parts.append(Text(NO_TEST + left_out))
    return parts


def edit_view(report: Json, width: int = 120) -> RenderableType:
    """Draw `show RUN e5` for a screen of so many columns."""
    edit, proposed = report["edit"], report["iteration"]
    parts: list[RenderableType] = [SIMULATED] if report["simulated"] else []
    parts += edits_view([edit], width)
    entered = "" if edit["entered"] is None else f", entered the pool at look {edit['entered']}"
    parts.append(
        Text(f"made by {edit['kind']} on {edit['parent_id']} after {edit['look']} looks{entered}")
    )
    parts.append(Text(f"commit {edit['commit']}"))
    if edit["reason"]:
        parts.append(Text(plain(f"{edit['decision']}: {edit['reason']}")))
    if proposed and proposed["analysis"]:
        parts.append(Text(plain(f"analysis: {proposed['analysis']}")))
    if report["beliefs"]:
        columns = ("look", "effect", "low", "high", "good", "episodes", "state")
        latest = report["beliefs"][-LOOKS_SHOWN:]
        parts.append(rows_view(columns, [[row[name] for name in columns] for row in latest]))
        if len(latest) < len(report["beliefs"]):
            parts.append(Text(f"the last {len(latest)} looks of {len(report['beliefs'])}"))
    parts.append(diff_view(report["diff"]))
    return Group(*parts)


def believed_effect(effect: float | None, low: float | None, high: float | None) -> str:
    """Return an effect with its interval, such as `+.04 [-.01, +.09]`."""
    if effect is None or low is None or high is None:
        return "-"
    return f"{signed(effect)} [{signed(low)}, {signed(high)}]"


def _table(edits: Sequence[Json], width: int) -> Table:
    wide = width >= WIDE
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("edit", "in", "decision", "effect [95 % belief]"):
        table.add_column(name, no_wrap=True)
    for name in ("P(good)", *(["n", "tokens/acc"] if wide else [])):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("change", overflow="fold")
    for edit in edits:
        more = [shown_number(edit["episodes"], ","), shown_number(edit["tokens"], "+,.0f")]
        table.add_row(
            f"e{edit['edit']}",
            ",".join(edit["in"]),
            edit["decision"],
            believed_effect(edit["effect"], edit["low"], edit["high"]),
            "-" if edit["good"] is None else short(edit["good"]),
            *(more if wide else []),
            Text(plain((edit["message"] or "").split("\n")[0])),
        )
    return table


def _importance(edit: Json) -> tuple[bool, bool, float, int]:
    known = edit["effect"] if edit["effect"] is not None else 0.0
    return (not edit["in"], _dropped(edit), -known, edit["edit"])


def _dropped(edit: Json) -> bool:
    return bool(edit["decision"] == "rejected")
