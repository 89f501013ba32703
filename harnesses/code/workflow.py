"""Exercises from a document: an angle, a draft, repairs of what the checks find, both solvers."""

import random
from typing import Any

# What kind of function to look for: one per round, in an order that the seed decides.
LENSES = [
    "a procedure of the document with an order of steps that matters, where a later step undoes or overrides an earlier one",
    "a format or notation that the document uses: read it, check it, and say what is wrong with what breaks its rules",
    "a quantity that the document computes from several inputs, with the cases that it treats apart",
    "a state that changes by events as the document has it: which events count in which state, and what is left at the end",
    "a selection or ranking by several criteria of the document, with ties broken as it says",
    "a structure that the document builds (a tree, a graph, a table, intervals): build it and answer a question about it",
    "a bookkeeping rule of the document: what is counted once, what twice, what is carried over, what expires",
]


def last(text: str, size: int) -> str:
    """Return the end of a text, cut at a line: the closing request is what must stay."""
    if len(text) <= size:
        return text
    return text[len(text) - size :].partition("\n")[2].strip()


def mending(example: Example, fault: str) -> str:
    """Return what the challenger is told of its own exercise, to mend it and nothing else."""
    return (
        "Your last exercise is good but for one fault. Hand it in again, whole, with that fault mended "
        "and all else as it was. Where a test and the solution differ, work out by hand which of them "
        "is right by the specification.\n\nThe fault: " + fault + "\n\nIts specification:\n"
        + example["question"] + "\n\nIts solution and tests:\n" + example["answer"]
    )


def fault_of(example: Example, knobs: dict[str, Any]) -> tuple[str, bool]:
    """Return what the checks find, and whether mending it is worth while."""
    if knobs["use_verifier"]:
        checked = verify(example)
        if not checked["passed"]:
            found = [checked["feedback"]]
            for finding in checked["findings"]:
                where = "test " + str(finding["line"]) if finding["line"] else "specification"
                found.append(where + ": " + finding["fault"])
            return "\n- ".join(found), checked["verdict"] != "reject"
    return "", True


def run(document: str, knobs: dict[str, Any], seed: int) -> None:
    """Try up to `rounds` exercises; one with a fault is mended up to `repairs` times."""
    lenses = LENSES[:]
    random.Random(seed).shuffle(lenses)
    for number in range(int(knobs["rounds"])):
        angle = lenses[number % len(lenses)]
        notes = last(feedback(), int(knobs["feedback_chars"]))
        for _ in range(int(knobs["repairs"]) + 1):
            try:
                example = challenge(notes, angle)
                fault, mendable = fault_of(example, knobs)
                if not fault:
                    tried = attempt("weak", example)
                    if tried["passed"]:
                        if attempt("strong", example)["accepted"]:
                            return
                        break
                    if tried["scores"]:
                        break
                    fault = tried["reason"]
            except ValueError:
                break  # a reply that could not be used: the next round starts afresh
            if not mendable:
                break
            notes = mending(example, fault)
