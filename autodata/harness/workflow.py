"""Execution of workflow.py in the Monty sandbox, type-checked and limited.

While the host works, a workflow is suspended: a few kilobytes of snapshot that hold no worker.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from types import TracebackType
from typing import Any, TypeVar

from pydantic_monty import (
    CollectString,
    ExternalResult,
    FunctionSnapshot,
    Monty,
    MontyComplete,
    MontyCrashedError,
    MontyRuntimeError,
    MontySession,
    MontySyntaxError,
    MontyTypingError,
    NameLookupSnapshot,
    SyncSnapshot,
)

from autodata.errors import HarnessError, WorkflowFailed
from autodata.harness.calls import bind, host_functions, stubs
from autodata.types import Json, KnobValue

T = TypeVar("T")
Host = Callable[[str, Json], Awaitable[Any]]

_NAME = "workflow.py"
SIGNATURE = "def run(document: str, knobs: dict[str, Any], seed: int) -> None"
FROZEN_CLOCK = datetime(2026, 1, 1, tzinfo=UTC)
_CHECK_STUB = """
from collections.abc import Callable
from typing import Any, TypeVar
def start_workflow(run: Callable[[str, dict[str, Any], int], None]) -> None: ...
"""
_DIAGNOSTIC = re.compile(rf"^{re.escape(_NAME)}:(\d+):\d+: \w+\[([\w-]+)\] (.*)$", re.MULTILINE)


class StepFailed(Exception):
    """Raised by a host function: the step came to nothing, which the workflow may handle."""


class WorkflowStop(Exception):
    """Raised by a host function: there is nothing left to do in this episode."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one workflow may use. Seconds run only while its code does, not while the host works."""

    memory_bytes: int = 64_000_000
    turn_seconds: float = 5.0
    total_seconds: float = 10.0
    recursion: int = 200
    suspensions: int = 1_000
    snapshot_bytes: int = 8_000_000
    printed_bytes: int = 64_000


@dataclass(slots=True)
class _Run:
    """One workflow on its way: what it was started with, and how much it has used."""

    source: str
    inputs: dict[str, Any]
    seed: int
    state: bytes | None = None
    suspensions: int = 0


