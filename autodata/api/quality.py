"""How good a run's judge is: answers for people to label, and the judge held against labels."""

from pathlib import Path

from autodata.api.loops import wait
from autodata.api.project import Where, project_at
from autodata.api.run import Run, run_at
from autodata.api.work import pull_weights
from autodata.errors import ConfigurationError
from autodata.jobs import calibrate as calibrating
from autodata.jobs import labels as labelling
from autodata.report.display import Display
from autodata.store.episodes import EpisodeRecord
from autodata.store.facts import read_facts
from autodata.store.quality import CalibrationRecord
from autodata.types import Json


def sample_for_labels(
    run: str | Run, most: int = 30, seed: int = 0, project: Where = None
) -> list[Json]:
    """Return answers that the run's judge has graded, drawn at random, without what it said.

    Fill in `met` of their criteria by reading, and give them to `calibrate_judge` as JSON.

    Raises:
        StoreError: the judge has graded none, outside of test documents.
    """
    chosen = run_at(run, project)
    episodes = (fact.record for fact in read_facts(chosen.folder, EpisodeRecord))
    judged = labelling.judged_answers(episodes)
    drawn = labelling.sample_for_labels(judged, most, seed)
    return [answer.shown(chosen.name) for answer in drawn]


def calibrate_judge(
    file: str | Path, by: str = "", project: Where = None, display: Display | None = None
) -> CalibrationRecord:
    """Hold a run's judge against a file of labels, ask it again, and keep the result with the run.

    Raises:
        ConfigurationError: the file holds no labels of answers of a run.
    """
    shown, at, path = display or Display(), project_at(project), Path(file)
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error}", "name a file of labels"
        ) from error
    labels = labelling.read_labels(text, path.name)
    chosen = at.run(labels[0].run)
    settings = calibrating.project_for_judge(at.in_force(), chosen.folder)
    pull_weights(settings, shown)
    return wait(calibrating.calibrate(settings, labels, by, shown), shown)
