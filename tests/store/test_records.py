"""Records are typed: each kind is read strictly, by its version, and nobody else spells a field."""

import ast
import json
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import get_type_hints

import pytest

from autodata.errors import StoreError
from autodata.store import lines
from autodata.store.episodes import CallRecord
from autodata.store.facts import Fact, fact_of, read_facts
from autodata.store.format import FORMAT, Record
from autodata.store.kinds import KINDS, RECORDS
from autodata.store.lines import Entry, read_entries
from autodata.store.records import RunRecord, SessionRecord, TroubleRecord
from autodata.store.rows import DERIVED, rows
from autodata.store.schema import SCHEMA
from autodata.types import Json
from tests.support.journals import call, small_run, write

PACKAGE = Path(lines.__file__).parents[1]


def entry(kind: str, body: Json) -> Entry:
    return Entry(kind, "k1", 1.0, body)


def refusal(found: Entry, folder: Path = Path("runs/r")) -> StoreError:
    with pytest.raises(StoreError) as caught:
        fact_of(found, folder)
    return caught.value


@pytest.fixture
def body() -> Json:
    _, record = call(1)
    return record.to_json()


def test_a_record_is_what_its_json_says() -> None:
    for key, record in small_run():
        data = json.loads(json.dumps(record.to_json()))
        assert type(record).from_json(data).to_json() == record.to_json()
        assert fact_of(Entry(record.KIND, key, 1.0, data), Path("r")).record.KIND == record.KIND


def test_the_small_run_has_every_kind() -> None:
    assert {record.KIND for _, record in small_run()} == set(KINDS)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"role": None}, "the field 'role' is None"),
        ({"repeat": "1"}, "the field 'repeat' is '1'"),
        ({"repeat": True}, "the field 'repeat' is True"),
        ({"seconds": "0.1"}, "the field 'seconds' is '0.1'"),
        ({"reply": []}, "the field 'reply' is []"),
        ({"color": 3}, "the field 'color' is not known"),
    ],
)
def test_a_field_that_is_wrong_or_unknown_is_named(body: Json, change: Json, told: str) -> None:
    error = refusal(entry("call", {**body, **change}))
    assert error.problem == f"call k1 of run r is no record of kind call, version 1: {told}"
    assert "backup" in error.fix


def test_a_field_that_is_missing_is_named(body: Json) -> None:
    del body["tries"]
    assert refusal(entry("call", body)).problem.endswith("version 1: the field 'tries' is missing")


def test_what_is_inside_of_a_field_is_read_as_strictly() -> None:
    bodies = {record.KIND: record.to_json() for _, record in small_run()}
    bad: dict[str, Json] = json.loads(json.dumps(bodies))
    bad["certification"]["gain"]["low"] = "0"
    bad["documents"]["test"][0]["span"] = [1]
    bad["iteration"]["decision"] = "perhaps"
    bad["candidate"]["knobs"]["rounds"] = [1]
    for kind, told in (
        ("certification", "'gain': the field 'low' is '0'"),
        ("documents", "'test': the field 'span': it has 1 parts, not 2"),
        ("iteration", "'decision': it is 'perhaps'"),
        ("candidate", "'knobs': a part is [1]"),
    ):
        assert told in refusal(entry(kind, bad[kind])).problem


def test_a_round_of_an_episode_is_read_as_strictly() -> None:
    episode = next(r for _, r in small_run() if r.KIND == "episode")
    past = json.loads(json.dumps(episode.to_json()))
    past["rounds"][0]["attempts"][0]["score"] = "1"
    read = KINDS["episode"].from_json(past)
    with pytest.raises(StoreError, match="'attempts': the field 'score' is '1'"):
        list(rows(Fact("k1", 1.0, read), "r"))


def test_a_newer_record_is_refused_with_the_version_that_wrote_it(
    tmp_path: Path, body: Json
) -> None:
    run = tmp_path / "r"
    begun = SessionRecord(None, begun_at=1.0, autodata="0.7.1")
    write(run, [*list(small_run())[:1], ("1", begun)])
    error = refusal(entry("call", {FORMAT: 3, **body}), run)
    assert error.problem == (
        "call k1 of run r is of version 3, which autodata 0.7.1 wrote; "
        "this one knows versions up to 1"
    )
    assert error.fix == "use autodata 0.7.1, or a newer one"
    assert "this one knows no such kind" in refusal(entry("dream", {}), run).problem


def test_a_version_that_is_none_is_refused(body: Json) -> None:
    for version in (0, -1, "1", None, True, 1.5):
        assert "of version" in refusal(entry("call", {FORMAT: version, **body})).problem


