import asyncio
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from autodata.errors import ConfigurationError, StoreError
from autodata.store import runs
from autodata.store.journal import Journal
from autodata.store.records import GrowthRecord, SessionRecord, TroubleRecord
from tests.support.journals import begun, small_run, write


def test_new_names_are_valid_and_sort_by_time() -> None:
    first = runs.new_run_id(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), Random(1))
    later = runs.new_run_id(datetime(2026, 1, 2, 3, 4, 6, tzinfo=UTC), Random(2))
    assert first.startswith("20260102-030405-")
    assert first < later
    assert runs.check_name(first) == first


@pytest.mark.parametrize(
    "name", ["", "../x", "a/b", "-x", ".hidden", "a b", "x.lock", "a\n", "n" * 65]
)
def test_a_name_that_is_no_folder_or_git_ref_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be a run's name") as caught:
        runs.check_name(name)
    assert "--run" in caught.value.fix


def test_no_folder_means_no_runs(tmp_path: Path) -> None:
    assert runs.list_runs(tmp_path / "runs") == []


def test_runs_are_listed_oldest_first_with_their_counts(tmp_path: Path) -> None:
    write(tmp_path / "b", small_run())
    write(tmp_path / "a", [("a", begun("a", created_at=1800000000))])
    (tmp_path / "not-a-run").mkdir()
    oldest, newest = runs.list_runs(tmp_path)
    assert (oldest.id, newest.id) == ("b", "a")
    assert oldest.counts["call"] == 4
    assert oldest.counts["episode"] == 9
    assert (oldest.harness, oldest.simulated, oldest.state) == ("lambada", True, "finished")


Session = tuple[str, SessionRecord]
BEGUN: Session = ("1", SessionRecord())
AGAIN: Session = ("2", SessionRecord())
DONE: Session = ("1-end", SessionRecord("done"))
FINISHED: Session = ("finished", SessionRecord("finished"))
CLOSED: Session = ("finished", SessionRecord("finished", closed="budget.usd"))


def end(number: int, how: str, reason: str = "why") -> Session:
    return f"{number}-end", SessionRecord(how, reason)


@pytest.mark.parametrize(
    ("sessions", "told"),
    [
        ([], "not begun"),
        ([BEGUN], "killed"),
        ([BEGUN, DONE], "killed"),  # between its end and its result
        ([BEGUN, end(1, "Interrupted")], "interrupted (why)"),
        ([BEGUN, end(1, "BudgetSpent")], "out of budget (why)"),
        ([BEGUN, end(1, "Unavailable")], "failed (why)"),
        ([BEGUN, end(1, "KeyError", "")], "failed (KeyError)"),
        ([BEGUN, end(1, "Interrupted"), AGAIN], "killed"),
        ([BEGUN, DONE, FINISHED], "finished"),
        ([BEGUN, DONE, FINISHED, AGAIN], "finished"),  # such as `certify`, killed
        ([BEGUN, DONE, CLOSED], "closed (budget.usd)"),
        ([BEGUN, DONE, CLOSED, AGAIN], "killed"),
        ([BEGUN, DONE, CLOSED, AGAIN, end(2, "done", "")], "closed (budget.usd)"),
        ([BEGUN, DONE, CLOSED, AGAIN, end(2, "done", ""), FINISHED], "finished"),
    ],
)
async def test_a_run_that_nobody_writes_says_how_it_ended(
    tmp_path: Path, sessions: list[Session], told: str
) -> None:
    journal = Journal.open(tmp_path / "r")
    for key, record in sessions:
        await journal.append(key, record)
    state = runs.read_state(tmp_path / "r")
    assert (state.summary, state.created_at) == ("running", "")
    assert state.pid
    await journal.close()
    assert (await asyncio.to_thread(runs.read_state, tmp_path / "r")).summary == told


async def test_a_finished_run_that_grows_is_finished_when_it_is_again(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "r")
    growth = ("1", GrowthRecord(20, 0, 0, 0))
    for key, record in (FINISHED, growth, AGAIN, end(2, "Interrupted")):
        await journal.append(key, record)
    await journal.close()
    assert runs.read_state(tmp_path / "r").state == "interrupted"


def test_a_damaged_journal_still_has_a_state(tmp_path: Path) -> None:
    write(tmp_path / "r", small_run())
    path = tmp_path / "r" / "journal" / "000001.jsonl"
    path.write_bytes(b'{"kind":"run","key"\n\xff\xfe\n' + path.read_bytes()[:-4])
    assert runs.read_state(tmp_path / "r").harness == "lambada"


def test_an_unknown_run_is_named_with_the_nearest(tmp_path: Path) -> None:
    write(tmp_path / "monday", small_run())
    assert runs.find_run(tmp_path, "monday") == tmp_path / "monday"
    with pytest.raises(StoreError, match="no run munday") as caught:
        runs.find_run(tmp_path, "munday")
    assert caught.value.fix == "did you mean monday?"


def test_reading_states_imports_nothing_heavy() -> None:
    code = (
        "import sys, autodata.store.runs; print('duckdb' in sys.modules, 'asyncio' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["False", "False"]


async def test_a_running_run_tells_its_own_troubles_and_none_of_an_earlier_session(
    tmp_path: Path,
) -> None:
    journal = Journal.open(tmp_path / "r")
    mine = os.getpid()
    await journal.append("weak", TroubleRecord("weak is down", mine + 1))
    await journal.append("strong", TroubleRecord("strong is down", mine))
    assert runs.read_state(tmp_path / "r").troubles == ("strong is down",)
    await journal.append("strong", TroubleRecord("", mine))
    await journal.append("weak", TroubleRecord("weak is silent", mine))
    assert runs.read_state(tmp_path / "r").troubles == ("weak is silent",)
    await journal.close()
    assert runs.read_state(tmp_path / "r").troubles == ()
