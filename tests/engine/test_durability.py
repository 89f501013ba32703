"""Whatever happens to a run, nothing paid for is lost or paid twice, and the same comes out."""

import os
import re
import resource
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from autodata.store import lock
from autodata.store.lines import read_entries
from autodata.store.records import FINISHED
from tests.support.command_line import Place, copied, served
from tests.support.journals import tables_of
from tests.support.killing import (
    CONCURRENCY,
    RUN,
    Command,
    Forks,
    asked,
    forks,
    lines,
    small_project,
    solver,
    until,
)
from tests.support.loopback import Loopback

KILLS = 25
OPTIMIZE = ("optimize", "--run", RUN)


class World:
    """A server, a way to start commands, a run that has just begun, and one that ended undisturbed.

    All runs of a test module come from this one, so candidates' commits have the same dates.
    """

    def __init__(self, folder: Path, server: Loopback, start: Forks) -> None:
        self.folder = folder
        self.server = server
        self.start = start
        self._copies = 0
        self.begun = small_project(folder / "begun", server.url)
        command = start.begin(self.begun, *OPTIMIZE)
        assert until(lambda: lines(self.begun, "call") > 0, command)
        self.kill(command)
        self.whole = self.copy()
        before = len(server.seen)
        code, said = start.run(self.whole, *OPTIMIZE)
        assert code == 0, said
        self.calls = len(server.seen) - before
        assert len({asked(seen) for seen in server.seen[before:]}) == self.calls

    def copy(self, place: Place | None = None) -> Place:
        """Return a project of its own, whose run has just begun."""
        self._copies += 1
        return copied((place or self.begun).folder, self.folder / f"copy{self._copies}")

    def kill(self, command: Command) -> int:
        """Kill a command; return its exit code when all that it had sent has been seen."""
        command.kill()
        code = command.wait()
        while not self.server.left():
            time.sleep(0.001)
        return code

    def finish(self, place: Place, *words: str) -> None:
        """Resume the run to its end; it must then be as the undisturbed one."""
        code, said = self.start.run(place, *OPTIMIZE, *words)
        assert code == 0, said
        assert contents(place) == contents(self.whole)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("durability")
    with served(solver()) as server, forks(folder / "logs") as start:
        yield World(folder, server, start)


def contents(place: Place) -> dict[str, Any]:
    """All tables and the project's record of tests, without times."""
    found: dict[str, Any] = {
        table: [tuple(_timeless(cell) for cell in row) for row in rows]
        for table, rows in tables_of(place.folder / "runs").items()
    }
    text = (place.folder / "runs/test-ledger.jsonl").read_text()
    found["ledger"] = [re.sub(r'"at":[^,]*,|"crc".*', "", line) for line in text.splitlines()]
    return found


def _timeless(cell: Any) -> Any:
    return re.sub(r'"seconds":[\d.e-]+', "", cell) if isinstance(cell, str) else cell


def finished_calls(place: Place) -> set[tuple[str, int]]:
    """What has been answered and is on disk."""
    return {
        (record.body["request"]["prompt"], record.body["request"]["seed"])
        for record in read_entries(place.folder / "runs" / RUN, {"call"})
    }


def sessions(place: Place) -> list[str | None]:
    return [
        record.body.get("ended")
        for record in read_entries(place.folder / "runs" / RUN, {"session"})
    ]


def segments(place: Place) -> list[Path]:
    return sorted((place.folder / "runs" / RUN / "journal").glob("*.jsonl"))


def sealings(place: Place) -> set[Path]:
    """Folders of Parquet that is being written, or was when its writer was killed."""
    return set((place.folder / "runs" / RUN / "tables").glob("*/making-*"))


