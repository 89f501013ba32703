"""Every harness that is checked in loads, type-checks and runs at the ends of its ranges."""

from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from autodata.documents.splits import beginning
from autodata.errors import WorkflowFailed
from autodata.harness.knobs import Knob
from autodata.harness.merging import merged_text
from autodata.harness.prompts import PROMPTS
from autodata.harness.spec import Harness, check_edit, load_folder, with_knobs
from autodata.harness.workflow import Sandbox, StepFailed, WorkflowStop
from autodata.types import KnobValue

HARNESSES = Path(__file__).parents[2] / "harnesses"
FOLDERS = sorted(path.parent for path in HARNESSES.glob("*/harness.yaml"))
TEXT = (
    "Caching keeps what was asked for. The cache holds the answer until the memory is needed. "
    "When the memory is full the oldest answer leaves the cache. Nothing else leaves the memory. "
) * 5
FEEDBACK = "Too easy:\n- Why?\n\nRubric of the last of them: LINES\n\n> So.\n\nAsk anew."


class FakeHost:
    """Answers like a host whose solvers always fail; `bad` makes model replies unusable.

    `verdicts` are the verifier's, one after the other, then it passes all; `reason` is why an
    attempt of the weak solver failed.
    """

    def __init__(
        self,
        bad: bool = False,
        accepting: bool = False,
        verdicts: tuple[str, ...] = (),
        reason: str = "",
    ) -> None:
        self.bad = bad
        self.accepting = accepting
        self.verdicts = [*verdicts]
        self.reason = reason
        self.rubric = [{"criterion": "says why", "weight": 99, "category": "conclusion"}]
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def names(self) -> list[str]:
        """The names of all calls so far."""
        return [name for name, _ in self.calls]

    def given(self, call: str, argument: str) -> list[Any]:
        """What a host function was given for an argument, call by call."""
        return [arguments.get(argument) for name, arguments in self.calls if name == call]

    async def __call__(self, name: str, arguments: dict[str, Any]) -> Any:
        if self.accepting and self.given("attempt", "role")[-1:] == ["strong"]:
            raise WorkflowStop
        self.calls.append((name, arguments))
        if self.bad and name in ("challenge", "challenge_many", "run_agent"):
            raise StepFailed(f"{name}: the reply does not fit its schema")
        verdict = self.verdicts.pop(0) if name == "verify" and self.verdicts else "pass"
        finding = {"line": 1, "fault": "nobody asks for it"}
        failed = self.reason if arguments.get("role") == "weak" else ""
        example = {"question": "Why?", "answer": "So.", "context": "c", "rubric": self.rubric}
        return {
            "challenge": example,
            "challenge_many": [example for _ in arguments.get("angles", ())],
            "verify": {
                "passed": verdict == "pass",
                "verdict": verdict,
                "findings": [] if verdict == "pass" else [finding],
                "feedback": "Ask for it.",
            },
            "attempt": {
                "scores": [0.5],
                "mean": 0.5,
                "reason": failed,
                "accepted": self.accepting,
                "passed": not failed,
            },
            "run_agent": f"angle {len(self.calls)}\n\nNOTES: note {len(self.calls)}",
            "feedback": FEEDBACK,
            "recipe": f"brief {len(self.calls)}",
            "ask": f"text {len(self.calls)}\nPICKED: 2, 1\nAnswer: So.",
        }[name]


def end(knob: Knob, low: bool) -> KnobValue:
    if knob.type == "bool":
        return not low
    if knob.type == "choice":
        return knob.choices[0 if low else -1]
    number = knob.low if low else knob.high
    assert number is not None
    return int(number) if knob.type == "int" else number


@pytest.fixture
def research() -> Harness:
    return load_folder(HARNESSES / "cs-research")


def test_there_are_shipped_harnesses() -> None:
    assert {folder.name for folder in FOLDERS} >= {"lambada", "cs-research"}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
async def test_a_shipped_harness_works_at_both_ends_of_its_ranges(folder: Path) -> None:
    harness = load_folder(folder)
    assert harness.name == folder.name
    assert all(knob.help for knob in harness.knobs.values())
    async with Sandbox(workers=1) as sandbox:
        await sandbox.check(harness.workflow)
        for low in (True, False):
            moved = with_knobs(harness, {name: end(k, low) for name, k in harness.knobs.items()})
            check_edit(harness, moved)
            await sandbox.run(moved.workflow, TEXT, moved.values, 1, FakeHost())


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
async def test_the_longest_document_there_may_be_fits_the_sandbox(folder: Path) -> None:
    text = "".join(
        f"A bee sat on one {'abcdefghij'[n % 10]}{n % 7 * 'o'}x. " for n in range(50_000)
    )
    harness, host = load_folder(folder), FakeHost()
    widest = {name: end(knob, False) for name, knob in harness.knobs.items()}
    if folder.name == "lambada":  # where most is found
        widest |= {"shortest_word": 2, "occurrences": 0}
    async with Sandbox(workers=1) as sandbox:
        values = with_knobs(harness, widest).values
        await sandbox.run(harness.workflow, beginning(text), values, 1, host)
        assert "attempt" in host.names()
        if folder.name == "lambada":
            with pytest.raises(WorkflowFailed, match=r"too much memory|its state"):
                await sandbox.run(harness.workflow, text, values, 1, host)


