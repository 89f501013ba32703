"""Calls of a module in Monty, an interpreter of a part of Python without files or network.

It is quick and cannot reach the machine. What it cannot run is said to have ended early: a box
decides then. Only this module and the one that runs workflows know Monty.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pydantic_monty import (
    Monty,
    MontyComplete,
    MontyCrashedError,
    MontyRuntimeError,
    MontySyntaxError,
    MontyTypingError,
)

from autodata.box.box import Box, Ran, Returned

_ERRORS = (MontyCrashedError, MontyRuntimeError, MontySyntaxError, MontyTypingError)
_TRY = """\
    try:
        found.append([repr({call})])
    except Exception as error:
        found.append([None, type(error).__name__])
"""


class Interpreter:
    """Runs modules one after the other in one process."""

    def __init__(self, pool: Monty, box: Box) -> None:
        self._pool = pool
        self._box = box

    def run(self, source: str, calls: Sequence[str]) -> Ran:
        """Run a module and then its calls; the problem of one that cannot be run here is told."""
        asked = "".join(_TRY.format(call=call) for call in calls)
        program = f"{source}\ndef calls__():\n    found = []\n{asked}    return found\ncalls__()"
        limits: Any = {
            "max_memory": self._box.memory_mb << 20,
            "max_turn_duration_secs": float(self._box.seconds),
            "max_feed_duration_secs": float(self._box.seconds),
            "max_recursion_depth": 800,
            "max_suspensions": 1,
        }
        try:
            with self._pool.checkout(script_name="solution.py", limits=limits) as session:
                ended = session.feed_start(program)
        except _ERRORS as error:
            return Ran((), f"{type(error).__name__}"[:100])
        if not isinstance(ended, MontyComplete) or not isinstance(ended.output, list):
            return Ran((), "it wants what is not there")
        return Ran(tuple(_returned(each) for each in ended.output))


def _returned(told: Any) -> Returned:
    match told:
        case [str(value)]:
            return Returned(value)
        case [None, str(name)]:
            return Returned(None, (name, "Exception"))
    return Returned()


@contextmanager
def interpreter(box: Box) -> Iterator[Interpreter]:
    """Start one, with the bounds of a box."""
    with Monty(max_processes=1, request_timeout=2.0 * box.seconds + 5) as pool:
        yield Interpreter(pool, box)
