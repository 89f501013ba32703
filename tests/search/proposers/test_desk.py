"""The tools of analyzer and implementer: what is asked wrongly is answered, nothing cut unsaid."""

import pytest

from autodata.errors import HarnessError
from autodata.harness.spec import Harness, load_files
from autodata.models.base import ToolCall
from autodata.search.base import Iteration, Proposal
from autodata.search.proposers.desk import LOOKING, Desk, tables_in_words
from autodata.store.audience import ANALYZED
from autodata.store.schema import SCHEMA
from autodata.store.tables import in_memory, query
from autodata.types import Json
from tests.support.harnesses import FILES

BASE = load_files(FILES)


async def rows_of(sql: str) -> str:
    return f"rows of {sql}"


async def dry(name: str, harness: Harness, script: str) -> str:
    return f"ran {script}"


async def changed(arguments: Json) -> Harness:
    if arguments.get("patches"):
        raise HarnessError("patch 1: no such place", "mend it")
    return BASE


PAST = Iteration(7, "c0", Proposal("llm", None, edit="-a\n+b"), "refused", "tried")
DESK = Desk({"d1": "x" * 30_000}, {"d1": "TEXT"}, [PAST], rows_of, dry, {7: "BY DOCUMENT"})


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("trajectory", {"document": "test-document"}, "error: documents: d1"),
        ("trajectory", {}, "error: documents: d1"),
        ("trajectory", {"document": "d1", "offset": -1}, "error: documents"),
        ("document", {"document": ["d1"]}, "error: documents"),
        ("document", {"document": "d1"}, "TEXT"),
        ("delete", {}, "error: no tool is named 'delete'"),
        ("sql", {}, "rows of "),
        ("past_edit", {"number": 7}, "Edit 7 (c0): refused (tried)\nBY DOCUMENT\n-a\n+b"),
        ("past_edit", {"number": 8}, "error: edits: 7"),
        ("dry_run", {"documents": ["d1"]}, "d1: ran too hard"),
        ("dry_run", {"documents": ["other"]}, "error: `documents` is a list of some of d1"),
        ("dry_run", {"documents": "d1"}, "error: `documents`"),
        ("dry_run", {"documents": ["d1"], "solvers": "x"}, "error: `solvers` is one of too hard"),
        ("dry_run", {"documents": ["d1"], "patches": [1]}, "error: that edit is not valid: patch"),
    ],
)
async def test_a_tool_call_is_answered(name: str, arguments: Json, said: str) -> None:
    assert (await DESK.answer(ToolCall("1", name, arguments), changed)).startswith(said)


async def test_a_long_trajectory_comes_in_pages() -> None:
    page = await DESK.answer(ToolCall("1", "trajectory", {"document": "d1"}), changed)
    assert page.endswith("[cut, 18,000 characters left; next offset 12000]")


async def test_no_more_documents_are_run_dry_than_are_said() -> None:
    asked = ToolCall("1", "dry_run", {"documents": ["d1"] * 6})
    assert (await DESK.answer(asked, changed)).endswith("[cut, 2 documents left]")


def test_the_tables_that_are_told_are_those_that_are_there_and_the_examples_work() -> None:
    told = tables_in_words()
    assert [line.split("(")[0] for line in told.splitlines()] == [*ANALYZED]
    sql = next(tool.description for tool in LOOKING if tool.name == "sql")
    assert told in sql
    examples = sql.split("For example:\n")[1].splitlines()
    assert len(examples) == 3
    with in_memory([], 1 << 30, ANALYZED) as connection:
        for example in examples:
            query(connection, example)
        for table in ANALYZED:
            query(connection, f"SELECT * FROM {table}")
        views = query(connection, "SHOW TABLES")
        assert {row[0] for row in views.rows} == {*ANALYZED}
    assert {*SCHEMA} > {*ANALYZED}
