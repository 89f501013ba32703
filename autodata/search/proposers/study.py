"""The Optuna study of a run: one trial per candidate, TPE over the knobs of the harness.

The study is a projection of the journal: on resume it is built again by the same questions and
answers in the same order, so the next suggestion is the same one.
"""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import fmean

from sqlalchemy.exc import SQLAlchemyError  # what Optuna passes on of its database
from sqlalchemy.pool import NullPool

from autodata.errors import StoreError
from autodata.harness.knobs import Knob
from autodata.search.base import Iteration
from autodata.types import KnobValue

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
            self._file.unlink(missing_ok=True)
            # each use closes its connection: a pool would leave them to the garbage collector
            storage = RDBStorage(f"sqlite:///{self._file}", engine_kwargs={"poolclass": NullPool})
            self._study = optuna.create_study(
                storage=storage, study_name=name, direction="maximize"
            )

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
