"""A run as Python and the commands see it, finished or going on: state, result, rows, reports.

Everything is read anew when it is asked for, and nothing of a run is changed here.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autodata.api.project import Project, Where, project_at
from autodata.errors import AutodataError
from autodata.store import runs as run_store
from autodata.store import space
from autodata.store.facts import read_facts
from autodata.store.records import (
    FINISHED,
    CandidateRecord,
    Certificate,
    ClosingRecord,
    SessionRecord,
)
from autodata.store.runs import RunState
from autodata.types import Json

if TYPE_CHECKING:
    from rich.console import RenderableType

    from autodata.api.relation import Relation, Tables
    from autodata.harness.spec import Harness

EDIT = re.compile(r"e\d+")
"""The name of an edit of a merging search."""
_EXAMPLES = """
select r.candidate_id, r.document_id, d.name as document, r.split, r.repeat, r.round, r.kind,
       r.skills, r.context, r.question, r.answer, r.rubric, r.weak_mean, r.strong_mean
from rounds r
join episodes e using (run_id, candidate_id, document_id, split, repeat)
left join (select distinct run_id, document_id, name from documents) d
  using (run_id, document_id)
where r.accepted and e.status = 'accepted' and not e.null_episode
order by r.recorded_at, r.candidate_id, r.document_id, r.repeat
"""


@dataclass(frozen=True, slots=True)
class Result:
    """What a search came to at its end.

    `best` is the candidate to promote: a certified one, else the baseline `c0`. `finalists` met the
    sealed test split, the favourite first. `closed` says which budget ended the search, if one did:
    `closed.bound`, such as `budget.usd`.
    """

    best: str
    finalists: tuple[str, ...]
    certificates: tuple[Certificate, ...]
    episodes: int
    closed: ClosingRecord | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What there is to say of a run, a candidate or episodes: as data, and drawn for a screen.

    `draw` takes the screen's columns. `kept_back` says how many rows on test documents are not
    told before their run has ended.
    """

    data: Any
    draw: Callable[[int], "RenderableType"]
    kept_back: str = ""

    def __repr__(self) -> str:
        from autodata.report import html

        return html.text(self.draw(html.WIDTH))

    def _repr_html_(self) -> str:
        from autodata.report import html

        return html.drawn(self.draw(html.WIDTH))


