"""A user's function in a process of its own: what it gets, how it ends, and what that means."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from autodata.domains.isolated import Execution, Executions, Isolated
from autodata.errors import PluginFailed, ReplayMismatch, Unavailable
from autodata.models.base import Site
from tests.support import functions
from tests.support.fakes import Memory
from tests.support.serving import eventually, gone


def pids(file: Path) -> list[int]:
    """The ids that `functions.hangs` has noted."""
    return [int(pid) for pid in file.read_text().split()] if file.exists() else []


async def _is_noted(file: Path) -> bool:
    return len(pids(file)) == 3


SITE = Site("function", "r0.weak.0.run", "tree", "document", "train", 0, "c1", "commit")


async def test_a_function_gets_plain_json_and_returns_some() -> None:
    assert await Isolated(functions.same).run({"a": ["\ud800"]}, {"a": ["\ufffd"]}) == Execution(
        True
    )


async def test_it_sees_no_key_whatever_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "TEAM", "LDAP", "GIT_ASKPASS", "PATHOS"):
        monkeypatch.setenv(name, "planted")
    found = (await Isolated(functions.environment).run()).value
    assert "planted" not in str(found)
    assert found["PATH"] == os.environ["PATH"]


@pytest.mark.parametrize(
    ("function", "arguments", "problem"),
    [
        (functions.raises, ("this",), "ValueError: cannot read this (functions.py, line "),
        (functions.dies, (), "it ended with code 3"),
        (functions.grows, (), "MemoryError"),
        (functions.shuts, (), "it shut its connection"),
        (functions.talks, (), "ValueError: Out of range float values are not JSON"),
    ],
)
async def test_what_goes_wrong_is_told_of_the_answer(
    function: Callable[..., Any], arguments: tuple[str, ...], problem: str
) -> None:
    found = await Isolated(function).run(*arguments)
    assert found.value is None
    assert found.problem.startswith(problem)


async def test_when_its_time_is_up_it_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    noted = tmp_path / "pids"
    found = await Isolated(functions.hangs, seconds=2).run(str(noted))
    assert found == Execution(None, "it took more than 2 s")
    assert gone(pids(noted))


async def test_a_run_that_is_stopped_leaves_nothing_behind(tmp_path: Path) -> None:
    noted = tmp_path / "pids"
    running = asyncio.ensure_future(Isolated(functions.hangs, seconds=600).run(str(noted)))
    await eventually(partial(_is_noted, noted))
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert gone(pids(noted))


def test_a_run_that_is_killed_leaves_nothing_behind(tmp_path: Path) -> None:
    noted = tmp_path / "pids"
    program = (
        "import asyncio\nfrom autodata.domains import Isolated\n"
        "from tests.support import functions\n"
        f"asyncio.run(Isolated(functions.hangs, seconds=600).run({str(noted)!r}))"
    )
    root = Path(__file__).parents[2]
    running = subprocess.Popen([sys.executable, "-c", program], cwd=root)
    while len(pids(noted)) < 3:
        assert running.poll() is None
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert gone(pids(noted))


async def test_one_that_cannot_be_imported_is_no_evidence_and_names_itself() -> None:
    lost = Isolated(functions.same)
    lost.qualname = "other"
    with pytest.raises(PluginFailed, match=r"functions:other cannot be started: AttributeError"):
        await lost.run()


async def test_a_process_that_cannot_be_started_is_no_evidence() -> None:
    function = Isolated(functions.same)
    function.python = "/nowhere/python"
    with pytest.raises(Unavailable, match="no process for"):
        await function.run("a", "a")


async def test_a_process_that_is_not_ready_in_time_is_no_evidence() -> None:
    function = Isolated(functions.same)
    function.start_s = 0.0
    with pytest.raises(Unavailable, match="was not started in time"):
        await function.run("a", "a")


@pytest.mark.parametrize("function", [lambda: 1, Memory.find])
def test_only_what_another_process_finds_can_be_called_there(function: Any) -> None:
    with pytest.raises(PluginFailed, match="cannot be called in a process of its own"):
        Isolated(function)


async def test_arguments_that_are_no_json_are_refused() -> None:
    with pytest.raises(PluginFailed, match="its arguments are no JSON"):
        await Isolated(functions.same).run(object())


class Counted(Isolated):
    """Counts how often it is called."""

    def __init__(self) -> None:
        super().__init__(functions.same)
        self.calls = 0

    async def run(self, *arguments: Any) -> Execution:
        self.calls += 1
        return Execution(self.calls)


async def test_what_a_function_said_is_journaled_and_not_asked_again() -> None:
    log, function = Memory(), Counted()
    first = await Executions(log).run(SITE, function, ("a",))
    assert await Executions(log).run(SITE, function, ("a",)) == first
    assert await Executions(log, replayed=True).run(SITE, function, ("a",)) == first
    assert function.calls == 1
    assert await Executions(log).run(SITE, function, ("b",)) != first


async def test_a_replay_calls_no_function() -> None:
    function = Counted()
    with pytest.raises(ReplayMismatch, match=r"functions:same at r0\.weak\.0\.run is not in"):
        await Executions(Memory(), replayed=True).run(SITE, function, ("a",))
    assert function.calls == 0


async def test_no_more_run_side_by_side_than_there_are_cores() -> None:
    class Slow(Counted):
        now = most = 0

        async def run(self, *arguments: Any) -> Execution:
            self.now += 1
            self.most = max(self.most, self.now)
            await asyncio.sleep(0)
            self.now -= 1
            return Execution(True)

    slow, executions = Slow(), Executions()
    await asyncio.gather(*(executions.run(SITE, slow, (n,)) for n in range(64)))
    assert slow.most == (os.cpu_count() or 1)
