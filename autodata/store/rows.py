"""The one pure function that turns facts of a journal into rows of the tables.

Sealed Parquet and the live tail of a run are made by the same code. A column has the name of a
field of its record; `DERIVED` are those that are made of others.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from statistics import fmean
from typing import Any

from autodata.errors import StoreError
from autodata.store.episodes import CallRecord, EpisodeRecord
from autodata.store.facts import Fact
from autodata.store.format import Record
from autodata.store.quality import CalibrationRecord, FindingRecord, GapRecord
from autodata.store.records import (
    BeliefsRecord,
    CandidateRecord,
    Certificate,
    DocumentsRecord,
    EditRecord,
    IterationRecord,
    LookRecord,
    PromotionRecord,
    RunRecord,
)
from autodata.store.schema import SCHEMA
from autodata.types import Attempt, Round

Row = dict[str, Any]

_PLACE = ("candidate_id", "commit", "document_id", "split", "repeat")
DERIVED: dict[str, tuple[str, ...]] = {
    "runs": (),
    "documents": ("document_id", "split"),
    "candidates": (),
    "edits": ("edit",),
    "looks": ("look",),
    "beliefs": ("look", "edit", "effect", "low", "high", "good", "tokens", "episodes", "state"),
    "episodes": ("score", "null_episode"),
    "rounds": (
        *_PLACE,
        *("round", "verified", "weak_mean", "strong_mean", "gap", "accepted", "reasons"),
        *("confirmed", "confirmation", "fresh_weak_mean", "fresh_strong_mean"),
    ),
    "attempts": (*_PLACE, "round", "fresh"),
    "findings": (),
    "gaps": ("gap",),
    "calls": ("key", "finish", "reasoning_tokens"),
    "iterations": (),
    "certifications": ("commit", "evidence"),
    "calibrations": (),
    "promotions": ("evidence",),
}
"""Columns that are no field of what a table's rows stand for."""
_NAMES = {table: tuple(name for name, _, _ in columns) for table, columns in SCHEMA.items()}
# Written as "" or 0 in records where it does not apply, as in a call outside of any episode.
_BLANK = ("candidate_id", "commit", "document_id", "split", "tree", "parent_id", "endpoint")
_BLANKS = {table: [name for name in _BLANK if name in names] for table, names in _NAMES.items()}


def rows(fact: Fact[Record], run_id: str) -> Iterator[tuple[str, Row]]:
    """Project a fact into the rows it stands for, as table name and row with every column.

    Values are plain JSON (times as ISO text in UTC). Records of kinds that have no table give none.
    """
    project = _PROJECTIONS.get(type(fact.record))
    if project is None:
        return
    recorded_at = _time(fact.at)
    for table, row in _named(project(fact), fact, run_id):
        full = {name: row.get(name) for name in _NAMES[table]}
        for name in _BLANKS[table]:
            full[name] = full[name] or None
        full["run_id"] = run_id
        if "recorded_at" in full:
            full["recorded_at"] = recorded_at
        yield table, full


def _named(
    projected: Iterator[tuple[str, Row]], fact: Fact[Record], run_id: str
) -> Iterator[tuple[str, Row]]:
    """Yield rows; an error says of what they are."""
    try:
        yield from projected
    except StoreError as error:
        place = f"{fact.kind} {fact.key} of run {run_id}"
        raise StoreError(f"{place} is {error.problem}", error.fix) from error


def _run(fact: Fact[RunRecord]) -> Iterator[tuple[str, Row]]:
    created = _time(fact.record.created_at)
    yield "runs", {**_fields(fact.record, "runs"), "created_at": created}


def _documents(fact: Fact[DocumentsRecord]) -> Iterator[tuple[str, Row]]:
    for split, document in fact.record.dealt():
        row = _fields(document, "documents")
        yield "documents", {**row, "document_id": document.id, "split": split}


def _candidate(fact: Fact[CandidateRecord]) -> Iterator[tuple[str, Row]]:
    yield "candidates", _fields(fact.record, "candidates")


def _edit(fact: Fact[EditRecord]) -> Iterator[tuple[str, Row]]:
    yield "edits", {**_fields(fact.record, "edits"), "edit": int(fact.key.removeprefix("e"))}


def _look(fact: Fact[LookRecord]) -> Iterator[tuple[str, Row]]:
    yield "looks", {"look": int(fact.key), "entered": fact.record.entered}


def _beliefs(fact: Fact[BeliefsRecord]) -> Iterator[tuple[str, Row]]:
    for believed in fact.record.edits:
        yield "beliefs", {**_fields(believed, "beliefs"), "look": int(fact.key)}