class Sandbox:
    """A pool of worker processes that workflows take turns in.

    Turns run through Monty's blocking interface on threads of our own. Its asyncio interface wakes
    the event loop from threads that nobody joins: when the program ends right then, CPython before
    3.14 unwinds such a thread through Rust and the process aborts (SIGABRT; seen in about 1 of 50
    programs that ended soon after a turn). Our threads are joined before the loop ends.
    """

    def __init__(self, workers: int = 2, limits: Limits | None = None) -> None:
        self._workers = workers
        self._limits = limits or Limits()
        self._stack = ExitStack()

    async def __aenter__(self) -> "Sandbox":
        watchdog = 2 * self._limits.turn_seconds + 5
        pool = Monty(max_processes=self._workers, request_timeout=watchdog)
        try:
            self._pool = await asyncio.to_thread(self._stack.enter_context, pool)
        except (RuntimeError, OSError) as error:
            raise HarnessError(
                f"the sandbox for workflows does not start: {error}",
                "pip install --force-reinstall pydantic-monty; unset MONTY_BIN if it is set",
            ) from None
        self._threads = self._stack.enter_context(ThreadPoolExecutor(self._workers, "sandbox"))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await asyncio.to_thread(self._stack.close)

    async def check(self, source: str) -> None:
        """Type-check a workflow against the host functions and load it, without starting it.

        Raises:
            HarnessError: names the lines and what is wrong with them.
        """
        await self._in_thread(partial(self._check, source))

    async def run(
        self,
        source: str,
        document: str,
        knobs: Mapping[str, KnobValue],
        seed: int,
        host: Host,
    ) -> None:
        """Run a workflow until it returns, or until the host raises `WorkflowStop`.

        `host(name, arguments)` answers a host call with plain JSON. A `StepFailed` from it is a
        ValueError inside the sandbox, where the workflow may handle it; anything else ends the run
        and is passed on.

        Raises:
            WorkflowFailed: the workflow raised, broke a limit or crashes every worker it gets.
        """
        inputs = {"document": document, "knobs": dict(knobs), "seed": seed}
        run = _Run(f"{source}\nrun(document, knobs, seed)", inputs, seed)
        answer: ExternalResult = {"return_value": None}
        while call := await self._in_thread(partial(self._turn, run, answer)):
            name, arguments = call
            try:
                answer = {"return_value": await host(name, arguments)}
            except WorkflowStop:
                return
            except StepFailed as error:
                answer = {"exc_type": "ValueError", "message": str(error)}

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _check(self, source: str) -> None:
        for crashes in range(self._workers + 1):  # see _turn
            try:
                self._check_once(source)
            except MontyCrashedError as error:
                if error.timed_out or crashes == self._workers:
                    reason = self._reason(error)
                    raise HarnessError(f"{_NAME}: {reason}", f"correct {_NAME}") from None
            else:
                return

    def _check_once(self, source: str) -> None:
        probe = f"{source}\nstart_workflow(run)"
        last = probe.count("\n") + 1
        checks = {"type_check": True, "type_check_stubs": stubs() + _CHECK_STUB}
        try:
            with self._session(0, type_check_format="concise", **checks) as session:
                snapshot = session.feed_start(probe, print_callback=self._printed())
                while isinstance(snapshot, FunctionSnapshot) and snapshot.is_os_function:
                    snapshot = snapshot.resume_not_handled()
                name = getattr(snapshot, "function_name", "")
                if name != "start_workflow":
                    what = f"calls {name} while it is loaded" if name else "does not load"
                    raise HarnessError(f"{_NAME} {what}", f"define functions only, and {SIGNATURE}")
        except MontyTypingError as error:
            raise _type_error(error.display(), last) from None
        except (MontyRuntimeError, MontySyntaxError) as error:
            raise HarnessError(f"{_NAME}: {self._reason(error)}", f"correct {_NAME}") from None

    def _turn(self, run: _Run, answer: ExternalResult) -> tuple[str, Json] | None:
        """Run until the next host call and park there; None when the workflow has returned.

        A crash is tried again as often as there are workers: Ctrl-C reaches them all at once, and
        then it says nothing about the workflow.
        """
        for crashes in range(self._workers + 1):
            try:
                return self._advance(run, answer)
            except MontyCrashedError as error:
                if error.timed_out or crashes == self._workers:
                    raise WorkflowFailed(self._reason(error)) from None
            except (MontyRuntimeError, MontySyntaxError) as error:
                raise WorkflowFailed(self._reason(error)) from None
        raise AssertionError("unreachable")

    def _advance(self, run: _Run, answer: ExternalResult) -> tuple[str, Json] | None:
        with self._session(run.seed) as session:
            if run.state is None:
                snapshot = session.feed_start(
                    run.source, inputs=run.inputs, print_callback=self._printed()
                )
            else:
                parked = session.load_snapshot(run.state, print_callback=self._printed())
                assert isinstance(parked, FunctionSnapshot)
                snapshot = parked.resume(answer)
            while not isinstance(snapshot, MontyComplete):
                self._count(run)
                if isinstance(snapshot, NameLookupSnapshot):
                    snapshot = _look_up(snapshot)
                    continue
                if not isinstance(snapshot, FunctionSnapshot):
                    raise WorkflowFailed("it waits for something that never comes")
                try:
                    arguments = _arguments(snapshot)
                except (OSError, NameError, TypeError, ValueError) as error:
                    snapshot = snapshot.resume({"exception": error})
                    continue
                run.state = snapshot.dump()
                if len(run.state) > self._limits.snapshot_bytes:
                    raise WorkflowFailed(f"its state is over {self._limits.snapshot_bytes} bytes")
                return snapshot.function_name, arguments
        return None

    def _count(self, run: _Run) -> None:
        run.suspensions += 1
        if run.suspensions > self._limits.suspensions:
            raise WorkflowFailed(f"it made more than {self._limits.suspensions} host calls")

    def _session(self, seed: int, **checks: Any) -> MontySession:
        return self._pool.checkout(
            script_name=_NAME,
            limits={
                "max_memory": self._limits.memory_bytes,
                "max_turn_duration_secs": self._limits.turn_seconds,
                "max_feed_duration_secs": self._limits.total_seconds,
                "max_recursion_depth": self._limits.recursion,
                "max_suspensions": self._limits.suspensions,
            },
            os_policy={
                "sleep": "zero",
                "datetime": FROZEN_CLOCK,
                "random_start": {"seed": seed},
            },
            **checks,
        )

    def _printed(self) -> CollectString:
        return CollectString(max_bytes=self._limits.printed_bytes)

    def _reason(self, error: MontyRuntimeError | MontySyntaxError | MontyCrashedError) -> str:
        """One line about a failure, the same whenever the same code fails the same way."""
        if isinstance(error, MontyCrashedError):
            return "it hung" if error.timed_out else "it crashed the sandbox"
        text = error.display("type-msg")
        if "feed time limit exceeded" in text:
            text = f"it ran for more than {self._limits.total_seconds:g} s in all"
        elif "time limit exceeded" in text:
            text = f"it ran for more than {self._limits.turn_seconds:g} s without a host call"
        elif "memory limit" in text:
            text = "it used too much memory or printed too much"
        elif "suspension limit" in text:
            text = f"it made more than {self._limits.suspensions} host calls"
        frames = error.traceback()
        where = f"line {frames[-1].line}: " if frames else ""
        return f"{where}{text}"[:500]


def _look_up(snapshot: NameLookupSnapshot) -> SyncSnapshot:
    """Answer the use of a name that is not a call, such as `step = challenge`."""
    function = host_functions().get(snapshot.variable_name)
    return snapshot.resume(value=function) if function else snapshot.resume()


def _arguments(snapshot: FunctionSnapshot) -> Json:
    name = snapshot.function_name
    if snapshot.is_os_function:
        raise PermissionError(f"{name}: a workflow has no files, network, environment or entropy")
    if name not in host_functions():
        raise NameError(f"name {name!r} is not defined")
    return bind(name, snapshot.args, snapshot.kwargs)


def _type_error(diagnostics: str, last: int) -> HarnessError:
    matches = _DIAGNOSTIC.findall(diagnostics)
    syntax = [entry for entry in matches if entry[1] == "invalid-syntax"]
    problems = []
    for line, rule, text in syntax or matches:
        if int(line) < last or syntax:
            problems.append(f"line {line}: {text}")
        elif rule == "unresolved-reference":
            problems.append("there is no function run")
        else:
            problems.append(f"run does not have the signature {SIGNATURE}")
    detail = "; ".join(problems[:5]) or diagnostics.strip()
    more = f" (and {len(problems) - 5} more)" if len(problems) > 5 else ""
    return HarnessError(f"{_NAME}, {detail}{more}"[:2000], f"correct {_NAME}; it needs {SIGNATURE}")
