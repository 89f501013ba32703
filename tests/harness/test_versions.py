"""Promotion: one commit, one tag, and every reason to refuse."""

import os
from pathlib import Path

import pytest

from autodata.errors import RepositoryError, StalePromotion
from autodata.harness.repository import Repository
from autodata.harness.spec import tree_id
from autodata.harness.versions import Case, Version, promote, rollback, versions
from tests.support.harnesses import FILES
from tests.support.repositories import git, make_repository

BETTER = {**FILES, "prompts/challenger.md": "Ask better about {{document}}.\n"}
BEST = {**FILES, "prompts/challenger.md": "Ask best about {{document}}.\n"}
EVIDENCE = {"run": "r1", "candidate": "c1", "certificate": {"gain": 0.2}}
INCUMBENT = tree_id(FILES)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = make_repository(tmp_path / "project")
    with Repository(folder) as repository:
        head = repository.head()
        repository.commit_candidate("r1", "c1", BETTER, head, "Better", 1_790_000_000)
        repository.commit_candidate("r1", "c2", BEST, head, "Best", 1_790_000_000)
    return folder


def promoted(
    place: Path,
    candidate: str = "c1",
    expected: str = INCUMBENT,
    certified: bool = True,
    force: bool = False,
) -> Version:
    with Repository(place) as repository:
        commit = repository.resolve("r1", candidate)
        against = [] if certified else [RepositoryError("it was not tested", "test it")]
        case = Case("tiny", commit, expected, EVIDENCE, against, "Promote\n\nwhy")
        return promote(repository, case, force)


def test_a_certified_candidate_becomes_a_commit_and_a_tag(place: Path) -> None:
    version = promoted(place)
    assert (version.number, version.tag) == (1, "harness/tiny/v1")
    assert git(place, "status", "--porcelain") == ""
    assert (place / "harnesses/tiny/prompts/challenger.md").read_text().startswith("Ask better")
    assert git(place, "show", "--name-only", "--format=%an: %s", "HEAD").splitlines() == [
        "Test: Promote",
        "",
        "harnesses/tiny/prompts/challenger.md",
    ]
    assert git(place, "cat-file", "-t", "harness/tiny/v1") == "tag"
    assert git(place, "rev-parse", "harness/tiny/v1^{commit}") == version.commit
    assert "gain: 0.2" in git(place, "tag", "-l", "--format=%(contents)", "harness/tiny/v1")


def test_versions_come_back_with_their_evidence(place: Path) -> None:
    first = promoted(place)
    second = promoted(place, "c2", tree_id(BETTER))
    git(place, "tag", "harness/tiny/v9x")
    git(place, "tag", "-a", "-m", "mine: [", "harness/tiny/v7")
    with Repository(place) as repository:
        found = versions(repository, "tiny")
    assert found[:2] == [first, second]
    assert found[1].evidence == {**EVIDENCE, "overridden": [], "forced": False}
    assert found[2].evidence == {}
    assert len(found) == 3


def test_promoting_again_changes_nothing(place: Path) -> None:
    first = promoted(place)
    assert promoted(place) == first
    assert git(place, "rev-list", "--count", "HEAD") == "2"


def test_a_crash_before_the_tag_is_finished_by_running_again(place: Path) -> None:
    first = promoted(place)
    git(place, "tag", "-d", first.tag)
    again = promoted(place)
    assert again.commit == first.commit
    assert git(place, "rev-list", "--count", "HEAD") == "2"
    assert again.evidence["certificate"] == {"gain": 0.2}


def test_a_moved_incumbent_is_refused(place: Path) -> None:
    promoted(place)
    with pytest.raises(StalePromotion, match="has changed since"):
        promoted(place, "c2")
    with Repository(place) as repository:
        assert len(versions(repository, "tiny")) == 1


def test_a_missing_certificate_is_refused(place: Path) -> None:
    with pytest.raises(RepositoryError, match="it was not tested"):
        promoted(place, certified=False)
    assert git(place, "rev-list", "--count", "HEAD") == "1"


def test_force_is_recorded_with_what_it_overrode(place: Path) -> None:
    promoted(place)
    version = promoted(place, "c2", certified=False, force=True)
    assert version.evidence["forced"] is True
    assert len(version.evidence["overridden"]) == 2


@pytest.mark.parametrize("path", ["notes.txt", "harnesses/tiny/workflow.py", "harnesses/tiny/new"])
@pytest.mark.parametrize("staged", [False, True])
def test_a_dirty_tree_is_refused_and_kept(place: Path, path: str, staged: bool) -> None:
    (place / path).write_text("mine\n")
    if staged:
        git(place, "add", path)
    before = git(place, "status", "--porcelain")
    with pytest.raises(RepositoryError, match="not committed"):
        promoted(place)
    assert git(place, "status", "--porcelain") == before
    assert (place / path).read_text() == "mine\n"


