"""The Optuna study of a run: TPE over the knobs of the harness, a trial a candidate.

In a race a candidate is a proposal; in a merging search it is a set of edits.

The study is a projection of the journal: on resume it is built again by the same questions and
answers in the same order, so the next suggestion is the same one.
"""

import sqlite3
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from sqlalchemy.exc import SQLAlchemyError  # what Optuna passes on of its database
from sqlalchemy.pool import NullPool

from autodata.errors import StoreError
from autodata.harness.knobs import Knob
from autodata.search.base import Iteration
from autodata.types import Candidate, KnobValue, Outcome

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # tqdm, which Optuna imports, misses Jupyter's widgets
    import optuna
    from optuna.distributions import (
        BaseDistribution,
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )
    from optuna.exceptions import StorageInternalError
    from optuna.storages import RDBStorage
    from optuna.trial import Trial, TrialState

STARTUP_TRIALS = 5
STUDY_FILE = "optuna.db"


def distribution(knob: Knob) -> BaseDistribution:
    """Return the range of a knob as Optuna knows it."""
    if knob.type == "bool":
        return CategoricalDistribution([False, True])
    if knob.type == "choice":
        return CategoricalDistribution(list(knob.choices))
    assert knob.low is not None
    assert knob.high is not None
    if knob.type == "int":
        return IntDistribution(int(knob.low), int(knob.high), log=knob.log)
    return FloatDistribution(knob.low, knob.high, log=knob.log)


@contextmanager
def _writing(file: Path) -> Iterator[None]:
    """Turn a database that cannot be written into an error that says what to do."""
    try:
        yield
    except (StorageInternalError, SQLAlchemyError, OSError) as error:
        raise StoreError(
            f"{file} cannot be written: {error}",
            "make room or fix the disk, then give the same command again; nothing is lost",
        ) from error


class KnobStudy:
    """Suggests knob values and keeps every candidate as a trial in `folder/optuna.db`.

    Trials are opened in iteration order and told in iteration order. Several may be open at once:
    TPE's constant liar keeps parallel suggestions apart.
    """

    def __init__(self, folder: Path, name: str, knobs: Mapping[str, Knob], seed: int) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._space = {knob.name: distribution(knob) for knob in knobs.values()}
        self._seed = seed
        self._open: dict[int, Trial] = {}
        self._file = folder / STUDY_FILE
        with _writing(self._file):
            self._study = _in_file(self._file, name)

    def baseline(self, values: Mapping[str, KnobValue], rate: float, commit: str) -> None:
        """Enter the baseline as a finished trial, so that TPE knows where the search began."""
        trial = optuna.trial.create_trial(
            params=dict(values),
            distributions=self._space,
            value=rate,
            user_attrs={"candidate": "c0", "commit": commit},
        )
        with _writing(self._file):
            self._study.add_trial(trial)

    def suggest(self, number: int, kept: Mapping[str, KnobValue]) -> dict[str, KnobValue]:
        """Open the trial of iteration `number`; return all knob values, `kept` ones as given."""
        self._study.sampler = optuna.samplers.TPESampler(
            seed=(self._seed * 100_003 + number) % 2**32,
            n_startup_trials=STARTUP_TRIALS,
            constant_liar=True,
        )
        with _writing(self._file):
            if kept:
                self._study.enqueue_trial(dict(kept))
            if number in self._open:
                self._study.tell(self._open.pop(number), state=TrialState.FAIL)
            trial = self._study.ask(self._space)
        self._open[number] = trial
        return dict(trial.params)

    def tell(self, iteration: Iteration, scale: float = 1.0) -> None:
        """Close an iteration's trial: its rate when it was admitted, pruned or failed otherwise.

        Running means over the race's documents are the trial's intermediate values.
        """
        trial = self._open.pop(iteration.number, None)
        if trial is not None:
            with _writing(self._file):
                self._close(trial, iteration, scale)

    def _close(self, trial: Trial, iteration: Iteration, scale: float) -> None:
        candidate = iteration.proposal.candidate
        trial.set_user_attr("decision", iteration.decision)
        trial.set_user_attr("reason", iteration.reason)
        if candidate is None or not iteration.outcomes:
            self._study.tell(trial, state=TrialState.FAIL)
            return
        trial.set_user_attr("candidate", candidate.id)
        trial.set_user_attr("commit", candidate.commit)
        scores = [float(outcome.counts) for outcome in iteration.outcomes]
        for step in range(len(scores)):
            trial.report(fmean(scores[: step + 1]), step)
        documents = [outcome.cell.document_id for outcome in iteration.outcomes]
        trial.set_user_attr("documents", documents)
        if iteration.decision == "admitted":
            self._study.tell(trial, fmean(scores) * scale)
        else:
            self._study.tell(trial, state=TrialState.PRUNED)


