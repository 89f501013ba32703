"""The public names: complete, typed, documented, and loaded only when they are used."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import autodata
from autodata import errors

ROOT = Path(__file__).parents[1]
PYTHON = (ROOT / "docs" / "python.md").read_text("utf-8")


def typed_names() -> set[str]:
    """Return the names that a type checker sees."""
    tree = ast.parse(Path(autodata.__file__).read_text("utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    return {alias.name for node in imports for alias in node.names}


def test_all_is_what_type_checkers_see_and_has_every_error() -> None:
    assert set(autodata.__all__) == typed_names()
    assert len(autodata.__all__) == len(set(autodata.__all__))
    assert set(dir(autodata)) >= set(autodata.__all__)
    ours = {name for name, found in vars(errors).items() if inspect.isclass(found)} - {"Spend"}
    assert set(autodata.__all__) >= ours


@pytest.mark.parametrize("name", autodata.__all__)
def test_a_public_name_is_there_and_says_what_it_is(name: str) -> None:
    assert inspect.getdoc(getattr(autodata, name))
    if not isinstance(getattr(autodata, name), type) or not hasattr(errors, name):
        assert name.removesuffix("_async") in PYTHON


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'optimise'"):
        _ = autodata.optimise  # type: ignore[attr-defined]


def test_importing_loads_nothing_else() -> None:
    program = "import sys, autodata; print(*(n for n in sys.modules if n[:8] == 'autodata'))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["autodata"]
