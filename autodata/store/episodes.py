"""The records of a journal that episodes and proposals leave: calls, executions, queries and so on.

The others are in `store.records`, which says what holds for all of them.
"""

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated, Any

from autodata.store import strict
from autodata.store.format import INSIDE, OWN_WORDS, Quote, Record, Word
from autodata.types import Cell, Json, Outcome, Round, Spend, Split, Status, is_null


@dataclass(frozen=True, slots=True)
class EpisodeRecord(Record):
    """An episode that has ended; a void one has a key of its own, as it is run again.

    `rounds` are plain JSON, as few readers look into them; `played` are the same as values. `gates`
    is what of the rest the gates took, without their time.
    """

    KIND = "episode"
    VERSION = 2
    UPGRADES = MappingProxyType({1: lambda body: body})  # no round had a confirmation
    candidate_id: Word
    commit: Word
    tree: Word
    document_id: Word
    split: Annotated[Split, OWN_WORDS]
    repeat: int
    status: Annotated[Status, OWN_WORDS]
    reason: Quote
    rounds: Annotated[tuple[Json, ...], INSIDE]
    calls: int
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float
    seconds: float
    failed_calls: int = 0
    gates: Annotated[Spend, INSIDE] = field(default_factory=Spend)

    @property
    def played(self) -> tuple[Round, ...]:
        """Its rounds, read as strictly as everything else."""
        try:
            return tuple(strict.read(Round, past) for past in self.rounds)
        except strict.NotOfThisClass as error:
            raise self.none_of(error) from error

    def untimed(self) -> Json:
        """Return it as JSON without the time it took."""
        return {name: value for name, value in self.to_json().items() if name != "seconds"}

    @property
    def void(self) -> bool:
        """Infrastructure failed: it counts for nothing."""
        return self.status == "void"

    @property
    def null(self) -> bool:
        """The strong role had both seats: it counts as no episode of the harness."""
        return is_null(self.repeat)

    @property
    def cell(self) -> Cell:
        """Where it stands."""
        return Cell(self.document_id, self.split, self.repeat)

    @property
    def outcome(self) -> Outcome:
        """What a search sees of it."""
        spend = Spend(
            self.calls, self.prompt_tokens, self.completion_tokens, self.cost_usd, self.seconds
        )
        accepted = self.status == "accepted"
        return Outcome(self.cell, accepted, spend, self.failed_calls, gates=self.gates)


@dataclass(frozen=True, slots=True)
class CallRecord(Record):
    """A call that was answered, or failed for good: where it was made, what came of it, its cost.

    `outcome` is `ok`, `Malformed` or the name of an error, whose `problem` and `fix` are kept.
    """

    KIND = "call"
    role: Word
    ordinal: Word
    tree: Word
    commit: Word
    candidate_id: Word
    document_id: Word
    split: Word
    repeat: int
    endpoint: Word
    provider: Word
    model: str
    request: Json
    reply: Json
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    cost_usd: float
    seconds: float
    outcome: Word
    tries: int
    problem: Quote = ""
    fix: str = ""

    @property
    def spend(self) -> Spend:
        """What it cost."""
        return Spend(1, self.prompt_tokens, self.completion_tokens, self.cost_usd, self.seconds)


@dataclass(frozen=True, slots=True)
class ExecutionRecord(Record):
    """What a function of the user's own said of an example or attempt, or why it could not."""

    KIND = "execution"
    function: str
    tree: Word
    commit: Word
    candidate_id: Word
    document_id: Word
    split: Word
    repeat: int
    ordinal: Word
    value: Any
    problem: Quote


@dataclass(frozen=True, slots=True)
class QueryRecord(Record):
    """What an analyzer asked of its run, and was answered."""

    KIND = "query"
    sql: str
    answer: str


@dataclass(frozen=True, slots=True)
class CommandRecord(Record):
    """What a program left of the harness that it was to edit, or why that counts for nothing.

    Its key is `i<number>` of the proposal. `tree` is the harness that it was given, `files` are
    those that it changed, None for one that it removed.
    """

    KIND = "command"
    tree: Word
    files: dict[str, str | None]
    summary: str
    problem: Quote
    seconds: float
