"""cs-pipeline: the workflow reads the paper, plans in one call, and checks with a passage."""

from pathlib import Path

import pytest

from autodata.harness.spec import Harness, load_folder, with_knobs
from autodata.harness.workflow import Sandbox
from tests.harness.test_shipped import HARNESSES, FakeHost

CORPUS = Path("/work/shared/corpora/cs-papers")
DULL = "The samples were taken and stored. The tables list all of them in order. " * 30
KEEN = (
    "Instead of a queue we use a stack, because a queue holds every block; however, this limits "
    "what can be overlapped, although in practice that is rarely due to the order. "
) * 9
PAPER = "\n\n".join(["# A paper", DULL, "## Design", KEEN, "## Data", DULL, "## More", DULL])


class Planning(FakeHost):
    """A host whose main model plans as told."""

    def __init__(self, plan: str, reason: str = "") -> None:
        super().__init__(reason=reason)
        self.plan = plan

    async def __call__(self, name: str, arguments: dict[str, object]) -> object:
        answer = await super().__call__(name, arguments)
        return self.plan if name == "ask" and arguments["role"] == "main" else answer


@pytest.fixture
def pipeline() -> Harness:
    return load_folder(HARNESSES / "cs-pipeline")


async def run(harness: Harness, host: FakeHost, text: str = PAPER) -> FakeHost:
    async with Sandbox(workers=1) as sandbox:
        await sandbox.run(harness.workflow, text, harness.values, 1, host)
    return host


async def test_it_asks_no_agent_and_plans_several_rounds_in_one_call(pipeline: Harness) -> None:
    plan = "**ANGLE 1**\nPASSAGE: 2\nINSIGHT: one\n\nANGLE\nPASSAGE: 1\nINSIGHT: two"
    host = await run(with_knobs(pipeline, {"rounds": 3}), Planning(plan))
    once = ["feedback", "challenge", "verify", "attempt", "attempt"]
    assert host.names() == ["ask", *once, *once, "feedback", "ask", *once]
    first, second, third = host.given("challenge", "angle")
    assert "INSIGHT: one" in first
    assert "INSIGHT: two" in second
    assert "INSIGHT: one" in third  # planned anew
    again = host.given("ask", "prompt")[1]
    assert "Used up:\n- PASSAGE: 2 INSIGHT: one\n- PASSAGE: 1 INSIGHT: two" in again
    assert "Too easy" in again


async def test_passages_that_argue_come_first(pipeline: Harness) -> None:
    host = await run(
        with_knobs(pipeline, {"rounds": 1, "passages": 1}), Planning("ANGLE\nPASSAGE: 1")
    )
    [prompt], [angle], [notes] = (
        host.given("ask", "prompt"),
        host.given("challenge", "angle"),
        host.given("verify", "notes"),
    )
    for shown in (prompt, angle, notes):
        assert "Instead of a queue" in shown
        assert "The samples were taken" not in shown


@pytest.mark.parametrize("plan", ["I cannot say.", "ANGLE\nPASSAGE: 9", "ANGLE\nno number", ""])
async def test_a_plan_of_no_use_costs_no_round(pipeline: Harness, plan: str) -> None:
    host = await run(with_knobs(pipeline, {"rounds": 2}), Planning(plan))
    assert host.names().count("challenge") == 2


async def test_without_a_plan_nobody_is_asked_and_lenses_take_turns(pipeline: Harness) -> None:
    host = await run(with_knobs(pipeline, {"rounds": 3, "plan": False}), Planning("ANGLE"))
    assert "ask" not in host.names()
    lenses = [angle.partition("\n")[0] for angle in host.given("challenge", "angle")]
    assert len({*lenses}) == 3


async def test_it_mends_and_pays_for_no_fault(pipeline: Harness) -> None:
    host = Planning("ANGLE\nPASSAGE: 1", reason="a weak sample scored zero")
    host.rubric.append({"criterion": "claims it is free", "weight": -5, "category": "error"})
    await run(with_knobs(pipeline, {"rounds": 1, "repairs": 1, "weight_cap": 4}), host)
    assert [asked[:6] for asked in host.given("challenge", "feedback")][1] == "REPAIR"
    tried = host.given("attempt", "example")
    assert [[line["weight"] for line in each["rubric"]] for each in tried] == [[4], [4]]


async def test_no_prompt_of_it_holds_the_paper(pipeline: Harness) -> None:
    assert not any("{{document}}" in text for text in pipeline.files.values())


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpora are not here")
async def test_papers_are_cut_at_their_headings_and_nothing_is_lost(pipeline: Harness) -> None:
    text = (
        CORPUS / "dask-parallel-computation-with-blocked-algorithms-and-task-scheduling.md"
    ).read_text()
    everything = with_knobs(pipeline, {"rounds": 1, "passages": 8, "passage_chars": 9000})
    host = await run(everything, Planning("ANGLE\nPASSAGE: 1"), text)
    _, *passages = host.given("ask", "prompt")[0].split("\n\nPASSAGE ")
    bodies = [passage.partition("\n")[2] for passage in passages]
    assert all(len(body) <= 9000 for body in bodies)
    assert "".join("".join(bodies).split()) == "".join(text.split())
    assert sum(body.startswith("#") for body in bodies) >= len(bodies) - 2
