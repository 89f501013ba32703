"""Records of a small made-up run."""

import asyncio
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from autodata.episode.acceptance import RULES
from autodata.store import lines, tables
from autodata.store.episodes import (
    CallRecord,
    CommandRecord,
    EpisodeRecord,
    ExecutionRecord,
    QueryRecord,
)
from autodata.store.format import Record
from autodata.store.journal import BULKY, PACKED_AT_LEAST, Journal
from autodata.store.lines import Entry
from autodata.store.packing import pack
from autodata.store.quality import CalibrationRecord, FindingRecord, GapRecord
from autodata.store.records import (
    BeliefsRecord,
    CandidateRecord,
    Certificate,
    ClosingRecord,
    DocumentsRecord,
    EditBelief,
    EditRecord,
    GrowthRecord,
    IterationRecord,
    LookRecord,
    PromotionRecord,
    RunRecord,
    SessionRecord,
    TroubleRecord,
)
from autodata.store.schema import SCHEMA
from autodata.types import DealtDocument, Interval, Json, Spend, Split, Status

Kept = tuple[str, Record]  # a key and a record

EXAMPLE: Json = {
    "question": "why?",
    "answer": "because",
    "context": "it is so",
    "rubric": [{"criterion": "says because", "weight": 3, "category": ""}],
    "kind": "causal",
    "skills": ["reading", "logic"],
}


def attempt(role: str, sample: int, score: float) -> Json:
    return {"role": role, "sample": sample, "answer": "so", "score": score, "satisfied": [True]}


def call(number: int, split: str = "train", text: str = "hello") -> tuple[str, CallRecord]:
    record = CallRecord(
        role="weak" if split else "analyzer",
        ordinal=f"r{number}.weak.0",
        tree="tree0" if split else "",
        commit="commit0" if split else "",
        candidate_id="c0" if split else "",
        document_id=f"doc-{split}-{number % 5}" if split else "",
        split=split,
        repeat=0,
        endpoint="small",
        provider="scripted",
        model="m",
        request={"messages": [{"role": "user", "content": f"secret of {split}"}]},
        reply={"text": text, "finish": "stop", "tool_calls": [], "reasoning_tokens": 1},
        prompt_tokens=10,
        completion_tokens=2,
        cached_tokens=0,
        cost_usd=0.001,
        seconds=0.5,
        outcome="ok",
        tries=1,
    )
    return f"call-{split}-{number}", record


def episode(
    document: str, split: Split, status: Status = "accepted", repeat: int = 0
) -> tuple[str, EpisodeRecord]:
    attempts = [attempt("weak", 0, 0.0), attempt("weak", 1, 0.5), attempt("strong", 0, 1.0)]
    checks = [{"passed": True, "feedback": "", "frozen": False, "checks": {}}]
    rounds: list[Json] = [
        {
            "index": 1,
            "example": EXAMPLE | {"question": f"secret of {split}"},
            "verifications": checks,
            "attempts": attempts,
            "verdict": {"accepted": status == "accepted", "reasons": ["gap"]},
        },
    ]
    record = EpisodeRecord(
        candidate_id="c0",
        commit="commit0",
        tree="tree0",
        document_id=document,
        split=split,
        repeat=repeat,
        status=status,
        reason=f"secret of {split}",
        rounds=() if status == "void" else tuple(rounds),
        calls=12,
        prompt_tokens=100,
        completion_tokens=20,
        cost_usd=0.5,
        seconds=3.0,
    )
    return f"tree0:{document}:{repeat}", record


def begun(name: str = "r", **other: Any) -> RunRecord:
    """Return the record that a run begins with."""
    known: Json = {
        "run_id": name,
        "created_at": 1767315845,
        "harness": "lambada",
        "baseline_commit": "commit0",
        "baseline_tree": "tree0",
        "seed": 7,
        "config": {"models": {"small": {"provider": "scripted"}}, "test": "secret of test"},
        "simulated": True,
        "autodata": "0.1.0",
        "rules": 2,
    }
    return RunRecord(**{**known, **other})


