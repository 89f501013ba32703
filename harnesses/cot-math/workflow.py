"""CoT Self-Instruct: one question, labelled by a majority of solutions, and one try of each solver."""

import re
from typing import Any

SOLVE = """\
Solve the problem. Reason step by step and check your result.

End with one line that begins with 'Answer:' and holds the answer alone: either one formula between
$ signs, worked out as far as it goes, or one short phrase.

{problem}"""


def final(text: str) -> str:
    """Return what follows the last `Answer:`, or nothing."""
    found = text.rpartition("Answer:")
    return found[2].strip(" *\n\t").partition("\n")[0].strip(" *.") if found[1] else ""


def form(answer: str) -> str:
    """Return an answer without what makes no difference to its text."""
    bare = answer.replace("\\left", "").replace("\\right", "").replace("dfrac", "frac")
    return re.sub(r"[\s$.]+|\\[,;! ]", "", bare)


def label(example: Example, count: int) -> str:
    """Return the answer that more than half of the solutions give, or nothing.

    Answers are the same here if their texts are, as nothing is computed in a workflow; a spread of
    notations costs the example its label, no more.
    """
    shown = "\n\n".join(part for part in (example.get("context", ""), example["question"]) if part)
    votes: dict[str, list[str]] = {}
    for _ in range(count):
        try:
            answer = final(ask("challenger", SOLVE.replace("{problem}", shown)))
        except ValueError:
            continue
        if answer:
            votes.setdefault(form(answer), []).append(answer)
    for answers in votes.values():
        if 2 * len(answers) > count:
            return answers[0]
    return ""


def run(document: str, knobs: dict[str, Any], seed: int) -> None:
    """Write one question, label it, and let both solvers try it."""
    try:
        example = challenge()
    except ValueError:
        return
    count = int(knobs["labels"])
    answer = label(example, count) if count else example["answer"]
    if not answer:
        return
    labelled: Example = {
        "question": example["question"],
        "answer": answer,
        "context": example.get("context", ""),
        "kind": example.get("kind", ""),
        "skills": example.get("skills", []),
    }
    try:
        if attempt("weak", labelled)["passed"]:
            attempt("strong", labelled)
    except ValueError:
        return