def test_an_earlier_version_is_read_through_all_upgrades_between() -> None:
    class Third(TroubleRecord):
        VERSION = 3
        UPGRADES = {  # noqa: RUF012
            1: lambda body: {"problem": body["text"], "pid": 0},
            2: lambda body: {**body, "pid": body["pid"] + 7},
        }

    assert Third.from_json({"text": "down"}).to_json() == {FORMAT: 3, "problem": "down", "pid": 7}
    assert Third.from_json({FORMAT: 2, "problem": "down", "pid": 1}).pid == 8
    assert Third.from_json({FORMAT: 3, "problem": "down", "pid": 1}).pid == 1


def test_every_version_has_an_upgrade_from_the_one_before() -> None:
    for kind in RECORDS:
        assert sorted(kind.UPGRADES) == [*range(1, kind.VERSION)]


def test_a_run_from_before_versions_was_made_by_0_1_0() -> None:
    begun = next(r for _, r in small_run() if isinstance(r, RunRecord))
    old = {
        name: value
        for name, value in begun.to_json().items()
        if name not in (FORMAT, "autodata", "rules")
    }
    assert RunRecord.from_json(old) == replace(begun, autodata="0.1.0", rules=1)


def test_a_field_that_has_its_default_takes_no_room(body: Json) -> None:
    assert not {"problem", "fix", FORMAT} & body.keys()
    failed = CallRecord.from_json({**body, "problem": "no", "fix": "mend it"})
    assert failed.to_json() == {**body, "problem": "no", "fix": "mend it"}


@pytest.mark.parametrize("table", SCHEMA)
def test_every_column_is_a_field_of_its_record_or_derived(table: str) -> None:
    """And every row has exactly the columns, whatever it was made of."""
    facts = [Fact(key, 1.0, record) for key, record in small_run()]
    found = [(fact, row) for fact in facts for name, row in rows(fact, "r") if name == table]
    assert found
    names = [name for name, _, _ in SCHEMA[table]]
    assert {tuple(row) for _, row in found} == {tuple(names)}
    own = set(names) - {"run_id", "recorded_at"} - set(DERIVED[table])
    told = {name for name in own if any(row[name] is not None for _, row in found)}
    assert own - told == set()


TYPES = {"VARCHAR": str, "BIGINT": int, "DOUBLE": float, "BOOLEAN": bool}


@pytest.mark.parametrize(
    ("table", "kind"),
    [
        ("runs", "run"),
        ("candidates", "candidate"),
        ("episodes", "episode"),
        ("calls", "call"),
        ("iterations", "iteration"),
        ("promotions", "promotion"),
    ],
)
def test_the_type_of_a_column_is_that_of_its_field(table: str, kind: str) -> None:
    hints = get_type_hints(KINDS[kind])
    for name, column, _ in SCHEMA[table]:
        if column in TYPES and name in hints and name not in ("rounds", *DERIVED[table]):
            assert TYPES[column].__name__ in str(hints[name]) or "Literal" in str(hints[name]), name


OTHER_BODIES = (
    *("models/providers/", "config/"),  # bodies of requests
    *("store/format.py", "store/facts.py", "store/lines.py"),  # who knows `format` alone
)


def spelled(tree: ast.AST) -> Iterator[str]:
    """Yield where a field of a body is spelled: `body["x"]`, `fact.body.get("x")` and so on."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            owner = node.value
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr not in ("get", "pop", "setdefault"):
                continue
            owner = node.func.value
        else:
            continue
        name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
        if name == "body":
            yield f"line {node.lineno}: {ast.unparse(node)}"


def test_nobody_else_spells_a_field_of_a_record() -> None:
    """Bodies of providers' requests are none of records; `strict` and `format` know no field."""
    found = {
        name: told
        for path in PACKAGE.rglob("*.py")
        if not (name := path.relative_to(PACKAGE).as_posix()).startswith(OTHER_BODIES)
        if (told := list(spelled(ast.parse(path.read_text("utf-8")))))
    }
    assert found == {}


def test_only_the_store_and_the_bundle_see_bodies() -> None:
    users = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module == "autodata.store.lines"
        if {"Entry", "read_entries"} & {alias.name for alias in node.names}
    }
    assert {user.split("/")[0] for user in users} <= {"store", "jobs"}
    assert {user for user in users if user.startswith("jobs")} == {"jobs/bundle/bundle.py"}


def test_facts_are_read_in_order_and_by_kind(tmp_path: Path) -> None:
    write(tmp_path / "r", list(small_run()))
    everything = list(read_facts(tmp_path / "r", *RECORDS))
    assert [fact.kind for fact in everything] == [e.kind for e in read_entries(tmp_path / "r")]
    calls = [fact.record for fact in read_facts(tmp_path / "r", CallRecord)]
    assert calls == [fact.record for fact in everything if isinstance(fact.record, CallRecord)]


def test_a_field_of_every_record_has_a_name_of_its_own() -> None:
    for kind in RECORDS:
        names = [field.metadata.get("name", field.name) for field in fields(kind)]  # type: ignore[arg-type]
        assert len(set(names)) == len(names)
        assert FORMAT not in names


def test_the_base_of_records_is_not_one() -> None:
    assert Record not in RECORDS