def certificate(candidate: str = "c1", certified: bool = True) -> Certificate:
    """Return what the test split says of a candidate; its mean is a secret of test documents."""
    mean = Interval(0.125, 0.1, 0.2, 0.95)
    return Certificate(candidate, "c0", certified, mean, mean, mean, mean, 40, 1, 0)


def finding(document: str, split: Split, holds: bool = True) -> FindingRecord:
    """Return what the auditor says of an example of the baseline."""
    place = ("c0", "commit0", "tree0", document, split, 0, 1)
    return FindingRecord(*place, holds, False, not holds, False, True, False, "no objection", "-")


def small_run(name: str = "r") -> Iterator[Kept]:
    """Yield records of every kind, and train, validation and test documents."""
    yield name, begun(name)
    dealt = {
        split: tuple(
            DealtDocument(f"doc-{split}-{n}", f"{split}.txt#{n}", 9, (9, 18)) for n in (1, 2)
        )
        for split in ("train", "validation", "test")
    }
    yield "dealt", DocumentsRecord(**dealt)
    yield "1", SessionRecord(begun_at=1.0, autodata="0.1.0")
    baseline = CandidateRecord(
        "commit0", "tree0", None, {"rounds": 2}, 9, "Begin", "c0", 0, "begin"
    )
    mutant = CandidateRecord("commit1", "tree1", "c0", {"rounds": 3}, 9, "Move", "c1", 1, "knobs")
    yield "c0", baseline
    yield "c1", mutant
    splits: tuple[Split, ...] = ("train", "validation", "test")
    for split in splits:
        yield call(1, split)
        yield episode(f"doc-{split}-1", split)
        yield episode(f"doc-{split}-2", split, "void")
        yield episode(f"doc-{split}-2", split, "rejected")
    for split in splits:
        yield f"tree0:doc-{split}-1:0", finding(f"doc-{split}-1", split)
        place = ("c0", "commit0", "tree0", f"doc-{split}-1", split, 0, 1)
        yield f"tree0:doc-{split}-1:0", GapRecord(*place, (0.25, 0.5), (0.75,))
    yield call(2, "")
    yield "i1:aa", QueryRecord("select 1", "1")
    yield "i1", CommandRecord("tree0", {"workflow.py": "pass\n"}, "Passes", "", 3.0)
    at = ("tree0", "commit0", "c0", "doc-test-1", "test", 0, "r1.weak.0.score")
    yield "execution", ExecutionRecord("scorer", *at, 0.5, "")
    yield "small", TroubleRecord("endpoint small is down", 812)
    spend = Spend(3, 4, 5, 0.1, 9.0)
    iteration = IterationRecord(
        iteration=1,
        parent_id="c0",
        candidate_id="c1",
        kind="knobs",
        analysis="too easy",
        predictions=({"document_id": "doc-train-1", "probability": 0.7},),
        edit="rounds 2 -> 3",
        decision="admitted",
        reason="better",
        evidence={"e_value": float("inf")},
        audit={},
        episodes=4,
        accepted=2,
        parent_accepted=1,
        spend=spend,
        candidate_spend=spend,
        parent_spend=spend,
    )
    yield "1", iteration
    yield "e2", EditRecord("commit3", "tree3", "c0", "text", "Ask for less", "+less", 0)
    yield "1", LookRecord((2,))
    believed = EditBelief(2, 0.04, -0.01, 0.09, 0.94, -350.5, 60, "undecided")
    yield "1", BeliefsRecord((believed,))
    yield "1", GrowthRecord(4, 0, 1, 2)
    yield "1", ClosingRecord("budget.calls", 100, 1, 0, True)
    yield "c1", certificate()
    agreement = Interval(0.9, 0.8, 1.0, 0.95)
    calibrated = CalibrationRecord("us", "m", 2, 10, agreement, 4, 1, 6, 0, 9, ({"labelled": 2},))
    yield "labels", calibrated
    yield "finished", SessionRecord("finished")
    yield "harness/h/v3", PromotionRecord("c1", "commit2", "h", "v3", False, {"run": name})


