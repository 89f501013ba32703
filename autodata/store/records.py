"""The records of a journal: one frozen dataclass a kind.

Nobody else spells the fields of a record. A field that has its default is left out of its JSON. How
a kind is changed is told in `store.format`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated, Literal

from autodata.store.certificates import Certificate as Certificate
from autodata.store.format import INSIDE, OWN_WORDS, Quote, Record, Word
from autodata.types import (
    Asked,
    DealtDocument,
    Json,
    KnobValue,
    Origin,
    Spend,
    Split,
)

FINISHED: Literal["finished"] = "finished"
"""Key of a session record, and its `ended`: the run came to its own end."""
DEALT = "dealt"
"""Key of the one record of a run's documents."""


@dataclass(frozen=True, slots=True)
class RunRecord(Record):
    """What a run begins with, equal on every resume; its key is the run's name.

    `autodata` is the version that began it, `rules` that of its acceptance code. A measurement has
    the kind `evaluation`, no `base_commit` and no `test_split`.
    """

    KIND = "run"
    VERSION = 3
    UPGRADES = MappingProxyType(
        {
            1: lambda body: {**body, "autodata": "0.1.0"},
            2: lambda body: {**body, "rules": 1},
        }
    )

    run_id: Word
    created_at: int
    harness: Word
    baseline_commit: Word
    baseline_tree: Word
    seed: int
    config: Json
    simulated: bool
    autodata: Word
    rules: int
    base_commit: Word | None = None
    test_split: Word = ""
    kind: Annotated[Literal["optimization", "evaluation"], OWN_WORDS] = "optimization"
    origin: Origin | None = field(default=None, metadata={"name": "from"})


@dataclass(frozen=True, slots=True)
class DocumentsRecord(Record):
    """Which documents each split was dealt."""

    KIND = "documents"
    train: tuple[DealtDocument, ...]
    validation: tuple[DealtDocument, ...]
    test: tuple[DealtDocument, ...]

    def dealt(self) -> Iterator[tuple[Split, DealtDocument]]:
        """Yield every document with its split."""
        yield from (("train", document) for document in self.train)
        yield from (("validation", document) for document in self.validation)
        yield from (("test", document) for document in self.test)


@dataclass(frozen=True, slots=True)
class SessionRecord(Record):
    """The beginning of a session (key `n`), its end (`n-end`), or the end of the run (`finished`).

    `ended` is None at the beginning, else why it ended: `done`, `finished`, or an error's name. The
    rest is there where it applies; `autodata` is the version that a session was begun by. Of a
    finished search `closed` names the budget that closed it, and `episodes` are those it took.
    """

    KIND = "session"
    ended: Word | None = None
    reason: Quote = ""
    begun_at: float | None = None
    ended_at: float | None = None
    autodata: Word = ""
    asked: Asked | None = None
    closed: Word = ""
    finished_at: float | None = None
    best: Word = ""
    best_commit: Word = ""
    finalists: Annotated[tuple[str, ...], INSIDE] = ()
    certificates: Annotated[tuple[Certificate, ...], INSIDE] = ()
    baseline_rate: Annotated[tuple[float, float, float] | None, INSIDE] = None
    episodes: int | None = None


@dataclass(frozen=True, slots=True)
class GrowthRecord(Record):
    """More iterations or episodes than a search had.

    `decided` iterations were decided when it came. It applies from iteration `first` on, as those
    before may have been begun, or sooner where the plan before comes to its end. In a merging
    search both count looks that have begun.
    """

    KIND = "growth"
    iterations: int
    episodes: int
    decided: int
    first: int


@dataclass(frozen=True, slots=True)
class ClosingRecord(Record):
    """A search that ended because `bound`, of value `limit`, left only the sealed test's share.

    It came when `after` iterations were decided and the leaders measured again `looks` times; in a
    merging search when so many looks had begun, and so many were over.
    Where not even that share was left nobody is `tested`.
    """

    KIND = "closing"
    bound: str
    limit: float
    after: int
    looks: int
    tested: bool


@dataclass(frozen=True, slots=True)
class CandidateRecord(Record):
    """A candidate that is about to be measured, or the baseline; its key is its id.

    In a race `kind` is the proposer that made it and `iteration` the one it came from. In a merging
    search `edits` are the numbers of those that are merged on the baseline, and the iteration that
    of the newest of them.
    """

    KIND = "candidate"
    commit: Word
    tree: Word
    parent_id: Word | None
    knobs: dict[str, KnobValue]
    prompt_chars: int
    message: str
    candidate_id: Word
    iteration: int
    kind: Word
    edits: Annotated[tuple[int, ...], INSIDE] = ()


@dataclass(frozen=True, slots=True)
class EditRecord(Record):
    """An edit of a merging search: a patch of `parent_id`, alone on it; its key is its name `e<i>`.

    `kind` is the proposer that made it, and `look` says how many looks were over when it was asked.
    At which look it enters the pool is said there.
    """

    KIND = "edit"
    commit: Word
    tree: Word
    parent_id: Word
    kind: Word
    message: str
    diff: str
    look: int


@dataclass(frozen=True, slots=True)
class LookRecord(Record):
    """A look begins, and these edits have entered the pool before it; its key is its number."""

    KIND = "look"
    entered: Annotated[tuple[int, ...], INSIDE]


EditState = Literal["undecided", "admitted", "rejected"]


@dataclass(frozen=True, slots=True)
class EditBelief:
    """What a merging search believes of an edit: no test, as it has looked at the data often.

    `effect` is what it does to the pass rate, `low` and `high` its 95 % interval, `good` the
    probability that it is above zero, `tokens` what it does to the tokens per accepted example,
    None where that is not known. All is from `episodes` in whose harness it was.
    """

    edit: int
    effect: float
    low: float
    high: float
    good: float
    tokens: float | None
    episodes: int
    state: Annotated[EditState, OWN_WORDS]


@dataclass(frozen=True, slots=True)
class BeliefsRecord(Record):
    """What is believed after a look, of edits that are undecided or just decided.

    Its key is the look's number.
    """

    KIND = "beliefs"
    edits: Annotated[tuple[EditBelief, ...], INSIDE]


@dataclass(frozen=True, slots=True)
class IterationRecord(Record):
    """A decided iteration; `spend` is the proposal's, the others the race's.

    In a merging search iteration i is the edit `e<i>`, and `candidate_id` names it.

    `evidence` is whatever the decision rule looked at.
    """

    KIND = "iteration"
    iteration: int
    parent_id: Word
    candidate_id: Word | None
    kind: Word
    analysis: str
    predictions: Annotated[tuple[Json, ...], INSIDE]
    edit: str
    decision: Annotated[Literal["admitted", "rejected", "refused"], OWN_WORDS]
    reason: Quote
    evidence: Annotated[Json, INSIDE]
    audit: Annotated[Json, INSIDE]
    episodes: int
    accepted: int
    parent_accepted: int
    spend: Annotated[Spend, INSIDE]
    candidate_spend: Annotated[Spend, INSIDE]
    parent_spend: Annotated[Spend, INSIDE]


@dataclass(frozen=True, slots=True)
class PromotionRecord(Record):
    """A candidate that became a version of its harness; its key is the tag."""

    KIND = "promotion"
    candidate_id: Word
    commit: Word
    harness: Word
    version: Word
    forced: bool
    evidence: Annotated[Json, INSIDE]


@dataclass(frozen=True, slots=True)
class TroubleRecord(Record):
    """What is wrong with the endpoint of this name, as process `pid` saw it; "": no more."""

    KIND = "trouble"
    problem: Quote
    pid: int
