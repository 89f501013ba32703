"""Candidates in git: made without a checkout, the same every time, whatever the configuration."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from autodata.errors import HarnessError, RepositoryError
from autodata.harness.repository import Repository, create_repository
from autodata.harness.spec import load_files
from tests.support.harnesses import FILES
from tests.support.repositories import CLEAN, git, make_repository

CHANGED = {**FILES, "prompts/challenger.md": "Ask better about {{document}}.\n"}
WHEN = 1_790_000_000


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "project")


def test_a_candidate_is_read_back_as_it_was(place: Path) -> None:
    with Repository(place) as repository:
        c0 = repository.commit_candidate("r1", "c0", FILES, repository.head(), "Baseline", WHEN)
        c1 = repository.commit_candidate("r1", "c1", CHANGED, c0, "Ask better", WHEN + 1)
        assert repository.read_files(c0) == FILES
        assert repository.read_files(c1, "tiny") == CHANGED
        assert repository.resolve("r1", "c1") == c1


def test_the_same_candidate_is_the_same_commit(place: Path) -> None:
    with Repository(place) as repository:
        made = {
            repository.commit_candidate("r1", "c0", FILES, repository.head(), "Baseline", WHEN)
            for _ in range(2)
        }
    assert len(made) == 1


def test_a_candidate_touches_neither_index_nor_files(place: Path) -> None:
    (place / "notes.txt").write_text("changed")
    (place / "harnesses/tiny/workflow.py").write_text("half done")
    git(place, "add", "notes.txt")
    before = git(place, "status", "--porcelain")
    with Repository(place) as repository:
        repository.commit_candidate("r1", "c0", CHANGED, repository.head(), "Baseline", WHEN)
    assert git(place, "status", "--porcelain") == before
    assert git(place, "log", "--format=%s", "main") == "Begin"


def test_git_shows_a_candidate_as_an_edit_of_its_parent(place: Path) -> None:
    with Repository(place) as repository:
        c0 = repository.commit_candidate("r1", "c0", FILES, repository.head(), "Baseline", WHEN)
        c1 = repository.commit_candidate("r1", "c1", CHANGED, c0, "Ask better\n\nbecause", WHEN + 1)
    assert git(place, "diff", "--stat", "main", c0) == ""
    assert git(place, "diff", "--name-only", c0, c1) == "harnesses/tiny/prompts/challenger.md"
    lines = git(place, "log", "--format=%s", "--glob=refs/autodata/r1", "main..").splitlines()
    assert lines == ["Ask better", "Baseline"]
    assert "Candidate: c1" in git(place, "log", "-1", "--format=%(trailers)", c1)
    assert git(place, "log", "-1", "--format=%an <%ae> %at", c1) == (
        f"autodata <autodata@localhost> {WHEN + 1}"
    )


def test_a_removed_file_is_gone_and_other_files_stay(place: Path) -> None:
    files = {path: text for path, text in FILES.items() if path != "prompts/verifier.md"}
    with Repository(place) as repository:
        c0 = repository.commit_candidate("r1", "c0", files, repository.head(), "Baseline", WHEN)
        assert repository.read_files(c0) == files
    assert "harnesses/tiny/README.md" in git(place, "ls-tree", "-r", "--name-only", c0)


def test_only_harness_files_are_written(place: Path) -> None:
    with Repository(place) as repository:
        for path in ("../x", ".git/hooks/post-merge", "prompts/other.md"):
            with pytest.raises(HarnessError, match="no file of a harness"):
                repository.commit_candidate("r1", "c0", {**FILES, path: "x"}, None, "m", WHEN)


@pytest.mark.parametrize("run", ["../main", "a b", "x.lock", "a..b", "", "-x", "a/b"])
def test_a_run_name_that_is_no_ref_is_refused(place: Path, run: str) -> None:
    with Repository(place) as repository, pytest.raises(RepositoryError, match="git ref"):
        repository.commit_candidate(run, "c0", FILES, None, "m", WHEN)


def test_hostile_messages_stay_messages(place: Path) -> None:
    message = "M 100644 inline evil\ndata 4\nevil\n\x00\x1b[31m \ud800\n\nHarness: other\n"
    with Repository(place) as repository:
        c0 = repository.commit_candidate("r1", "c0", FILES, repository.head(), message, WHEN)
        assert repository.read_files(c0) == FILES
        c1 = repository.commit_candidate("r1", "c1", FILES, c0, "", WHEN)
        assert repository.read_files(c1) == FILES
    assert "evil" not in git(place, "ls-tree", "-r", "--name-only", c0)


def test_hooks_signing_and_odd_configuration_do_not_matter(place: Path) -> None:
    with Repository(place) as repository:
        plain = repository.commit_candidate("r1", "c0", FILES, repository.head(), "é", WHEN)
    git(place, "update-ref", "-d", "refs/autodata/r1/c0")
    for hook in ("reference-transaction", "pre-commit", "commit-msg", "post-commit"):
        script = place / ".git/hooks" / hook
        script.parent.mkdir(exist_ok=True)
        script.write_text("#!/bin/sh\nexit 1\n")
        script.chmod(0o755)
    for key, value in {
        "commit.gpgSign": "true",
        "gpg.program": "false",
        "core.autocrlf": "true",
        "i18n.commitEncoding": "ISO-8859-1",
        "core.fsmonitor": "false-command",
        "log.showSignature": "true",
    }.items():
        git(place, "config", key, value)
    with Repository(place) as repository:
        odd = repository.commit_candidate("r1", "c0", FILES, repository.head(), "é", WHEN)
        assert repository.read_files(odd) == FILES
    assert odd == plain


def test_git_variables_of_another_repository_do_not_matter(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_repository(tmp_path / "other")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git/index"))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(other / ".git/objects"))
    with Repository(place) as repository:
        repository.commit_candidate("r1", "c0", FILES, repository.head(), "m", WHEN)
    assert git(place, "for-each-ref", "refs/autodata")
    assert not git(other, "for-each-ref", "refs/autodata")


def test_a_repository_with_long_hashes_works(tmp_path: Path) -> None:
    place = make_repository(tmp_path / "long", "--object-format=sha256")
    with Repository(place) as repository:
        c0 = repository.commit_candidate("r1", "c0", FILES, repository.head(), "m", WHEN)
        assert len(c0) == 64
        assert load_files(repository.read_files(c0)) == load_files(FILES)


def test_a_linked_worktree_works(place: Path, tmp_path: Path) -> None:
    git(place, "worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    with Repository(tmp_path / "side") as repository:
        assert repository.branch() == "side"
        repository.commit_candidate("r1", "c0", FILES, repository.head(), "m", WHEN)
        assert repository.is_clean()
    assert (
        git(place, "for-each-ref", "--format=%(refname)", "refs/autodata") == "refs/autodata/r1/c0"
    )


def test_a_project_may_lie_below_the_repository(tmp_path: Path) -> None:
    top = make_repository(tmp_path / "top")
    inner = top / 'in "quotes" é'
    inner.mkdir()
    with Repository(inner) as repository:
        c0 = repository.commit_candidate("r1", "c0", FILES, repository.head(), "m", WHEN)
        assert repository.read_files(c0) == FILES
        assert repository.folder("tiny") == 'in "quotes" é/harnesses/tiny'


def test_a_repository_without_commits_can_hold_candidates(tmp_path: Path) -> None:
    assert create_repository(tmp_path)
    assert not create_repository(tmp_path)
    with Repository(tmp_path) as repository:
        assert repository.head() is None
        c0 = repository.commit_candidate("r1", "c0", FILES, None, "m", WHEN)
        assert repository.read_files(c0) == FILES


def test_candidates_need_no_identity(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(place, "config", "--unset", "user.name")
    git(place, "config", "--unset", "user.email")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    with Repository(place) as repository:
        repository.commit_candidate("r1", "c0", FILES, repository.head(), "m", WHEN)
        with pytest.raises(RepositoryError, match="who you are") as caught:
            repository.identity()
    assert "git config --global user.email" in caught.value.fix


def test_no_repository_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(RepositoryError, match="in no git repository") as caught:
        Repository(tmp_path)
    assert "git init" in caught.value.fix


def test_a_machine_without_git_says_what_to_install(tmp_path: Path) -> None:
    program = "import autodata.harness.repository"
    environment = {**CLEAN, "PATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "RepositoryError: git cannot be used" in done.stderr


def test_gits_own_words_are_passed_on(place: Path) -> None:
    (place / ".git/index.lock").touch()
    with Repository(place) as repository, pytest.raises(RepositoryError, match=r"index\.lock"):
        repository.git("add", "notes.txt")


def test_an_unknown_candidate_names_the_nearest(place: Path) -> None:
    with Repository(place) as repository:
        repository.commit_candidate("r1", "c10", FILES, None, "m", WHEN)
        with pytest.raises(RepositoryError, match="no candidate r1/c11") as caught:
            repository.resolve("r1", "c11")
    assert "c10" in caught.value.fix


def test_an_unknown_commit_or_harness_is_named(place: Path) -> None:
    with Repository(place) as repository:
        with pytest.raises(RepositoryError, match="no commit 'nothing'"):
            repository.read_files("nothing")
        with pytest.raises(RepositoryError, match="no harness in harnesses/other"):
            repository.read_files("HEAD", "other")
        with pytest.raises(RepositoryError, match="no commit"):
            repository.read_files("--output=/tmp/x")
        assert repository.read_files("HEAD") == FILES


def test_a_link_in_a_commit_is_not_followed(place: Path) -> None:
    (place / "harnesses/tiny/prompts/main.md").symlink_to("/etc/passwd")
    git(place, "add", ".")
    git(place, "commit", "-q", "-m", "link")
    with Repository(place) as repository, pytest.raises(RepositoryError, match="no plain file"):
        repository.read_files("HEAD")
