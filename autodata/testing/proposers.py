"""The contract of a proposer: what a search takes for granted of whoever makes candidates."""

from collections.abc import Mapping, Sequence
from random import Random

from autodata.concurrency import all_of
from autodata.config.schema import ROLES
from autodata.harness.knobs import Knob
from autodata.harness.spec import Harness, check_edit, load_files, with_edits
from autodata.search.base import Brief, Iteration, Prediction, Proposal
from autodata.search.proposers.base import Edit, Editing, HarnessProposer, Parts
from autodata.testing.contract import Contract, expect
from autodata.types import Candidate, Cell, KnobValue, Outcome, Spend

FILES = {
    "harness.yaml": (
        "name: contract\ndescription: none\nknobs:\n"
        "  rounds: {type: int, value: 4, low: 1, high: 9, help: rounds}\n"
        "  style: {type: choice, choices: [short, long], value: short, help: style}\n"
    ),
    "workflow.py": "def run(document, knobs, seed):\n    challenge()\n",
    "prompts/challenger.md": "Ask about {{document}}.\n",
}


class _Workshop:
    """Candidates without git."""

    def __init__(self, baseline: Harness) -> None:
        self.harnesses = {baseline.tree: baseline}

    async def load(self, candidate: Candidate) -> Harness:
        return self.harnesses[candidate.tree]

    async def make(
        self, number: int, parent: Candidate, harness: Harness, message: str
    ) -> Candidate:
        self.harnesses[harness.tree] = harness
        name = (f"c{number}", f"{number:040x}", harness.tree, parent.id)
        return Candidate(*name, harness.values, harness.prompt_chars, message)


class _Study:
    """Suggests knob values by the number of an iteration alone."""

    def __init__(self, knobs: Mapping[str, Knob]) -> None:
        self._knobs = knobs

    def suggest(self, number: int, kept: Mapping[str, KnobValue]) -> dict[str, KnobValue]:
        return {name: _drawn(knob, number) for name, knob in self._knobs.items()} | dict(kept)

    def tell(self, iteration: Iteration) -> None:
        """Nothing is learnt."""

    def move(self, name: str, seed: int) -> KnobValue:
        return _drawn(self._knobs[name], seed)

    def measured(
        self, candidate: Candidate, edits: tuple[int, ...], outcomes: Sequence[Outcome]
    ) -> None:
        """Nothing is learnt here either."""


def _drawn(knob: Knob, number: int) -> KnobValue:
    rng = Random(f"{knob.name}:{number}")
    if knob.low is None or knob.high is None:
        return rng.choice(knob.choices or (False, True))
    drawn = rng.uniform(knob.low, knob.high)
    return round(drawn) if knob.type == "int" else drawn


async def _edit(brief: Brief, measured: Harness, harness: Harness) -> Edit:
    """An implementer who adds a line."""
    text = harness.files["prompts/challenger.md"] + f"Mind point {brief.number}.\n"
    edited = with_edits(harness, {"prompts/challenger.md": text})
    bets = tuple(Prediction(outcome.cell.document_id, 0.5) for outcome in brief.minibatch)
    return Edit(edited, "an analysis", bets, f"point {brief.number}", Spend(calls=2))


