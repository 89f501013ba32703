import json
from random import Random

from autodata.store.facts import Fact
from autodata.store.lines import Entry, decode, encode, is_whole
from autodata.store.records import SessionRecord
from autodata.store.rows import rows
from autodata.store.schema import SCHEMA, TABLES, describe
from tests.support.journals import call, episode, small_run

ROWS = [item for key, record in small_run() for item in rows(Fact(key, 1.5, record), "r")]


def test_every_row_has_every_column_of_its_table_in_order() -> None:
    assert {table for table, _ in ROWS} == set(SCHEMA)
    for table, row in ROWS:
        assert list(row) == [name for name, _, _ in SCHEMA[table]]
        assert row["run_id"] == "r"
        json.dumps(row)


def test_a_void_episode_has_no_score() -> None:
    [(_, row)] = rows(Fact("k", 0.0, episode("d", "train", "void")[1]), "r")
    assert (row["status"], row["score"], row["rounds"]) == ("void", None, 0)


def test_a_call_outside_of_an_episode_has_no_document() -> None:
    key, record = call(1, split="")
    [(_, row)] = rows(Fact(key, 0.0, record), "r")
    assert [row[name] for name in ("document_id", "split", "repeat", "candidate_id")] == [None] * 4
    assert (row["role"], row["recorded_at"]) == ("analyzer", "1970-01-01 00:00:00.000")


def test_records_without_a_table_have_no_rows() -> None:
    assert list(rows(Fact("1", 0.0, SessionRecord()), "r")) == []


def test_the_spend_of_a_proposal_fills_the_spend_columns_of_its_iteration() -> None:
    [row] = [row for table, row in ROWS if table == "iterations"]
    assert (row["iteration"], row["calls"], row["cost_usd"], row["seconds"]) == (1, 3, 0.1, 9.0)


def test_every_column_is_described() -> None:
    text = describe()
    for table, columns in TABLES.items():
        assert f"## `{table}`" in text
        for name, kind, meaning in columns:
            assert f"| `{name}` | {kind} | {meaning} |" in text
            assert meaning


def test_lines_hold_any_text_and_notice_any_changed_byte() -> None:
    rng = Random(0)
    for _ in range(50):
        text = "".join(chr(rng.randrange(0x11000)) for _ in range(20))
        record = Entry(text[:5], text[5:], 1.25, {text: [text, 1, None]})
        raw = encode(record)
        assert decode(raw) == record
        place = rng.randrange(len(raw) - 1)
        changed = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 : -1]
        assert is_whole(raw[:-1])
        assert not is_whole(changed)
