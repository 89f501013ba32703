"""What a workflow can call: the declarations that workflow.py is type-checked against.

The sandbox's type checker reads this very file, and host calls are bound to these parameters.
Nothing here ever runs: the host answers.

A workflow names these functions and types without importing them. Its Python has no `yield`, `del`
or class inheritance, no files, network or clock; of the standard library it can import bisect,
collections, dataclasses, datetime, functools, hashlib, itertools, json, math, random, re, typing
(Any, Literal) and unicodedata. A ValueError from a host function means that a model's reply could
not be used; it may be caught.
"""

from typing import Literal, NotRequired, TypedDict


class Criterion(TypedDict):
    """One line of a rubric; a negative weight marks a fault."""

    criterion: str
    weight: int
    category: NotRequired[str]
    capability: NotRequired[str]


class Example(TypedDict):
    """One training example; without a rubric its answer is checked by comparing."""

    question: str
    answer: str
    context: NotRequired[str]
    rubric: NotRequired[list[Criterion]]
    kind: NotRequired[str]
    skills: NotRequired[list[str]]


class Finding(TypedDict):
    """One fault of an example; `line` counts the rubric's lines from 1, 0 is any other part."""

    line: int
    fault: str


class Verification(TypedDict):
    """The verifier's view; `feedback` says what to do better.

    With the verdict `repair` the question is good and the findings name all that is wrong.
    """

    passed: bool
    verdict: Literal["pass", "repair", "reject"]
    findings: list[Finding]
    feedback: str


class Attempts(TypedDict):
    """One solver's samples: `passed` is this role's gate, `accepted` the whole verdict so far."""

    passed: bool
    accepted: bool
    scores: list[float]
    mean: float
    reason: str


def challenge(feedback: str = "", angle: str = "") -> Example:
    """Ask the challenger for an example, with prompts/challenger.md."""
    raise NotImplementedError


def challenge_many(angles: list[str], feedback: str = "") -> list[Example]:
    """Ask a challenger for each angle, at most 8, side by side; unusable replies are left out."""
    raise NotImplementedError


def verify(example: Example, notes: str = "") -> Verification:
    """Ask the verifier about an example, with prompts/verifier.md.

    `notes` are what else it should know, such as a second solution.
    """
    raise NotImplementedError


def attempt(role: Literal["weak", "strong"], example: Example) -> Attempts:
    """Let a solver try an example; its prompts, samples and gates are not the harness's."""
    raise NotImplementedError


def run_agent(task: str, max_turns: int = 8) -> str:
    """Give a task to the main model with tools over the document; its last words come back."""
    raise NotImplementedError


def ask(role: Literal["main", "challenger", "verifier"], prompt: str) -> str:
    """Send one prompt to a model and return its text."""
    raise NotImplementedError


def recipe(kind: str, material: str) -> str:
    """Ask the main model with prompts/recipe-KIND.md about a material; return its text."""
    raise NotImplementedError


def unsuitable(reason: str) -> None:
    """Give up a document that yields no example, before one was tried; this ends the episode."""
    raise NotImplementedError


def feedback() -> str:
    """Return what went wrong in this episode's rounds so far, by gate, the newest in full.

    Its last paragraph asks for an entirely new question; without failed rounds it is empty.
    """
    raise NotImplementedError
