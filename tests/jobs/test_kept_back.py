"""Commands show nothing of test documents before a search has ended, and say so in a line."""

import shutil

import pytest

from autodata.store.lines import read_entries
from tests.support.command_line import RUN, Place, good, refused
from tests.support.journals import write_entries

KEPT = f"rows on test documents kept back until the search of run {RUN} has ended"


@pytest.fixture
def stopped(mine: Place) -> Place:
    """A search that was killed when all test episodes were done, right before its end."""
    folder = mine.folder / "runs" / RUN
    kept = [entry for entry in read_entries(folder) if entry.key != "finished"]
    shutil.rmtree(folder)
    write_entries(folder, kept)
    return mine


def kept_lines(err: str) -> list[str]:
    return [line for line in err.splitlines() if KEPT in line]


def test_sql_shows_no_test_rows_before_the_end(stopped: Place, finished: Place) -> None:
    query = "select split, count(*) n from episodes group by 1 order by 1"
    done = good(stopped("sql", query, "--format=json"))
    assert [row["split"] for row in done.json] == ["validation"]
    assert len(kept_lines(done.err)) == 1
    done = good(finished("sql", query, "--format=json"))
    assert [row["split"] for row in done.json] == ["test", "validation"]
    assert kept_lines(done.err) == []


def test_show_says_what_is_kept_back_and_still_what_was_spent(
    stopped: Place, finished: Place
) -> None:
    found, whole = good(stopped("show", RUN, "--json")), good(finished("show", RUN, "--json"))
    assert [line["split"] for line in found.json["episodes"]] == ["validation"]
    for name in ("calls", "prompt_tokens", "completion_tokens", "usd"):
        assert found.json["totals"][name] == pytest.approx(whole.json["totals"][name])
    assert len(kept_lines(found.err)) == 1
    assert len(kept_lines(good(stopped("show", RUN, "c1")).err)) == 1
    assert kept_lines(whole.err) == []


def test_trace_finds_no_test_episode_before_the_end(stopped: Place, finished: Place) -> None:
    query = "select document_id d from documents where split = '{}' order by 1 limit 1"
    (test,) = good(stopped("sql", query.format("test"), "--format=json")).json
    refused(stopped("trace", RUN, f"c0:{test['d']}"), KEPT, "list them")
    good(finished("trace", RUN, f"c0:{test['d']}"))
    query = "select document_id d from episodes where split = 'validation' limit 1"
    (seen,) = good(stopped("sql", query, "--format=json")).json
    assert len(kept_lines(good(stopped("trace", RUN, f"c0:{seen['d']}")).err)) == 1
