"""Promotion: a candidate becomes the harness on the current branch, with a tag that says why.

Knows nothing of runs, journals or how evidence is found: only the rules for taking a step forward,
and the way back.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from autodata.errors import RepositoryError, StalePromotion
from autodata.harness.repository import Repository
from autodata.harness.spec import load_files, tree_id

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


def promote(
    repository: Repository,
    harness: str,
    commit: str,
    expected: str,
    evidence: Mapping[str, Any],
    force: bool = False,
    message: str = "",
) -> Version:
    """Make the harness at `commit` the current version, if `evidence` is certified.

    `expected` is the tree of the incumbent that `commit` was compared with. Writes one commit of
    these files alone and an annotated tag with the evidence. Running it again after a crash
    finishes what is missing; when nothing is missing it returns the version there is. `force` goes
    ahead without a certificate, with another incumbent or in a dirty tree, and is recorded.

    Raises:
        StalePromotion: the incumbent has moved; compare again.
        RepositoryError: no certificate, simulated models, a dirty tree, no identity, no branch.
    """
    files = load_files(repository.read_files(commit, harness)).files
    _ready(repository)
    if done := _finish(repository, harness, files, evidence, force):
        return done
    overridden = _objections(repository, harness, expected, evidence)
    if overridden and not force:
        raise overridden[0]
    said = message.strip() or f"Promote {harness} to {commit[:10]}"
    _advance(repository, harness, files, said)
    facts = {**evidence, "overridden": [error.problem for error in overridden]}
    return _tag(repository, harness, facts, force)


def rollback(repository: Repository, harness: str, number: int) -> Version:
    """Return a harness to version `number` by a new commit and a new version.

    Raises:
        RepositoryError: no such version, it is the current one, or the tree is dirty.
    """
    known = {version.number: version for version in versions(repository, harness)}
    if number not in known:
        names = ", ".join(f"v{other}" for other in sorted(known))
        fix = f"there are: {names}" if names else "nothing is promoted yet: autodata promote RUN"
        raise RepositoryError(f"{harness} has no version v{number}", fix)
    target = known[number]
    files = load_files(repository.read_files(target.commit, harness)).files
    _ready(repository)
    evidence = {**target.evidence, "rolled_back_to": f"v{number}"}
    if done := _finish(repository, harness, files, evidence, force=False):
        if done.number == number:
            raise RepositoryError(f"{harness} already is v{number}", "see `autodata versions`")
        return done
    if dirty := _dirty(repository, harness):
        raise dirty
    _advance(repository, harness, files, f"Roll back {harness} to v{number}")
    return _tag(repository, harness, evidence, force=False)


def versions(repository: Repository, harness: str) -> list[Version]:
    """Return a harness's versions, oldest first; tags of another form are left out."""
    listing = repository.git("for-each-ref", f"--format={_FORM}", f"refs/tags/harness/{harness}/")
    found = []
    for entry in listing.split("\x1e"):
        name, _, rest = entry.strip("\n").partition("\x1f")
        if name[:1] == "v" and name[1:].isdigit():
            own, target, text = rest.split("\x1f", 2)
            found.append(Version(harness, int(name[1:]), target or own, _evidence(text)))
    return sorted(found, key=lambda version: version.number)


def _evidence(text: str) -> dict[str, Any]:
    try:
        found = yaml.safe_load(text.partition("\n\n")[2])
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _ready(repository: Repository) -> None:
    """Make sure that git would let the user commit here at all."""
    if repository.head() is None:
        raise RepositoryError(
            "the repository has no commit yet", "git add harnesses && git commit -m 'Begin'"
        )
    if repository.branch() is None:
        raise RepositoryError("no branch is checked out (detached HEAD)", "git switch BRANCH")
    repository.identity()


def _finish(
    repository: Repository,
    harness: str,
    files: Mapping[str, str],
    evidence: Mapping[str, Any],
    force: bool,
) -> Version | None:
    """Return the version of these files if the branch has them, tagging what a crash left bare."""
    if _incumbent(repository, harness) != tree_id(files):
        return None
    last = repository.last_change(harness)
    for version in versions(repository, harness):
        if version.commit == last:
            return version
    if not (force or "rolled_back_to" in evidence):
        if evidence.get("simulated"):
            raise _simulated()
        if not evidence.get("certified"):
            raise _uncertified()
    return _tag(repository, harness, evidence, force)


def _objections(
    repository: Repository, harness: str, expected: str, evidence: Mapping[str, Any]
) -> list[RepositoryError]:
    found = []
    if evidence.get("simulated"):
        found.append(_simulated())
    if not evidence.get("certified"):
        found.append(_uncertified())
    incumbent = _incumbent(repository, harness)
    if incumbent not in (None, expected):
        found.append(
            StalePromotion(
                f"{harness} has changed since this candidate was compared with it",
                "optimize again from the current version, or promote with --force (it is recorded)",
            )
        )
    if dirty := _dirty(repository, harness):
        found.append(dirty)
    return found


def _simulated() -> RepositoryError:
    return RepositoryError(
        "simulated models were used: that is no evidence about real ones",
        "optimize with real models, or promote with --force (it is recorded)",
    )


def _uncertified() -> RepositoryError:
    return RepositoryError(
        "there is no certified result on the test split for this candidate",
        "finish the run, or promote with --force (it is recorded)",
    )


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
    try:
        return tree_id(repository.read_files("HEAD", harness))
    except RepositoryError:
        return None


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
    known = versions(repository, harness)
    number = max((version.number for version in known), default=0) + 1
    facts = json.loads(json.dumps({**evidence, "forced": force}))
    version = Version(harness, number, repository.last_change(harness), facts)
    text = f"{harness} v{number}\n\n{yaml.safe_dump(facts, sort_keys=False)}"
    options = ("--annotate", "--cleanup=verbatim", "--file=-")
    repository.git("tag", *options, version.tag, version.commit, stdin=text.encode())
    return version
