"""Promotion and rollback in git: a commit on the branch, and a tag that holds the evidence.

How evidence is found is not decided here, only what a step forward or back requires.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from autodata.errors import RepositoryError, StalePromotion
from autodata.harness.repository import Repository
from autodata.harness.spec import load_files, tree_id

_SPELLED = re.compile(r"(?:harness/([^/]+)/)?v?([0-9]{1,9})")
_FORM = "%(refname:strip=4)%1f%(objectname)%1f%(*objectname)%1f%(contents)%1e"


@dataclass(frozen=True, slots=True)
class Version:
    """A promoted version: `harness/<name>/v<number>` is an annotated tag on `commit`."""

    harness: str
    number: int
    commit: str
    evidence: dict[str, Any]

    @property
    def tag(self) -> str:
        """The tag's name."""
        return f"harness/{self.harness}/v{self.number}"


@dataclass(frozen=True, slots=True)
class Case:
    """The case for a promotion: the commit, its evidence, and the objections.

    `commit` holds its files; `expected` is the tree of the incumbent that it was compared with.
    `objections` are those against the evidence, the weightiest first.
    """

    harness: str
    commit: str
    expected: str
    evidence: Mapping[str, Any]
    objections: Sequence[RepositoryError] = ()
    message: str = ""


def promote(repository: Repository, case: Case, force: bool = False) -> Version:
    """Make a harness the current version, if nothing speaks against it.

    Writes one commit of its files alone and an annotated tag with the evidence. Running it again
    after a crash finishes what is missing; when nothing is missing it returns the version there is.
    `force` goes ahead against objections to the evidence, with another incumbent or in a dirty
    tree, and is recorded.

    Raises:
        StalePromotion: the incumbent has moved; compare again.
        RepositoryError: an objection, a dirty tree, no identity, no branch.
    """
    harness = case.harness
    files = load_files(repository.read_files(case.commit, harness)).files
    _ready(repository)
    if done := _current(repository, harness, files):
        return done
    there = _incumbent(repository, harness) == tree_id(files)  # by hand, or a crash came after it
    overridden = [*case.objections, *([] if there else _obstacles(repository, case))]
    if overridden and not force:
        raise overridden[0]
    if not there:
        message = case.message.strip() or f"Promote {harness} to {case.commit[:10]}"
        _advance(repository, harness, files, message)
    facts = {**case.evidence, "overridden": [error.problem for error in overridden]}
    return _tag(repository, harness, facts, force)


def rollback(repository: Repository, harness: str, number: int) -> Version:
    """Return a harness to version `number` by a new commit and a new version.

    Version 0 is what was there before the first promotion; where the project had no such harness
    then, its files are removed.

    Raises:
        RepositoryError: no such version, it is the current one, or the tree is dirty.
    """
    target = find_version(repository, harness, number)
    files = files_of(repository, target)
    _ready(repository)
    if (done := _current(repository, harness, files)) and done.number == number:
        raise RepositoryError(f"{harness} already is v{number}", "see `autodata versions`")
    if done:
        return done
    if _incumbent(repository, harness) != _tree(files):
        if dirty := _dirty(repository, harness):
            raise dirty
        _advance(repository, harness, files, f"Roll back {harness} to v{number}")
    evidence = {**target.evidence, "rolled_back_to": f"v{number}"}
    return _tag(repository, harness, evidence, force=False)


def spelled(text: str, harness: str) -> tuple[str, int] | None:
    """Return harness and number of a version written `v2`, `2` or `harness/NAME/v2`, else None.

    `harness` is whose it is where the text does not say.
    """
    match = _SPELLED.fullmatch(text)
    return (match[1] or harness, int(match[2])) if match else None


def find_version(repository: Repository, harness: str, number: int) -> Version:
    """Return a version of a harness; 0 is the state before the first promotion.

    Raises:
        RepositoryError: there is no such version; lists those there are.
    """
    by_number = {version.number: version for version in states(repository, harness)}
    if number not in by_number:
        names = ", ".join(f"v{other}" for other in by_number)
        fix = f"there are: {names}" if names else "nothing is promoted yet: autodata promote RUN"
        raise RepositoryError(f"{harness} has no version v{number}", fix)
    return by_number[number]


def files_of(repository: Repository, version: Version) -> dict[str, str]:
    """Return a version's files; none where the project had no such harness."""
    if not _holds(repository, version.commit, version.harness):
        return {}
    return load_files(repository.read_files(version.commit, version.harness)).files


