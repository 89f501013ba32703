"""The jobs `promote`, `versions` and `rollback`: from a run's journal to a version in git.

`jobs.evidence` says what counts as evidence, `harness.versions` how a version is made.
"""

from collections.abc import Sequence
from pathlib import Path

from autodata.engine.recorded import check_search
from autodata.errors import RepositoryError, StoreError
from autodata.harness.knobs import nearest
from autodata.harness.repository import Repository
from autodata.harness.versions import (
    Case,
    Version,
    files_of,
    promote,
    rollback,
    spelled,
    states,
    versions,
)
from autodata.jobs.evidence import default_candidate, examine
from autodata.project import Project, harness_folder
from autodata.report.edits import believed_effect
from autodata.report.views import number, plain
from autodata.store.facts import JournalReader
from autodata.store.journal import Journal
from autodata.store.records import (
    BeliefsRecord,
    CandidateRecord,
    Certificate,
    EditBelief,
    EditRecord,
    PromotionRecord,
    RunRecord,
)
from autodata.store.runs import check_name_kept
from autodata.types import Json


async def promote_run(
    project: Project, folder: Path, candidate: str | None, force: bool
) -> tuple[Version, bool]:
    """Promote a run's certified candidate, or another by force; return whether that was news.

    Git is left alone until the run's journal can be written.

    Raises:
        RepositoryError: not certified, simulated, a moved incumbent or a dirty tree; see
            `harness.versions`.
        StoreError: the run has no such candidate, or another process writes it.
    """
    check_name_kept(folder)
    journal = Journal.open(folder)
    try:
        version, new = _promote(project, journal, candidate, force)
        await _write_down(journal, version)
    finally:
        await journal.close()
    return version, new


def _promote(
    project: Project, journal: Journal, candidate: str | None, force: bool
) -> tuple[Version, bool]:
    name = journal.folder.name
    run = check_search(journal.find(RunRecord, name), name)
    chosen = candidate or default_candidate(journal)
    record = journal.find(CandidateRecord, chosen)
    if record is None:
        names = [fact.key for fact in journal.records(CandidateRecord)]
        raise StoreError(f"run {name} has no candidate {chosen!r}", nearest(chosen, names))
    findings = examine(project.runs, journal, run, record)
    certificate = journal.find(Certificate, chosen)
    evidence: Json = {
        "run": name,
        "candidate": chosen,
        "candidate_commit": record.commit,
        "simulated": run.simulated,
        "certified": findings.certified,
        "rules": run.rules,
        "certificate": certificate.to_json() if certificate else {},
    }
    edits = merged_edits(journal, record)
    if edits:
        evidence["edits"] = edits
    case = Case(
        run.harness,
        record.commit,
        run.baseline_tree,
        evidence,
        findings.objections,
        f"Promote {chosen} of run {name}\n\n{_told(edits) if edits else record.message}",
    )
    with Repository(project.root) as repository:
        tags = {version.tag for version in versions(repository, run.harness)}
        version = promote(repository, case, force)
    return version, version.tag not in tags


def merged_edits(journal: JournalReader, candidate: CandidateRecord) -> list[Json]:
    """Return the edits that are merged in a candidate, with what was believed of each at last.

    Those that carried it come first: they are likeliest to be good.
    """
    believed: dict[int, EditBelief] = {}
    for fact in journal.records(BeliefsRecord):
        believed.update((belief.edit, belief) for belief in fact.record.edits)
    merged = []
    for edit in candidate.edits:
        made, belief = journal.find(EditRecord, f"e{edit}"), believed.get(edit)
        named = ("effect", "low", "high", "good", "tokens", "episodes")
        merged.append(
            {
                "edit": edit,
                "commit": made.commit if made else "",
                "message": plain(made.message.partition("\n")[0]) if made else "",
                **{name: getattr(belief, name) if belief else None for name in named},
            }
        )
    return sorted(merged, key=lambda edit: (-(edit["good"] or 0.0), edit["edit"]))


def _told(edits: Sequence[Json]) -> str:
    """Say which edits carried a candidate that was merged of them."""
    lines = [
        f"e{edit['edit']}  {believed_effect(edit['effect'], edit['low'], edit['high'])}  "
        f"P(good) {number(edit['good'], '.2f')}  {edit['message']}".rstrip()
        for edit in edits
    ]
    head = (
        "Its edits, the likeliest to be good first. Effects on the pass rate with 95 % intervals\n"
        "are beliefs of the search and no test: a certificate tests all of them together."
    )
    return "\n".join((head, "", *lines))


def list_versions(project: Project, harness: str) -> list[Json]:
    """Return a harness's versions as rows, oldest first; `v0` is the state before the first.

    Raises:
        ConfigurationError: there is no such harness.
    """
    with Repository(project.root) as repository:
        rows = [
            {
                "version": f"v{version.number}",
                "commit": version.commit[:10],
                "run": version.evidence.get("run", ""),
                "candidate": version.evidence.get("candidate", ""),
                "certified": version.evidence.get("certified", False),
                "rules": _rules(version.evidence),
                "forced": version.evidence.get("forced", False),
                "simulated": version.evidence.get("simulated", False),
                "rolled_back_to": version.evidence.get("rolled_back_to", ""),
            }
            for version in states(repository, harness)
        ]
    if not rows:
        harness_folder(project.root, harness)
    return rows


def _rules(evidence: Json) -> int | None:
    """Return under which acceptance rules a version was made; None where no run made it."""
    return int(evidence.get("rules", 1)) if evidence.get("run") else None


def roll_back(project: Project, harness: str | None, text: str) -> tuple[Version, bool]:
    """Return a harness to an earlier version by a new commit and tag.

    Say too whether the project has no such harness any more, as before its first version.

    Raises:
        ConfigurationError: there is no such harness.
        RepositoryError: there is no such version, or the tree is dirty.
    """
    named = spelled(text, harness or project.config.harness)
    if named is None:
        raise RepositoryError(f"{text!r} is no version", "write it like v2, or harness/NAME/v2")
    if harness not in (None, named[0]):
        raise RepositoryError(
            f"{text} is a version of {named[0]}", f"leave out --harness {harness}"
        )
    with Repository(project.root) as repository:
        if not states(repository, named[0]):
            harness_folder(project.root, named[0])
        made = rollback(repository, *named)
        return made, not files_of(repository, made)


def version_report(project: Project, text: str) -> Json | None:
    """Return what the tag of a version holds; None where the text names no version."""
    named = spelled(text, project.config.harness)
    if named is None:
        return None
    with Repository(project.root) as repository:
        by_number = {version.number: version for version in states(repository, named[0])}
    version = by_number.get(named[1])
    if version is None:
        return None
    before = max((number for number in by_number if number < version.number), default=None)
    return {
        "version": version.tag,
        "commit": version.commit,
        "before": None if before is None else f"harness/{version.harness}/v{before}",
        **version.evidence,
    }


async def _write_down(journal: Journal, version: Version) -> None:
    """Journal what the tag says of this run, also when a crash came between tag and journal."""
    ours = version.evidence.get("run") == journal.folder.name
    if not ours or journal.find(PromotionRecord, version.tag) is not None:
        return
    record = PromotionRecord(
        candidate_id=version.evidence["candidate"],
        commit=version.commit,
        harness=version.harness,
        version=f"v{version.number}",
        forced=bool(version.evidence.get("forced")),
        evidence=version.evidence,
    )
    await journal.append(version.tag, record)
