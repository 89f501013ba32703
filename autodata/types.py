"""The domain types: frozen dataclasses from document to candidate, used everywhere.

Every value is immutable and turns to JSON with `dataclasses.asdict`.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

Json = dict[str, Any]
Split = Literal["train", "validation", "test"]
SolverRole = Literal["weak", "strong"]
Series = Literal["", "fresh", "full"]
"""Which samples of a solver: those a workflow sees, a confirmation's, or a full measurement's."""
Status = Literal["accepted", "rejected", "unsuitable", "void"]
KnobValue = int | float | str | bool

SPLITS: tuple[Split, ...] = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class Document:
    """One source text; `id` is the hash of its content, `name` is for people.

    `span` is where in its source the text begins and ends, in characters; None: it is all of it.
    """

    id: str
    name: str
    text: str
    span: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Criterion:
    """One line of a rubric: satisfied or not; a negative weight marks a fault.

    `category` and `capability` are labels: what kind of line it is, and which skill earns it.
    """

    criterion: str
    weight: int
    category: str = ""
    capability: str = ""


@dataclass(frozen=True, slots=True)
class Example:
    """One training example of a domain, which says what each part of it is for.

    Usually `context` is shown to every solver, and an answer is graded by the `rubric`, or compared
    with `answer` where that is empty.
    """

    question: str
    answer: str
    context: str = ""
    rubric: tuple[Criterion, ...] = ()
    kind: str = ""
    skills: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verification:
    """A verifier's findings on an example; `frozen` when the protocol's own prompt asked for it."""

    passed: bool
    feedback: str = ""
    frozen: bool = False
    checks: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AuditForm:
    """The auditor's form on an accepted example: each objection, and the gravest in words."""

    leak: bool
    ambiguous: bool
    bare_number: bool
    rubric_fair: bool
    without_document: bool
    comment: str = ""

    @property
    def holds(self) -> bool:
        """Whether there is no objection."""
        wrong = self.leak or self.ambiguous or self.bare_number or self.without_document
        return self.rubric_fair and not wrong


@dataclass(frozen=True, slots=True)
class Attempt:
    """One solver's sampled answer with its score in [0, 1].

    `satisfied` is per rubric criterion; `note` says what came up when it was scored, `scored_by`
    who scored it, where the domain has several ways.
    """

    role: SolverRole
    sample: int
    answer: str
    score: float
    satisfied: tuple[bool, ...] = ()
    note: str = ""
    scored_by: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict of the acceptance rules, with the names of the rules that failed."""

    accepted: bool
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What fresh attempts, which nobody but the host sees, say of an example that was screened.

    `turn` counts the confirmations of an episode from 1; `reason` says why it was not confirmed.
    """

    turn: int
    attempts: tuple[Attempt, ...]
    confirmed: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Probe:
    """A test of an example's graders: whether it `held`, and the score, where one was given.

    `name` says what was put to them, such as another document's answer.
    """

    name: str
    held: bool
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Round:
    """One example: its verifications, attempts and verdict; a confirmation if it came to one.

    `probes` are of an example that passed the screen.
    """

    index: int
    example: Example
    verifications: tuple[Verification, ...]
    attempts: tuple[Attempt, ...]
    verdict: Verdict
    confirmation: Confirmation | None = None
    probes: tuple[Probe, ...] = ()


@dataclass(frozen=True, slots=True)
class Spend:
    """The cost of something: tokens, dollars, seconds of model time, and calls."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float = 0.0
    seconds: float = 0.0

    @staticmethod
    def total(spends: Iterable["Spend"]) -> "Spend":
        """Add up spends, with the same result in whatever order they come."""
        each = list(spends)
        return Spend(
            sum(spend.calls for spend in each),
            sum(spend.prompt_tokens for spend in each),
            sum(spend.completion_tokens for spend in each),
            math.fsum(spend.cost_usd for spend in each),
            math.fsum(spend.seconds for spend in each),
        )

    def __add__(self, other: "Spend") -> "Spend":
        return Spend(
            self.calls + other.calls,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.cost_usd + other.cost_usd,
            self.seconds + other.seconds,
        )


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over documents with its two-sided confidence interval at `level`."""

    mean: float
    low: float
    high: float
    level: float


def is_null(repeat: int) -> bool:
    """Whether a repeat is that of a null episode; no honest one shares a key with it."""
    return repeat < 0


@dataclass(frozen=True, slots=True)
class Cell:
    """The key of an episode within a harness version: a document and a repeat number.

    A repeat below zero is that of a null episode, in which the strong role has both seats.
    """

    document_id: str
    split: Split
    repeat: int

    @property
    def null(self) -> bool:
        """Whether its episode is a null one: whatever passes there has passed by luck."""
        return is_null(self.repeat)


@dataclass(frozen=True, slots=True)
class EpisodeKey:
    """The identity of an episode within a run: a harness version, a document and a repeat."""

    tree: str
    document_id: str
    repeat: int

    @property
    def null(self) -> bool:
        """Whether it is a null episode."""
        return is_null(self.repeat)


@dataclass(frozen=True, slots=True)
class Sample:
    """Which episodes measure a harness: `repeats` of `most` documents of a split (0: all).

    So many `null` episodes beside them; with `full` both solvers are asked afresh on the example
    that each episode came to.
    """

    split: Split = "validation"
    repeats: int = 1
    most: int = 0
    null: int = 0
    full: bool = False


@dataclass(frozen=True, slots=True)
class Episode:
    """All rounds for one document under one harness tree and one repeat.

    `reason` says why it was not accepted. One whose harness gave the document up as `unsuitable`
    counts as not accepted; a void episode never counts for or against a harness.
    `failed_calls` are steps whose calls failed while their endpoint answered others; `gates` is the
    part of `spend` that the gates took.
    """

    cell: Cell
    tree: str
    status: Status
    rounds: tuple[Round, ...] = ()
    reason: str = ""
    spend: Spend = Spend()
    failed_calls: int = 0
    gates: Spend = Spend()


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of an episode as a search sees it; never `void`.

    `held` is what the auditor says of its accepted example; None: it has not looked.
    """

    cell: Cell
    accepted: bool
    spend: Spend = Spend()
    failed_calls: int = 0
    held: bool | None = None
    gates: Spend = Spend()

    @property
    def counts(self) -> bool:
        """Whether it has an accepted example that nobody found wanting."""
        return self.accepted and self.held is not False


@dataclass(frozen=True, slots=True)
class Candidate:
    """A harness version in a run, a git commit: `c0` is the baseline, `c<i>` is iteration i's."""

    id: str
    commit: str
    tree: str
    parent_id: str | None = None
    knobs: dict[str, KnobValue] = field(default_factory=dict)
    prompt_chars: int = 0
    message: str = ""


@dataclass(frozen=True, slots=True)
class Origin:
    """The candidate of another run that a run begins with."""

    run: str
    candidate: str
    commit: str


@dataclass(frozen=True, slots=True)
class DealtDocument:
    """A document without its text: its hash, name, length, and place in its source."""

    id: str
    name: str
    characters: int
    span: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """Files and settings that a session was begun with, for sessions to come."""

    config: str | None = None
    models: str | None = None
    set: tuple[str, ...] = ()
    model_settings: dict[str, Json] = field(default_factory=dict)
