"""Proposers: knob moves that build on the parent, text edits, and what is refused for nothing."""

import asyncio
from collections.abc import Mapping
from random import Random
from typing import Any

import pytest

from autodata.errors import ConfigurationError, EditFailed, HarnessError
from autodata.harness.spec import Harness, load_files, with_edits, with_knobs
from autodata.search.base import Brief, Iteration, Prediction, Proposal
from autodata.search.proposers.base import Edit, Editing, Parts
from autodata.search.proposers.kinds import (
    EditingProposer,
    KnobProposer,
    MixedProposer,
    TextProposer,
)
from autodata.types import Candidate, KnobValue, Spend
from tests.support.harnesses import FILES, MANIFEST

BASE = load_files(FILES)
C0 = Candidate("c0", "commit0", BASE.tree, None, BASE.values, BASE.prompt_chars)
PAID = Spend(calls=3, completion_tokens=40)


class FakeStudy:
    """Suggests what it is given, in turn; the last one for ever."""

    def __init__(self, *suggestions: Mapping[str, KnobValue]) -> None:
        self.suggestions = [dict(values) for values in suggestions] or [{}]
        self.asked: list[tuple[int, dict[str, KnobValue]]] = []
        self.told: list[int] = []

    def suggest(self, number: int, kept: Mapping[str, KnobValue]) -> dict[str, KnobValue]:
        self.asked.append((number, dict(kept)))
        turn = min(len(self.asked), len(self.suggestions)) - 1
        return {**BASE.values, **kept, **self.suggestions[turn]}

    def tell(self, iteration: Iteration) -> None:
        self.told.append(iteration.number)


class MemoryWorkshop:
    """Candidates without git."""

    def __init__(self) -> None:
        self.harnesses = {BASE.tree: BASE}
        self.made: list[Candidate] = []

    async def load(self, candidate: Candidate) -> Harness:
        return self.harnesses[candidate.tree]

    async def make(
        self, number: int, parent: Candidate, harness: Harness, message: str
    ) -> Candidate:
        self.harnesses[harness.tree] = harness
        made = Candidate(
            f"c{number}", f"commit{number}", harness.tree, parent.id, harness.values, 0, message
        )
        self.made.append(made)
        return made


def editor(text: str, failure: HarnessError | None = None) -> object:
    async def edit(brief: Brief, measured: Harness, harness: Harness) -> Edit:
        if failure:
            raise failure
        edited = with_edits(harness, {"prompts/challenger.md": text})
        return Edit(edited, "the analysis", (Prediction("d", 0.7),), "the summary", PAID)

    return edit


async def nobody(*_: object) -> Edit:
    raise AssertionError("nobody is asked for an edit")


def proposer(
    study: FakeStudy,
    edit: object = None,
    move_knobs: bool = True,
    max_prompt_chars: int = 0,
    workshop: MemoryWorkshop | None = None,
) -> EditingProposer:
    made = {(False, True): KnobProposer, (True, False): TextProposer, (True, True): MixedProposer}
    asked: Editing = edit or nobody  # type: ignore[assignment]
    parts = Parts(BASE, workshop or MemoryWorkshop(), study, asked, max_prompt_chars)
    return made[edit is not None, move_knobs](parts)


async def propose(subject: EditingProposer, number: int = 1, parent: Candidate = C0) -> Proposal:
    return await subject.propose(Brief(number, parent, [], [], Random(f"0:{number}")))


async def test_a_knob_move_is_a_candidate_that_says_what_moved() -> None:
    found = await propose(proposer(FakeStudy({"rounds": 7})))
    assert found.kind == "knobs"
    assert found.candidate is not None
    assert found.candidate.knobs == {**BASE.values, "rounds": 7}
    assert found.candidate.message == "Move rounds 4 -> 7"
    assert "+  rounds: {type: int, value: 7" in found.edit
    assert found.spend == Spend()


async def test_some_knobs_are_kept_from_the_parent_and_some_are_asked_for() -> None:
    parent = with_knobs(BASE, {"rounds": 9, "style": "long"})
    study, workshop = FakeStudy({"share": 0.25}), MemoryWorkshop()
    workshop.harnesses[parent.tree] = parent
    candidate = Candidate("c5", "x", parent.tree, "c0", parent.values)
    kept_names = set()
    for number in range(1, 20):
        subject = proposer(study, workshop=workshop)
        await propose(subject, number, candidate)
        kept = study.asked[-1][1]
        assert set(kept) < set(BASE.values)
        assert all(kept[name] == parent.values[name] for name in kept)
        kept_names.add(frozenset(kept))
    assert len(kept_names) > 3


async def test_the_same_generator_makes_the_same_proposal() -> None:
    twice = [await propose(proposer(FakeStudy({"rounds": 7}))) for _ in range(2)]
    assert twice[0] == twice[1]


async def test_a_setting_that_was_tried_is_drawn_again() -> None:
    study = FakeStudy({}, {"rounds": 5}, {"rounds": 5}, {"rounds": 6})
    subject = proposer(study)
    first, second = await propose(subject, 1), await propose(subject, 2)
    assert first.candidate is not None
    assert second.candidate is not None
    assert (first.candidate.knobs["rounds"], second.candidate.knobs["rounds"]) == (5, 6)


