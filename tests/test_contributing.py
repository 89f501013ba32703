"""What contributors are told is so: places, checks before a commit, Pythons, the docs site."""

import ast
import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
SCRIPT = (ROOT / ".ci" / "run").read_text("utf-8")
README = (ROOT / "README.md").read_text("utf-8")
GUIDES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
TOPS = (ROOT, ROOT / "autodata")
PLACES = README.partition("## Where do I ...")[2].partition("\n## ")[0]
PLACE = re.compile(r"`([\w./-]+\.(?:py|md))`((?:,? `[\w.]+`(?! in))*)")


def stage(name: str) -> str:
    """Return the body of a stage of .ci/run."""
    return SCRIPT.partition(f"\n{name}() {{")[2].partition("\n}")[0]


def symbols(path: Path) -> set[str]:
    """Return what a module defines at its top, and the members of its classes."""
    names: set[str] = set()
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.Assign):
            names.update(target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
        elif isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
            for inner in ast.walk(node) if isinstance(node, ast.ClassDef) else ():
                if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
                    names.add(f"{node.name}.{inner.name}")
    return names


def test_every_place_in_the_readme_is_there_and_names_what_it_holds() -> None:
    places = PLACE.findall(PLACES)
    assert len(places) >= 12
    missing = []
    for path, named in places:
        if not (ROOT / path).is_file():
            missing.append(path)
            continue
        held = symbols(ROOT / path) if path.endswith(".py") else set()
        missing += [f"{path}: {name}" for name in re.findall(r"`(.+?)`", named) if name not in held]
    assert missing == []


def test_every_folder_of_the_package_has_a_sentence_in_the_readme() -> None:
    named = set(re.findall(r"^\| `autodata/([\w/]+)/`", README, re.MULTILINE))
    folders = {
        path.parent.relative_to(ROOT / "autodata").as_posix()
        for path in (ROOT / "autodata").rglob("*.py")
    } - {"."}
    assert {folder for folder in folders if folder not in named} == set()


def test_the_readme_fits_under_two_hundred_lines() -> None:
    assert len(README.splitlines()) < 200


def test_the_checks_before_a_commit_are_those_of_ci() -> None:
    (repo,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))["repos"]
    assert repo["repo"] == "local"
    assert {hook["language"] for hook in repo["hooks"]} == {"system"}
    commands = [line.strip() for line in stage("lint").splitlines()]
    assert [hook["entry"] for hook in repo["hooks"]] == [
        command for command in commands if command and not command.startswith("echo")
    ]


def test_ci_checks_all_that_contributors_are_told() -> None:
    stages = [line.strip() for line in stage("main").splitlines()]
    assert {"lint", "docs", "pytest"} <= set(stages)
    assert "sphinx-build -W" in stage("docs")


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.name)
def test_modules_and_stages_that_a_guide_names_exist(guide: Path) -> None:
    text = guide.read_text("utf-8")
    text = re.sub(r"^`[\w./-]+`:$", "", text, flags=re.MULTILINE)  # files that it writes itself
    modules = re.findall(r"\b((?:[a-z]\w*/)+\w+\.py)\b|`(autodata/[\w/]+)`", text)
    names = [module or folder for module, folder in modules]
    assert [name for name in names if not any((top / name).exists() for top in TOPS)] == []
    for name in re.findall(r"`(lint|docs|thorough|newest|lowest|pythons)`", text):
        assert stage(name)


def test_stated_pythons_are_those_that_ci_runs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    stated = [c.rpartition(" ")[2] for c in project["classifiers"] if re.search(r":: 3\.\d+$", c)]
    assert stated[0] == project["requires-python"].removeprefix(">=")
    assert stated == ["3.11", "3.12", "3.13"]
    assert "3.11" not in stage("pythons").replace("pyproject", "")
    for version in stated[1:]:
        assert version in stage("pythons")
