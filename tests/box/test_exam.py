"""Exams: what counts as one, and when a test is passed."""

import pytest

from autodata.box.box import Returned
from autodata.box.exam import HiddenTest, NoExam, exam_of

SOLUTION = "def double(x):\n    if x is None:\n        raise ValueError\n    return 2 * x\n"


def test_a_module_is_taken_apart_into_solution_and_calls() -> None:
    tests = "assert double(2) == 4\nassert raises(ValueError, lambda: double(None))\n"
    exam = exam_of(f"{SOLUTION}\n\n{tests}")
    assert exam.solution == SOLUTION
    assert exam.calls == ["double(2)", "double(None)"]
    assert exam.names == ("double",)
    assert exam.count([Returned("4"), Returned(None, ("ValueError", "Exception"))]) == 2
    assert exam.count([Returned("4")]) == 1


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("def f(:", "the answer is no Python: "),
        ("(" * 9000, "the answer is no Python: "),
        ("\0", "the answer is no Python: "),
        (SOLUTION, "the answer does not end with its tests"),
        ("assert double(1) == 2\n" + SOLUTION, "the answer does not end with its tests"),
        (SOLUTION + "assert double(1)", "test 1 is neither"),
        (SOLUTION + "assert double(1) == double(1)", "test 1 is neither"),
        (SOLUTION + "assert double(1) == 2 == 2", "test 1 is neither"),
        (SOLUTION + "assert raises(ValueError, double)", "test 1 is neither"),
        (SOLUTION + "assert raises(ValueError, lambda x: double(x))", "test 1 is neither"),
        (SOLUTION + "assert 1 + 1 == 2", "test 1 calls nothing"),
        (SOLUTION + "assert double(1) == 2\n" * 2, "a test stands there twice"),
        (SOLUTION + "\n".join(f"assert double({n}) == {2 * n}" for n in range(61)), "more than 60"),
    ],
)
def test_what_is_no_exam_says_why(text: str, why: str) -> None:
    with pytest.raises(NoExam, match=why):
        exam_of(text)


@pytest.mark.parametrize(
    ("line", "used"),
    [
        ("import os", "os"),
        ("import os.path as p", "os.path"),
        ("from random import choice", "random"),
        ("import math, inspect", "inspect"),
        ("from . import math", "None"),
        ("def peek(): return double.__code__", "__code__"),
        ("eval('1')", "eval"),
        ("seen = globals()", "globals"),
    ],
)
def test_a_solution_sees_neither_the_machine_nor_itself(line: str, used: str) -> None:
    with pytest.raises(NoExam, match=f"the solution may not use {used}$"):
        exam_of(f"{line}\n{SOLUTION}assert double(1) == 2\n")


def test_a_solution_may_use_what_computes() -> None:
    head = "from __future__ import annotations\nimport math\nfrom collections import Counter\n"
    made = (
        "class Pair:\n    def __init__(self, x):\n        super().__init__()\n        self.x = x\n"
    )
    assert exam_of(f"{head}{made}{SOLUTION}assert double(1) == 2\n").names == ("double",)


@pytest.mark.parametrize(
    ("expected", "returned", "passes"),
    [
        (4, "4", True),
        (4, "4.0", True),
        (4, "5", False),
        (True, "1", True),
        ([1, 2], "[1, 2]", True),
        ([1, 2], "(1, 2)", False),
        ({"a": [0.3]}, "{'a': [0.30000000000000004]}", True),
        ({"a": 1}, "{'a': 1, 'b': 2}", False),
        (0.5, "0.5001", False),
        (0.5, "'0.5'", False),
        (1.0, "1" + "0" * 400, False),
        (None, "None", True),
        ({1, 2}, "{2, 1}", True),
        (4, "<Any>", False),
        (4, "__import__('os').getpid()", False),
        (4, "(" * 5000, False),
    ],
)
def test_a_test_is_passed_by_its_value(expected: object, returned: str, passes: bool) -> None:
    assert HiddenTest("f()", expected).passed(Returned(returned)) is passes


def test_a_test_of_an_exception_is_passed_by_its_kind() -> None:
    test = HiddenTest("f()", raises="ValueError")
    assert test.passed(Returned(None, ("Odd", "ValueError", "Exception")))
    assert not test.passed(Returned(None, ("TypeError", "Exception")))
    assert not test.passed(Returned("'ValueError'"))
    assert not HiddenTest("f()").passed(Returned())
