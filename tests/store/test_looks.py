from pathlib import Path

import pytest

from autodata.errors import CorruptJournal, StoreError
from autodata.store import looks

SPLIT = ["b", "a"]


def clock() -> float:
    return 1_000.0


def test_a_split_is_its_documents_in_any_order(tmp_path: Path) -> None:
    looks.note(tmp_path, SPLIT, "monday", ["c1"], clock, False)
    assert looks.tested(tmp_path, ["a", "b"], False) == [("monday", "c1")]


def test_a_split_that_is_mostly_old_is_no_fresh_start(tmp_path: Path) -> None:
    looks.note(tmp_path, SPLIT, "monday", ["c1"], clock, False)
    assert looks.tested(tmp_path, ["a", "b", "new"], False) == [("monday", "c1")]
    assert looks.tested(tmp_path, ["a", "new", "newer"], False) == []
    assert looks.note(tmp_path, ["a", "b", "new"], "tuesday", ["c2"], clock, False) == 2
    assert looks.tested(tmp_path, SPLIT, False) == [("monday", "c1"), ("tuesday", "c2")]


def test_simulated_tests_are_counted_apart(tmp_path: Path) -> None:
    looks.note(tmp_path, SPLIT, "monday", ["c1"], clock, True)
    assert looks.tested(tmp_path, SPLIT, False) == []
    assert looks.tested(tmp_path, SPLIT, True) == [("monday", "c1")]


def test_candidates_count_once_across_runs_and_resumes(tmp_path: Path) -> None:
    assert looks.tested(tmp_path / "runs", SPLIT, False) == []
    assert looks.note(tmp_path / "runs", SPLIT, "monday", ["c0", "c3"], clock, False) == 2
    assert looks.note(tmp_path / "runs", SPLIT, "monday", ["c3", "c3", "c4"], clock, False) == 3
    assert looks.note(tmp_path / "runs", SPLIT, "tuesday", ["c3"], clock, False) == 4
    assert looks.note(tmp_path / "runs", ["z"], "tuesday", ["c3"], clock, False) == 1
    assert looks.tested(tmp_path / "runs", SPLIT, False)[-1] == ("tuesday", "c3")


def test_a_torn_tail_is_repaired_by_the_next_note(tmp_path: Path) -> None:
    looks.note(tmp_path, SPLIT, "monday", ["c1", "c2"], clock, False)
    path = tmp_path / "test-ledger.jsonl"
    path.write_bytes(path.read_bytes()[:-9])
    assert looks.tested(tmp_path, SPLIT, False) == [("monday", "c1")]
    assert looks.note(tmp_path, SPLIT, "monday", ["c1", "c2"], clock, False) == 2


def test_a_damaged_ledger_is_an_error_not_a_smaller_count(tmp_path: Path) -> None:
    looks.note(tmp_path, SPLIT, "monday", ["c1", "c2"], clock, False)
    path = tmp_path / "test-ledger.jsonl"
    path.write_bytes(path.read_bytes().replace(b"c1", b"c9", 1))
    with pytest.raises(CorruptJournal, match=r"test-ledger\.jsonl is damaged at byte") as caught:
        looks.tested(tmp_path, SPLIT, False)
    assert "restore it from a backup" in caught.value.fix
    assert "sed" not in caught.value.fix


def test_a_ledger_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "test-ledger.jsonl").mkdir()
    with pytest.raises(StoreError, match="cannot be written"):
        looks.note(tmp_path, SPLIT, "monday", ["c1"], clock, False)
