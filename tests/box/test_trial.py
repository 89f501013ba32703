"""Trials: solvers' modules by hidden tests, and hidden tests by mutants."""

from typing import Any

import pytest

from autodata.box.box import Box
from autodata.box.mutants import mutants
from autodata.box.trial import examine, solve
from tests.support.boxes import need_a_box

BOUNDS: dict[str, Any] = {"seconds": 1, "memory_mb": 256, "unsafe": False}
SOLUTION = """\
def runs(text, most=9):
    if not isinstance(text, str):
        raise TypeError("no text")
    out = []
    for letter in text:
        if out and out[-1][0] == letter and out[-1][1] < most:
            out[-1] = (letter, out[-1][1] + 1)
        else:
            out.append((letter, 1))
    return out
"""
TESTS = """\
assert runs("") == []
assert runs("aab") == [("a", 2), ("b", 1)]
assert runs("a" * 10) == [("a", 9), ("a", 1)]
assert runs("aaa", 2) == [("a", 2), ("a", 1)]
assert raises(TypeError, lambda: runs(["a"]))
"""
EXAM = SOLUTION + TESTS


@pytest.mark.parametrize(
    ("answer", "passed", "where"),
    [
        (SOLUTION, 5, "monty"),
        (SOLUTION.replace("for letter", "import zlib\n    for letter"), 5, "box"),
        (SOLUTION.replace("most=9", "most=8"), 4, "box"),
        ("def runs(text, most=9): return []", 1, "box"),
        ("def other(): pass", 0, "box"),
        ("I am sorry.", 0, "box"),
        ("", 0, "box"),
    ],
)
def test_an_answer_passes_tests_where_they_can_be_run(answer: str, passed: int, where: str) -> None:
    need_a_box()
    found = solve(EXAM, answer, BOUNDS)
    assert (found["passed"], found["of"], found["where"]) == (passed, 5, where)


def test_good_tests_kill_every_mutant() -> None:
    need_a_box()
    found = examine(EXAM, 20, BOUNDS)
    assert found["fault"] == ""
    assert found["mutants"] >= 15
    assert found["alive"] <= 1


def test_weak_tests_let_mutants_live_which_are_named() -> None:
    need_a_box()
    weak = SOLUTION + 'assert runs("") == []\nassert runs("ab") == [("a", 1), ("b", 1)]\n'
    found = examine(weak, 20, BOUNDS)
    assert found["fault"] == ""
    assert found["alive"] > found["mutants"] / 3
    assert all(what.startswith("line ") for what in found["named"])


@pytest.mark.parametrize(
    ("tests", "fault"),
    [
        ('assert runs("") == [1]\n', "the solution fails its test 1, runs(''): []"),
        ("assert runs(None) == []\n", "the solution fails its test 1, runs(None): raises"),
        ('assert runs("") == []\nassert runs("", 3) == []\n', "a stub passes the tests: []"),
        ("assert (runs('a'), 3)[1] == 3\n", "a stub passes the tests: None is always"),
    ],
)
def test_tests_that_do_not_test_are_found(tests: str, fault: str) -> None:
    need_a_box()
    assert examine(SOLUTION + tests, 5, BOUNDS)["fault"].startswith(fault)


def test_tests_of_what_changes_from_run_to_run_are_found() -> None:
    need_a_box()
    text = 'def first():\n    return list({"a", "b", "c", "d", "e", "f", "g"})\n'
    told = Box().run(text, ["first()"]).returned[0].value
    found = examine(f"{text}assert first() == {told}\n", 5, BOUNDS)
    assert found["fault"] == "the tests pass at times only"


def test_what_monty_cannot_run_is_examined_in_the_box() -> None:
    need_a_box()
    text = "import zlib\ndef crc(x):\n    return zlib.crc32(x) % 7\n"
    tests = "assert crc(b'') == 0\nassert crc(b'a') == 4\nassert crc(b'b') == 4\n"
    found = examine(text + tests, 3, BOUNDS)
    assert found["where"] == "box"


def test_mutants_are_the_same_each_time_and_parse() -> None:
    first, again = (mutants(SOLUTION, [[], None], 20, ["runs"]) for _ in "ab")
    assert first == again
    assert len({mutant.source for mutant in first}) == len(first)
    for mutant in first:
        compile(mutant.source, mutant.what, "exec")
    assert [mutant.what for mutant in first if mutant.stub] == [
        "None is always returned",
        "[] is always returned",
        "its first argument is returned",
    ]
