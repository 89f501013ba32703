"""The log of past edits: nothing of it is cut without a word."""

from autodata.search.base import Iteration, Proposal
from autodata.search.proposers.history import (
    DIFF_CHARS,
    LOG_CHARS,
    MOST_ENTRIES,
    log_of,
    whole_entry,
)
from autodata.types import Candidate


def past(number: int, diff: str = "-a\n+b") -> Iteration:
    made = Candidate(f"e{number}", "x", "t", "c0", message=f"SUMMARY-{number}")
    return Iteration(number, "c0", Proposal("llm", made, "ANALYSIS", diff), "rejected", "worse")


def test_a_long_diff_is_cut_with_a_word_and_can_be_read_whole() -> None:
    long = past(1, "x" * (DIFF_CHARS + 5))
    assert "x [cut, 5 characters left]" in log_of([long])
    assert "x" * (DIFF_CHARS + 5) in whole_entry(long)
    assert "Analysis: ANALYSIS" in whole_entry(long)


def test_the_newest_diffs_have_room_and_every_summary_is_there() -> None:
    entries = [past(number, "x" * DIFF_CHARS) for number in range(1, 11)]
    log = log_of(entries)
    assert len(log) < LOG_CHARS + 10 * 300
    assert all(f"SUMMARY-{number}" in log for number in range(1, 11))
    first, last = log.split("Edit 2 (")[0], log.split("Edit 10 (")[1]
    assert f"[cut, {DIFF_CHARS:,} characters left]" in first
    assert "cut" not in last


def test_edits_that_are_not_named_are_counted() -> None:
    log = log_of([past(number) for number in range(MOST_ENTRIES + 3)])
    assert "[cut, 3 older edits left" in log
