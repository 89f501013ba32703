"""The runs of a folder: their names, and their state read from journal and lock.

Knows nothing of SQL; imports nothing heavy, so that `autodata status` answers at once.
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
from autodata.store.lines import Record

State = Literal["running", "stopped", "finished", "unreadable"]

NEWEST = "last"  # what commands take for the newest run
FINISHED = "finished"  # what a `session` record has as `ended` when nothing is left to do
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
    """A run as its journal tells it; `counts` has the number of records of each kind.

    `kind` is `optimization` or `evaluation`. `pid` is the process that writes it now. `created_at`
    is ISO text, empty if there is none yet. `troubles` say which endpoints a running one waits for.
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
    first = next(lines.read_records(run), None)
    if first is None or first.kind != "run" or first.key == run.name:
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
    counts, run_body, finished = Counter[str](), {}, False
    troubles: dict[str, str] = {}
    records, unread = _skim(run, counts)
    for record in records:
        if record.kind == "run":
            run_body = record.body
        elif (
            record.kind == "session"
        ):  # what comes after the end, such as `certify`, does not undo it
            finished |= record.body.get("ended") == FINISHED
        elif record.body["pid"] == pid:  # else it is an earlier session's
            troubles[record.key] = record.body["problem"]
    state: State = "unreadable" if unread else "finished" if finished else "stopped"
    return RunState(
        id=run.name,
        state=state if pid is None else "running",
        pid=pid,
        created_at=str(run_body.get("created_at", "")),
        harness=str(run_body.get("harness", "")),
        simulated=bool(run_body.get("simulated", False)),
        counts=dict(counts),
        troubles=tuple(filter(None, troubles.values())),
        kind=str(run_body.get("kind", "optimization")),
    )


def _skim(run: Path, counts: Counter[str]) -> tuple[list[Record], bool]:
    """Count the records of each kind by their first bytes; decode the few that say the state.

    Say too whether there is a segment that cannot be read.
    """
    start = len('{"kind":"')
    found, unread = [], False
    for path in sorted((run / "journal").glob("*.jsonl")):
        try:
            with path.open("rb") as file:
                for raw in file:
                    kind = raw[start : raw.find(b'"', start)].decode("ascii", "replace")
                    counts[kind] += raw.endswith(b"\n")
                    if kind in ("run", "session", "trouble") and lines.is_whole(
                        raw.removesuffix(b"\n")
                    ):
                        found.append(lines.decode(raw))
        except OSError:
            unread = True
    return found, unread
