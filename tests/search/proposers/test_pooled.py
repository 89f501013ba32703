"""Proposals for the pool of a merging search: one knob, or texts; none of them twice."""

from collections.abc import Sequence
from random import Random

from autodata.harness.spec import load_files, with_edits, with_knobs
from autodata.search.base import Brief, Decision, Iteration, Proposal
from autodata.search.proposers.base import Edit, Parts
from autodata.search.proposers.kinds import (
    EditingProposer,
    KnobProposer,
    MixedProposer,
    TextProposer,
)
from autodata.types import Candidate, Cell, KnobValue, Outcome
from tests.search.proposers.test_kinds import C0, PAID, FakeStudy, MemoryWorkshop
from tests.support.harnesses import FILES, MANIFEST

PROMPT = "prompts/challenger.md"
SMALL = MANIFEST.partition("  share:")[0].replace("high: 10", "high: 4")
"""A manifest with the knob `rounds`, of four values."""


class FakeSets:
    """Suggests what it is given, in turn; the last one for ever."""

    def __init__(self, *values: KnobValue) -> None:
        self.values = list(values) or [7]
        self.told: list[tuple[str, tuple[int, ...], int]] = []
        self.asked = 0

    def move(self, name: str, seed: int) -> KnobValue:
        self.asked += 1
        return self.values[min(self.asked, len(self.values)) - 1]

    def measured(
        self, candidate: Candidate, edits: tuple[int, ...], outcomes: Sequence[Outcome]
    ) -> None:
        self.told.append((candidate.id, edits, len(outcomes)))


class Editor:
    """An implementer who adds a line, and keeps the briefs."""

    def __init__(self, *lines: str) -> None:
        self.lines = lines or ("Ask why.",)
        self.briefs: list[Brief] = []

    async def __call__(self, brief: Brief, measured: object, harness: object) -> Edit:
        line = self.lines[min(len(self.briefs), len(self.lines) - 1)]
        self.briefs.append(brief)
        base = load_files(FILES)
        return Edit(with_edits(base, {PROMPT: f"{FILES[PROMPT]}\n{line}\n"}), spend=PAID)


def proposer(
    made: type[EditingProposer],
    sets: FakeSets | None = None,
    edit: Editor | None = None,
    files: dict[str, str] | None = None,
) -> EditingProposer:
    workshop, base = MemoryWorkshop(), load_files(files or FILES)
    workshop.harnesses[base.tree] = base
    return made(Parts(base, workshop, FakeStudy(), edit or Editor(), 0, sets or FakeSets()))


def brief(number: int, *history: Iteration, group: tuple[int, ...] = (), base: str = "") -> Brief:
    parent = C0 if not base else Candidate("c0", "commit0", base, None, {"rounds": 4})
    return Brief(number, parent, [], history, Random(f"0:{number}"), group)


def entered(number: int, proposal: Proposal, decision: Decision = "undecided") -> Iteration:
    return Iteration(number, "c0", proposal, decision, "believed +.01 ± .05 after 8 episodes")


async def test_a_knob_edit_moves_one_knob_and_leaves_the_rest_alone() -> None:
    for number in range(1, 12):
        subject = proposer(KnobProposer, sets=None)
        found = await subject.propose(brief(number))
        assert found.kind == "knobs"
        if found.candidate is None:  # 7 is no value of three of the knobs
            assert "7" in found.refused
            continue
        assert found.candidate.knobs == {**C0.knobs, "rounds": 7}
        assert found.candidate.message == "Move rounds 4 -> 7"


async def test_no_value_of_a_knob_is_proposed_twice_and_then_none_is_left() -> None:
    files = {**FILES, "harness.yaml": SMALL, PROMPT: "Ask about {{document}}.\n"}
    base = load_files(files)
    subject = proposer(KnobProposer, FakeSets(2), files=files)
    found = [await subject.propose(brief(n, base=base.tree)) for n in range(1, 5)]
    values = [one.candidate.knobs["rounds"] for one in found if one.candidate]
    assert sorted(values, key=str) == [1, 2, 3]
    assert (found[3].candidate, found[3].refused) == (None, "no knob value is left to try")


