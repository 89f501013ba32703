"""The landscapes of luck: weak and strong are the same model, so whatever is accepted is luck.

An edit moves the one knob there is, `rounds`: more of them are more tries, and nothing else. How
often an episode is accepted follows from the acceptance code itself: the screen's chance is drawn
with it, and a confirmation's is that of its exact test. The truth of every harness is 0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from random import Random

from autodata.bench.landscapes import Landscape
from autodata.episode.acceptance import PRESETS, Policy, verdict
from autodata.episode.confirmation import chance, needed
from autodata.search.base import Brief, Iteration, Proposal
from autodata.types import Candidate, Cell, Outcome, Split

MOST_ROUNDS = 15
BASELINE_ROUNDS = 2
EASE = (0.45, 0.55, 0.65, 0.75)
SCREENS_DRAWN = 10_000


@cache
def screened(preset: str, criteria: int, ease: float) -> float:
    """Return the chance that a round of equal solvers passes the screen of a preset.

    Each of the criteria, of equal weight, is met with the chance `ease`.
    """
    policy, rng = PRESETS[preset], Random(f"{preset} {criteria} {ease}")

    def scores(samples: int) -> list[float]:
        met = (sum(rng.random() < ease for _ in range(criteria)) for _ in range(samples))
        return [count / criteria for count in met]

    passed = sum(
        verdict(policy, scores(policy.weak_samples), scores(policy.strong_samples)).accepted
        for _ in range(SCREENS_DRAWN)
    )
    return passed / SCREENS_DRAWN


@cache
def accepted(preset: str, criteria: int, ease: float, rounds: int) -> float:
    """Return the chance that an episode of so many rounds is accepted though solvers are equal."""
    passes, rest, done = screened(preset, criteria, ease), {1: 1.0}, 0.0
    for _ in range(rounds):
        further: dict[int, float] = {}
        for turn, weight in rest.items():
            won = passes * confirmed(PRESETS[preset], turn)
            done += weight * won
            further[turn] = further.get(turn, 0.0) + weight * (1 - passes)
            further[turn + 1] = further.get(turn + 1, 0.0) + weight * (passes - won)
        rest = further
    return done


def confirmed(policy: Policy, turn: int) -> float:
    """Return the chance of the `turn`-th confirmation of an episode, where solvers are equal."""
    return chance(needed(turn)) if policy.confirm else 1.0


class LuckWorld:
    """A world in which `rounds` alone can be moved; all follows from the seed."""

    wants_minibatch = False
    audited = False

    def __init__(self, preset: str, criteria: int, seed: int) -> None:
        self._examples = (preset, criteria)
        self._seed = seed
        self._paid: set[tuple[str, Cell]] = set()
        self.spent = 0
        self.documents: Mapping[Split, Sequence[str]] = {
            "train": [f"train-{n}" for n in range(8)],
            "validation": [f"validation-{n}" for n in range(48)],
            "test": [f"test-{n}" for n in range(64)],
        }
        knobs = {"rounds": BASELINE_ROUNDS}
        self.baseline = Candidate("c0", "c0", f"rounds-{BASELINE_ROUNDS}", None, {**knobs})

    async def evaluate(self, candidate: Candidate, cells: Sequence[Cell]) -> list[Outcome]:
        """Draw outcomes: a null episode has the same chance as any other, as the world is null."""
        self._paid.update((candidate.tree, cell) for cell in cells)
        self.spent = len(self._paid)
        return [Outcome(cell, self._draw(candidate, cell)) for cell in cells]

    def _draw(self, candidate: Candidate, cell: Cell) -> bool:
        ease = Random(f"{self._seed}:{cell.document_id}").choice(EASE)
        rate = accepted(*self._examples, ease, int(candidate.knobs["rounds"]))
        return Random(f"{self._seed}:{candidate.tree}:{cell}").random() < rate

    async def propose(self, brief: Brief) -> Proposal:
        """Move the knob anywhere."""
        rounds = Random(f"{self._seed}:edit:{brief.number}").randint(1, MOST_ROUNDS)
        name, tree = f"c{brief.number}", f"rounds-{rounds}-{brief.number}"
        candidate = Candidate(name, name, tree, brief.parent.id, {"rounds": rounds})
        return Proposal("knobs", candidate, edit=f"rounds {rounds}")

    def observe(self, iteration: Iteration) -> None:
        """Nothing is learnt: the stream is fixed."""

    def measured(
        self, candidate: Candidate, edits: tuple[int, ...], outcomes: Sequence[Outcome]
    ) -> None:
        """Nothing is learnt here either."""

    async def merge(self, name: str, edits: Sequence[Candidate]) -> Candidate | None:
        """Two values of one knob exclude each other."""
        if len(edits) > 1:
            return None
        made = edits[0] if edits else self.baseline
        return replace(made, id=name, commit=name, parent_id=self.baseline.id)

    async def tree(self, edits: Sequence[Candidate]) -> str | None:
        """Return the tree of the one that moves the knob; None where several do."""
        made = await self.merge("", edits)
        return made.tree if made else None

    def truth(self, candidate: Candidate) -> float:
        """Nothing that equal solvers accept is a good example."""
        return 0.0


@dataclass(frozen=True, slots=True)
class LuckyWorlds:
    """Makes the worlds of one preset; it can be sent to another process."""

    preset: str
    criteria: int

    def __call__(self, seed: int) -> LuckWorld:
        return LuckWorld(self.preset, self.criteria, seed)


LUCKY_WORLDS: dict[str, Landscape] = {
    name: Landscape(name, LuckyWorlds(preset, criteria))
    for name, preset, criteria in (
        ("luck", "deployed", 7),
        ("luck-coin", "majority", 1),
        ("paper-luck", "paper-deployed", 7),
        ("paper-luck-coin", "paper-majority", 1),
    )
}
"""`coin` is the worst example there is: right or wrong by the toss of a coin."""
