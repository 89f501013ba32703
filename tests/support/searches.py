"""Small worlds for tests of the search: known rates, outcomes that follow from cell and tree."""

import asyncio
from collections.abc import Mapping, Sequence
from random import Random

from autodata.search.base import Brief, Iteration, Prediction, Proposal
from autodata.store.facts import R
from autodata.types import Candidate, Cell, Outcome, Spend, Split
from tests.support.fakes import Memory

BASELINE = Candidate("c0", "commit0", "tree0", None, {"rate": 0.3})


def documents(train: int = 20, validation: int = 28, test: int = 60) -> Mapping[Split, list[str]]:
    """Names of documents for each split."""
    return {
        "train": [f"train-{i}" for i in range(train)],
        "validation": [f"validation-{i}" for i in range(validation)],
        "test": [f"test-{i}" for i in range(test)],
    }


class Rates:
    """An evaluator: a candidate's knob `rate` is its pass rate; documents differ a little.

    With `jitter`, answers come in a random order of time; `paid` holds what was evaluated. `luck`
    is the rate of null episodes.
    """

    def __init__(self, seed: int = 0, jitter: int = 0, luck: float = 0.0) -> None:
        self._seed = seed
        self._luck = luck
        self._timing = Random(jitter)
        self._jitter = jitter
        self.paid: set[tuple[str, Cell]] = set()
        self.asked: list[tuple[str, Cell]] = []

    async def evaluate(self, candidate: Candidate, cells: Sequence[Cell]) -> list[Outcome]:
        for _ in range(self._timing.randrange(9) if self._jitter else 1):
            await asyncio.sleep(0)
        self.asked += [(candidate.tree, cell) for cell in cells]
        self.paid.update((candidate.tree, cell) for cell in cells)
        return [self._outcome(candidate, cell) for cell in cells]

    def _outcome(self, candidate: Candidate, cell: Cell) -> Outcome:
        rate = float(candidate.knobs["rate"])
        rate += 0.3 * rate * (1 - rate) * Random(f"{self._seed}{cell.document_id}").gauss(0, 1)
        rate = self._luck if cell.null else rate
        draw = Random(f"{self._seed} {candidate.tree} {cell}").random()
        tokens = int(candidate.knobs.get("tokens", 100))
        return Outcome(cell, draw < rate, Spend(calls=1, completion_tokens=tokens))


class Steps:
    """A proposer: iteration i moves the parent's rate by `steps[i - 1]`; remembers what it saw."""

    def __init__(self, steps: Sequence[float], wants_minibatch: bool = False) -> None:
        self.wants_minibatch = wants_minibatch
        self._steps = steps
        self.observed: list[int] = []
        self.told: list[tuple[str, tuple[int, ...], int]] = []
        self.knew: dict[int, tuple[int, int]] = {}
        self.refuse: set[int] = set()
        self.growth = 0

    async def propose(self, brief: Brief) -> Proposal:
        number, parent = brief.number, brief.parent
        self.knew[number] = (len(brief.history), len(self.observed))
        await asyncio.sleep(0)
        if number in self.refuse:
            return Proposal("test", None, refused="tried before")
        rate = min(0.95, max(0.02, float(parent.knobs["rate"]) + self._steps[number - 1]))
        child = Candidate(
            f"c{number}",
            f"commit{number}",
            f"tree{number}",
            parent.id,
            {**parent.knobs, "rate": rate},
            parent.prompt_chars + self.growth,
        )
        predicted = tuple(Prediction(outcome.cell.document_id, 0.7) for outcome in brief.minibatch)
        return Proposal("test", child, predictions=predicted)

    def observe(self, iteration: Iteration) -> None:
        self.observed.append(iteration.number)

    def measured(
        self, candidate: Candidate, edits: tuple[int, ...], outcomes: Sequence[Outcome]
    ) -> None:
        self.told.append((candidate.id, edits, len(outcomes)))


class Notes(Memory):
    """A journal in memory that refuses to write one key twice."""

    async def once(self, key: str, record: R) -> R:
        assert self.find(type(record), key) is None
        return await super().once(key, record)
