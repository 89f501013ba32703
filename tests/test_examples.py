"""What docs and examples show of Python runs; a notebook where a loop is running."""

import json
import re
import runpy
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOK = json.loads((ROOT / "examples" / "search.ipynb").read_text("utf-8"))
CELLS = [cell for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]


async def test_all_code_in_docs_python_runs_from_top_to_bottom(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (ROOT / "docs" / "python.md").read_text("utf-8")
    names: dict[str, Any] = {}
    with chdir(tmp_path):
        for code in re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
            exec(compile(code, "docs/python.md", "exec"), names)
    said = capsys.readouterr().out
    assert said.startswith("finished c0\n")
    assert "sealed test split: c0 " in said
    assert "-> did you mean first?" in said


def test_the_example_in_the_readme_has_twelve_lines_and_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    assert len([line for line in code.splitlines() if line]) <= 12
    with chdir(tmp_path):
        exec(compile(code, "README.md", "exec"), {})
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("finished c")
    assert any(" -> " in line for line in said)
    assert "'episodes':" in said[-1]


def test_the_example_script_runs(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(ROOT / "examples" / "search.py"), run_name="__main__")
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith(("edit e", "sealed test split: c0 "))
    assert any(line.startswith("best: ") for line in said)
    assert set(json.loads(said[-1])) == {"context", "question", "answer"}


async def test_the_cells_of_the_example_notebook_run_where_a_loop_is_running() -> None:
    names: dict[str, Any] = {}
    for cell in CELLS:
        exec(compile("".join(cell["source"]), "search.ipynb", "exec"), names)


def test_the_example_notebook_was_executed_to_its_end_without_an_error() -> None:
    assert [cell["execution_count"] for cell in CELLS] == [*range(1, len(CELLS) + 1)]
    outputs = [output for cell in CELLS for output in cell["outputs"]]
    assert len(outputs) >= len(CELLS) - 1
    assert {output["output_type"] for output in outputs} <= {"execute_result", "stream"}
