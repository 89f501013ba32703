"""Edits by search and replace: they apply in one place, or say what is wrong with them."""

import pytest

from autodata.errors import HarnessError
from autodata.search.proposers.patches import PatchReply, patched

FILES = {"workflow.py": "a = 1\nb = 2\nb = 2\n", "harness.yaml": "name: x\n"}


def patch(search: str, replace: str = "new", path: str = "workflow.py") -> PatchReply:
    return PatchReply(path=path, search=search, replace=replace)


def test_a_patch_replaces_what_stands_once() -> None:
    assert patched(FILES, [patch("a = 1", "a = 3")]) == {"workflow.py": "a = 3\nb = 2\nb = 2\n"}


def test_patches_apply_one_after_the_other() -> None:
    found = patched(FILES, [patch("a = 1", "c = 9"), patch("c = 9\n", "")])
    assert found == {"workflow.py": "b = 2\nb = 2\n"}


def test_a_file_that_is_not_there_yet_is_written_whole() -> None:
    path = "prompts/main.md"
    assert patched(FILES, [patch("", "Read.\n", path)]) == {path: "Read.\n"}


def test_a_patch_that_changes_nothing_changes_no_file() -> None:
    assert patched(FILES, [patch("a = 1", "a = 1")]) == {}


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        (patch("b = 2"), "stands 2 times"),
        (patch("a = 10"), "does not stand in the file: 'a = 10'; the nearest line is 'a = 3'"),
        (patch(""), "is empty, and the file is not"),
        (patch("x", path="prompts/main.md"), "there is no such file"),
        (patch("name", path="harness.yaml"), "harness.yaml is fixed"),
    ],
)
def test_a_patch_that_does_not_apply_says_why(bad: PatchReply, problem: str) -> None:
    with pytest.raises(HarnessError) as raised:
        patched(FILES, [patch("a = 1", "a = 3"), bad])
    assert problem in raised.value.problem
    assert "patch 2" in raised.value.problem