def merging_run(name: str = "r") -> Iterator[Kept]:
    """Yield the records of a finished merging search: four proposals, two looks, three sets.

    Edits 1 and 2 are in the finalist c3; 3 was rejected, and proposal 4 was refused.
    """
    yield name, begun(name, rules=RULES)
    yield "1", SessionRecord(begun_at=1.0, autodata="0.1.0")
    for n, edits in enumerate(((), (1, 3), (2, 3), (1, 2))):
        message = "Begin" if n == 0 else f"Merge {len(edits)} edits"
        made = CandidateRecord(
            f"commit{n}", f"tree{n}", None, {"rounds": 2}, 9, message, f"c{n}", n, "merge", edits
        )
        yield made.candidate_id, made
    messages = ("Ask for less\n\nShort ones pass.", "Name the trap", "Shout")
    for number, message in enumerate(messages, 1):
        yield (
            f"e{number}",
            EditRecord(f"edit{number}", f"e{number}", "c0", "text", message, f"+rule {number}", 0),
        )
    spend = Spend(3, 4, 5, 0.1, 9.0)
    for look, entered, effects in (
        (1, (1, 3), {1: 0.02, 3: -0.05}),
        (2, (2,), {1: 0.031, 2: 0.06, 3: -0.1}),
    ):
        yield str(look), LookRecord(entered)
        for candidate in ("c0", "c3"):
            for document in range(10):
                status: Status = "accepted" if document % 2 and candidate == "c3" else "rejected"
                key, played = episode(f"doc-validation-{document}", "validation", status, look)
                yield f"{candidate}{key}", replace(played, candidate_id=candidate)
        yield (
            str(look),
            BeliefsRecord(
                tuple(
                    EditBelief(
                        edit,
                        effect,
                        effect - 0.05,
                        effect + 0.05,
                        0.5 + 5 * effect,
                        None if edit == 3 else -100.0 * edit,
                        30 * look,
                        "rejected" if edit == 3 and look == 2 else "undecided",
                    )
                    for edit, effect in effects.items()
                )
            ),
        )
    for number, decision, reason in (
        (1, "admitted", "good at .97"),
        (3, "rejected", "good at .02"),
        (4, "refused", "this harness was tried before"),
    ):
        yield (
            str(number),
            IterationRecord(
                number,
                "c0",
                None if decision == "refused" else f"e{number}",
                "text",
                "too long",
                (),
                f"+rule {number}",
                decision,  # type: ignore[arg-type]
                reason,
                {},
                {},
                60,
                20,
                10,
                spend,
                spend,
                spend,
            ),
        )
    yield "c3", certificate("c3")
    yield "finished", SessionRecord("finished", best="c3", finalists=("c3",), episodes=40)


def write(run: Path, facts: Iterable[Kept], **options: Any) -> None:
    """Write the records as a finished run."""

    async def all_of_them() -> None:
        journal = Journal.open(run, linger=0, clock=lambda: 1_000_000.0, **options)
        for key, record in facts:
            await journal.append(key, record)
        await journal.close()

    asyncio.run(all_of_them())


def write_entries(run: Path, entries: Iterable[Entry]) -> None:
    """Write a run's journal anew, whatever its entries say, packed if it is not small."""
    text = b"".join(lines.encode(entry) for entry in entries)
    shutil.rmtree(run / "journal", ignore_errors=True)
    (run / "journal").mkdir(parents=True)
    segment = lines.segment(run / "journal", 1)
    segment.write_bytes(text)
    if len(text) >= PACKED_AT_LEAST:
        pack(segment, BULKY)


def changed(entry: Entry, **fields: Any) -> Entry:
    """Return an entry with other fields in its body."""
    return replace(entry, body={**entry.body, **fields})


def tables_of(runs: Path) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables, without what depends on the clock."""
    with tables.connect(runs) as connection:
        return {
            table: tables.query(
                connection,
                f"SELECT * EXCLUDE ({', '.join(times)}) FROM {table} ORDER BY ALL",
            ).rows
            for table, columns in SCHEMA.items()
            if (
                times := [
                    name for name, _, _ in columns if name.endswith("_at") or name == "seconds"
                ]
            )
        }
