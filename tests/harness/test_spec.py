"""A harness as a value: loading, new versions, what a candidate may change."""

import os
import subprocess
from pathlib import Path

import pytest

from autodata.errors import HarnessError
from autodata.harness.spec import (
    Harness,
    check_edit,
    diff,
    load_files,
    load_folder,
    with_edits,
    with_knobs,
)
from tests.support.harnesses import FILES, MANIFEST


@pytest.fixture
def tiny() -> Harness:
    return load_files(FILES)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


def refusal(files: dict[str, str]) -> str:
    with pytest.raises(HarnessError) as caught:
        load_files({**FILES, **files})
    return f"{caught.value.problem} / {caught.value.fix}"


def test_the_tree_is_the_one_git_gives(folder: Path, tiny: Harness) -> None:
    environment = {**os.environ, "GIT_DIR": str(folder / ".git"), "GIT_WORK_TREE": str(folder)}

    def git(*words: str) -> str:
        command = ["git", "-c", "init.defaultBranch=main", *words]
        return subprocess.check_output(command, cwd=folder, env=environment, text=True).strip()

    git("init", "-q")
    git("add", "harness.yaml", "workflow.py", "prompts")
    assert git("write-tree") == tiny.tree


def test_a_folder_and_its_files_are_the_same_harness(folder: Path, tiny: Harness) -> None:
    (folder / "README.md").write_text("for people")
    (folder / ".cache").mkdir()
    (folder / ".cache/x").write_text("hidden")
    assert load_folder(folder) == tiny


def test_windows_line_ends_do_not_change_the_tree(folder: Path, tiny: Harness) -> None:
    (folder / "workflow.py").write_bytes(FILES["workflow.py"].replace("\n", "\r\n").encode())
    assert load_folder(folder).tree == tiny.tree


def test_a_link_is_refused(folder: Path) -> None:
    (folder / "prompts/main.md").symlink_to("/etc/passwd")
    with pytest.raises(HarnessError, match="no regular file"):
        load_folder(folder)


def test_an_unknown_file_in_the_folder_names_the_nearest(folder: Path) -> None:
    (folder / "workflow.pyy").write_text("")
    with pytest.raises(HarnessError, match=r"workflow\.pyy") as caught:
        load_folder(folder)
    assert "workflow.py" in caught.value.fix


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="there is no harness folder"):
        load_folder(tmp_path / "nothing")


def test_bytes_that_are_no_text_are_refused(folder: Path) -> None:
    (folder / "workflow.py").write_bytes(b"\xff\xfe")
    with pytest.raises(HarnessError, match=r"workflow\.py"):
        load_folder(folder)


@pytest.mark.parametrize(
    "path",
    [
        "../workflow.py",
        "/etc/passwd",
        "prompts/judge.md",
        "prompts/../harness.yaml",
        "a\nb",
        ".git/hooks/x",
    ],
)
def test_any_other_path_is_refused(path: str) -> None:
    assert "no file of a harness" in refusal({path: "x"})


@pytest.mark.parametrize("char", ["\0", "\x1b", "\u202e", "\u2028", "\r", "\ufeff", "\ud800"])
def test_odd_characters_are_refused_by_line(char: str) -> None:
    assert "prompts/main.md, line 2: character U+" in refusal({"prompts/main.md": f"a\nb{char}"})


def test_too_long_a_file_is_refused() -> None:
    assert "keep to 16000" in refusal({"prompts/main.md": "x" * 16_001})
    long = {f"prompts/{name}.md": "x" * 15_000 for name in ("main", "challenger", "verifier")}
    assert "the harness has" in refusal({**long, "workflow.py": "#" * 20_000})


def test_a_missing_workflow_is_named() -> None:
    with pytest.raises(HarnessError, match=r"workflow\.py is missing"):
        load_files({"harness.yaml": MANIFEST})


def test_an_unknown_variable_names_file_line_and_nearest() -> None:
    text = refusal({"prompts/challenger.md": "one\ntwo {{documnt}}"})
    assert "prompts/challenger.md, line 2: unknown variable {{documnt}}" in text
    assert "did you mean 'document'?" in text


def test_a_prompt_knows_its_own_variables_only() -> None:
    assert "unknown variable {{example}}" in refusal({"prompts/challenger.md": "{{example}}"})
    assert "did you mean 'knobs.rounds'?" in refusal({"prompts/main.md": "{{knobs.round}}"})
    assert "without a variable" in refusal({"prompts/main.md": "{{document"})


def test_a_prompt_is_filled_in_one_pass(tiny: Harness) -> None:
    hostile = "{{feedback}} {{knobs.rounds}} \\1 {{nothing}}"
    text = tiny.prompt("challenger", document=hostile, feedback="try again", angle="")
    assert text == f"Ask about {hostile}, short.\ntry again\n"