class SetStudy:
    """Suggests a knob's next value from all measured sets of edits; `write` keeps them as trials.

    What is suggested is an edit and no candidate, so that it has no trial; whichever sets it is
    measured in have one each, with all of their edits.
    """

    def __init__(self, folder: Path, name: str, knobs: Mapping[str, Knob], seed: int) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._name = name
        self._seed = seed
        self._space = {knob.name: distribution(knob) for knob in knobs.values()}
        self._file = folder / STUDY_FILE
        with _writing(self._file):
            self._file.unlink(missing_ok=True)  # what is in its way is told before the search
        self._study = optuna.create_study(direction="maximize")
        self._sets: dict[str, _Measured] = {}

    def move(self, name: str, seed: int) -> KnobValue:
        """Return a value of one knob that TPE holds to be promising."""
        return self._asked({name: self._space[name]}, seed)[name]

    def suggest(self, number: int, kept: Mapping[str, KnobValue]) -> dict[str, KnobValue]:
        """Return values of all knobs, `kept` ones as given."""
        return {**self._asked(self._space, self._seed * 100_003 + number), **kept}

    def tell(self, iteration: Iteration) -> None:
        """Learn nothing: a decision says no more than the measured sets do."""

    def _asked(self, space: Mapping[str, BaseDistribution], seed: int) -> dict[str, KnobValue]:
        sampler = optuna.samplers.TPESampler(seed=seed % 2**32, n_startup_trials=STARTUP_TRIALS)
        self._study.sampler = sampler
        trial = self._study.ask(dict(space))
        self._study.tell(trial, state=TrialState.FAIL)  # nothing is measured of it alone
        return dict(trial.params)

    def measured(
        self, candidate: Candidate, edits: tuple[int, ...], outcomes: Sequence[Outcome]
    ) -> None:
        """Note more outcomes of a set of edits; TPE weighs each batch of them alike."""
        known = self._sets.setdefault(candidate.id, _Measured(candidate, edits, []))
        known.outcomes.extend(outcomes)
        if outcomes:
            self._study.add_trial(self._trial(_Measured(candidate, (), list(outcomes))))

    def write(self) -> None:
        """Write all measured sets to `optuna.db`, a trial each: knobs and edits are parameters.

        A database takes tens of milliseconds a trial, so this is for the end of a search.
        """
        with _writing(self._file):
            study = _in_file(self._file, self._name)
            for known in self._sets.values():
                if known.outcomes:
                    study.add_trial(self._trial(known))

    def _trial(self, known: "_Measured") -> optuna.trial.FrozenTrial:
        edits = {f"e{number}": True for number in known.edits}
        switches = dict.fromkeys(edits, CategoricalDistribution([False, True]))
        return optuna.trial.create_trial(
            params={**{name: known.candidate.knobs[name] for name in self._space}, **edits},
            distributions={**self._space, **switches},
            value=fmean(float(outcome.counts) for outcome in known.outcomes),
            user_attrs={
                "candidate": known.candidate.id,
                "commit": known.candidate.commit,
                "episodes": len(known.outcomes),
            },
        )


@dataclass(frozen=True, slots=True)
class _Measured:
    """A set of edits with all of its outcomes so far."""

    candidate: Candidate
    edits: tuple[int, ...]
    outcomes: list[Outcome]


def _in_file(file: Path, name: str) -> optuna.Study:
    """Begin a study in a new file."""
    file.unlink(missing_ok=True)
    # each use closes its connection: a pool would leave them to the garbage collector
    how = {"poolclass": NullPool, "creator": lambda: _connected(file)}
    storage = RDBStorage(f"sqlite:///{file}", engine_kwargs=how)
    return optuna.create_study(storage=storage, study_name=name, direction="maximize")


def _connected(file: Path) -> sqlite3.Connection:
    """Open the database without waiting for the disk: it can always be made again."""
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA synchronous = OFF")
    return connection