async def test_what_others_in_the_pool_have_set_counts_as_tried() -> None:
    files = {**FILES, "harness.yaml": SMALL, PROMPT: "Ask about {{document}}.\n"}
    base = load_files(files)
    values = with_knobs(base, {"rounds": 2}).values
    past = entered(1, Proposal("llm", Candidate("e1", "x", "tree1", "c0", values)))
    for seed in range(5):
        subject = proposer(KnobProposer, FakeSets(2), files=files)
        found = await subject.propose(brief(seed + 2, past, base=base.tree))
        assert found.candidate is not None
        assert found.candidate.knobs["rounds"] in (1, 3)


async def test_knobs_and_texts_take_turns_and_texts_are_asked_for_as_a_group() -> None:
    edit = Editor("one", "two", "three")
    subject = proposer(MixedProposer, FakeSets(0.25, "long", False, 9), edit)
    found = [await subject.propose(brief(n, group=(1, 2, 3, 4, 5))) for n in range(1, 6)]
    assert [one.kind for one in found] == ["llm", "knobs", "llm", "knobs", "llm"]
    assert [one.number for one in edit.briefs] == [1, 3, 5]
    assert {one.group for one in edit.briefs} == {(1, 3, 5)}
    assert found[0].spend == PAID


async def test_where_no_knob_value_is_left_texts_are_edited_instead() -> None:
    manifest = SMALL.replace("low: 1", "low: 4")
    files = {**FILES, "harness.yaml": manifest, PROMPT: "Ask about {{document}}.\n"}
    base, edit = load_files(files), Editor()
    subject = proposer(MixedProposer, FakeSets(4), edit, files)
    found = await subject.propose(brief(2, group=(1, 2, 3), base=base.tree))
    assert found.kind == "llm"
    assert [one.group for one in edit.briefs] == [(2,)]


async def test_an_edit_that_the_pool_has_is_refused_by_name_and_one_that_was_tried() -> None:
    subject = proposer(TextProposer, edit=Editor("Ask why."))
    first = await subject.propose(brief(1))
    assert first.candidate is not None
    fates: list[tuple[Decision, str]] = [("undecided", "in the pool"), ("rejected", "tried")]
    for decision, words in fates:
        again = await subject.propose(brief(2, entered(1, first, decision)))
        assert again.refused == f"already {words} as {first.candidate.id}"
        assert again.spend == PAID
    other = proposer(TextProposer, edit=Editor("Ask how."))
    assert not (await other.propose(brief(2, entered(1, first)))).refused


async def test_a_knob_edit_is_not_written_anew_and_an_edit_of_texts_is() -> None:
    edit = Editor("Ask why, though.")
    subject = proposer(MixedProposer, edit=edit)
    knobs = entered(2, Proposal("knobs", Candidate("e2", "x", "t2", "c0", C0.knobs)))
    texts = entered(3, Proposal("llm", Candidate("e3", "x", "t3", "c0", C0.knobs), edit="+Why?"))
    for past, refused in ((knobs, True), (texts, False)):
        asked = Brief(4, C0, [], (knobs, texts), Random("0"), (4,), 1, past)
        found = await subject.propose(asked)
        assert (found.candidate is None) == refused
    assert [one.rewrite for one in edit.briefs] == [texts]
    assert (
        "one value"
        in (await subject.propose(Brief(5, C0, [], (), Random(), rewrite=knobs))).refused
    )


async def test_the_same_brief_comes_to_the_same_edit() -> None:
    twice = [
        [await subject.propose(brief(n)) for n in (1, 2, 3, 4)]
        for subject in (proposer(MixedProposer, FakeSets(0.25, 9)) for _ in range(2))
    ]
    assert twice[0] == twice[1]


def test_measured_sets_are_passed_to_the_study() -> None:
    sets = FakeSets()
    subject = proposer(KnobProposer, sets)
    subject.measured(C0, (1, 3), [Outcome(Cell("d", "validation", 1), True)])
    assert sets.told == [("c0", (1, 3), 1)]
