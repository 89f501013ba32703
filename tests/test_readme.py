"""README and docs say what the program says; `python -m tests.support.readme` writes them."""

import re
from pathlib import Path

from tests.support import readme
from tests.support.topics import of_these_topics


@of_these_topics
def test_the_session_in_the_docs_is_what_the_commands_print(tmp_path: Path) -> None:
    text = readme.WHOLE_SESSION.read_text()
    assert readme.session(tmp_path).splitlines() == readme.block(text, "session").splitlines()
    queries = readme.QUERIES.read_text()
    timeless = re.compile(r"[\d.e-]+")  # model seconds differ from run to run
    shown = readme.with_outputs(queries, tmp_path)
    assert [timeless.sub("0", line) for line in shown.splitlines() if "|" not in line] == [
        timeless.sub("0", line) for line in queries.splitlines() if "|" not in line
    ]


def test_the_readme_shows_the_telling_lines_of_that_session() -> None:
    whole = readme.block(readme.WHOLE_SESSION.read_text(), "session")
    shown = readme.block(readme.README.read_text(), "session")
    assert shown == readme.excerpt(whole)
    assert "certified" in shown


def test_the_readme_lists_every_command_and_the_docs_every_table() -> None:
    assert readme.block(readme.README.read_text(), "commands") == readme.commands()
    assert readme.block(readme.TABLES.read_text(), "tables") == readme.tables()


def test_the_reference_of_settings_is_what_the_schema_says() -> None:
    """After a change of the schema: python -m tests.support.readme."""
    text = readme.CONFIGURATION.read_text()
    assert readme.block(text, "reference") == readme.reference()


def test_every_path_in_the_readme_exists() -> None:
    text = readme.README.read_text()
    linked = re.findall(r"\]\(([\w./-]+)\)", text)
    named = re.findall(r"^\| `([\w./-]+\.py)`", text, re.MULTILINE)
    missing = [path for path in [*linked, *named] if not (readme.ROOT / path).exists()]
    assert missing == []


def test_the_readme_gives_the_two_commands_and_ci_runs_the_second_one() -> None:
    text = readme.README.read_text()
    assert "pip install -c constraints.txt '.[local]' && autodata optimize" in text
    assert "pip install -c constraints.txt '.[dev]' && pytest" in text
    script = (readme.ROOT / ".ci" / "run").read_text()
    assert "-c constraints.txt '.[dev]'" in script
    assert re.search(r"^  pytest$", script, re.MULTILINE)


def test_each_version_says_what_projects_meet() -> None:
    changes = re.findall(r"^## (\d\S*)", (readme.ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    upgrades = (readme.ROOT / "docs" / "upgrading.md").read_text()
    assert re.findall(r"^## (\d\S*)", upgrades, re.MULTILINE) == changes
