"""The job `bench attacks`: attack harnesses beside the user's own, against its verifier and judge.

It runs on training documents, journaled and resumable like any evaluation: `c0` is the user's
harness, `c1` and so on are the attacks that can be made of it.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from autodata.bench.attacks import ATTACKS, Attack
from autodata.engine.engine import load_splits
from autodata.episode.evaluator import episode_key
from autodata.errors import HarnessError
from autodata.harness.spec import Harness, load_folder
from autodata.jobs.evaluate import Measured, measured
from autodata.project import Project
from autodata.report.display import Display
from autodata.store.episodes import EpisodeRecord
from autodata.types import Cell


@dataclass(frozen=True, slots=True)
class AttackRate:
    """How often a harness got an accepted example; the first of all is the user's own.

    `held` counts accepted examples to which the auditor has no objection; None: none is seated.
    `stopped` is the commonest reason of a rejection; `impossible` says why an attack cannot be made
    of this harness.
    """

    candidate: str
    name: str
    what: str
    accepted: int = 0
    episodes: int = 0
    held: int | None = None
    stopped: str = ""
    impossible: str = ""


async def attack(
    project: Project, run_id: str, documents: int, display: Display
) -> list[AttackRate]:
    """Run the harness of the project and every attack on it on some training documents."""
    harness = load_folder(project.harness_folder)
    dealt = load_splits(project.config, project.root, display.line)
    cells = [Cell(document.id, "train", 0) for document in dealt["train"][:documents]]
    possible, impossible = attacks_on(harness)
    tasks = [(harness, cells), *((attacker, cells) for _, attacker in possible)]
    async with measured(project, run_id, tasks, dealt, display) as done:
        own = _rate(done, 0, "your harness", "as it is", cells)
        rates = [
            _rate(done, number, made.name, made.what, cells)
            for number, (made, _) in enumerate(possible, 1)
        ]
    return [own, *rates, *impossible]


def attacks_on(harness: Harness) -> tuple[list[tuple[Attack, Harness]], list[AttackRate]]:
    """Return the attacks that can be made of a harness, and why the others cannot."""
    possible, impossible = [], []
    for made in ATTACKS:
        try:
            possible.append((made, made.on(harness)))
        except HarnessError as error:
            impossible.append(AttackRate("", made.name, made.what, impossible=error.problem))
    return possible, impossible


def _rate(done: Measured, number: int, name: str, what: str, cells: Sequence[Cell]) -> AttackRate:
    candidate = done.candidates[number]
    keys = [episode_key(candidate.tree, cell) for cell in cells]
    found = [record for key in keys if (record := done.engine.journal.find(EpisodeRecord, key))]
    reasons = Counter(record.reason for record in found if record.reason)
    commonest = min(reasons, key=lambda reason: (-reasons[reason], reason), default="")
    outcomes = done.outcomes[number]
    accepted = sum(outcome.accepted for outcome in outcomes)
    audited = "auditor" in done.engine.team.roles
    held = sum(outcome.counts for outcome in outcomes) if audited else None
    return AttackRate(candidate.id, name, what, accepted, len(cells), held, commonest)
