"""Trials of code that a model wrote: a solver's module by the hidden tests, the tests by mutants.

Called by name in a process of its own, so what it takes and returns is plain JSON.
"""

from typing import Any

from autodata.box.box import Box, Ran
from autodata.box.exam import Exam, exam_of
from autodata.box.interpreter import Interpreter, interpreter
from autodata.box.mutants import Mutant, mutants

MOST_TOLD_ALIVE = 5
"""Mutants that are named of those which live."""


def solve(text: str, answer: str, bounds: dict[str, Any]) -> dict[str, Any]:
    """Run the tests of an exam on somebody's module: how many passed, of how many, and where.

    Raises:
        BoxRefused: there is no box.
        NoExam: the text is none.
    """
    exam, box = exam_of(text), Box(**bounds)
    with interpreter(box) as monty:
        quick = monty.run(answer, exam.calls)
    if exam.count(quick.returned) == len(exam.tests):
        return _told(exam, quick, "monty")
    return _told(exam, box.run(answer, exam.calls), "box")


def _told(exam: Exam, ran: Ran, where: str) -> dict[str, Any]:
    passed = exam.count(ran.returned)
    return {"passed": passed, "of": len(exam.tests), "where": where, "problem": ran.problem}


def examine(text: str, most: int, bounds: dict[str, Any]) -> dict[str, Any]:
    """Try the solution of an exam and its mutants: what is wrong, and how many mutants die.

    Raises:
        BoxRefused: there is no box.
        NoExam: the text is none.
    """
    exam, box = exam_of(text), Box(**bounds)
    for hash_seed in (0, 1):
        ran = box.run(exam.solution, exam.calls, hash_seed)
        if fault := _fault(exam, ran):
            return {"fault": fault if hash_seed == 0 else "the tests pass at times only"}
    with interpreter(box) as monty:
        suffices = exam.count(monty.run(exam.solution, exam.calls).returned) == len(exam.tests)
        values = [test.value for test in exam.tests if not test.raises]
        tried = mutants(exam.solution, values, most, exam.names)
        alive = [each for each in tried if _lives(exam, each, monty if suffices else None, box)]
    idle = [mutant.what for mutant in alive if mutant.stub]
    lives = [mutant.what for mutant in alive if not mutant.stub]
    return {
        "fault": f"a stub passes the tests: {idle[0]}" if idle else "",
        "mutants": sum(not mutant.stub for mutant in tried),
        "alive": len(lives),
        "named": lives[:MOST_TOLD_ALIVE],
        "where": "monty" if suffices else "box",
    }


def _fault(exam: Exam, ran: Ran) -> str:
    for number, test in enumerate(exam.tests):
        if number >= len(ran.returned):
            return f"the solution fails: {ran.problem or 'it ended early'}"
        found = ran.returned[number]
        if not test.passed(found):
            came = found.value if found.value is not None else f"raises {found.raised[:1]}"
            return f"the solution fails its test {number + 1}, {test.call[:200]}: {came[:200]}"
    return ""


def _lives(exam: Exam, mutant: Mutant, monty: Interpreter | None, box: Box) -> bool:
    """Say whether a mutant passes every test."""
    ran = (monty or box).run(mutant.source, exam.calls)
    return exam.count(ran.returned) == len(exam.tests)