async def test_what_stays_tried_is_refused_and_names_by_whom() -> None:
    subject = proposer(FakeStudy({"rounds": 5}))
    await propose(subject, 1)
    again = await propose(subject, 2)
    assert (again.candidate, again.refused) == (None, "already tried as c1")
    unchanged = await propose(proposer(FakeStudy({})))
    assert unchanged.refused == "already tried as c0"


async def test_a_text_edit_carries_analysis_predictions_and_cost() -> None:
    study = FakeStudy()
    subject = proposer(study, editor("Ask harder about {{document}}."), move_knobs=False)
    found = await propose(subject)
    assert (found.kind, subject.wants_minibatch) == ("llm", True)
    assert (found.analysis, found.spend) == ("the analysis", PAID)
    assert found.predictions == (Prediction("d", 0.7),)
    assert found.candidate is not None
    message = "Implementer edits prompts/challenger.md: the summary"
    assert found.candidate.message == message
    assert found.candidate.knobs == BASE.values


async def test_knobs_and_text_can_move_in_one_candidate() -> None:
    subject = proposer(FakeStudy({"rounds": 7}), editor("Ask harder about {{document}}."))
    found = await propose(subject)
    assert found.kind == "mix"
    assert found.candidate is not None
    assert found.candidate.knobs["rounds"] == 7
    assert "prompts/challenger.md" in found.edit
    edited = "Implementer edits prompts/challenger.md: the summary"
    assert found.candidate.message == f"{edited}; study moves rounds 4 -> 7"


async def test_knobs_that_the_implementer_sets_are_told_from_those_that_the_study_moves() -> None:
    async def edit(*known: Any) -> Edit:
        edited = with_knobs(known[2], {"rounds": 9, "share": 0.1})
        return Edit(edited, summary="two\nlines \x1b[2J" + "x" * 1000, spend=PAID)

    found = await propose(proposer(FakeStudy({"rounds": 7, "style": "long"}), edit))
    assert found.candidate is not None
    theirs, ours = found.candidate.message.split("; study moves ")
    assert theirs.startswith("Implementer edits rounds 7 -> 9, share 0.5 -> 0.1: two lines [2Jxx")
    assert len(theirs) < 400
    assert ours == "style short -> long"


@pytest.mark.parametrize("move_knobs", [True, False])
async def test_an_edit_that_changes_nothing_but_layout_is_refused(move_knobs: bool) -> None:
    spaced = FILES["prompts/challenger.md"].replace(" ", "  ") + "\n\n"
    study = FakeStudy({"rounds": 7})
    found = await propose(proposer(study, editor(spaced), move_knobs=move_knobs))
    assert (found.candidate, found.refused) == (None, "the edit changes nothing")
    assert found.spend == PAID


async def test_decided_edits_are_remembered() -> None:
    study = FakeStudy()
    subject = proposer(study, editor("Ask harder about {{document}}."), move_knobs=False)
    found = await propose(subject, 1)
    subject.observe(Iteration(1, "c0", found, "rejected", "worse"))
    assert (await propose(subject, 2)).refused == "already tried as c1"
    assert study.told == [1]


async def test_prompts_have_a_longest_length() -> None:
    long = proposer(FakeStudy(), editor("x" * 200), move_knobs=False, max_prompt_chars=150)
    assert "characters, 150 allowed" in (await propose(long)).refused


async def test_an_edit_that_fails_is_a_refusal_that_was_paid_for() -> None:
    failing = proposer(FakeStudy(), editor("", EditFailed("no usable edit", PAID)))
    found = await propose(failing)
    assert (found.candidate, found.refused, found.spend) == (None, "no usable edit", PAID)


async def test_an_edit_outside_of_what_may_change_is_refused() -> None:
    async def edit(*_: object) -> Edit:
        wider = MANIFEST.replace("high: 10", "high: 99")
        return Edit(with_edits(BASE, {"harness.yaml": wider}), spend=PAID)

    found = await propose(proposer(FakeStudy(), edit))
    assert found.refused == "harness.yaml differs in more than knob values"
    assert found.spend == PAID


def test_nothing_to_move_is_said_before_the_search() -> None:
    bare = load_files(
        {**FILES, "harness.yaml": "name: bare\ndescription: none\nknobs: {}\n"}
        | {
            "prompts/challenger.md": "Ask about {{document}}.\n",
            "workflow.py": "def run(document, knobs, seed):\n    return\n",
        }
    )
    with pytest.raises(ConfigurationError, match="declares no knobs") as caught:
        KnobProposer(Parts(bare, MemoryWorkshop(), FakeStudy(), nobody))
    assert "proposer: llm" in caught.value.fix


async def test_what_is_decided_while_models_are_asked_changes_no_refusal() -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()
    plain: Any = editor("another text")

    async def slow(brief: Brief, *others: Any) -> Edit:
        if brief.number == 2:
            asked.set()
            await go_on.wait()
        edited: Edit = await plain(brief, *others)
        return edited

    subject = proposer(FakeStudy(), slow, move_knobs=False)
    first = await propose(subject, 1)
    second = asyncio.create_task(propose(subject, 2))
    await asked.wait()
    subject.observe(Iteration(1, "c0", first, "rejected", "worse"))
    go_on.set()
    assert (await second).refused == ""  # as where the first is decided later
    assert (await propose(subject, 3)).refused == "already tried as c1"
