"""The runs of a project: their names, and their state read from journal and lock.

Imports nothing heavy, so that `autodata status` answers at once.
"""

import re
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from random import Random
from typing import Literal

from autodata.errors import ConfigurationError, StoreError
from autodata.store import lines, lock
from autodata.store.facts import Fact, fact_of
from autodata.store.format import Record
from autodata.store.records import (
    FINISHED,
    GrowthRecord,
    RunRecord,
    SessionRecord,
    TroubleRecord,
)

State = Literal[
    "running",
    "finished",  # the work came to its own end
    "closed",  # a budget ended a search, which certified what it had
    "out of budget",  # a budget ended it without a result
    "interrupted",  # by Ctrl-C, a closed terminal or `autodata stop`
    "failed",  # by an error that said why
    "killed",  # without a word: kill -9, no memory, no power
    "not begun",
    "unreadable",
]
_ENDINGS: dict[str, State] = {"Interrupted": "interrupted", "BudgetSpent": "out of budget"}

NEWEST = "last"  # what commands take for the newest run
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
# fmt: off
_WORDS = (
    "amber", "birch", "cedar", "coral", "delta", "ember", "fjord", "grove", "heron", "iris", "jade",
    "kelp", "lark", "lotus", "maple", "mint", "oak", "opal", "pearl", "quartz", "reef", "river",
    "sage", "slate", "spruce", "tidal", "vale", "willow", "wren",
)
# fmt: on


@dataclass(frozen=True, slots=True)
class RunState:
    """The state of a run, read from its journal; `counts` has the number of records by kind.

    `reason` is what ended its last session early, in words, or the budget that closed it. `kind` is
    `optimization` or `evaluation`. `pid` is the process that writes it now. `created_at` is ISO
    text, empty if there is none yet. `rules` is the version of its acceptance code, 0 where that is
    not known. `troubles` say which endpoints a running one waits for.
    """

    id: str
    state: State
    pid: int | None
    created_at: str
    harness: str
    simulated: bool
    counts: dict[str, int]
    troubles: tuple[str, ...] = ()
    kind: str = "optimization"
    reason: str = ""
    rules: int = 0

    @property
    def summary(self) -> str:
        """The state with its reason, if there is one."""
        return f"{self.state} ({self.reason})" if self.reason else self.state


def new_run_id(now: datetime, rng: Random) -> str:
    """Return a name that sorts by time and can be said aloud, such as `20260102-030405-heron`."""
    return f"{now:%Y%m%d-%H%M%S}-{rng.choice(_WORDS)}"


def check_name(name: str) -> str:
    """Return `name` if it can be a folder and part of a git ref.

    Raises:
        ConfigurationError: it cannot.
    """
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"{name[:80]!r} cannot be a run's name",
            "use up to 64 letters, digits, '-' and '_', such as --run first-try",
        )
    if name == NEWEST:
        raise ConfigurationError(
            f"{name!r} cannot be a run's name", "choose another: it stands for the newest run"
        )
    return name


def run_folders(runs_folder: Path) -> list[Path]:
    """Return the folders of all runs by name; none if there is no such folder."""
    return sorted(path.parent for path in runs_folder.glob("*/journal"))


def find_run(runs_folder: Path, name: str) -> Path:
    """Return the folder of a run.

    Raises:
        StoreError: there is no such run; the fix names the nearest.
    """
    names = [path.name for path in run_folders(runs_folder)]
    if name in names:
        return runs_folder / name
    near = get_close_matches(name, names, 1)
    raise StoreError(
        f"there is no run {name} in {runs_folder}",
        f"did you mean {near[0]}?" if near else "list them with: autodata runs",
    )


def check_name_kept(run: Path) -> None:
    """Check that a run's folder has the name that the run was begun with, if it was begun.

    Raises:
        StoreError: the folder was renamed or copied; its rows would count under another name.
    """
    first = next(lines.read_entries(run), None)
    if first is None or first.kind != RunRecord.KIND or first.key == run.name:
        return
    place = run.parent / first.key
    raise StoreError(
        f"{run} holds run {first.key}",
        f"move the copy out of {run.parent}" if place.exists() else f"mv {run} {place}",
    )


def list_runs(runs_folder: Path) -> list[RunState]:
    """Return all runs, oldest first."""
    states = [read_state(folder) for folder in run_folders(runs_folder)]
    return sorted(states, key=lambda state: (state.created_at, state.id))


def read_state(run: Path) -> RunState:
    """Return where a run stands, also while it is written and when its journal is damaged.

    `unreadable` if a segment cannot be read; the rest is then what the others tell.
    """
    pid = lock.holder(run)
    counts = Counter[str]()
    begun: RunRecord | None = None
    troubles: dict[str, str] = {}
    sessions: list[SessionRecord | GrowthRecord] = []
    facts, unread = _skim(run, counts)
    for fact in facts:
        record = fact.record
        if isinstance(record, RunRecord):
            begun = record
        elif isinstance(record, SessionRecord | GrowthRecord):
            sessions.append(record)
        elif isinstance(record, TroubleRecord) and record.pid == pid:  # not an earlier session's
            troubles[fact.key] = record.problem
    state, reason = _ending(sessions)
    if unread or pid is not None:
        state, reason = "unreadable" if pid is None else "running", ""
    return RunState(
        id=run.name,
        state=state,
        pid=pid,
        created_at=str(begun.created_at) if begun else "",
        harness=begun.harness if begun else "",
        simulated=begun.simulated if begun else False,
        counts=dict(counts),
        troubles=tuple(filter(None, troubles.values())),
        kind=begun.kind if begun else "optimization",
        reason=reason,
        rules=begun.rules if begun else 0,
    )


def _ending(records: list[SessionRecord | GrowthRecord]) -> tuple[State, str]:
    """Say how a run that nobody writes came to its end, and why, from its sessions.

    What comes after a search's own end, such as `certify`, does not undo it, unless it grows.
    """
    last: tuple[State, str] = ("not begun", "")
    result: tuple[State, str] | None = None
    for record in records:
        if isinstance(record, GrowthRecord):
            result = None
        elif record.ended == FINISHED:
            last = result = ("closed", record.closed) if record.closed else (FINISHED, "")
        elif record.ended is None:
            last = ("killed", "")
        elif record.ended == "done":
            last = result or ("killed", "")
        else:
            ending = _ENDINGS.get(record.ended, "failed")
            last = ending, record.reason or (record.ended if ending == "failed" else "")
    return result if result and result[0] == FINISHED else last


def _skim(run: Path, counts: Counter[str]) -> tuple[list[Fact[Record]], bool]:
    """Count the records of each kind by their first bytes; read the few that say the state.

    Say too whether there is something that cannot be read.
    """
    start = len('{"kind":"')
    telling = {kind.KIND for kind in (RunRecord, SessionRecord, GrowthRecord, TroubleRecord)}
    facts, unread = [], False
    for path in sorted((run / "journal").glob("*.jsonl")):
        try:
            with path.open("rb") as file:
                for raw in file:
                    kind = raw[start : raw.find(b'"', start)].decode("ascii", "replace")
                    if kind != lines.TEXTS:
                        counts[kind] += raw.endswith(b"\n")
                    if kind in telling and lines.is_whole(raw.removesuffix(b"\n")):
                        try:
                            facts.append(fact_of(lines.decode(raw), run))
                        except StoreError:
                            unread = True
        except OSError:
            unread = True
    return facts, unread