def test_an_untracked_file_elsewhere_is_no_obstacle(place: Path) -> None:
    (place / "corpus.txt").write_text("text")
    assert promoted(place).number == 1
    assert git(place, "status", "--porcelain") == "?? corpus.txt"


def test_force_never_overwrites_or_commits_what_is_not_its_own(place: Path) -> None:
    (place / "notes.txt").write_text("mine\n")
    git(place, "add", "notes.txt")
    promoted(place, force=True)
    assert git(place, "status", "--porcelain") == "M  notes.txt"
    assert git(place, "show", "--name-only", "--format=", "HEAD") == (
        "harnesses/tiny/prompts/challenger.md"
    )
    (place / "harnesses/tiny/prompts/challenger.md").write_text("mine\n")
    with pytest.raises(RepositoryError, match="overwritten"):
        promoted(place, "c2", force=True)
    assert (place / "harnesses/tiny/prompts/challenger.md").read_text() == "mine\n"


def test_a_harness_new_to_the_repository_is_its_first_version(tmp_path: Path) -> None:
    place = make_repository(tmp_path / "project")
    files = {**BETTER, "harness.yaml": FILES["harness.yaml"].replace("tiny", "fresh")}
    with Repository(place) as repository:
        commit = repository.commit_candidate("r1", "c1", files, repository.head(), "m", 1)
        version = promote(repository, Case("fresh", commit, "whatever", EVIDENCE))
        assert repository.read_files("HEAD", "fresh") == files
    assert version.tag == "harness/fresh/v1"
    assert (place / "harnesses/fresh/workflow.py").is_file()


def test_a_detached_head_is_refused(place: Path) -> None:
    git(place, "checkout", "-q", "--detach")
    with pytest.raises(RepositoryError, match="detached HEAD"):
        promoted(place)


def test_a_repository_without_commits_is_refused(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    with Repository(tmp_path) as repository:
        commit = repository.commit_candidate("r1", "c1", FILES, None, "m", 1)
        with pytest.raises(RepositoryError, match="no commit yet"):
            promote(repository, Case("tiny", commit, INCUMBENT, EVIDENCE))


def test_promotion_needs_an_identity(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(place, "config", "--unset", "user.email")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    monkeypatch.delenv("EMAIL", raising=False)
    with pytest.raises(RepositoryError, match="who you are"):
        promoted(place)


def test_rollback_is_a_new_commit_and_version(place: Path) -> None:
    promoted(place)
    promoted(place, "c2", tree_id(BETTER))
    with Repository(place) as repository:
        back = rollback(repository, "tiny", 1)
        assert back.number == 3
        assert back.evidence["rolled_back_to"] == "v1"
        assert repository.read_files("HEAD", "tiny") == BETTER
        assert rollback(repository, "tiny", 1) == back
    assert git(place, "rev-list", "--count", "HEAD") == "4"
    assert git(place, "status", "--porcelain") == ""
    assert git(place, "log", "-1", "--format=%s") == "Roll back tiny to v1"


def test_rollback_finishes_what_a_crash_left(place: Path) -> None:
    promoted(place)
    promoted(place, "c2", tree_id(BETTER))
    with Repository(place) as repository:
        back = rollback(repository, "tiny", 1)
        git(place, "tag", "-d", back.tag)
        assert rollback(repository, "tiny", 1).commit == back.commit


def test_rollback_refuses_what_cannot_be(place: Path) -> None:
    promoted(place)
    with Repository(place) as repository:
        with pytest.raises(RepositoryError, match="no version v5") as caught:
            rollback(repository, "tiny", 5)
        assert "v1" in caught.value.fix
        with pytest.raises(RepositoryError, match="already is v1"):
            rollback(repository, "tiny", 1)


def test_rollback_refuses_a_dirty_tree(place: Path) -> None:
    promoted(place)
    promoted(place, "c2", tree_id(BETTER))
    (place / "notes.txt").write_text("mine\n")
    with Repository(place) as repository, pytest.raises(RepositoryError, match="not committed"):
        rollback(repository, "tiny", 1)


def test_hooks_and_signing_do_not_stand_in_the_way(place: Path) -> None:
    for hook in ("pre-commit", "commit-msg", "post-merge", "pre-merge-commit"):
        script = place / ".git/hooks" / hook
        script.parent.mkdir(exist_ok=True)
        script.write_text("#!/bin/sh\nexit 1\n")
        script.chmod(0o755)
    for key in ("commit.gpgSign", "tag.gpgSign", "tag.forceSignAnnotated"):
        git(place, "config", key, "true")
    git(place, "config", "gpg.program", "false")
    assert promoted(place).number == 1


def test_line_ends_follow_the_users_configuration(place: Path) -> None:
    git(place, "config", "core.autocrlf", "true")
    promoted(place)
    assert git(place, "status", "--porcelain") == ""
    text = (place / "harnesses/tiny/prompts/challenger.md").read_bytes()
    assert text.endswith(b".\r\n")