def states(repository: Repository, harness: str) -> list[Version]:
    """Return v0, which is no tag but the commit before the first promotion, and all versions."""
    promoted = versions(repository, harness)
    _, parents = repository.origin(promoted[0].commit) if promoted else (0, None)
    return [*([Version(harness, 0, parents.split()[0], {})] if parents else []), *promoted]


def versions(repository: Repository, harness: str) -> list[Version]:
    """Return a harness's versions, oldest first; tags of another form are left out."""
    listing = repository.git("for-each-ref", f"--format={_FORM}", f"refs/tags/harness/{harness}/")
    tags = []
    for entry in listing.split("\x1e"):
        name, _, rest = entry.strip("\n").partition("\x1f")
        if name[:1] == "v" and name[1:].isdigit():
            own, target, text = rest.split("\x1f", 2)
            tags.append(Version(harness, int(name[1:]), target or own, _evidence(text)))
    return sorted(tags, key=lambda version: version.number)


def _evidence(text: str) -> dict[str, Any]:
    try:
        evidence = yaml.safe_load(text.partition("\n\n")[2])
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}
    return evidence if isinstance(evidence, dict) else {}


def _ready(repository: Repository) -> None:
    """Make sure that git would let the user commit here at all."""
    if repository.head() is None:
        raise RepositoryError(
            "the repository has no commit yet", "git add harnesses && git commit -m 'Begin'"
        )
    if repository.branch() is None:
        raise RepositoryError("no branch is checked out (detached HEAD)", "git switch BRANCH")
    repository.identity()


def _current(repository: Repository, harness: str, files: Mapping[str, str]) -> Version | None:
    """Return the version of these files if the branch has them and they are tagged."""
    if _incumbent(repository, harness) != _tree(files):
        return None
    last = repository.last_change(harness)
    return next((v for v in versions(repository, harness) if v.commit == last), None)


def _obstacles(repository: Repository, case: Case) -> list[RepositoryError]:
    obstacles: list[RepositoryError] = []
    if _incumbent(repository, case.harness) not in (None, case.expected):
        obstacles.append(
            StalePromotion(
                f"{case.harness} has changed since this candidate was compared with it",
                "optimize again from the current version, or promote with --force (it is recorded)",
            )
        )
    if dirty := _dirty(repository, case.harness):
        obstacles.append(dirty)
    return obstacles


def _dirty(repository: Repository, harness: str) -> RepositoryError | None:
    folder = repository.folder(harness)
    if repository.is_clean() and repository.is_clean(folder):
        return None
    return RepositoryError(
        "the working tree has changes that are not committed",
        f"commit or stash them (git status shows which); {folder} will be rewritten",
    )


def _incumbent(repository: Repository, harness: str) -> str | None:
    """The tree of the harness on the current branch; None when it is not there."""
    if not _holds(repository, "HEAD", harness):
        return None
    return tree_id(repository.read_files("HEAD", harness))


def _tree(files: Mapping[str, str]) -> str | None:
    return tree_id(files) if files else None


def _holds(repository: Repository, commit: str, harness: str) -> bool:
    words = ("ls-tree", "--name-only", "--full-tree", commit, "--")
    return bool(repository.git(*words, f"{repository.folder(harness)}/harness.yaml").strip())


def _advance(repository: Repository, harness: str, files: Mapping[str, str], message: str) -> None:
    """Commit the files on the current branch, with index and working tree, or do nothing."""
    author = repository.identity()
    head = repository.head()
    ref = f"refs/autodata-promotion/{harness}"
    commit = repository.write_commit(ref, harness, files, head, message, author)
    try:
        repository.git("merge", "--ff-only", "--quiet", "--no-stat", commit)
    finally:
        repository.git("update-ref", "-d", ref)


def _tag(repository: Repository, harness: str, evidence: Mapping[str, Any], force: bool) -> Version:
    earlier = versions(repository, harness)
    number = max((version.number for version in earlier), default=0) + 1
    facts = json.loads(json.dumps({**evidence, "forced": force}))
    version = Version(harness, number, repository.last_change(harness), facts)
    text = f"{harness} v{number}\n\n{yaml.safe_dump(facts, sort_keys=False)}"
    options = ("--annotate", "--cleanup=verbatim", "--file=-")
    repository.git("tag", *options, version.tag, version.commit, stdin=text.encode())
    return version
