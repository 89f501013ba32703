"""The shape of the package: imports point down, packages have one owner, start is light."""

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "autodata"
FILES = sorted(PACKAGE.rglob("*.py"))

LAYERS: list[set[str]] = [
    {"errors", "types", "concurrency", "child", "box"},
    {"config"},
    {"documents", "harness", "store"},
    {"models"},
    {"project"},
    {"domains"},
    {"episode"},
    {"search"},
    {"bench", "report"},
    {"engine"},
    {"jobs"},
    {"api", "testing"},
    {"cli", "__main__"},
]
"""From the bottom up; a module may import its own layer and those below."""

COMMANDS = ("cleanup", "comparison", "inspect", "promotion", "quality", "settings", "setup", "work")
OWNERS: dict[str, set[str]] = {
    "anthropic": {"models/providers/anthropic.py"},
    "duckdb": {"store/tables.py"},
    "matplotlib": {"report/pictures.py"},
    "gguf": {"models/serving/requantize.py"},
    "git": {"harness/repository.py"},
    "latex2sympy2_extended": {"domains/equivalence.py"},
    "math_verify": {"domains/equivalence.py"},
    "openai": {"models/providers/openai.py"},
    "optuna": {"search/proposers/study.py"},
    "pydantic_monty": {"box/interpreter.py", "harness/workflow.py"},
    "typer": {f"cli/{name}.py" for name in ("app", "base", "choices", *COMMANDS)},
    "zstandard": {"store/packing.py"},
    "sympy": {"domains/equivalence.py"},
    "xllamacpp": {"models/serving/llama.py"},
}
MOST_PARAMETERS = 6
SDKS = (
    "matplotlib",
    "openai",
    "anthropic",
    "optuna",
    "duckdb",
    "gguf",
    "git",
    "pydantic_monty",
    "sympy",
    "xllamacpp",
)


@cache
def tree_of(file: Path) -> ast.Module:
    return ast.parse(file.read_text("utf-8"))


@cache
def imports(file: Path, at_run_time: bool = False) -> tuple[str, ...]:
    """Absolute names that a module imports, in functions too; without typing-only ones if asked."""
    tree, names = tree_of(file), []
    skipped: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            skipped.update(inner for part in node.body for inner in ast.walk(part))
    for node in ast.walk(tree):
        if at_run_time and node in skipped:
            continue
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return tuple(names)


def name_of(file: Path) -> str:
    return file.relative_to(PACKAGE).as_posix()


def layer_of(part: str) -> int:
    return next(number for number, names in enumerate(LAYERS) if part in names)


def part_of(module: str) -> str:
    return module.split(".")[1]


MODULES = [file for file in FILES if name_of(file) != "__init__.py"]


@pytest.mark.parametrize("file", MODULES, ids=name_of)
def test_imports_point_down(file: Path) -> None:
    own = layer_of(name_of(file).split("/")[0].removesuffix(".py"))
    upward = {
        module
        for module in imports(file)
        if module.startswith("autodata.")
        and part_of(module) not in ("__version__", "templates")
        and layer_of(part_of(module)) > own
    }
    assert upward == set()


BESIDE_THE_API = {"api", "bench", "cli", "errors", "report", "types"}
"""What commands may import: the API for all they do; report draws, bench needs no project."""


@pytest.mark.parametrize("file", [f for f in MODULES if "cli/" in name_of(f)], ids=name_of)
def test_commands_call_the_api_and_nothing_below_it(file: Path) -> None:
    parts = {part_of(module) for module in imports(file) if module.startswith("autodata.")}
    assert parts - BESIDE_THE_API - {"__version__"} == set()


def test_every_part_of_the_package_has_a_layer() -> None:
    parts = {name_of(file).split("/")[0].removesuffix(".py") for file in MODULES}
    assert parts - set().union(*LAYERS) == set()


def test_no_part_imports_itself_through_others() -> None:
    """Parts of one layer may know each other, but not in a circle."""
    known: dict[str, set[str]] = {}
    for file in MODULES:
        part = name_of(file).split("/")[0].removesuffix(".py")
        found = {part_of(m) for m in imports(file, at_run_time=True) if m.startswith("autodata.")}
        known.setdefault(part, set()).update(found - {part, "__version__"})
    done: set[str] = set()
    while ready := {part for part in known if part not in done and known[part] <= done}:
        done |= ready
    assert set(known) - done == set()


@pytest.mark.parametrize("package", OWNERS)
def test_a_third_party_package_has_one_owner(package: str) -> None:
    users = {
        name_of(file)
        for file in FILES
        if any(m.split(".")[0] == package for m in imports(file, at_run_time=True))
    }
    assert users == OWNERS[package]


@pytest.mark.parametrize("command", [["--help"], ["status"], ["runs"], ["optimize", "--help"]])
def test_light_commands_import_no_sdk(command: list[str], tmp_path: Path) -> None:
    program = (
        "import json, sys\n"
        "from autodata.cli import main\n"
        f"sys.argv = ['autodata', *{command!r}]\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(json.loads(done.stderr.splitlines()[-1]))
    assert "autodata" in loaded
    assert loaded.isdisjoint(SDKS)


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """How many values a caller of a function passes in."""
    found = function.args
    named = [*found.posonlyargs, *found.args, *found.kwonlyargs]
    more = [each for each in (found.vararg, found.kwarg) if each]
    return len([each for each in named + more if each.arg not in ("self", "cls")])


def test_functions_take_at_most_six_parameters() -> None:
    """More want to be a value of their own; options of a command are given by name."""
    many = {
        f"{name_of(file)} {node.name}"
        for file in FILES
        for node in ast.walk(tree_of(file))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and parameters(node) > MOST_PARAMETERS
        and not any(option in ast.unparse(node.args) for option in ("typer.", "AsJson"))
    }
    assert many == set()


def named(file: Path) -> Iterator[str]:
    """The public classes, types and constants that a module defines; no type variables."""
    for node in tree_of(file).body:
        if isinstance(node, ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            variable = "TypeVar(" in ast.unparse(node.value)
            yield from (t.id for t in targets if isinstance(t, ast.Name) and not variable)


def test_one_name_means_one_thing() -> None:
    """But for what others see, which wraps what is meant: a workflow `host`, a program `api`."""
    where: dict[str, list[str]] = {}
    for file in FILES:
        for name in named(file) if not name_of(file).startswith(("harness/host.py", "api")) else ():
            if name[0].isupper():
                where.setdefault(name, []).append(name_of(file))
    assert {name: files for name, files in where.items() if len(files) > 1} == {}


def test_modules_can_be_held_in_the_head() -> None:
    long = {name_of(f): n for f in FILES if (n := len(f.read_text("utf-8").splitlines())) > 350}
    assert long == {}


def test_public_functions_and_classes_say_what_they_are_for() -> None:
    silent = [
        f"{name_of(file)} {node.name}"
        for file in FILES
        for node in tree_of(file).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]
    assert silent == []


@pytest.mark.parametrize("file", MODULES, ids=name_of)
def test_a_module_says_what_it_owns(file: Path) -> None:
    tree = tree_of(file)
    if tree.body:
        assert ast.get_docstring(tree)


def test_every_folder_says_in_one_sentence_what_it_holds() -> None:
    folders = {file.parent for file in FILES}
    silent = {
        folder.relative_to(PACKAGE).as_posix()
        for folder in folders
        if not (folder / "__init__.py").is_file()
        or not ast.get_docstring(tree_of(folder / "__init__.py"))
    }
    assert silent == set()