async def run(harness: Harness, host: FakeHost) -> list[str]:
    async with Sandbox(workers=1) as sandbox:
        await sandbox.run(harness.workflow, TEXT, harness.values, 1, host)
    return host.names()


async def test_research_rounds_go_in_the_papers_order(research: Harness) -> None:
    names = await run(with_knobs(research, {"rounds": 2}), FakeHost())
    first = ["run_agent", "feedback", "challenge", "ask", "verify", "attempt", "attempt"]
    assert names == first + [name for name in first if name != "ask"]  # the same question


async def test_research_ends_when_a_question_is_accepted(research: Harness) -> None:
    assert (await run(research, FakeHost(accepting=True))).count("challenge") == 1


async def test_research_goes_on_after_unusable_replies(research: Harness) -> None:
    names = await run(with_knobs(research, {"rounds": 3}), FakeHost(bad=True))
    assert names == ["run_agent", "feedback", "challenge"] * 3


async def test_research_tells_the_agent_its_notes_and_the_angles_that_are_used_up(
    research: Harness,
) -> None:
    host = FakeHost()
    await run(with_knobs(research, {"rounds": 2}), host)
    first, second = host.given("run_agent", "task")
    assert "used up" not in first
    assert "notes" not in first
    assert second.endswith("used up:\n- angle 1")
    assert "Your notes on the paper, from earlier rounds:\nnote 1" in second
    assert host.given("challenge", "angle") == ["angle 1", "angle 8"]


async def test_research_mends_what_one_sentence_is_wrong_with(research: Harness) -> None:
    host = FakeHost(verdicts=("repair",))
    await run(with_knobs(research, {"rounds": 1}), host)
    first, second = host.given("challenge", "feedback")
    assert not first.startswith("REPAIR")
    assert second.startswith("REPAIR")
    for part in ("rubric line 1: nobody asks for it", "Ask for it.", '"question": "Why?"'):
        assert part in second
    assert host.names()[-2:] == ["attempt", "attempt"]
    assert host.names().count("ask") == 1, "the same question is not solved blind again"


async def test_research_gives_a_question_up_after_its_repairs(research: Harness) -> None:
    host = FakeHost(verdicts=("repair",) * 9)
    await run(with_knobs(research, {"rounds": 2, "repairs": 2}), host)
    orders = [asked.startswith("REPAIR") for asked in host.given("challenge", "feedback")]
    assert orders == [False, True, True] * 2


async def test_research_does_not_mend_what_takes_another_question(research: Harness) -> None:
    host = FakeHost(verdicts=("reject",))
    await run(with_knobs(research, {"rounds": 1}), host)
    assert host.names().count("challenge") == 1
    assert "attempt" not in host.names()


async def test_research_mends_a_rubric_of_which_a_weak_answer_earned_nothing(
    research: Harness,
) -> None:
    host = FakeHost(reason="a weak sample scored zero")
    await run(with_knobs(research, {"rounds": 1, "repairs": 1}), host)
    _, asked = host.given("challenge", "feedback")
    assert asked.startswith("REPAIR")
    assert "Rubric of the last of them: LINES\n\n> So.\n\nThe example:" in asked
    assert "Ask anew" not in asked
    too_easy = FakeHost(reason="weak mean too high")
    await run(with_knobs(research, {"rounds": 1, "repairs": 1}), too_easy)
    assert too_easy.names().count("challenge") == 1


async def test_research_shows_the_verifier_a_solution_that_saw_no_reference(
    research: Harness,
) -> None:
    host = FakeHost()
    await run(with_knobs(research, {"rounds": 1}), host)
    [(role, blind)] = zip(host.given("ask", "role"), host.given("ask", "prompt"), strict=True)
    assert role == "verifier"
    assert "<context>\nc\n</context>" in blind
    assert "<question>\nWhy?\n</question>" in blind
    assert "So." not in blind
    assert host.given("verify", "notes")[0].startswith("text 4")
    alone = FakeHost()
    await run(with_knobs(research, {"rounds": 1, "second_solution": False}), alone)
    assert "ask" not in alone.names()


def line(weight: int, category: str = "reason") -> dict[str, Any]:
    return {"criterion": f"{weight} {category}", "weight": weight, "category": category}


@pytest.mark.parametrize(
    ("rubric", "weights"),
    [
        ([line(99), line(2, "easy"), line(2, "easy"), line(-9)], [6, 2, 2, -1]),
        ([line(5), line(3, "easy"), line(4, "easy"), line(-9)], [5, 3, 4, -2]),
        ([line(5), line(3, "easy"), line(-1), line(-2)], [5, 3, -1, -1]),
        ([line(5), line(1, "easy"), line(-1)], [5, 1]),
        ([line(5), line(-1)], [5]),
    ],
)
async def test_negative_lines_of_research_cost_less_than_one_easy_line_earns(
    research: Harness, rubric: list[dict[str, Any]], weights: list[int]
) -> None:
    host = FakeHost()
    host.rubric = rubric
    await run(with_knobs(research, {"rounds": 1}), host)
    tried = host.given("attempt", "example")
    assert [kept["weight"] for kept in tried[0]["rubric"]] == weights


