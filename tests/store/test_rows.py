import json
from random import Random

from autodata.store.lines import Record, decode, encode, is_whole
from autodata.store.rows import SCHEMA, describe, rows
from tests.support.journals import call, episode, small_run

ROWS = [item for kind, key, body in small_run() for item in rows(Record(kind, key, 1.5, body), "r")]


def test_every_row_has_every_column_of_its_table_in_order() -> None:
    assert {table for table, _ in ROWS} == set(SCHEMA)
    for table, row in ROWS:
        assert list(row) == [name for name, _, _ in SCHEMA[table]]
        assert row["run_id"] == "r"
        json.dumps(row)


def test_a_void_episode_has_no_score() -> None:
    [(_, row)] = rows(
        Record(*episode("d", "train", "void")[:2], 0.0, episode("d", "train", "void")[2]), "r"
    )
    assert (row["status"], row["score"], row["rounds"]) == ("void", None, 0)


def test_a_call_outside_of_an_episode_has_no_document() -> None:
    kind, key, body = call(1, split="")
    [(_, row)] = rows(Record(kind, key, 0.0, body), "r")
    assert [row[name] for name in ("document_id", "split", "repeat", "candidate_id")] == [None] * 4
    assert (row["role"], row["recorded_at"]) == ("analyzer", "1970-01-01 00:00:00.000")


def test_records_without_a_table_and_empty_bodies_are_no_error() -> None:
    assert list(rows(Record("session", "1", 0.0, {"ended": None}), "r")) == []
    for kind in ("run", "candidate", "episode", "call", "iteration", "certification", "promotion"):
        assert list(rows(Record(kind, "x", 0.0, {}), "r"))


def test_a_spend_of_its_own_fills_the_spend_columns() -> None:
    body = {"spend": {"calls": 3, "cost_usd": 0.5}, "seconds": 1.0}
    [(_, row)] = rows(Record("iteration", "4", 0.0, body), "r")
    assert (row["iteration"], row["calls"], row["cost_usd"], row["seconds"]) == (4, 3, 0.5, 1.0)


def test_every_column_is_described() -> None:
    text = describe()
    for table, columns in SCHEMA.items():
        assert f"## `{table}`" in text
        for name, kind, meaning in columns:
            assert f"| `{name}` | {kind} | {meaning} |" in text
            assert meaning


def test_lines_hold_any_text_and_notice_any_changed_byte() -> None:
    rng = Random(0)
    for _ in range(50):
        text = "".join(chr(rng.randrange(0x11000)) for _ in range(20))
        record = Record(text[:5], text[5:], 1.25, {text: [text, 1, None]})
        raw = encode(record)
        assert decode(raw) == record
        place = rng.randrange(len(raw) - 1)
        changed = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 : -1]
        assert is_whole(raw[:-1])
        assert not is_whole(changed)