def test_a_harness_without_that_prompt_says_so(tiny: Harness) -> None:
    with pytest.raises(HarnessError, match=r"no prompts/main\.md"):
        tiny.prompt("main", document="", feedback="")


def test_other_knob_values_change_the_tree_and_keep_comments(tiny: Harness) -> None:
    other = with_knobs(tiny, {"rounds": 9, "style": "long"})
    assert other.values == {**tiny.values, "rounds": 9, "style": "long"}
    assert other.tree != tiny.tree
    assert "# the most rounds" in other.files["harness.yaml"]
    assert with_knobs(other, tiny.values) == tiny


@pytest.mark.parametrize("values", [{"rounds": 11}, {"rounds": 2.5}, {"style": "x"}, {"round": 1}])
def test_a_knob_value_that_does_not_fit_is_refused(tiny: Harness, values: dict[str, int]) -> None:
    with pytest.raises(HarnessError):
        with_knobs(tiny, values)


def test_an_edit_replaces_adds_and_removes_files(tiny: Harness) -> None:
    edited = with_edits(tiny, {"prompts/main.md": "new\r\n"})
    assert edited.files["prompts/main.md"] == "new\n"
    assert "prompts/main.md" not in with_edits(edited, {"prompts/main.md": None}).files


def test_a_workflow_that_calls_for_a_missing_prompt_is_refused(tiny: Harness) -> None:
    with pytest.raises(HarnessError, match=r"line 7: verify needs prompts/verifier\.md"):
        with_edits(tiny, {"prompts/verifier.md": None})
    own = "def verify(text: str) -> None:\n    pass\n\n\ndef run() -> None:\n    verify('x')\n"
    with_edits(tiny, {"prompts/verifier.md": None, "workflow.py": own})


def test_a_candidate_may_change_values_workflow_and_prompts(tiny: Harness) -> None:
    edits = {"prompts/main.md": "new", "workflow.py": FILES["workflow.py"] + "# more\n"}
    check_edit(tiny, with_knobs(with_edits(tiny, edits), {"rounds": 1}))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("high: 10", "high: 99"),
        ("name: tiny", "name: other"),
        ("one question", "two questions"),
        ("  careful: {type: bool, value: true}\n", ""),
        ("knobs:\n", "knobs:\n  more: {type: bool, value: true}\n"),
        ("value: 4, low: 1, high: 10", "value: 40, low: 1, high: 99"),
    ],
)
def test_a_candidate_may_not_change_what_is_fixed(tiny: Harness, old: str, new: str) -> None:
    assert old in MANIFEST
    edited = with_edits(tiny, {"harness.yaml": MANIFEST.replace(old, new)})
    with pytest.raises(HarnessError):
        check_edit(tiny, edited)


def test_a_candidate_may_not_remove_a_file(tiny: Harness) -> None:
    wider = with_edits(tiny, {"prompts/main.md": "Plan."})
    with pytest.raises(HarnessError, match=r"prompts/main\.md was removed"):
        check_edit(wider, tiny)


def test_a_diff_reads_like_gits(tiny: Harness) -> None:
    text = diff(tiny, with_knobs(tiny, {"rounds": 9}))
    assert "--- a/harness.yaml" in text
    assert "+  rounds: {type: int, value: 9, low: 1, high: 10}  # the most rounds" in text
    assert diff(tiny, tiny) == ""
    assert "No newline" in diff(
        tiny, with_edits(tiny, {"workflow.py": FILES["workflow.py"].rstrip()})
    )


def test_layout_and_comments_do_not_change_the_fingerprint(tiny: Harness) -> None:
    prompt = FILES["prompts/challenger.md"].replace(" ", "\n ")
    same = {
        "prompts/challenger.md": prompt,
        "workflow.py": "# hello\n\n" + FILES["workflow.py"],
        "harness.yaml": MANIFEST.replace("# what a search may turn\n", ""),
    }
    assert with_edits(tiny, same).tree != tiny.tree
    assert with_edits(tiny, same).fingerprint == tiny.fingerprint


@pytest.mark.parametrize(
    "edit",
    [
        {"prompts/challenger.md": "Ask."},
        {"workflow.py": FILES["workflow.py"].replace("            attempt", "        attempt")},
        {"harness.yaml": MANIFEST.replace("value: 4", "value: 5")},
    ],
)
def test_a_real_change_changes_the_fingerprint(tiny: Harness, edit: dict[str, str]) -> None:
    assert with_edits(tiny, edit).fingerprint != tiny.fingerprint
