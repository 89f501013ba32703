"""The sandbox: what a workflow can do, cannot do, and what it costs to wait."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from autodata.errors import HarnessError, Unavailable, WorkflowFailed
from autodata.harness.workflow import (
    Host,
    Limits,
    Sandbox,
    StepFailed,
    WorkflowStop,
)
from tests.support.harnesses import WORKFLOW

SMALL = Limits(
    memory_bytes=30_000_000,
    turn_seconds=0.5,
    total_seconds=1.0,
    suspensions=100,
    snapshot_bytes=1_000_000,
)
EXAMPLE = {"question": "Why?", "answer": "Because."}
ANSWERS: dict[str, Any] = {
    "challenge": EXAMPLE,
    "verify": {"passed": True, "feedback": ""},
    "attempt": {"passed": True, "accepted": False, "scores": [0.5], "mean": 0.5, "reason": ""},
    "run_agent": "done",
    "ask": "yes",
    "feedback": "",
}


class FakeHost:
    """Answers every call at once and remembers it; `raising` is raised instead."""

    def __init__(self, raising: BaseException | None = None) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.raising = raising

    async def __call__(self, name: str, arguments: dict[str, Any]) -> Any:
        self.calls.append((name, arguments))
        if self.raising:
            raise self.raising
        return ANSWERS[name]


def body(*lines: str) -> str:
    head = "def run(document: str, knobs: dict[str, Any], seed: int) -> None:\n"
    return "from typing import Any\n\n\n" + head + "".join(f"    {line}\n" for line in lines)


@pytest_asyncio.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(workers=1, limits=SMALL) as opened:
        yield opened


async def calls_of(
    sandbox: Sandbox, source: str, seed: int = 1
) -> list[tuple[str, dict[str, Any]]]:
    host = FakeHost()
    await sandbox.run(source, "The text.", {"rounds": 2}, seed, host)
    return host.calls


async def failure(sandbox: Sandbox, source: str, host: Host | None = None) -> str:
    with pytest.raises(WorkflowFailed) as caught:
        await sandbox.run(source, "The text.", {"rounds": 2}, 1, host or FakeHost())
    return caught.value.problem


async def complaint(sandbox: Sandbox, source: str) -> str:
    with pytest.raises(HarnessError) as caught:
        await sandbox.check(source)
    return caught.value.problem


async def test_a_workflow_calls_the_host_in_order(sandbox: Sandbox) -> None:
    await sandbox.check(WORKFLOW)
    names = [name for name, _ in await calls_of(sandbox, WORKFLOW)]
    assert names == ["feedback", "challenge", "verify", "attempt", "attempt"] * 2


async def test_arguments_arrive_by_name(sandbox: Sandbox) -> None:
    calls = await calls_of(sandbox, body('challenge("no", angle="why")', 'ask("main", document)'))
    assert calls == [
        ("challenge", {"feedback": "no", "angle": "why"}),
        ("ask", {"role": "main", "prompt": "The text."}),
    ]


async def test_a_host_function_is_a_value_too(sandbox: Sandbox) -> None:
    calls = await calls_of(sandbox, body("step = feedback", "step()"))
    assert calls == [("feedback", {})]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (body('attempt("judge", challenge())'), "line 5: Argument to function `attempt`"),
        (body('attempt("weak", {"question": 1, "answer": "x"})'), "line 5: "),
        (body('verify(challenge())["pased"]'), 'did you mean "passed"?'),
        (body("return 1"), "line 5: "),
        (body("open('/etc/passwd')"), "line 5: Name `open`"),
        (body("challenge(", ""), "line "),
        ("def run(document: str) -> None: ...\n", "run does not have the signature"),
        ("x = 1\n", "there is no function run"),
        ("async " + body("pass").partition("\n\n\n")[2], "Any"),
        (body("pass").replace("def", "async def"), "run does not have the signature"),
        (body("pass") + "challenge()\n", "calls challenge while it is loaded"),
        (body("pass") + "start_workflow = print\n", "line 6: "),
        (body("pass") + "1 / 0\n", "line 6: ZeroDivisionError"),
        (body("pass") + "while True: pass\n", "ran for more than 0.5 s"),
        ("import subprocess\n" + body("pass"), "line 1: Cannot resolve imported module"),
        ("x = " + "(" * 5000, "nested"),
    ],
)
async def test_a_workflow_that_cannot_work_is_refused(
    sandbox: Sandbox, source: str, words: str
) -> None:
    assert words in await complaint(sandbox, source)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["open('/etc/passwd').read()"], "line 5: PermissionError"),
        (["import os", "print(os.environ)"], "PermissionError"),
        (["import os", "os.listdir('/')"], "PermissionError"),
        (["import os", "os.urandom(8)"], "PermissionError"),
        (["import pathlib", "pathlib.Path('x').write_text('y')"], "PermissionError"),
        (["eval(\"__import__('os')\")"], "NameError"),
        (["().__class__.__bases__[0].__subclasses__()"], "AttributeError"),
        (["while True:", "    pass"], "ran for more than 0.5 s"),
        (
            ["try:", "    while True: pass", "except BaseException:", "    while True: pass"],
            "0.5 s",
        ),
        (["'a' * 10**9"], "too much memory"),
        (["x = [0]", "while True:", "    x = x + x"], "too much memory"),
        (["10 ** 10 ** 9"], "too much memory"),
        (["challenge('x' * 25_000_000)"], "too much memory"),
        (["x = 'a' * 2_000_000", "feedback()", "len(x)"], "its state is over"),
        (["f = lambda g: g(g)", "f(f)"], "RecursionError"),
        (["while True:", "    print('x' * 1000)"], "printed too much"),
        (["while True:", "    feedback()"], "more than 100 host calls"),
        (["while True:", "    try: open('x')", "    except OSError: pass"], "more than 100"),
        (
            ["while True:", "    for _ in range(300_000): pass", "    feedback()"],
            "1 s in all|host calls",
        ),
        (["raise ValueError('mine')"], "line 5: ValueError: mine"),
        (["raise SystemExit(0)"], "RuntimeError"),
        (["import time", "while True: time.sleep(100)"], "0.5 s"),
        (["async def f(): return challenge()", "import asyncio", "asyncio.run(f())"], ""),
    ],
)
async def test_a_hostile_workflow_fails_and_the_sandbox_lives(
    sandbox: Sandbox, lines: list[str], words: str
) -> None:
    try:
        reason = await failure(sandbox, body(*lines))
    except pytest.fail.Exception:
        assert words == ""
        reason = ""
    assert any(word in reason for word in words.split("|")), reason
    assert await calls_of(sandbox, body("feedback()")) == [("feedback", {})]


@pytest.mark.parametrize(
    "argument",
    [
        "len",
        "{1, 2}",
        "b'x'",
        "2**70",
        "float('nan')",
        "{1: 2}",
        "[0] * 10_000",
        "[[[[[[[[[[[[1]]]]]]]]]]]]",
        "'x' * 500_000",
        "type('A', (), {})()",
    ],
)
async def test_odd_arguments_are_value_errors_inside(sandbox: Sandbox, argument: str) -> None:
    source = body("try:", f"    verify({argument})", "except ValueError:", "    feedback()")
    assert [name for name, _ in await calls_of(sandbox, source)] == ["feedback"]


async def test_a_small_graph_that_unfolds_without_end_is_refused(sandbox: Sandbox) -> None:
    lines = ["x: Any = [0] * 10", "for _ in range(7):", "    x = [x] * 10", "verify(x)"]
    assert "too many or too deeply nested" in await failure(sandbox, body(*lines))


@pytest.mark.parametrize(
    "call",
    [
        "challenge(1, 2, 3)",
        "challenge(feedback=unknown)",
        "run_agent('look', max_turns=None)",
        "run_agent('look', True)",
        "ask('main', unknown)",
    ],
)
async def test_arguments_that_do_not_fit_are_type_errors_inside(
    sandbox: Sandbox, call: str
) -> None:
    lines = ["unknown: Any = [3]", "try:", f"    {call}", "except TypeError:", "    feedback()"]
    assert [name for name, _ in await calls_of(sandbox, body(*lines))] == ["feedback"]


async def test_whatever_run_returns_is_ignored(sandbox: Sandbox) -> None:
    assert await calls_of(sandbox, body("class A: pass", "return A()")) == []


async def test_the_host_ends_an_episode_with_a_stop(sandbox: Sandbox) -> None:
    host = FakeHost(WorkflowStop())
    await sandbox.run(body("while True:", "    challenge()"), "x", {}, 1, host)
    assert len(host.calls) == 1


async def test_a_failed_step_is_a_value_error_that_can_be_handled_inside(sandbox: Sandbox) -> None:
    lines = [
        "try:",
        "    challenge()",
        "except ValueError as error:",
        "    raise KeyError(str(error))",
    ]
    assert "KeyError: bad reply" in await failure(
        sandbox, body(*lines), FakeHost(StepFailed("bad reply"))
    )


async def test_a_bug_of_the_host_is_none_of_a_workflows_errors(sandbox: Sandbox) -> None:
    source = body("try:", "    challenge()", "except BaseException:", "    pass")
    with pytest.raises(ValueError, match="a bug"):
        await sandbox.run(source, "x", {}, 1, FakeHost(ValueError("a bug")))


async def test_a_provider_error_reaches_the_caller_unchanged(sandbox: Sandbox) -> None:
    error = Unavailable("the endpoint is down")
    source = body("try:", "    challenge()", "except BaseException:", "    pass")
    with pytest.raises(Unavailable) as caught:
        await sandbox.run(source, "x", {}, 1, FakeHost(error))
    assert caught.value is error


async def test_chance_and_time_depend_on_the_seed_only(sandbox: Sandbox) -> None:
    lines = [
        "import random, time, datetime",
        "first = random.random()",
        "feedback()",
        "words = list({'one', 'two', 'three', 'four'})",
        "own = random.Random(seed).random()",
        "ask('main', str([first, random.random(), own, words, id(words)]))",
        "ask('main', str([time.time(), datetime.datetime.now()]))",
    ]
    first, again, other = [await calls_of(sandbox, body(*lines), seed) for seed in (1, 1, 2)]
    assert first == again
    assert first != other
    assert first[2] == other[2]


async def test_a_failure_reads_the_same_every_time(sandbox: Sandbox) -> None:
    source = body("while True:", "    pass")
    assert await failure(sandbox, source) == await failure(sandbox, source)


async def test_waiting_workflows_hold_no_worker(sandbox: Sandbox) -> None:
    gate = asyncio.Event()
    waiting = 0

    async def host(name: str, arguments: dict[str, Any]) -> Any:
        nonlocal waiting
        waiting += 1
        if waiting == 200:
            gate.set()
        await gate.wait()
        return ANSWERS[name]

    source = body("attempt('weak', challenge())")
    await asyncio.gather(*(sandbox.run(source, "x", {}, seed, host) for seed in range(200)))
    assert waiting == 400


async def test_workers_killed_from_outside_are_replaced() -> None:
    async def host(name: str, arguments: dict[str, Any]) -> Any:
        for pid in _children():
            os.kill(pid, signal.SIGKILL)
        return ANSWERS[name]

    async with Sandbox(workers=2, limits=SMALL) as sandbox:
        await asyncio.gather(
            *(sandbox.run(body("feedback()"), "x", {}, seed, FakeHost()) for seed in range(10))
        )
        await sandbox.run(body("feedback()", "feedback()"), "x", {}, 1, host)


async def test_a_sandbox_that_cannot_start_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONTY_BIN", "/nonexistent")
    with pytest.raises(HarnessError, match="does not start") as caught:
        async with Sandbox():
            pass
    assert "pydantic-monty" in caught.value.fix


async def test_a_cancelled_run_leaves_the_sandbox_usable(sandbox: Sandbox) -> None:
    async def host(name: str, arguments: dict[str, Any]) -> Any:
        await asyncio.Event().wait()

    task = asyncio.create_task(sandbox.run(body("feedback()"), "x", {}, 1, host))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await calls_of(sandbox, body("feedback()")) == [("feedback", {})]


PROGRAM = """
import asyncio
from autodata.harness.workflow import Sandbox

async def main():
    async def host(name, arguments):
        raise RuntimeError("host")
    async with Sandbox(workers=2) as sandbox:
        await sandbox.run("def run(document, knobs, seed):\\n    feedback()", "", {}, 1, host)

try:
    asyncio.run(main())
except RuntimeError:
    pass
"""


def test_a_program_may_end_right_after_a_turn() -> None:
    for _ in range(3):
        assert subprocess.run([sys.executable, "-c", PROGRAM], check=False).returncode == 0


def _children() -> list[int]:
    tasks = Path("/proc/self/task").iterdir()
    return [int(pid) for task in tasks for pid in (task / "children").read_text().split()]