@dataclass(frozen=True, slots=True)
class Run:
    """A search or a measurement that is kept under its name in a project."""

    name: str
    project: Project

    @property
    def folder(self) -> Path:
        """Where its journal lies."""
        return self.project.runs_folder / self.name

    @property
    def status(self) -> RunState:
        """Where it stands, with counts of what its journal holds, and who writes it now."""
        return run_store.read_state(self.folder)

    @property
    def state(self) -> str:
        """Where it stands in a word, such as `running`, `finished` or `interrupted`."""
        return self.status.state

    @property
    def result(self) -> Result | None:
        """What the search came to; None before its end, and where a harness was only measured."""

        ended: SessionRecord | None = None
        closing: ClosingRecord | None = None
        for fact in read_facts(self.folder, SessionRecord, ClosingRecord):
            record = fact.record
            if isinstance(record, ClosingRecord):
                closing = record
            elif isinstance(record, SessionRecord) and fact.key == FINISHED and record.best:
                ended = record
        if ended is None:
            return None
        return Result(
            ended.best,
            ended.finalists,
            ended.certificates,
            ended.episodes or 0,
            closing if ended.closed else None,
        )

    @property
    def best(self) -> str | None:
        """The candidate to promote, `c0` if none was certified; None before the search's end."""
        result = self.result
        return result.best if result else None

    def candidate_names(self) -> list[str]:
        """Return its candidates in their order; no table is made."""
        return list(dict.fromkeys(fact.key for fact in read_facts(self.folder, CandidateRecord)))

    def harness(self, candidate: str | None = None) -> "Harness":
        """Return a candidate's files as a harness; of the best one by default, else of `c0`."""
        return self.project.harness(f"{self.name}/{candidate or self.best or 'c0'}")

    def diff(self, candidate: str) -> str:
        """Return what a candidate changes of the baseline; asks git alone, no configuration."""
        from autodata.harness.repository import Repository
        from autodata.harness.spec import diff, load_files

        with Repository(self.project.folder) as repository:
            before, after = (
                load_files(repository.read_files(repository.resolve(self.name, name)))
                for name in ("c0", candidate)
            )
        return diff(before, after)

    @property
    def size(self) -> int:
        """How many bytes it takes on disk."""
        return space.size(self.folder)

    def tables(self) -> "Tables":
        """Open the tables of this run, as they are now."""
        from autodata.api.relation import open_tables

        return open_tables(self.project.runs_folder, self.name)

    def sql(self, query: str) -> "Relation":
        """Answer one SELECT over the tables of this run, as they are now."""
        return self.tables().sql(query)

    def candidates(self) -> "Relation":
        """Return its candidates as rows."""
        return self.sql("select * from candidates order by iteration")

    def edits(self) -> "Relation":
        """Return the edits of a merging search as rows, with what it believes of each: no test."""
        return self.sql("select * from edits order by edit")

    def episodes(self) -> "Relation":
        """Return its episodes as rows, in the order they ended."""
        return self.sql("select * from episodes order by recorded_at, candidate_id, document_id")

    def examples(self) -> "Relation":
        """Return every accepted example: the training data that its candidates made.

        Those made of test documents come when the run has ended, as all that is known of these.
        """
        return self.sql(_EXAMPLES)

    def show(self, candidate: str | None = None) -> Report:
        """Return what there is to say of the run, or of one of its candidates or edits (`e5`)."""
        from autodata.report import edits, measured, queries, searches

        state, name = self.status, self.name
        with self.tables() as tables:
            asked, kept = tables.connection, tables.kept_back
            if candidate is not None and EDIT.fullmatch(candidate):
                data = edits.edit_report(lambda q: queries.rows(asked, q, name), name, candidate)
                return Report(data, lambda width: edits.edit_view(data, width), kept)
            if candidate is not None:
                data = queries.candidate_report(asked, name, candidate)
                return Report(data, lambda width: searches.candidate_view(data, width), kept)
            if state.kind == "evaluation":
                data = measured.evaluation_report(asked, name)
                return Report(data, lambda _: measured.evaluation_view(data, state.summary), kept)
            data = queries.run_report(asked, name)
            return Report(data, lambda width: searches.run_view(data, state.summary, width), kept)

    def trace(self, episode: str) -> Report:
        """Return all that happened in an episode, CANDIDATE:DOCUMENT or CANDIDATE:DOCUMENT:REPEAT.

        A document's first letters are enough.
        """
        from autodata.report import traces

        with self.tables() as tables:
            data = traces.trace_report(tables.connection, self.name, episode)
        return self._of_episodes(data, traces.trace_view, tables.kept_back)

    def traces(self, candidate: str | None = None, status: str | None = None) -> Report:
        """Return the list of its episodes, or those of a candidate or with a status."""
        from autodata.report import traces

        with self.tables() as tables:
            data = traces.list_episodes(tables.connection, self.name, candidate, status)
        view = partial(traces.listed_view, self.name)
        return self._of_episodes(data, view, tables.kept_back)

    def _of_episodes(
        self, data: list[Json], view: Callable[[list[Json], bool], "RenderableType"], kept: str
    ) -> Report:
        simulated = self.status.simulated
        lines = [{**line, "simulated": simulated} for line in data]
        return Report(lines, lambda _: view(data, simulated), kept)

    def __repr__(self) -> str:
        status = self.status
        steps = "edit" if status.counts.get("look") else "iteration"
        kinds = (steps, *_COUNTED)
        counted = ", ".join(f"{status.counts.get(kind, 0):,} {kind}s" for kind in kinds)
        simulated = ", simulated models" if status.simulated else ""
        return (
            f"<run {self.name}: {status.summary}, harness {status.harness}, {counted}{simulated}>"
        )

    def _repr_html_(self) -> str:
        from autodata.report import html

        try:
            return self.show()._repr_html_()
        except AutodataError as error:  # a run of which nothing is known yet is no error here
            return html.line(f"{self!r}: {error.problem}")


_COUNTED = ("episode", "call")


def open_run(name: str = run_store.NEWEST, project: Where = None) -> Run:
    """Return a run of a project by name, or the newest one.

    Raises:
        ConfigurationError: there is no project, or no run yet.
        StoreError: there is none of that name; the fix names the nearest.
    """
    return project_at(project).run(name)


def run_at(run: str | Run, project: Where = None) -> Run:
    """Return a run that is given, or the one of that name in a project."""
    return run if isinstance(run, Run) else open_run(run, project)