async def test_research_shortens_feedback_from_the_front(research: Harness) -> None:
    host = FakeHost()
    await run(with_knobs(research, {"feedback_chars": 12}), host)
    assert {*host.given("challenge", "feedback")} == {"Ask anew."}


def test_research_prompts_put_the_document_first(research: Harness) -> None:
    shared = {"document": "THE PAPER", "feedback": "F", "rules": "THE RULES"}
    written = research.prompt("challenger", **shared, angle="A")
    checked = research.prompt("verifier", document="THE PAPER", example="E", notes="N", rules="R")
    assert written.startswith("<paper>\nTHE PAPER\n</paper>")
    assert checked.startswith("<paper>\nTHE PAPER\n</paper>")
    planned = research.prompt("main", **shared)
    assert "{{" not in written + checked + planned
    assert "THE RULES" in written
    assert "THE RULES" in planned


def test_changes_of_any_two_rules_of_the_research_prompts_merge(research: Harness) -> None:
    for path in PROMPTS.values():
        text = research.files[path]
        rules = [line for line in text.splitlines() if len(line) > 40]
        assert len(rules) > 10
        for one, other in combinations(rules, 2):
            ours, theirs = text.replace(one, f"{one} At once."), text.replace(other, "- Not.")
            merged = merged_text(text, ours, theirs)
            assert merged == ours.replace(other, "- Not."), (one, other)


@pytest.fixture
def mathematics() -> Harness:
    return load_folder(HARNESSES / "math")


class Drafting(FakeHost):
    """Writes another draft for each angle, and picks as it is told."""

    def __init__(self, says: str) -> None:
        super().__init__()
        self.says = says

    async def __call__(self, name: str, arguments: dict[str, Any]) -> Any:
        found = await super().__call__(name, arguments)
        if name == "challenge_many":
            return [{**draft, "question": f"Q{n}"} for n, draft in enumerate(found, 1)]
        return self.says if name == "ask" else found

    def tried(self) -> list[str]:
        """The questions that the weak solver was asked."""
        return [a["example"]["question"] for n, a in self.calls if a.get("role") == "weak"]


@pytest.mark.parametrize(
    ("says", "questions"),
    [
        ("Draft 1 is wrong.\nPICKED: 3, 1, 3, 9", ["Q3", "Q1"]),
        ("PICKED: 2\nNo, on second thought:\nPICKED: 4", ["Q4"]),
        ("PICKED: none", []),
        ("I like them all.", ["Q1", "Q2"]),
    ],
)
async def test_math_tries_the_drafts_that_the_main_agent_picks(
    mathematics: Harness, says: str, questions: list[str]
) -> None:
    host = Drafting(says)
    await run(with_knobs(mathematics, {"rounds": 1}), host)
    assert host.tried() == questions


async def test_math_asks_for_an_angle_each_and_fills_up_with_its_own(mathematics: Harness) -> None:
    host = FakeHost()
    await run(with_knobs(mathematics, {"rounds": 2, "challengers": 5}), host)
    angles = [arguments["angles"] for name, arguments in host.calls if name == "challenge_many"]
    assert [len(batch) for batch in angles] == [5, 5]
    assert not {*angles[0]} & {*angles[1]}


async def test_math_goes_on_after_unusable_replies(mathematics: Harness) -> None:
    names = await run(with_knobs(mathematics, {"rounds": 2}), FakeHost(bad=True))
    assert names == ["run_agent", "feedback", "challenge_many"] * 2


async def test_the_label_of_cot_math_is_what_most_solutions_come_to() -> None:
    harness = load_folder(HARNESSES / "cot-math")
    host = FakeHost()
    assert (await run(harness, host))[:9] == ["challenge", *["ask"] * 8]
    example = next(arguments["example"] for name, arguments in host.calls if name == "attempt")
    assert (example["answer"], "rubric" in example) == ("So", False)
    unlabelled = Drafting("I cannot say.")
    assert "attempt" not in await run(harness, unlabelled)


class Planning(FakeHost):
    """A main agent that says one thing; the host ends an episode that is given up."""

    async def __call__(self, name: str, arguments: dict[str, Any]) -> Any:
        found = await super().__call__(name, arguments) if name != "unsuitable" else None
        if name == "unsuitable":
            self.calls.append((name, arguments))
            raise WorkflowStop
        return "UNSUITABLE: it is a cookery book" if name == "run_agent" else found


async def test_math_gives_up_a_document_without_mathematics(mathematics: Harness) -> None:
    host = Planning()
    assert await run(mathematics, host) == ["run_agent", "unsuitable"]
    assert host.calls[-1][1] == {"reason": "it is a cookery book"}
