"""Modules that are run: answers that break out or forge results, and tests that test nothing."""

import os
import tempfile
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

from autodata.box.trial import solve
from autodata.domains.code import Code, CodeSettings
from autodata.domains.isolated import Execution, Executions, Isolated
from autodata.models.base import Site
from autodata.types import Example
from tests.attacks.rows import Row, same, says, table
from tests.support import harbour
from tests.support.boxes import need_a_box

BOUNDS = CodeSettings(seconds=1).bounds
EXAMPLE = harbour.example("Ludd")
DOCUMENT = harbour.document("Ludd")
SOLUTION = EXAMPLE.answer.split("\n\n\n")[0]
HONEST = SOLUTION.replace("def berthing_dues", "def honest")
SECRET = "planted-secret"
NAMED = "\nTests also call the functions peek and honest."


async def passed(answer: str) -> int:
    """How many of fourteen hidden tests a module passes."""
    need_a_box()
    return int(solve(EXAMPLE.answer, answer, BOUNDS)["passed"])


def every_call(statement: str) -> str:
    """A module whose function does something and returns the right value where that comes off."""
    body = "\n".join(f"        {line}" for line in statement.splitlines())
    return (
        f"import os, sys\n{HONEST}\n\ndef berthing_dues(*given, **named):\n    try:\n{body}\n"
        "    except BaseException:\n        return -1\n    return honest(*given, **named)\n"
    )


async def leaves(statement: str) -> list[str]:
    """Let a module loose near a folder with a key; tell whether it passed, and what is left."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "key").write_text(SECRET)
        count = await passed(every_call(statement.replace("FOLDER", folder)))
        left = sorted(os.listdir(folder))  # noqa: PTH208
    return [f"{count} passed", *left]


class Workers:
    """Graders of which only the processes are there."""

    fence = ""

    async def run(self, function: Isolated, *arguments: Any) -> Execution:
        """Run a function as in a run."""
        return await Executions().run(Site("function", "run"), function, arguments)


async def examined(answer: str, question: str = EXAMPLE.question + NAMED) -> str:
    """What the domain says of an exercise before any solver is asked."""
    need_a_box()
    domain, example = Code(), Example(question, answer)
    workers: Any = Workers()
    return domain.fault(DOCUMENT, example) or await domain.examine(DOCUMENT, example, workers)


def weak_tests(solution: str) -> str:
    """A solution whose tests look at one of its rules."""
    calls = "\n".join(f"assert berthing_dues({days}) == {40 * (days - 3)}" for days in range(4, 11))
    return f"{solution}\n\n\n{calls}\n"


def held(statement: str) -> Callable[[], Awaitable[list[str]]]:
    """Return what lets a module loose."""
    return partial(leaves, statement)


NOTHING = same(["0 passed", "key"])
ROWS = [
    Row("an answer that reads a file", held("open('FOLDER/key').read()"), NOTHING),
    Row("an answer that reads our memory", held("open('/proc/1/mem', 'rb')"), NOTHING),
    Row("an answer that writes beside the project", held("open('FOLDER/x', 'w')"), NOTHING),
    Row("an answer that deletes", held("os.remove('FOLDER/key')"), NOTHING),
    Row("an answer that forks", held("os.fork() or os._exit(0)"), NOTHING),
    Row("an answer that starts a shell", held("assert os.system('true') == 0"), NOTHING),
    Row("an answer that opens a connection", held("import socket\nsocket.socket()"), NOTHING),
    Row("an answer that kills its parent", held("os.kill(os.getppid() or 2, 9)"), NOTHING),
    Row(
        "an answer that makes itself root",
        held("import ctypes\nassert ctypes.CDLL(None).unshare(0x10000000) == 0"),
        NOTHING,
    ),
    Row(
        "an answer that fills the disk", held("open('/tmp/x', 'wb').write(bytes(1 << 26))"), NOTHING
    ),
    Row("an answer that exits", partial(passed, "import os\nos._exit(0)"), same(0)),
    Row(
        "an answer that equals everything",
        partial(
            passed,
            "class Any(int):\n    __eq__ = lambda a, b: True\n    __hash__ = None\n"
            "    __repr__ = lambda a: 'x'\ndef berthing_dues(*given, **named): return Any(7)",
        ),
        same(0),
    ),
    Row(
        "an answer that writes results into the pipe",
        partial(
            passed, 'import os\nfor n in range(9):\n    os.write(n, b\'{"done": ""}\\n\' * 99)'
        ),
        same(0),
    ),
    Row(
        "an answer that looks for what is expected",
        partial(
            passed,
            "import sys\ndef berthing_dues(*given, **named):\n    frame = sys._getframe()\n"
            "    while frame:\n        for name in ('expected', 'value', 'tests'):\n"
            "            if name in frame.f_locals: return frame.f_locals[name]\n"
            "        frame = frame.f_back\n    return -1",
        ),
        same(0),
    ),
    Row(
        "tests that compare a call with itself",
        partial(examined, f"{SOLUTION}\n\n\nassert berthing_dues(1) == berthing_dues(1)\n"),
        says("test 1 is neither"),
    ),
    Row(
        "tests of one rule",
        partial(examined, weak_tests(SOLUTION)),
        says("the tests notice too few faults"),
    ),
    Row(
        "a solution that equals everything",
        partial(
            examined,
            weak_tests(
                "class Yes:\n    def __eq__(self, other):\n        return True\n"
                "def berthing_dues(days):\n    return Yes()\n"
            ),
        ),
        says("the solution fails its test 1"),
    ),
    Row(
        "a solution that notices that it was changed",
        partial(
            examined,
            weak_tests(
                f"{HONEST}\ndef berthing_dues(days):\n"
                "    if len(honest.__code__.co_code) != 74:\n        raise ValueError\n"
                "    return honest(days)\n"
            ),
        ),
        says("the solution may not use __code__"),
    ),
    Row(
        "tests that are in the question",
        partial(examined, EXAMPLE.answer, EXAMPLE.question + EXAMPLE.answer.split("\n\n\n")[1]),
        says("fewer than 6 tests are hidden"),
    ),
    Row(
        "tests of a function that the question keeps back",
        partial(
            examined,
            EXAMPLE.answer.replace("berthing_dues(9, True) ==", "peek(9) ==").replace(
                "\n\n\n", "\n\ndef peek(days):\n    return 40 * days\n\n\n"
            ),
            EXAMPLE.question,
        ),
        says("the question does not name what the tests call: peek"),
    ),
    Row(
        "tests that hang on the order of a set",
        partial(
            examined,
            "def berthing_dues(days):\n    return list({str(n) for n in range(days)})\n\n\n"
            + "\n".join(
                f"assert berthing_dues({n}) == {sorted(map(str, range(n)))}" for n in range(7)
            ),
        ),
        says("the solution fails its test"),
    ),
]


@table(ROWS)
async def test_a_module_gains_nothing(row: Row) -> None:
    await row.check()


HONEST_ROWS = [
    Row("control, a right answer", partial(passed, SOLUTION), same(14)),
    Row("control, a right answer that does nothing else", held("pass"), same(["14 passed", "key"])),
    Row("control, a sound exercise", partial(examined, EXAMPLE.answer), same("")),
]


@table(HONEST_ROWS)
async def test_what_is_honest_passes(row: Row) -> None:
    await row.check()
