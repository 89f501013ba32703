"""Records of a small made-up run, in the shape the rest of autodata writes them."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from autodata.store import tables
from autodata.store.journal import Journal
from autodata.store.rows import SCHEMA
from autodata.types import Json

Fact = tuple[str, str, Json]

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


def call(number: int, split: str = "train", text: str = "hello") -> Fact:
    document = "" if not split else f"doc-{split}-{number % 5}"
    body = {
        "role": "weak" if split else "analyzer",
        "ordinal": f"r{number}.weak.0",
        "tree": "tree0" if split else "",
        "commit": "commit0" if split else "",
        "candidate_id": "c0" if split else "",
        "document_id": document,
        "split": split,
        "repeat": 0,
        "endpoint": "small",
        "provider": "scripted",
        "model": "m",
        "request": {"messages": [{"role": "user", "content": f"secret of {split}"}]},
        "reply": {"text": text, "finish": "stop", "tool_calls": []},
        "prompt_tokens": 10,
        "completion_tokens": 2,
        "cached_tokens": 0,
        "cost_usd": 0.001,
        "seconds": 0.5,
        "outcome": "ok",
        "tries": 1,
    }
    return "call", f"call-{split}-{number}", body


def episode(document: str, split: str, status: str = "accepted", repeat: int = 0) -> Fact:
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
    body = {
        "candidate_id": "c0",
        "commit": "commit0",
        "tree": "tree0",
        "document_id": document,
        "split": split,
        "repeat": repeat,
        "status": status,
        "reason": f"secret of {split}",
        "rounds": [] if status == "void" else rounds,
        "calls": 12,
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "cost_usd": 0.5,
        "seconds": 3.0,
    }
    return "episode", f"tree0:{document}:{repeat}", body


def small_run(name: str = "r") -> Iterator[Fact]:
    """Yield one record of every kind, and train, validation and test documents."""
    yield (
        "run",
        name,
        {
            "run_id": name,
            "created_at": "2026-01-02T03:04:05+02:00",
            "harness": "lambada",
            "baseline_commit": "commit0",
            "seed": 7,
            "config": {"models": {"small": {"provider": "scripted"}}, "test": "secret of test"},
            "simulated": True,
        },
    )
    dealt = {
        split: [
            {"id": f"doc-{split}-{n}", "name": f"{split}.txt#{n}", "characters": 9, "span": [9, 18]}
            for n in (1, 2)
        ]
        for split in ("train", "validation", "test")
    }
    yield "documents", "dealt", dealt
    yield (
        "candidate",
        "c0",
        {"candidate_id": "c0", "commit": "commit0", "tree": "tree0", "knobs": {"rounds": 2}},
    )
    for split in ("train", "validation", "test"):
        yield call(1, split)
        yield episode(f"doc-{split}-1", split)
        yield episode(f"doc-{split}-2", split, "void")
        yield episode(f"doc-{split}-2", split, "rejected")
    yield call(2, "")
    yield (
        "iteration",
        "1",
        {
            "iteration": 1,
            "parent_id": "c0",
            "candidate_id": "c1",
            "kind": "knobs",
            "analysis": "too easy",
            "predictions": [{"document_id": "doc-train-1", "probability": 0.7}],
            "decision": "admitted",
            "reason": "better",
            "evidence": {"e_value": float("inf")},
            "calls": 3,
            "seconds": 9.0,
        },
    )
    yield "certification", "c1", {"candidate_id": "c1", "commit": "x", "mean": "secret of test"}
    yield "session", "finished", {"ended": "finished"}
    yield "promotion", "c1", {"candidate_id": "c1", "version": 3, "forced": False, "harness": "h"}


def write(run: Path, facts: Iterator[Fact] | list[Fact], **options: Any) -> None:
    """Write the records as a finished run."""

    async def all_of_them() -> None:
        journal = Journal.open(run, linger=0, clock=lambda: 1_000_000.0, **options)
        for fact in facts:
            await journal.append(*fact)
        await journal.close()

    asyncio.run(all_of_them())


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