def moment(rng: Random, number: int, place: Place, world: World) -> Callable[[], bool]:
    """Say when to kill: with so many more calls sent, right after a record of some kind, in the
    middle of sealing, or at the beginning of a segment."""
    sent, delay = len(world.server.seen), rng.randrange(1, world.calls // 12)
    if FINISHED in sessions(place):
        over = time.monotonic() + rng.random() / 2
        return lambda: time.monotonic() > over
    kind = {1: "candidate", 11: "iteration", 22: "certification"}.get(number, "episode")
    have = lines(place, kind)
    if number % 8 == 4:
        left = sealings(place)
        return lambda: sealings(place) > left
    if number % 8 == 6:
        full = len(segments(place))
        return lambda: len(segments(place)) > full
    if number % 2 or number == 22:
        return lambda: lines(place, kind) > have
    return lambda: len(world.server.seen) >= sent + delay


def _commits(place: Place) -> int:
    return int(place.git("rev-list", "--count", "HEAD"))


def promoted_in_spite_of_kills(world: World, place: Place, rng: Random) -> None:
    """Kill a promotion at random moments, then let it end: one version is made, nothing else."""
    words = ("promote", RUN, "c1", "--force")
    began = time.monotonic()
    assert world.start.run(world.copy(world.whole), *words)[0] == 0
    whole, before, dirty = time.monotonic() - began, _commits(place), place.git("status", "-s")
    for _ in range(8):
        command = world.start.begin(place, *words)
        time.sleep(rng.random() * whole)
        command.kill()
        command.wait()
    code, said = world.start.run(place, *words)
    assert code == 0, said
    assert _commits(place) == before + 1
    assert place.git("tag").split() == ["harness/lambada/v1"]
    assert place.git("status", "-s") == dirty
    assert lines(place, "promotion") == 1
    assert {**contents(place), "promotions": []} == contents(world.whole)


def test_a_run_killed_at_random_moments_comes_to_the_same_and_asks_nothing_twice(
    world: World,
) -> None:
    rng = Random(3)
    place, first, lost, kills = world.copy(), len(world.server.seen), 0, 0
    while kills < KILLS and len(world.start.begun) < 3 * KILLS:
        known, before = finished_calls(place), len(world.server.seen)
        command = world.start.begin(place, *OPTIMIZE)
        until(moment(rng, kills, place, world), command)
        kills += world.kill(command) == -signal.SIGKILL
        sent = [asked(seen) for seen in world.server.seen[before:]]
        assert not known.intersection(sent), "a finished call was asked again"
        lost_now = len(set(sent) - finished_calls(place))
        assert lost_now <= CONCURRENCY, "more was lost than was in flight"
        lost += lost_now
    assert kills >= KILLS
    world.finish(place)
    assert len(world.server.seen) - first <= world.calls + lost
    code, said = world.start.run(place, "replay", RUN)
    assert code == 0, said
    assert len(segments(place)) > 9
    assert sealings(place), "no sealing was cut short"
    promoted_in_spite_of_kills(world, place, rng)


def test_sealing_killed_at_random_moments_changes_no_table(world: World) -> None:
    rng = Random(4)
    place, most = world.copy(world.whole), len(world.start.begun) + 20
    tables = place.folder / "runs" / RUN / "tables"
    cut_short = 0
    while cut_short < 4 and len(world.start.begun) < most:
        shutil.rmtree(tables, ignore_errors=True)
        command = world.start.begin(place, "sql", "select count(*) from calls")
        if until(lambda: any(tables.glob("*/making-*")), command):
            time.sleep(rng.random() / 20)
            command.kill()
        cut_short += command.wait() == -signal.SIGKILL
    assert cut_short == 4
    assert contents(place) == contents(world.whole)


@pytest.mark.parametrize("how", ["SIGINT", "SIGHUP", "stop"])
def test_a_stopped_run_keeps_what_was_answered_and_goes_on(world: World, how: str) -> None:
    place, before = world.copy(), len(world.server.seen)
    known = len(finished_calls(place))
    command = world.start.begin(place, *OPTIMIZE)
    assert until(lambda: len(world.server.seen) > before + 100, command)
    if how == "stop":
        code, said = world.start.run(place, "stop", RUN)
        assert (code, said) == (0, f"{RUN} has stopped; resume it: autodata optimize --run {RUN}\n")
    else:
        for _ in range(3):
            command.kill(getattr(signal, how))
            time.sleep(0.002)
    assert command.wait() == 130
    assert "error: stopped by SIG" in command.said
    assert "Traceback" not in command.said
    assert sessions(place)[-1] == "Interrupted"
    assert lock.holder(place.folder / "runs" / RUN) is None
    assert len(finished_calls(place)) - known == len(world.server.seen) - before
    world.finish(place)
    assert len(world.server.seen) - before == world.calls


def test_a_second_process_reads_a_run_that_goes_on_but_cannot_write_it(world: World) -> None:
    place = world.copy()
    command = world.start.begin(place, *OPTIMIZE)
    assert until(lambda: lines(place, "call") > 50, command)
    os.kill(command.pid, signal.SIGSTOP)  # or it might end before it has been looked at
    code, said = world.start.run(place, *OPTIMIZE)
    assert code == 2
    assert f"error: {RUN} is locked by process {command.pid}\nfix: autodata stop {RUN}" in said
    query = f"select count(*) as n from calls where run_id = '{RUN}'"
    code, said = world.start.run(place, "sql", query, "--format", "csv")
    assert code == 0
    assert int(said.splitlines()[1]) == lines(place, "call")
    assert f"running as process {command.pid}" in world.start.run(place, "status")[1]
    os.kill(command.pid, signal.SIGCONT)
    assert command.wait() == 0
    assert contents(place) == contents(world.whole)


def test_a_torn_tail_is_cut_off_and_the_run_goes_on(world: World) -> None:
    place = world.copy()
    last = segments(place)[-1]
    last.write_bytes(last.read_bytes() + b'{"kind":"call","key":"half a li')
    world.finish(place)


def test_a_damaged_line_is_named_and_nothing_is_dropped(world: World) -> None:
    place = world.copy(world.whole)
    path = segments(place)[0]
    text = path.read_bytes()
    offset = text.index(b"\n", len(text) // 2) + 1
    path.write_bytes(text[: offset + 40] + b"#" + text[offset + 41 :])
    shutil.rmtree(place.folder / "runs" / RUN / "tables")
    damaged = path.read_bytes()
    for words in (OPTIMIZE, ("sql", "select 1"), ("replay", RUN)):
        code, said = world.start.run(place, *words)
        assert code == 2
        assert f"error: {path} is damaged at byte {offset}" in said
        assert "Traceback" not in said
    assert path.read_bytes() == damaged


def test_a_full_disk_stops_the_run_cleanly(world: World) -> None:
    place = world.copy()
    command = world.start.begin(place, *OPTIMIZE)
    assert until(lambda: lines(place, "call") > 60, command)
    # far enough from where a segment ends that this one cannot be followed by another first
    assert until(lambda: segments(place)[-1].stat().st_size < 30_000, command)
    size = segments(place)[-1].stat().st_size + 3_000
    resource.prlimit(command.pid, resource.RLIMIT_FSIZE, (size, size))
    assert command.wait() == 2, command.said
    assert "fix: make room" in command.said
    assert "Traceback" not in command.said
    world.finish(place)


@pytest.mark.thorough
def test_a_budget_is_never_overrun_and_a_larger_one_goes_on(world: World) -> None:
    place, first = world.copy(), len(world.server.seen)
    known = len(finished_calls(place))
    for calls in (known + 160, known + 161, known + 175):  # more than the first look takes
        code, said = world.start.run(place, *OPTIMIZE, f"--set=budget.calls={calls}")
        assert code == 3, said
        assert "error" not in said
        assert f"budget.calls = {calls} is used up and does not pay" in said, said
        assert len(finished_calls(place)) == calls
        assert len(world.server.seen) - first == calls - known
        assert sessions(place)[-1] == FINISHED
    world.finish(place, "--set=budget.calls=0")
    assert len(world.server.seen) - first == world.calls


def test_a_budget_ends_a_search_with_a_certificate_and_a_larger_one_goes_on(world: World) -> None:
    place, rng = world.copy(), Random(5)
    least = 9 * world.calls // 10  # half of all calls are the sealed test's, null episodes included
    for calls in (least, least + world.calls // 6):
        words = (*OPTIMIZE, f"--set=budget.calls={calls}")
        for kind in ("closing", "certification"):
            command = world.start.begin(place, *words)
            have = lines(place, kind)
            until(lambda: lines(place, kind) > have, command)  # noqa: B023
            time.sleep(rng.random() / 50)
            world.kill(command)
        code, said = world.start.run(place, *words)
        assert code == 3, said
        assert "error" not in said
        assert f"of budget.calls = {calls} only the sealed test's share is left" in said, said
        assert len(finished_calls(place)) <= calls
        known = len(world.server.seen)
        assert world.start.run(place, *words)[0] == 3
        assert len(world.server.seen) == known
        code, said = world.start.run(place, "replay", RUN)
        assert code == 0, said
    code, said = world.start.run(place, *OPTIMIZE, "--set=budget.calls=0")
    assert code == 0, said
    code, said = world.start.run(place, "replay", RUN)
    assert code == 0, said
