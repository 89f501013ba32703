"""Judged answers of a run for people to label, and what their labels say of the judge.

Whoever labels sees what the judge saw and not what it said. Answers on test documents are never
among them. Calls no model.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import Field, TypeAdapter, ValidationError

from autodata.config.section import Section
from autodata.episode.evaluator import episode_key
from autodata.errors import ConfigurationError, StoreError
from autodata.search.certify import interval
from autodata.store.episodes import EpisodeRecord
from autodata.store.facts import JournalReader
from autodata.types import Attempt, Example, Interval, Json


@dataclass(frozen=True, slots=True)
class Judged:
    """An answer that the judge of a run has graded by a rubric."""

    key: str
    document_id: str
    example: Example
    attempt: Attempt

    def shown(self, run: str) -> Json:
        """Return it as it is labelled."""
        return {
            "run": run,
            "answer": self.key,
            "context": self.example.context,
            "question": self.example.question,
            "response": self.attempt.answer,
            "criteria": [
                {"criterion": line.criterion, "met": None} for line in self.example.rubric
            ],
        }


class LabelledCriterion(Section):
    """One criterion; `met` stays null where whoever labels cannot tell."""

    criterion: str = ""
    met: bool | None = None


class LabelledAnswer(Section):
    """One answer of a file of labels."""

    run: str
    answer: str
    context: str = ""
    question: str = ""
    response: str = ""
    criteria: list[LabelledCriterion] = Field(default_factory=list)


_FILE = TypeAdapter(list[LabelledAnswer])


def judged_answers(episodes: Iterable[EpisodeRecord]) -> dict[str, Judged]:
    """Return all answers that a judge has graded, but for those on test documents."""
    found = dict[str, Judged]()
    for episode in episodes:
        if episode.void or episode.split == "test":
            continue
        for past in episode.played:
            for attempt in past.attempts:
                if attempt.answer and attempt.satisfied:
                    place = f"r{past.index}.{attempt.role}.{attempt.sample}"
                    key = f"{episode_key(episode.tree, episode.cell)}:{place}"
                    found[key] = Judged(key, episode.document_id, past.example, attempt)
    return found


def sample_for_labels(judged: Mapping[str, Judged], most: int, seed: int = 0) -> list[Judged]:
    """Draw answers at random, one of a round at most: the others have the same criteria.

    Raises:
        StoreError: no answer of the run was graded by a judge.
    """
    if not judged:
        raise StoreError(
            "no answer of this run was graded by a judge, outside of test documents",
            "name a run whose examples have rubrics",
        )

    def drawn(key: str) -> str:
        return hashlib.sha256(f"{seed}:{key}".encode()).hexdigest()

    rounds = dict[str, Judged]()
    for key in sorted(judged, key=drawn):
        rounds.setdefault(key.rsplit(".", 2)[0], judged[key])
    return list(rounds.values())[:most]


def read_labels(text: str, name: str) -> list[LabelledAnswer]:
    """Read a file of labels; answers without any label are left out.

    Raises:
        ConfigurationError: it is none, of several runs, or without a label.
    """
    fix = "begin with what `autodata sample RUN --for-labels` writes, and fill in `met`"
    try:
        answers = _FILE.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "all of it"
        raise ConfigurationError(f"{name} holds no labels: {place}: {first['msg']}", fix) from error
    labelled = [a for a in answers if any(line.met is not None for line in a.criteria)]
    if not labelled:
        raise ConfigurationError(f"{name} has no label: every `met` is null", fix)
    if len({answer.run for answer in labelled}) > 1:
        raise ConfigurationError(f"{name} is about several runs", "label each in a file of its own")
    return labelled


@dataclass(frozen=True, slots=True)
class Compared:
    """One labelled criterion: what the label says, what the judge said, and said again."""

    answer: str
    criterion: str
    label: bool
    said: bool
    again: bool


@dataclass(slots=True)
class Counts:
    """How often judge and labels agree."""

    labelled: int = 0
    agreed: int = 0
    negatives: int = 0
    false_positives: int = 0
    positives: int = 0
    false_negatives: int = 0
    same: int = 0

    def add(self, one: Compared) -> None:
        """Count one criterion."""
        self.labelled += 1
        self.agreed += one.said == one.label
        self.negatives += not one.label
        self.false_positives += one.said and not one.label
        self.positives += one.label
        self.false_negatives += one.label and not one.said
        self.same += one.said == one.again


def matched(
    labels: Sequence[LabelledAnswer], judged: Mapping[str, Judged]
) -> list[tuple[LabelledAnswer, Judged]]:
    """Find the judged answer of each label.

    Raises:
        ConfigurationError: there is none, or its rubric has another number of criteria.
    """
    found = []
    for labelled in labels:
        known = judged.get(labelled.answer)
        if known is None or len(known.example.rubric) != len(labelled.criteria):
            raise ConfigurationError(
                f"run {labelled.run} has no answer {labelled.answer} "
                f"with {len(labelled.criteria)} criteria",
                "leave `run`, `answer` and the number of criteria as they were written",
            )
        found.append((labelled, known))
    return found


def compared(labelled: LabelledAnswer, judged: Judged, again: Sequence[bool]) -> Iterable[Compared]:
    """Compare the labels of one answer with what the judge said of it, twice."""
    lines = zip(
        judged.example.rubric, labelled.criteria, judged.attempt.satisfied, again, strict=True
    )
    for line, label, said, later in lines:
        if label.met is not None:
            yield Compared(labelled.answer, line.criterion, label.met, said, later)


def counted(everything: Sequence[Compared]) -> tuple[Counts, Interval, tuple[Json, ...]]:
    """Return counts over all, the agreement as a mean over answers, and counts by criterion.

    Criteria of one answer stand or fall together, so the interval goes by answers.
    """
    whole, by_criterion = Counts(), dict[str, Counts]()
    by_answer = dict[str, Counts]()
    for one in everything:
        for counts in (
            whole,
            by_criterion.setdefault(one.criterion, Counts()),
            by_answer.setdefault(one.answer, Counts()),
        ):
            counts.add(one)
    bounds = interval([c.agreed / c.labelled for c in by_answer.values()], 0.95, spare=0.25)
    agreement = Interval(bounds.mean, max(0.0, bounds.low), min(1.0, bounds.high), bounds.level)
    rows: list[dict[str, Any]] = [
        {"criterion": text, **asdict(counts)} for text, counts in by_criterion.items()
    ]
    rows.sort(key=lambda row: (row["agreed"] - row["labelled"], row["criterion"]))
    return whole, agreement, tuple(rows)


def digest(labels: Sequence[LabelledAnswer]) -> str:
    """Return a name for these labels."""
    told = [[a.run, a.answer, [line.met for line in a.criteria]] for a in labels]
    return hashlib.sha256(json.dumps(sorted(told, key=str)).encode()).hexdigest()[:16]


def judged_of(journal: JournalReader) -> dict[str, Judged]:
    """Return the judged answers of a run that is read."""
    return judged_answers(fact.record for fact in journal.records(EpisodeRecord))
