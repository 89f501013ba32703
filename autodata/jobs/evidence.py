"""The evidence for and against promoting a candidate, from the journal of its run.

A certificate counts if it follows from the run's own record and test episodes, and from the
project's record of tests: it is made anew from these and compared.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isclose
from pathlib import Path
from typing import Any

from autodata.engine.recorded import check_rules, recorded_rules
from autodata.episode.auditor import recorded_outcome
from autodata.episode.counting import Originals
from autodata.episode.evaluator import episode_key
from autodata.errors import AutodataError, RepositoryError, StoreError
from autodata.report.views import signed
from autodata.search.certify import Side, certify, fingerprint
from autodata.search.null import FIRST_STAGE
from autodata.search.sealed import further_nulls
from autodata.store import looks
from autodata.store.episodes import EpisodeRecord
from autodata.store.facts import JournalReader
from autodata.store.records import (
    DEALT,
    FINISHED,
    CandidateRecord,
    Certificate,
    DocumentsRecord,
    RunRecord,
    SessionRecord,
)
from autodata.types import Cell, Outcome

_FORCE = "or promote with --force (it is recorded)"


def default_candidate(journal: JournalReader) -> str:
    """Return the candidate that a run certified at its end.

    Raises:
        RepositoryError: it has not ended, or certified nobody; says who was tested.
    """
    name, finished = journal.folder.name, journal.find(SessionRecord, FINISHED)
    if finished is None:
        raise RepositoryError(
            f"run {name} has no test result yet: it is not finished",
            f"finish it: autodata optimize --run {name}; or name a candidate with --force",
        )
    if finished.best != "c0":
        return finished.best
    tested = {fact.key: fact.record for fact in journal.records(Certificate)}
    since = [key for key, certificate in tested.items() if certificate.certified]
    if since:
        raise RepositoryError(
            f"run {name} certified nobody at its end, but {', '.join(since)} since",
            f"autodata promote {name} {since[0]}",
        )
    results = "; ".join(
        f"{key} was tested: {_result(certificate)}" for key, certificate in tested.items()
    )
    raise RepositoryError(
        f"run {name} certified nobody: "
        + (results or "no candidate was believed to be better, so none was tested"),
        f"look at `autodata show {name}`; name a candidate and --force to promote all the same",
    )


@dataclass(frozen=True, slots=True)
class Findings:
    """The evidence about a candidate: its valid certificate, if any, and the objections."""

    certified: bool
    objections: list[RepositoryError]


def examine(
    runs: Path, journal: JournalReader, run: RunRecord, candidate: CandidateRecord
) -> Findings:
    """Examine the record of a candidate; the weightiest objection comes first."""
    against = []
    if run.simulated:
        against.append(
            RepositoryError(
                "simulated models were used: that is no evidence about real ones",
                f"optimize with real models, {_FORCE}",
            )
        )
    doubt = _doubt(runs, journal, run, candidate)
    return Findings(doubt is None, [*against, *([doubt] if doubt else [])])


def _doubt(
    runs: Path, journal: JournalReader, run: RunRecord, candidate: CandidateRecord
) -> RepositoryError | None:
    """Return why a candidate does not count as certified, if so."""
    name, chosen = journal.folder.name, candidate.candidate_id
    try:
        check_rules(run)
    except StoreError as error:
        return RepositoryError(error.problem, f"{error.fix}; {_FORCE}")
    certificate = journal.find(Certificate, chosen)
    if certificate is None:
        return _untested(journal, name, chosen)
    try:
        follows = certificate_anew(runs, journal, run, candidate)
        fault = difference(certificate.to_json(), follows.to_json())
    except AutodataError as error:
        fault = error.problem
    if fault:
        return RepositoryError(
            f"the certificate of {chosen} does not follow from what run {name} recorded: {fault}",
            f"restore the run's journal and {looks.place(runs)} from a backup, {_FORCE}",
        )
    if certificate.certified:
        return None
    return RepositoryError(
        f"{chosen} was tested and is not certified: {_result(certificate)}",
        f"promote one that is, {_FORCE}",
    )


def certificate_anew(
    runs: Path, journal: JournalReader, run: RunRecord, candidate: CandidateRecord
) -> Certificate:
    """Return the certificate that follows from a run's record, test episodes, and noted tests.

    Raises:
        StoreError: something that it must follow from is missing.
    """
    name, chosen = journal.folder.name, candidate.candidate_id
    episodes = (fact.record for fact in journal.records(EpisodeRecord))
    documents = sorted({e.document_id for e in episodes if e.split == "test"})
    if fingerprint(documents) != run.test_split:
        raise StoreError("the test episodes are not of its test documents")
    tests = looks.tested(runs, documents, run.simulated)
    earlier = looks.before(tests, name, [candidate.tree])
    if earlier is None:
        raise StoreError(f"{looks.place(runs)} has no note of this test")
    rules = recorded_rules(run, journal, documents)

    dealt = journal.find(DocumentsRecord, DEALT)
    originals = Originals([d.id for d in dealt.test] if dealt else rules.documents)

    def side(name: str, tree: str, null: Sequence[Cell]) -> Side:
        counted, lucky = (
            originals.counted([_episode(journal, tree, c, rules.audited) for c in cells])
            for cells in (rules.cells, null)
        )
        return Side(name, counted, lucky)

    def both(more: Mapping[str, int]) -> Certificate:
        ours, theirs = (
            side(name, tree, rules.null_cells(more.get(name, FIRST_STAGE)))
            for name, tree in ((chosen, candidate.tree), ("c0", run.baseline_tree))
        )
        return certify(rules, earlier[0], ours, theirs)

    found = both({})
    while more := further_nulls(found):
        found = both(more)
    return found


def _episode(
    journal: JournalReader, tree: str, cell: Cell, audited: bool
) -> tuple[EpisodeRecord, Outcome]:
    key = episode_key(tree, cell)
    episode = journal.find(EpisodeRecord, key)
    if episode is None or episode.void:
        raise StoreError(f"there is no episode of document {cell.document_id}, {cell.repeat}")
    return episode, recorded_outcome(journal, episode, key, audited)


def difference(recorded: Any, follows: Any, place: str = "") -> str:
    """Return where a certificate differs from the recomputed one, but for the last digit."""
    if isinstance(recorded, dict) and isinstance(follows, dict):
        names = {**recorded, **follows}
        mismatches = (
            difference(recorded.get(n), follows.get(n), f"{place}.{n}".strip(".")) for n in names
        )
        return next(filter(None, mismatches), "")
    numbers = all(type(value) in (int, float) for value in (recorded, follows))
    if numbers and isclose(recorded, follows, rel_tol=1e-9, abs_tol=1e-9):
        return ""
    if type(recorded) is type(follows) and recorded == follows:
        return ""
    return f"{place} is {recorded!r:.80}, {follows!r:.80} follows"


def _untested(journal: JournalReader, name: str, chosen: str) -> RepositoryError:
    if chosen == "c0":
        return RepositoryError(
            f"c0 is what run {name} began with: the others are tested against it",
            f"name another candidate: autodata show {name}; {_FORCE}",
        )
    if journal.find(SessionRecord, FINISHED) is None:
        return RepositoryError(
            f"{chosen} was not tested: run {name} is not finished",
            f"finish it: autodata optimize --run {name}; {_FORCE}",
        )
    return RepositoryError(
        f"{chosen} was not tested on the sealed test documents",
        f"test it: autodata certify {name} {chosen}; {_FORCE}",
    )


def _result(certificate: Certificate) -> str:
    difference = certificate.difference
    mean, low, high = map(signed, (difference.mean, difference.low, difference.high))
    shown = f"difference {mean} [{low}, {high}] on {certificate.documents} documents"
    return "; ".join((shown, *certificate.refused))
