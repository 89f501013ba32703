"""A small harness that tests share."""

MANIFEST = """\
# what a search may turn
name: tiny
description: one question for each document
knobs:
  rounds: {type: int, value: 4, low: 1, high: 10}  # the most rounds
  share:
    type: float
    value: 0.5  # of the document
    low: 0.0
    high: 1.0
  careful: {type: bool, value: true}
  style: {type: choice, value: short, choices: [short, long]}
"""

WORKFLOW = """\
from typing import Any


def run(document: str, knobs: dict[str, Any], seed: int) -> None:
    for _ in range(int(knobs["rounds"])):
        example = challenge(feedback())
        if verify(example)["passed"] and attempt("weak", example)["passed"]:
            attempt("strong", example)
"""

FILES = {
    "harness.yaml": MANIFEST,
    "workflow.py": WORKFLOW,
    "prompts/challenger.md": "Ask about {{document}}, {{knobs.style}}.\n{{feedback}}\n",
    "prompts/verifier.md": "Check {{example}} against {{ document }}.\n",
}
