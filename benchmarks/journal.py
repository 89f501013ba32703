"""What a journaled call costs our own process, against a bare file with one fsync a record.

    python benchmarks/journal.py [--calls 20000] [--in-flight 256] [--body-bytes 4000]

Prints one JSON object. CPU is user and system time of all threads of this process, encoding
included; the bare file gets the same bytes, already encoded.
"""

import argparse
import asyncio
import json
import os
import resource
import tempfile
import time
from pathlib import Path

from autodata.store import lines
from autodata.store.episodes import CallRecord
from autodata.store.journal import Journal


def call(number: int, size: int) -> CallRecord:
    """Return the record of a call, some `size` bytes long."""
    text = "the quick brown fox jumps over the lazy dog " * (size // 90)
    return CallRecord(
        role="strong",
        ordinal=f"r{number % 7}.strong.{number % 3}",
        tree="f" * 40,
        commit="c" * 40,
        candidate_id="c1",
        document_id=f"{number % 50:032x}",
        split="train",
        repeat=0,
        endpoint="strong",
        provider="openai",
        model="large",
        request={"messages": [{"role": "user", "content": text}], "temperature": 1.0},
        reply={"text": text, "finish": "stop"},
        prompt_tokens=800,
        completion_tokens=200,
        cached_tokens=0,
        cost_usd=0.001,
        seconds=1.25,
        outcome="ok",
        tries=1,
    )


async def measure_journal(folder: Path, calls: int, in_flight: int, size: int) -> dict[str, float]:
    """Append `calls` records from `in_flight` concurrent tasks."""
    journal = Journal.open(folder)
    numbers = iter(range(calls))

    async def work() -> None:
        for number in numbers:
            await journal.append(f"{number:032x}", call(number, size))

    before, started, cpu = rss_mb(), time.perf_counter(), time.process_time()
    await asyncio.gather(*(work() for _ in range(in_flight)))
    figures = per_record(calls, started, cpu) | {"rss_growth_mb": round(rss_mb() - before, 1)}
    await journal.close()
    return figures


def measure_bare(folder: Path, calls: int, size: int) -> dict[str, float]:
    """Write and fsync the same lines one by one."""
    rows = [
        lines.encode(lines.Entry("call", f"{number:032x}", 0.0, call(number, size).to_json()))
        for number in range(calls)
    ]
    file = os.open(folder / "bare.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    started, cpu = time.perf_counter(), time.process_time()
    for row in rows:
        os.write(file, row)
        os.fsync(file)
    figures = per_record(calls, started, cpu)
    os.close(file)
    return figures


def per_record(calls: int, started: float, cpu: float) -> dict[str, float]:
    """Return CPU and wall time per record in milliseconds since the given clock readings."""
    return {
        "cpu_ms": round(1000 * (time.process_time() - cpu) / calls, 4),
        "wall_ms": round(1000 * (time.perf_counter() - started) / calls, 4),
    }


def rss_mb() -> float:
    """Return the largest resident size of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Measure both and print their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--in-flight", type=int, default=256)
    parser.add_argument("--body-bytes", type=int, default=4_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        folder = Path(name)
        journal = asyncio.run(
            measure_journal(folder / "run", options.calls, options.in_flight, options.body_bytes)
        )
        bare = measure_bare(folder, min(options.calls, 5_000), options.body_bytes)
    ratios = {name: round(journal[name] / bare[name], 3) for name in bare}
    print(json.dumps(vars(options) | {"journal": journal, "bare": bare, "ratio": ratios}))


if __name__ == "__main__":
    main()
