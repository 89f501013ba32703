"""Attacking one's own verifier and judge: what would a dishonest harness get accepted?"""

from dataclasses import dataclass

from autodata.api.project import Settings, Where, project_at
from autodata.api.run import Run
from autodata.api.work import Work, begin, typed
from autodata.jobs import attacks as attacking
from autodata.jobs.attacks import AttackRate
from autodata.jobs.resume import Typed
from autodata.report.display import Display, Job


@dataclass(frozen=True, slots=True)
class Attacked:
    """What came of the attacks; `rates` begins with the user's own harness."""

    run: Run
    rates: tuple[AttackRate, ...]
    simulated: bool


def bench_attacks(
    project: Where = None,
    run: str | None = None,
    documents: int = 20,
    settings: Settings = (),
    display: Display | None = None,
) -> Attacked:
    """Run twelve attack harnesses on training documents, beside the project's own harness.

    Raises:
        AutodataError: what is wrong and how to mend it; whatever was paid for is in the journal.
        BudgetSpent: a budget ended it; the same call goes on with a larger one.
    """
    at, shown = project_at(project, settings), display or Display()
    chosen, opened = begin(at, run, "attacks-", Typed(*typed(at), kind="evaluation"), shown)

    async def work() -> Attacked:
        rates = await attacking.attack(opened.project, chosen.name, documents, shown)
        return Attacked(chosen, tuple(rates), opened.project.config.simulated)

    job = Job("bench attacks", chosen.name, opened.project)
    again = f"autodata.api.attacks.bench_attacks(run={chosen.name!r}, documents={documents})"
    return Work(job, chosen, work, shown, again).waited()