def _episode(fact: Fact[EpisodeRecord]) -> Iterator[tuple[str, Row]]:
    record = fact.record
    counted = not record.void and not record.null
    score = int(record.status == "accepted") if counted else None
    episode = _fields(record, "episodes")
    episode |= {"rounds": len(record.rounds), "score": score, "null_episode": record.null}
    yield "episodes", episode
    place = {name: getattr(record, name) for name in _PLACE}
    for past in record.played:
        place["round"] = past.index
        yield "rounds", {**place, **_round(past)}
        fresh = past.confirmation.attempts if past.confirmation else ()
        for attempts, confirming in ((past.attempts, False), (fresh, True)):
            for attempt in attempts:
                yield "attempts", {**place, **_fields(attempt, "attempts"), "fresh": confirming}


def _round(past: Round) -> Row:
    weak, strong = (_mean(past.attempts, role) for role in ("weak", "strong"))
    checks, confirmation = past.verifications, past.confirmation
    fresh = confirmation.attempts if confirmation else ()
    return {
        **_fields(past.example, "rounds"),
        "rubric": [asdict(criterion) for criterion in past.example.rubric],
        "verified": all(check.passed for check in checks) if checks else None,
        "verifications": [asdict(check) for check in checks],
        "probes": [asdict(probe) for probe in past.probes],
        "weak_mean": weak,
        "strong_mean": strong,
        "gap": None if weak is None or strong is None else round(strong - weak, 9),
        "confirmed": confirmation and confirmation.confirmed,
        "confirmation": confirmation and confirmation.turn,
        "fresh_weak_mean": _mean(fresh, "weak"),
        "fresh_strong_mean": _mean(fresh, "strong"),
        "accepted": past.verdict.accepted,
        "reasons": past.verdict.reasons,
    }


def _finding(fact: Fact[FindingRecord]) -> Iterator[tuple[str, Row]]:
    yield "findings", _fields(fact.record, "findings")


def _gap(fact: Fact[GapRecord]) -> Iterator[tuple[str, Row]]:
    weak, strong = fact.record.weak, fact.record.strong
    gap = round(fmean(strong) - fmean(weak), 9) if weak and strong else None
    yield "gaps", {**_fields(fact.record, "gaps"), "gap": gap}


def _call(fact: Fact[CallRecord]) -> Iterator[tuple[str, Row]]:
    record = fact.record
    row = _fields(record, "calls")
    reply = {name: record.reply.get(name) for name in ("finish", "reasoning_tokens")}
    repeat = record.repeat if record.document_id else None
    yield "calls", {**row, **reply, "key": fact.key, "repeat": repeat}


def _iteration(fact: Fact[IterationRecord]) -> Iterator[tuple[str, Row]]:
    row = _fields(fact.record, "iterations")
    yield "iterations", {**row, **_fields(fact.record.spend, "iterations")}


def _certification(fact: Fact[Certificate]) -> Iterator[tuple[str, Row]]:
    row = _fields(fact.record, "certifications")
    yield "certifications", {**row, "evidence": fact.record.to_json()}


def _calibration(fact: Fact[CalibrationRecord]) -> Iterator[tuple[str, Row]]:
    row = _fields(fact.record, "calibrations")
    yield "calibrations", {**row, "agreement": asdict(fact.record.agreement)}


def _promotion(fact: Fact[PromotionRecord]) -> Iterator[tuple[str, Row]]:
    row = _fields(fact.record, "promotions")
    yield "promotions", {**row, "evidence": fact.record.to_json()}


def _fields(value: Any, table: str) -> Row:
    """Return the columns of a table that are fields of a dataclass."""
    return {name: getattr(value, name) for name in _shared(type(value), table)}


def _make_shared(cls: Any, table: str) -> tuple[str, ...]:
    return tuple(name for name in _NAMES[table] if name in cls.__dataclass_fields__)


def _mean(attempts: Iterable[Attempt], role: str) -> float | None:
    values = [attempt.score for attempt in attempts if attempt.role == role]
    return round(sum(values) / len(values), 9) if values else None


def _time(at: float) -> str:
    """Return seconds since the epoch as ISO text in UTC without a zone."""
    moment = datetime.fromtimestamp(at, UTC).replace(tzinfo=None)
    return moment.isoformat(sep=" ", timespec="milliseconds")


_shared: Callable[[type, str], tuple[str, ...]] = cache(_make_shared)
_PROJECTIONS: dict[type[Record], Callable[[Fact[Any]], Iterator[tuple[str, Row]]]] = {
    RunRecord: _run,
    DocumentsRecord: _documents,
    CandidateRecord: _candidate,
    EditRecord: _edit,
    LookRecord: _look,
    BeliefsRecord: _beliefs,
    EpisodeRecord: _episode,
    FindingRecord: _finding,
    GapRecord: _gap,
    CallRecord: _call,
    IterationRecord: _iteration,
    Certificate: _certification,
    CalibrationRecord: _calibration,
    PromotionRecord: _promotion,
}
