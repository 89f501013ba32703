"""A small world of edits that merge: what each does is known, and some are hostile."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from autodata.search.base import Brief, Iteration, Prediction, Proposal
from autodata.search.phases import CandidateOutcomes, Collaborators, SearchResult, as_they_are
from autodata.search.plan import SearchPlan
from autodata.search.search import search
from autodata.types import Candidate, Cell, Outcome, Spend
from tests.support.fakes import Memory
from tests.support.searches import documents

BASELINE = Candidate("c0", "commit0", "c0", None, {}, 1000)


@dataclass(frozen=True)
class What:
    """What an edit does: to the pass rate, to the tokens of an episode, to its calls.

    `tree` names what it is: of one tree are edits that say the same.
    """

    effect: float = 0.0
    tokens: float = 1.0
    failing: int = 0
    tree: str = ""
    grown: int = 0
    refused: str = ""
    raises: Exception | None = None


@dataclass
class Edits:
    """Evaluator, proposer and merger of a world in which edit n is `made(n)`.

    `clash` says which sets of edits come to no harness. With `jitter` everything takes its time.
    """

    made: Callable[[int], What]
    rate: float = 0.4
    clash: Callable[[frozenset[int]], bool] = lambda _: False
    wants_minibatch: bool = False
    jitter: int = 0
    seed: int = 0
    paid: dict[tuple[str, Cell], int] = field(default_factory=dict)
    briefs: list[Brief] = field(default_factory=list)
    observed: list[tuple[int, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._timing = Random(self.jitter)

    async def _wait(self) -> None:
        for _ in range(self._timing.randrange(12) if self.jitter else 0):
            await asyncio.sleep(0)

    # the proposer

    async def propose(self, brief: Brief) -> Proposal:
        self.briefs.append(brief)
        await self._wait()
        what = self.made(brief.number)
        if what.raises:
            raise what.raises
        if what.refused:
            return Proposal("test", None, refused=what.refused)
        name = f"e{brief.number}"
        edit = Candidate(
            name,
            f"commit-{name}",
            what.tree or name,
            brief.parent.id,
            {},
            brief.parent.prompt_chars + what.grown,
            f"edit {brief.number}",
        )
        bets = tuple(Prediction(outcome.cell.document_id, 0.5) for outcome in brief.minibatch)
        return Proposal("test", edit, "because", f"+{name}", bets)

    def observe(self, iteration: Iteration) -> None:
        self.observed.append((iteration.number, iteration.decision))

    def measured(
        self, candidate: Candidate, edits: tuple[int, ...], outcomes: Sequence[Outcome]
    ) -> None:
        """Nothing is learnt."""

    # the merger

    async def tree(self, edits: Sequence[Candidate]) -> str | None:
        numbers = sorted(int(edit.id[1:]) for edit in edits)
        if self.clash(frozenset(numbers)):
            return None
        return "+".join(["c0", *(f"e{n}" for n in numbers)])

    async def merge(self, name: str, edits: Sequence[Candidate]) -> Candidate | None:
        tree = await self.tree(edits)
        if tree is None:
            return None
        chars = BASELINE.prompt_chars + sum(self.made(int(e.id[1:])).grown for e in edits)
        return Candidate(name, f"commit-{name}", tree, "c0", {}, chars, "merged")

    # the evaluator

    async def evaluate(self, candidate: Candidate, cells: Sequence[Cell]) -> list[Outcome]:
        await self._wait()
        for cell in cells:
            self.paid[candidate.tree, cell] = self.paid.get((candidate.tree, cell), 0) + 1
        return [self._outcome(candidate.tree, cell) for cell in cells]

    def _outcome(self, tree: str, cell: Cell) -> Outcome:
        whats = [self.made(int(part[1:])) for part in tree.split("+") if part.startswith("e")]
        rate = self.rate + sum(what.effect for what in whats)
        if self.rate:
            rate += Random(f"{self.seed} {cell.document_id}").gauss(0, 0.1)
        draw = Random(f"{self.seed} {tree} {cell}").random()
        tokens = 100.0
        for what in whats:
            tokens *= what.tokens
        spend = Spend(calls=1, prompt_tokens=int(tokens), completion_tokens=int(tokens))
        accepted = draw < (0.0 if cell.null else rate)
        return Outcome(cell, accepted, spend, sum(what.failing for what in whats))


def by_number(numbered: Mapping[int, What], usual: What = What()) -> Callable[[int], What]:
    """Return what makes these edits what they are, and all others the usual one."""
    return lambda number: numbered.get(number, usual)


DOCUMENTS = documents()
ENDS_S = 60.0
"""Far more than any of these searches takes."""


async def claim(finalists: Sequence[Candidate]) -> list[int]:
    return list(range(len(finalists)))


async def searched(
    world: Edits,
    episodes: int = 400,
    iterations: int = 20,
    minibatch: int = 0,
    journal: Memory | None = None,
    distinct: Callable[[CandidateOutcomes], list[list[Outcome]]] = as_they_are,
) -> SearchResult:
    plan = SearchPlan(
        search="merge",
        seed=world.seed,
        iterations=iterations,
        episodes=episodes,
        minibatch=minibatch,
    )
    others = Collaborators(
        world,
        world,
        Memory() if journal is None else journal,
        claim,
        merger=world,
        distinct=distinct,
    )
    async with asyncio.timeout(ENDS_S):
        return await search(plan, BASELINE, DOCUMENTS, others)


def edits_of(candidate: Candidate) -> set[int]:
    return {int(part[1:]) for part in candidate.tree.split("+") if part.startswith("e")}


def reasons(found: SearchResult) -> dict[int, str]:
    return {iteration.number: iteration.reason for iteration in found.iterations}
