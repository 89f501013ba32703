"""Promotion as a user asks for it: from a run's journal and a candidate to a version in git.

Knows what counts as evidence; how a version is made is `optimize.promote`'s business.
"""

import asyncio
from pathlib import Path
from typing import Any

from autodata.errors import RepositoryError, StoreError
from autodata.harness.knobs import nearest
from autodata.harness.repository import Repository
from autodata.optimize.promote import Version, promote, rollback, versions
from autodata.optimize.session import FINISHED
from autodata.project import Project, harness_folder
from autodata.store.journal import Journal, read_records
from autodata.types import Json


def promote_run(
    project: Project, folder: Path, candidate: str | None, force: bool
) -> tuple[Version, bool]:
    """Promote a run's certified candidate, or another one by force; say whether that was news.

    Raises:
        RepositoryError: not certified, simulated, a moved incumbent or a dirty tree; see
            `optimize.promote`.
        StoreError: the run has no such candidate.
    """
    facts = _facts(folder)
    run = facts["run"].get(folder.name)
    if run is None:
        raise StoreError(f"run {folder.name} has not begun", "see `autodata runs`")
    if run.get("kind") == "evaluation":
        raise StoreError(
            f"run {folder.name} only measured a harness: there is nothing to promote",
            "name an optimization; see `autodata runs`",
        )
    finished = facts["session"].get(FINISHED, {})
    chosen = candidate or _default(folder.name, finished)
    body = facts["candidate"].get(chosen)
    if body is None:
        raise StoreError(
            f"run {folder.name} has no candidate {chosen!r}", nearest(chosen, [*facts["candidate"]])
        )
    certificate = facts["certification"].get(chosen, {})
    evidence: Json = {
        "run": folder.name,
        "candidate": chosen,
        "candidate_commit": body["commit"],
        "simulated": run["simulated"],
        "certified": bool(certificate.get("certified")),
        "certificate": certificate,
    }
    with Repository(project.root) as repository:
        known = {version.tag for version in versions(repository, run["harness"])}
        version = promote(
            repository,
            run["harness"],
            body["commit"],
            run["baseline_tree"],
            evidence,
            force,
            f"Promote {chosen} of run {folder.name}\n\n{body['message']}",
        )
    ours = ("run", "candidate")
    if all(version.evidence.get(name) == evidence[name] for name in ours):
        asyncio.run(_journal(folder, version))
    return version, version.tag not in known


def list_versions(project: Project, harness: str) -> list[dict[str, Any]]:
    """Return the promoted versions of a harness as rows, oldest first.

    Raises:
        ConfigurationError: there is no such harness.
    """
    with Repository(project.root) as repository:
        found = [
            {
                "version": f"v{version.number}",
                "commit": version.commit[:10],
                "run": version.evidence.get("run", ""),
                "candidate": version.evidence.get("candidate", ""),
                "certified": version.evidence.get("certified", False),
                "forced": version.evidence.get("forced", False),
                "simulated": version.evidence.get("simulated", False),
                "rolled_back_to": version.evidence.get("rolled_back_to", ""),
            }
            for version in versions(repository, harness)
        ]
    if not found:
        harness_folder(project.root, harness)
    return found


def roll_back(project: Project, harness: str, version: str) -> Version:
    """Return a harness to an earlier version by a new commit and tag.

    Raises:
        ConfigurationError: there is no such harness.
        RepositoryError: there is no such version, or the tree is dirty.
    """
    number = version.removeprefix("v")
    if not number.isdigit():
        raise RepositoryError(f"{version!r} is no version", "write it like v2")
    harness_folder(project.root, harness)
    with Repository(project.root) as repository:
        return rollback(repository, harness, int(number))


def _facts(folder: Path) -> dict[str, dict[str, Json]]:
    kinds = ("run", "session", "candidate", "certification")
    facts: dict[str, dict[str, Json]] = {kind: {} for kind in kinds}
    for record in read_records(folder, set(kinds)):
        facts[record.kind][record.key] = record.body
    return facts


def _default(run: str, finished: Json) -> str:
    if not finished:
        raise RepositoryError(
            f"run {run} has no test result yet",
            f"finish it: autodata optimize --run {run}; or name a candidate with --force",
        )
    if finished["best"] == "c0":
        raise RepositoryError(
            f"run {run} certified no candidate: nothing is better than the incumbent",
            f"look at `autodata show {run}`; name a candidate and --force to promote all the same",
        )
    return str(finished["best"])


async def _journal(folder: Path, version: Version) -> None:
    """Write down what the tag says, also when a crash came between tag and journal."""
    journal = Journal.open(folder)
    try:
        if journal.find("promotion", version.tag) is None:
            body = {
                "candidate_id": version.evidence["candidate"],
                "commit": version.commit,
                "harness": version.harness,
                "version": f"v{version.number}",
                "forced": bool(version.evidence.get("forced")),
                "evidence": version.evidence,
            }
            await journal.append("promotion", version.tag, body)
    finally:
        await journal.close()