class ProposerContract(Contract):
    """The rules; see `check_proposer`."""

    def __init__(self, made: type[HarnessProposer], baseline: Harness, edit: Editing) -> None:
        self._made = made
        self._baseline = baseline
        self._edit = edit
        self._parent = Candidate(
            "c0", "0" * 40, baseline.tree, None, baseline.values, baseline.prompt_chars
        )
        wanted = range(4) if made.wants_minibatch else range(0)
        self._minibatch = [Outcome(Cell(f"{n:016x}", "train", 200), n % 2 == 0) for n in wanted]

    def _new(self, merging: bool = False) -> tuple[HarnessProposer, _Workshop]:
        workshop, study = _Workshop(self._baseline), _Study(self._baseline.knobs)
        sets = study if merging else None
        return self._made(Parts(self._baseline, workshop, study, self._edit, 0, sets)), workshop

    async def _propose(self, proposer: HarnessProposer, number: int) -> Proposal:
        rng = Random(f"0:{number}")
        return await proposer.propose(Brief(number, self._parent, self._minibatch, (), rng))

    async def says_what_it_needs(self) -> None:
        """Its roles are known ones."""
        unknown = {*self._made.roles} - ROLES.keys()
        expect(not unknown, f"there are no roles {sorted(unknown)}")
        told = (self._made.wants_minibatch, self._made.moves_knobs)
        expect(all(isinstance(one, bool) for one in told), "wants_minibatch, moves_knobs: bools")

    async def proposes_a_child_or_says_why_not(self) -> None:
        """One that may be raced: made by the workshop, sound, and another one than its parent."""
        proposer, workshop = self._new()
        found = await self._propose(proposer, 1)
        expect(isinstance(found, Proposal), f"it gave {found!r:.80}")
        expect(bool(found.kind), "a proposal says its kind")
        if found.candidate is None:
            expect(bool(found.refused), "no candidate, and no reason")
            return
        made = found.candidate
        expect((made.id, made.parent_id) == ("c1", "c0"), f"it is {made.id} of {made.parent_id}")
        expect(made.tree in workshop.harnesses, "it was not made by parts.workshop")
        harness = workshop.harnesses[made.tree]
        expect(harness.fingerprint != self._baseline.fingerprint, "it says what its parent says")
        check_edit(self._baseline, harness)

    async def proposes_the_same_from_the_same(self) -> None:
        """A run that is resumed or replayed comes to the same candidates."""
        first, second = [await self._propose(self._new()[0], 1) for _ in range(2)]
        expect(first == second, f"it proposed {first!r:.200}, then {second!r:.200}")

    async def bears_to_be_asked_side_by_side(self) -> None:
        """Iterations are under way at the same time."""
        proposer, _ = self._new()
        found = await all_of([self._propose(proposer, number) for number in (1, 2, 3)])
        names = [one.candidate.id for one in found if one.candidate is not None]
        wanted = [f"c{n}" for n, one in enumerate(found, 1) if one.candidate is not None]
        expect(names == wanted, f"iterations 1, 2 and 3 proposed {names}")

    async def bears_every_decision(self) -> None:
        """It is told of each iteration, of those that it refused itself, too."""
        proposer, _ = self._new()
        for number, decision in enumerate(("admitted", "rejected", "refused"), 1):
            made = await self._propose(proposer, number)
            proposer.observe(Iteration(number, "c0", made, decision, "a reason"))  # type: ignore[arg-type]
        await self._propose(proposer, 4)

    async def proposes_edits_for_a_pool(self) -> None:
        """In a merging search its edits stay undecided for long, and sets of them are measured."""
        twice = []
        for _ in range(2):
            proposer, workshop = self._new(merging=True)
            history: list[Iteration] = []
            for number in (1, 2, 3):
                brief = Brief(
                    number,
                    self._parent,
                    self._minibatch,
                    tuple(history),
                    Random(f"0:{number}"),
                    (number,),
                    number,
                )
                found = await proposer.propose(brief)
                if found.candidate is not None:
                    check_edit(self._baseline, workshop.harnesses[found.candidate.tree])
                else:
                    expect(bool(found.refused), "no candidate, and no reason")
                history.append(Iteration(number, "c0", found, "undecided", "believed +.01"))
                outcomes = [Outcome(Cell("0" * 16, "validation", number), True)]
                proposer.measured(self._parent, (number,), outcomes)
            twice.append(history)
        expect(twice[0] == twice[1], f"it proposed {twice[0]!r:.200}, then {twice[1]!r:.200}")


def check_proposer(
    made: type[HarnessProposer], baseline: Harness | None = None, edit: Editing | None = None
) -> None:
    """Hold a proposer against its contract.

    `baseline` is the harness it is tried on, `edit` stands for analyzer and implementer; left out,
    there is a small one with two knobs, and an editor who adds a line.

    Raises:
        ContractBroken: names every rule that is broken.
    """
    contract = ProposerContract(made, baseline or load_files(FILES), edit or _edit)
    contract.hold(f"proposer {made.__name__}")
