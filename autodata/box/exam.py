"""An exam: a module that ends with its tests, taken apart into a solution and what to ask of it.

A test is `assert CALL == LITERAL`, or `assert raises(ERROR, lambda: CALL)`. So the calls can be
made where code is hostile, and the expected values stay here. Runs nothing.
"""

import ast
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from autodata.box.box import Returned

MOST_TESTS = 60
MODULES = frozenset(
    [
        "__future__",
        "abc",
        "array",
        "base64",
        "bisect",
        "binascii",
        "calendar",
        "cmath",
        "collections",
        "copy",
        "dataclasses",
        "decimal",
        "enum",
        "fractions",
        "functools",
        "graphlib",
        "hashlib",
        "heapq",
        "itertools",
        "json",
        "math",
        "numbers",
        "operator",
        "re",
        "statistics",
        "string",
        "struct",
        "textwrap",
        "typing",
        "unicodedata",
        "zlib",
    ]
)
"""What a solution may import: nothing that looks at the machine, the time, chance or itself."""
_BARRED = frozenset(
    [
        "__import__",
        "breakpoint",
        "compile",
        "delattr",
        "dir",
        "eval",
        "exec",
        "getattr",
        "globals",
        "hash",
        "help",
        "id",
        "input",
        "locals",
        "memoryview",
        "open",
        "print",
        "setattr",
        "vars",
    ]
)
"""Names that a solution may not use: one that sees its own code could tell a mutant from itself."""
_TROUBLE = (SyntaxError, ValueError, TypeError, MemoryError, RecursionError)
"""What reading hostile text may raise."""
_CLOSE, _TINY = 1e-9, 1e-12


class NoExam(Exception):
    """A text is no exam; says why in words for whoever wrote it."""


@dataclass(frozen=True, slots=True)
class HiddenTest:
    """One test: a call, and the value it returns or the name of the exception it raises."""

    call: str
    value: Any = None
    raises: str = ""

    def passed(self, returned: Returned) -> bool:
        """Say whether what a call came to is what was expected."""
        if self.raises:
            return self.raises in returned.raised
        if returned.value is None:
            return False
        try:
            return same(ast.literal_eval(returned.value), self.value)
        except _TROUBLE:
            return False


@dataclass(frozen=True, slots=True)
class Exam:
    """A solution with its tests; `names` are those functions and classes of it that tests use."""

    solution: str
    tests: tuple[HiddenTest, ...]
    names: tuple[str, ...]

    @property
    def calls(self) -> list[str]:
        """The calls of its tests."""
        return [test.call for test in self.tests]

    def count(self, returned: Sequence[Returned]) -> int:
        """Return how many tests passed; calls that were not made did not."""
        return sum(test.passed(found) for test, found in zip(self.tests, returned, strict=False))


def exam_of(text: str) -> Exam:
    """Take a module apart.

    Raises:
        NoExam: it is none.
    """
    try:
        body = ast.parse(text).body
    except _TROUBLE as error:
        raise NoExam(f"the answer is no Python: {_words(error)}") from error
    asserts = [node for node in body if isinstance(node, ast.Assert)]
    before = body[: len(body) - len(asserts)]
    if not asserts or any(isinstance(node, ast.Assert) for node in before):
        raise NoExam("the answer does not end with its tests: a solution first, then asserts alone")
    if len(asserts) > MOST_TESTS:
        raise NoExam(f"there are more than {MOST_TESTS} tests")
    if barred := next(filter(None, map(_barred, ast.walk(ast.Module(before, [])))), ""):
        raise NoExam(f"the solution may not use {barred}")
    lines = text.splitlines()
    solution = "\n".join(lines[: asserts[0].lineno - 1]).rstrip() + "\n"
    defined = [node.name for node in before if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    tests = tuple(_test(node, number) for number, node in enumerate(asserts, 1))
    used = [set(_names(ast.parse(test.call))) & {*defined} for test in tests]
    if bad := next((n for n, names in enumerate(used, 1) if not names), 0):
        raise NoExam(f"test {bad} calls nothing that the solution defines")
    if len({(test.call, repr(test.value)) for test in tests}) < len(tests):
        raise NoExam("a test stands there twice")
    return Exam(solution, tests, tuple(sorted(set().union(*used))))


def _test(node: ast.Assert, number: int) -> HiddenTest:
    match node.test:
        case ast.Call(func=ast.Name(id="raises"), args=[ast.Name(id=error), ast.Lambda() as made]):
            if not made.args.args:
                return HiddenTest(ast.unparse(made.body), raises=error)
        case ast.Compare(left=call, ops=[ast.Eq() | ast.Is()], comparators=[value]):
            try:
                return HiddenTest(ast.unparse(call), ast.literal_eval(value))
            except _TROUBLE:
                pass
    raise NoExam(
        f"test {number} is neither `assert CALL == LITERAL` nor "
        "`assert raises(ERROR, lambda: CALL)`"
    )


def _barred(node: ast.AST) -> str:
    """Name what a part of a solution uses and may not, or return an empty string."""
    match node:
        case ast.Import(names=names):
            return next((n.name for n in names if n.name.split(".")[0] not in MODULES), "")
        case ast.ImportFrom(module=module):
            return "" if (module or "").split(".")[0] in MODULES else f"{module}"
        case ast.Name(id=name) if name in _BARRED or name.startswith("__"):
            return name
        case ast.Attribute(attr=name) if name.startswith("__") and name != "__init__":
            return name
    return ""


def _names(tree: ast.AST) -> Iterator[str]:
    return (node.id for node in ast.walk(tree) if isinstance(node, ast.Name))


def _words(error: BaseException) -> str:
    line = getattr(error, "lineno", None)
    return f"{getattr(error, 'msg', type(error).__name__)}" + (f" (line {line})" if line else "")


def same(one: Any, other: Any) -> bool:
    """Compare values as `==` does, but floats by their first nine digits."""
    if isinstance(one, list | tuple):
        return (
            type(one) is type(other)
            and len(one) == len(other)
            and all(same(a, b) for a, b in zip(one, other, strict=True))
        )
    if isinstance(one, dict):
        return (
            isinstance(other, dict)
            and one.keys() == other.keys()
            and all(same(value, other[key]) for key, value in one.items())
        )
    if isinstance(one, float) or isinstance(other, float):
        if not (isinstance(one, int | float) and isinstance(other, int | float)):
            return False
        try:
            return math.isclose(one, other, rel_tol=_CLOSE, abs_tol=_TINY)
        except OverflowError:
            return False
    return bool(one == other)
